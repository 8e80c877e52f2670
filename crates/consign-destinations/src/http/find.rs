//! The one list of a name: looked for, and made where there is none.

use std::future::Future;
use std::time::Duration;

use crate::client::{ClientError, FoundList, WantedList};

use super::{Effect, Failure, Platform, Protocol};

/// How often a list that may have been made is looked for before it is given up.
const LOOKS: u32 = 4;

impl<P: Protocol> Platform<P> {
    /// The list of the id, else the one that `find` has of the name, else a new one of `create`. A creation that may
    /// have had its effect is followed by another look, so that it is not made twice. `noun` has its article.
    pub(crate) async fn find_or_create<Found, Created>(
        &self,
        wanted: &WantedList,
        noun: &str,
        find: impl Fn() -> Found + Send,
        create: impl Fn() -> Created + Send,
    ) -> Result<FoundList, ClientError>
    where
        Found: Future<Output = Result<Option<String>, ClientError>> + Send,
        Created: Future<Output = Result<String, Failure>> + Send,
    {
        if let Some(id) = &wanted.id {
            return Ok(FoundList { id: id.clone(), created: false });
        }
        let mut created = false;
        for look in 1.. {
            if let Some(id) = find().await? {
                return Ok(FoundList { id, created });
            }
            match create().await {
                Ok(id) => return Ok(FoundList { id, created: true }),
                Err(failure) if failure.effect == Effect::Unknown && look < LOOKS => {
                    created = true;
                    self.sleep(Duration::from_secs(1 << look)).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(self.senseless(noun))
    }
}
