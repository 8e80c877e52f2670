//! Sessions of browsers: a cookie with a random id, of which the store keeps the hash.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use consign_store::{StoreError, User};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

use crate::access::Caller;
use crate::app::{App, Memory};
use crate::password::secret_hash;
use crate::refusal::{Answer, Refusal};

/// The name of the cookie.
pub(crate) const COOKIE: &str = "consign";
/// How long somebody stays logged in: a working day.
const LASTS: Duration = Duration::hours(12);
/// What a session holds: who it is of.
const CALLER: &str = "caller";

/// What finds the session of each request. The cookie is of this site's own pages alone, and where they come by TLS it
/// never goes without.
pub(crate) fn layer(app: &App) -> SessionManagerLayer<Kept> {
    SessionManagerLayer::new(Kept(Arc::clone(&app.store)))
        .with_name(COOKIE)
        .with_same_site(SameSite::Strict)
        .with_secure(app.url.as_ref().is_some_and(|url| url.scheme() == "https"))
        .with_expiry(Expiry::OnInactivity(LASTS))
}

/// Whose session it is.
pub(crate) async fn caller(session: &Session) -> Answer<Option<Caller>> {
    session.get(CALLER).await.map_err(|error| failed(&error))
}

/// Logs somebody in: with an id that nobody knew before.
pub(crate) async fn begin(session: &Session, user: User) -> Answer<()> {
    session.insert(CALLER, Caller::from(user)).await.map_err(|error| failed(&error))?;
    session.cycle_id().await.map_err(|error| failed(&error))
}

/// Logs somebody out.
pub(crate) async fn end(session: &Session) -> Answer<()> {
    session.flush().await.map_err(|error| failed(&error))
}

fn failed(error: &tower_sessions::session::Error) -> Refusal {
    tracing::error!(%error, "a session failed");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the session cannot be read or kept now: try again").after(1)
}

/// Sessions in the store. Who somebody is and what they may is read anew with each request.
#[derive(Clone)]
pub(crate) struct Kept(Arc<dyn Memory>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

#[async_trait]
impl SessionStore for Kept {
    async fn save(&self, record: &Record) -> Result<()> {
        let of = record.data.get(CALLER).ok_or_else(|| Error::Encode("it is of nobody".to_owned()))?;
        let caller: Caller = serde_json::from_value(of.clone()).map_err(|error| Error::Encode(error.to_string()))?;
        let until = DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or_else(Utc::now);
        self.0.put_session(&hashed(&record.id), &caller.id, until).await.map_err(|error| backend(&error))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some((user, until)) = self.0.session(&hashed(id)).await.map_err(|error| backend(&error))? else {
            return Ok(None);
        };
        let caller = serde_json::to_value(Caller::from(user)).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(until.timestamp());
        let expiry_date = expiry_date.map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: [(CALLER.to_owned(), caller)].into(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.end_session(&hashed(id)).await.map_err(|error| backend(&error))
    }
}

fn hashed(id: &Id) -> String {
    secret_hash(&id.to_string())
}

fn backend(error: &StoreError) -> Error {
    Error::Backend(error.to_string())
}
