//! What somebody is to be told: an outbox, so that what is to be told is told though a process dies or a receiver is down.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use consign_model::id::Slug;

use crate::error::StoreError;
use crate::record::{Occurrence, Run};

/// What somebody is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced<'a> {
    /// A run that is finished. One that is retried is finished anew.
    End(&'a Run),
    /// A time of a schedule of which something became.
    Time(&'a Occurrence),
}

/// Something to tell to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// Unique: by it a receiver knows what it was told before.
    pub id: String,
    /// Who is told: the notification's id in the definitions.
    pub notification: Slug,
    /// What is told. No personal data, no secrets.
    pub body: String,
}

/// Something to tell to somebody who has not accepted it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// Who is told.
    pub notification: Slug,
    /// The run that it is about.
    pub run: String,
    /// What is told.
    pub body: String,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// When to try next.
    pub due: DateTime<Utc>,
    /// How often somebody began to tell it.
    pub attempts: u32,
}

/// What became of telling it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The receiver took it.
    Accepted,
    /// It did not, for that reason: again then.
    Again(DateTime<Utc>, String),
    /// It did not, for that reason, and is not asked again. The audit log says so.
    GivenUp(String),
}

/// The outbox of a store.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The finished runs of whose end it was not decided who is told, the oldest first.
    async fn unannounced_ends(&self) -> Result<Vec<Run>, StoreError>;

    /// The times of schedules that were late, missed, skipped or failed, and of which it was not decided who is told.
    async fn unannounced_times(&self) -> Result<Vec<Occurrence>, StoreError>;

    /// Notes that it is decided who is told, and puts what they are told into the outbox: both or nothing. `false` where
    /// somebody else has decided it meanwhile.
    async fn announce(&self, what: Announced<'_>, notices: &[NewNotice]) -> Result<bool, StoreError>;

    /// What is to be told by then, the oldest first.
    async fn due_notices(&self, by: DateTime<Utc>) -> Result<Vec<Notice>, StoreError>;

    /// Takes on the telling of it until that time, after which others may. `false` where another process has done so.
    async fn take_notice(&self, notice: &Notice, until: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Deletes what was accepted or given up and was decided by then; how many.
    async fn delete_told(&self, decided_by: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Notes what became of telling it.
    async fn settle_notice(&self, notice: &Notice, told: &Told) -> Result<(), StoreError>;
}
