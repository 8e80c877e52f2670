//! Notifications: who is told how runs end, and what became of telling them.
//!
//! What is to be told is put into the store's outbox by whoever ends a run, else by the next that looks; from there it
//! is told until the receiver accepts it. So it is told though a process dies or a receiver is down, at least once; a
//! notice's id tells a receiver what it was told before.

mod letter;
mod message;

use chrono::{DateTime, TimeDelta, Utc};
use consign_destinations::client::ClientError;
use consign_destinations::http::Http;
use consign_destinations::mail::{self, Letter};
use consign_destinations::webhook;
use consign_model::definition::{Definitions, Notification, Occasion};
use consign_secrets::{SecretError, Secrets};
use consign_store::{Announced, NewNotice, Notice, Occurrence, Outbox, Run, RunMode, Store, StoreError, Told};

use self::message::Message;

/// How long one process has for telling one thing, after which another may.
const TURN: TimeDelta = TimeDelta::minutes(2);
/// The first wait for a receiver that does not accept; each next one is twice as long.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
/// No wait is longer.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
/// After so long it is given up.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// Somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The receiver, or the mail server, did not take it.
    #[error(transparent)]
    Receiver(#[from] ClientError),
    /// The definitions do not have the notification any more.
    #[error("the definitions have no such notification any more")]
    Gone,
    /// It cannot be written as JSON, or read as that.
    #[error("the message cannot be written")]
    Message(#[from] serde_json::Error),
}

/// What became of a test of a notification.
#[derive(Debug)]
pub struct Tested<'a> {
    /// Who was told.
    pub notification: &'a Notification,
    /// Why not, where they were not.
    pub problem: Option<NotifyError>,
}

/// Tells what is to be told.
pub struct Notifier<'a> {
    /// The current definitions: they say who is told.
    pub definitions: &'a Definitions,
    /// The secrets that they name.
    pub secrets: &'a Secrets,
    /// Has the connections, and little patience: what is not accepted soon is tried again later.
    pub http: &'a Http,
}

impl Notifier<'_> {
    /// Decides of what has ended who is told, and tells what is due by now. What is not accepted is in the answer, each
    /// with its reason, and is tried again later.
    pub async fn notify<S: Store + Outbox>(
        &self,
        store: &S,
        now: DateTime<Utc>,
    ) -> Result<Vec<(Notice, NotifyError)>, StoreError> {
        for run in store.unannounced_ends().await? {
            self.announce_end(store, &run).await?;
        }
        for occurrence in store.unannounced_times().await? {
            self.announce_time(store, &occurrence).await?;
        }
        let mut refused = Vec::new();
        for mut notice in store.due_notices(now).await? {
            if !store.take_notice(&notice, now + TURN).await? {
                continue;
            }
            notice.attempts += 1;
            let told = self.tell(&notice).await;
            store.settle_notice(&notice, &settled(&notice, told.as_ref().err(), now)).await?;
            refused.extend(told.err().map(|error| (notice, error)));
        }
        Ok(refused)
    }

    /// Tells all who are to be told of anything that this is a test.
    pub async fn test(&self, now: DateTime<Utc>) -> Vec<Tested<'_>> {
        let mut tested = Vec::new();
        for notification in self.notifications() {
            let told = match written(&message::test(now)) {
                Ok((id, body)) => self.send(notification, &id, body).await,
                Err(error) => Err(error),
            };
            tested.push(Tested { notification, problem: told.err() });
        }
        tested
    }

    fn notifications(&self) -> &[Notification] {
        self.definitions.workspace.as_ref().map_or(&[], |workspace| &workspace.notifications)
    }

    async fn announce_end<S: Store + Outbox>(&self, store: &S, run: &Run) -> Result<(), StoreError> {
        let mut notices = Vec::new();
        if let Some(occasion) = message::occasion_of(run).filter(|occasion| self.is_told(*occasion)) {
            let deliveries = store.deliveries(&run.id).await?;
            notices = self.notices(occasion, &message::of_run(run, occasion, &deliveries));
        }
        store.announce(Announced::End(run), &notices).await?;
        Ok(())
    }

    async fn announce_time<S: Store + Outbox>(&self, store: &S, occurrence: &Occurrence) -> Result<(), StoreError> {
        let mut notices = Vec::new();
        let occasion = message::occasion_of_time(occurrence);
        if self.is_told(occasion) {
            let ran = match store.run(&occurrence.run).await {
                Ok(run) => Some(run),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            };
            let rehearsal = ran.is_some_and(|run| run.mode == RunMode::Rehearsal);
            notices = self.notices(occasion, &message::of_time(occurrence, occasion, rehearsal));
        }
        store.announce(Announced::Time(occurrence), &notices).await?;
        Ok(())
    }

    fn is_told(&self, occasion: Occasion) -> bool {
        self.notifications().iter().any(|one| one.on().contains(&occasion))
    }

    /// The same message to each who is told of the occasion.
    fn notices(&self, occasion: Occasion, message: &Message<'_>) -> Vec<NewNotice> {
        let told = self.notifications().iter().filter(|one| one.on().contains(&occasion));
        let notice = |one: &Notification| {
            let (id, body) = written(message).ok()?;
            Some(NewNotice { id, notification: one.id().clone(), body })
        };
        told.filter_map(notice).collect()
    }

    async fn tell(&self, notice: &Notice) -> Result<(), NotifyError> {
        let notification = self.notifications().iter().find(|one| *one.id() == notice.notification);
        let notification = notification.ok_or(NotifyError::Gone)?;
        self.send(notification, &notice.id, notice.body.clone()).await
    }

    async fn send(&self, notification: &Notification, id: &str, body: String) -> Result<(), NotifyError> {
        match notification {
            Notification::Webhook(told) => {
                let secret = self.secrets.resolve(&told.webhook.secret)?;
                Ok(webhook::post(self.http, &told.webhook.url, &secret, id, body).await?)
            }
            Notification::Email(told) => {
                let login = told.email.login.as_ref();
                let password = login.map(|login| self.secrets.resolve(&login.password)).transpose()?;
                let (subject, text) = letter::written(&serde_json::from_str(&body)?);
                let letter = Letter { id: id.to_owned(), subject, text };
                Ok(mail::send(&told.email, password.as_ref(), &letter).await?)
            }
        }
    }
}

/// A new id, and the message with it as JSON.
fn written(message: &Message<'_>) -> Result<(String, String), NotifyError> {
    Ok((uuid::Uuid::now_v7().to_string(), serde_json::to_string(message)?))
}

/// What becomes of a notice that was told now, or was not for that reason.
fn settled(notice: &Notice, error: Option<&NotifyError>, now: DateTime<Utc>) -> Told {
    match error {
        None => Told::Accepted,
        Some(error @ NotifyError::Gone) => Told::GivenUp(error.to_string()),
        Some(error) if now - notice.created_at >= PATIENCE => Told::GivenUp(error.to_string()),
        Some(error) => Told::Again(now + wait(notice.attempts), error.to_string()),
    }
}

/// The wait after so many attempts.
fn wait(attempts: u32) -> TimeDelta {
    let doublings = attempts.saturating_sub(1).min(10);
    (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_an_hour() {
        let waits: Vec<_> = [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(|attempts| wait(attempts).num_minutes()).into();
        assert_eq!(waits, [1, 1, 2, 4, 32, 60, 60, 60]);
    }
}
