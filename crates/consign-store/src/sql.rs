//! The store in a file of `SQLite` or a database of Postgres. Each query is written once: the schema has whole numbers and
//! text alone, and both databases take `$1`. What differs (opening, migrating, the lock of a transaction that writes) is
//! in `open`.

mod accounts;
mod audit;
mod calls;
mod copy;
mod credentials;
mod data_folder;
mod definitions;
mod deliveries;
mod drafts;
mod forgotten;
mod leases;
mod lists;
mod notices;
mod occurrences;
mod patience;
mod runs;
mod spent;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use consign_model::definition::Definitions;
use consign_model::forgotten::KeyHash;
use consign_model::id::Slug;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use crate::Store;
use crate::error::StoreError;
use crate::lease::{HeldLease, LEASE_TERM, Lease, LeaseOn, LeaseOwner, Taking};
use crate::location::Location;
use crate::open;
use crate::record::{
    Applied, AudienceCounts, AuditEntry, AuditFilter, Credential, Delivery, DeliveryChange, DeliveryCounts, Event,
    Forgetting, NewDelivery, NewOccurrence, NewRun, Occurrence, OccurrenceState, RememberedList, Resealed, Run,
    ScheduleBegun, StoredDefinitions, StoredFolder, Tombstone,
};
use crate::state::RunState;

use patience::{change, look};
use spent::Spent;

pub use copy::restore;

/// The store in a file or a database.
#[derive(Debug, Clone)]
pub struct SqlStore {
    pool: AnyPool,
    location: Location,
    /// How long leases hold.
    term: Duration,
    /// The lease under which everything is changed.
    lease: Option<Lease>,
    spent: Spent,
}

impl SqlStore {
    /// Opens the store there; makes it where it is missing, and a file's folder for its owner alone. One that is damaged,
    /// no store, or of a later program is refused and left as it is.
    pub async fn open(location: impl Into<Location>) -> Result<Self, StoreError> {
        let location = location.into();
        let pool = open::open(&location).await?;
        Ok(Self { pool, location, term: LEASE_TERM, lease: None, spent: Spent::default() })
    }

    /// The same, whose leases hold for so long.
    #[must_use]
    pub fn with_lease_term(self, term: Duration) -> Self {
        Self { term, ..self }
    }

    /// Closes it. Without this nothing is lost; with it, everything is in the one file.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// How long its callers have been in it, all together: waiting, asking, and until what they wrote was on disk.
    pub fn spent(&self) -> Duration {
        self.spent.total()
    }

    /// A transaction that writes. It locks at once, so that what it reads stays true until it commits.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let (begin, lock) = open::writing(&self.location);
        let mut transaction = self.pool.begin_with(begin).await.map_err(|error| self.error(error))?;
        if let Some(lock) = lock {
            sqlx::query(lock).execute(&mut *transaction).await.map_err(|error| self.error(error))?;
        }
        if let Some(lease) = &self.lease {
            leases::check(&mut transaction, lease).await.map_err(|fault| self.error(fault))?;
        }
        Ok(transaction)
    }

    /// Now, by the clock that all who share the store go by.
    async fn clock(&self, connection: &mut AnyConnection) -> Result<i64, Fault> {
        match open::clock(&self.location) {
            Some(select) => Ok(sqlx::query_scalar(select).fetch_one(connection).await?),
            None => Ok(Utc::now().timestamp_micros()),
        }
    }

    fn error(&self, fault: impl Into<Fault>) -> StoreError {
        match fault.into() {
            Fault::Sql(error) => StoreError::of(&self.location, &error),
            Fault::Unreadable(what) => StoreError::unreadable(&self.location, what),
            Fault::Refused(error) => error,
        }
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn take_lease(&self, on: &LeaseOn, owner: &LeaseOwner, gone: Option<u64>) -> Result<Taking, StoreError> {
        change!(self, connection => async {
            let now = self.clock(connection).await?;
            leases::take(connection, on, owner, gone, (now, self.term)).await
        })
    }

    async fn renew_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        change!(self, connection => async {
            let now = self.clock(connection).await?;
            leases::hold_until(connection, lease, leases::end(now, self.term)).await
        })
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        change!(self, connection => leases::hold_until(connection, lease, 0))
    }

    async fn held_lease(&self, on: &LeaseOn) -> Result<Option<HeldLease>, StoreError> {
        look!(self, connection => async {
            let now = self.clock(connection).await?;
            leases::held(connection, on, now).await
        })
    }

    fn under(&self, lease: &Lease) -> Arc<dyn Store> {
        Arc::new(Self { lease: Some(lease.clone()), ..self.clone() })
    }

    async fn data_folder(&self) -> Result<Option<StoredFolder>, StoreError> {
        look!(self, connection => data_folder::of_store(connection))
    }

    async fn claim_data_folder(&self, folder: &StoredFolder) -> Result<StoredFolder, StoreError> {
        change!(self, connection => data_folder::claim(connection, folder))
    }

    async fn apply(&self, definitions: &Definitions, folder: &str, author: &str) -> Result<Applied, StoreError> {
        change!(self, connection => async {
            let applied = definitions::apply(connection, definitions, folder, author).await?;
            if applied.changed {
                let version = format!("version {}", applied.version);
                audit::append(connection, author, "apply", &version, folder).await?;
            }
            Ok::<_, Fault>(applied)
        })
    }

    async fn current(&self) -> Result<Option<StoredDefinitions>, StoreError> {
        look!(self, connection => definitions::current(connection))
    }

    async fn current_version(&self) -> Result<Option<u64>, StoreError> {
        look!(self, connection => definitions::current_version(connection))
    }

    async fn definitions(&self, version: u64) -> Result<StoredDefinitions, StoreError> {
        look!(self, connection => definitions::of_version(connection, version))
    }

    async fn campaign_version(&self, campaign: &Slug) -> Result<Option<u64>, StoreError> {
        let newest = look!(self, connection => definitions::campaign_version(connection, campaign))?;
        Ok(newest.map(|(version, _)| version))
    }

    async fn create_run(&self, run: &NewRun) -> Result<Run, StoreError> {
        change!(self, connection => runs::create(connection, run))
    }

    async fn move_run(&self, run: &str, to: RunState, error: Option<&str>) -> Result<Run, StoreError> {
        change!(self, connection => runs::transition(connection, run, to, error))
    }

    async fn set_audience(&self, run: &str, counts: &AudienceCounts) -> Result<(), StoreError> {
        change!(self, connection => runs::set_audience(connection, run, counts))
    }

    async fn run(&self, run: &str) -> Result<Run, StoreError> {
        look!(self, connection => runs::one(connection, run))
    }

    async fn runs(&self, campaign: Option<&Slug>, limit: u32) -> Result<Vec<Run>, StoreError> {
        look!(self, connection => runs::newest(connection, campaign, limit))
    }

    async fn unfinished_runs(&self) -> Result<Vec<Run>, StoreError> {
        look!(self, connection => runs::unfinished(connection))
    }

    async fn create_deliveries(&self, run: &str, new: &[NewDelivery]) -> Result<(), StoreError> {
        change!(self, connection => deliveries::create(connection, run, new))
    }

    async fn move_delivery(&self, delivery: &str, change: &DeliveryChange) -> Result<Delivery, StoreError> {
        change!(self, connection => deliveries::transition(connection, delivery, change))
    }

    async fn count_delivery(
        &self,
        delivery: &str,
        counts: &DeliveryCounts,
        what: Option<&str>,
    ) -> Result<(), StoreError> {
        change!(self, connection => deliveries::set_counts(connection, delivery, counts, what))
    }

    async fn submitted_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        look!(self, connection => deliveries::submitted(connection))
    }

    async fn deliveries(&self, run: &str) -> Result<Vec<Delivery>, StoreError> {
        look!(self, connection => async {
            runs::one(connection, run).await?;
            deliveries::of_run(connection, run).await
        })
    }

    async fn set_wait(
        &self,
        delivery: &str,
        destination: &str,
        until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        change!(self, connection => waits::set(connection, delivery, destination, until))
    }

    async fn wait(&self, destination: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        look!(self, connection => waits::longest(connection, destination))
    }

    async fn remembered_list(
        &self,
        destination: &str,
        campaign: &Slug,
        group: &Slug,
    ) -> Result<Option<String>, StoreError> {
        look!(self, connection => lists::remembered(connection, destination, campaign, group))
    }

    async fn remembered_lists(&self) -> Result<Vec<RememberedList>, StoreError> {
        look!(self, connection => lists::all(connection))
    }

    async fn remember_list(
        &self,
        destination: &str,
        campaign: &Slug,
        group: &Slug,
        list_id: &str,
    ) -> Result<(), StoreError> {
        change!(self, connection => lists::remember(connection, destination, campaign, group, list_id))
    }

    async fn runs_with_staged_data(&self, finished_by: DateTime<Utc>) -> Result<Vec<Run>, StoreError> {
        look!(self, connection => runs::with_staged_data(connection, finished_by))
    }

    async fn note_staged_deleted(&self, run: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        change!(self, connection => runs::note_staged_deleted(connection, run, at))
    }

    async fn schedule_begun(&self, campaign: &Slug) -> Result<Option<ScheduleBegun>, StoreError> {
        look!(self, connection => occurrences::schedule_begun(connection, campaign))
    }

    async fn claim(&self, occurrence: &NewOccurrence) -> Result<bool, StoreError> {
        change!(self, connection => occurrences::claim(connection, occurrence))
    }

    async fn claim_again(&self, run: &str, at: DateTime<Utc>, late: bool) -> Result<(), StoreError> {
        change!(self, connection => occurrences::claim_again(connection, run, at, late))
    }

    async fn settle_claimed(&self, run: &str, state: OccurrenceState, reason: &str) -> Result<(), StoreError> {
        change!(self, connection => occurrences::settle(connection, run, state, Some(reason)))
    }

    async fn claimed(&self) -> Result<Vec<Occurrence>, StoreError> {
        look!(self, connection => occurrences::claimed(connection))
    }

    async fn last_occurrence(&self, campaign: &Slug, schedule: Option<u64>) -> Result<Option<Occurrence>, StoreError> {
        look!(self, connection => occurrences::last(connection, campaign, schedule))
    }

    async fn occurrence_of(&self, run: &str) -> Result<Option<Occurrence>, StoreError> {
        look!(self, connection => occurrences::of_run(connection, run))
    }

    async fn forget(&self, asked: &[Forgetting], actor: &str) -> Result<(), StoreError> {
        change!(self, connection => forgotten::forget(connection, asked, actor))
    }

    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreError> {
        look!(self, connection => forgotten::all(connection))
    }

    async fn note_forgotten(&self, gone: &[KeyHash], actor: &str) -> Result<(), StoreError> {
        change!(self, connection => forgotten::done(connection, gone, actor))
    }

    async fn audit(&self, actor: &str, action: &str, subject: &str, detail: &str) -> Result<(), StoreError> {
        change!(self, connection => audit::append(connection, actor, action, subject, detail))
    }

    async fn audited(&self, since: Option<DateTime<Utc>>) -> Result<Vec<AuditEntry>, StoreError> {
        look!(self, connection => audit::since(connection, since))
    }

    async fn audit_page(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        look!(self, connection => audit::page(connection, filter, limit))
    }

    async fn set_credential(&self, name: &Slug, sealed: &[u8], by: &str) -> Result<(), StoreError> {
        change!(self, connection => credentials::set(connection, name, sealed, by))
    }

    async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        look!(self, connection => credentials::all(connection))
    }

    async fn remove_credential(&self, name: &Slug) -> Result<bool, StoreError> {
        change!(self, connection => credentials::remove(connection, name))
    }

    async fn reseal_credentials(&self, resealed: &[Resealed]) -> Result<(), StoreError> {
        change!(self, connection => credentials::reseal(connection, resealed))
    }

    async fn events(&self, run: &str) -> Result<Vec<Event>, StoreError> {
        look!(self, connection => async {
            runs::one(connection, run).await?;
            runs::events(connection, run).await
        })
    }
}

/// Why a statement gave no result, before the store's place is put to it.
enum Fault {
    Sql(sqlx::Error),
    /// What is in the store and makes no sense.
    Unreadable(String),
    Refused(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

/// Now, as the store can keep it.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// A time that was kept as microseconds.
fn time(micros: i64) -> Result<DateTime<Utc>, Fault> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| Fault::Unreadable(format!("the time {micros}")))
}

/// A count or version that was kept as a signed number.
fn count(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::Unreadable(format!("the number {number}")))
}

/// A number as the store keeps it.
fn kept(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What people are told, which may be what a platform said, as both databases keep it: Postgres takes no NUL.
fn told(text: &str) -> String {
    text.replace('\0', "")
}

/// A word that was kept for one of a few values.
fn word<T>(what: &str, text: &str, of: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
    of(text).ok_or_else(|| Fault::Unreadable(format!("the {what} `{text}`")))
}

/// An id that was kept.
fn slug(text: &str) -> Result<Slug, Fault> {
    text.parse().map_err(|_| Fault::Unreadable(format!("the id `{text}`")))
}

/// A document that was kept as JSON.
fn document<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Unreadable(format!("{what}: {error}, so it")))
}

/// A document as JSON.
fn json(what: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(what).map_err(|error| Fault::Unreadable(format!("the document: {error}, so it")))
}

/// Appends an event; part of the transaction that makes it true.
async fn event(
    connection: &mut AnyConnection,
    run: &str,
    delivery: Option<&str>,
    at: DateTime<Utc>,
    what: &str,
) -> Result<(), Fault> {
    let append = "INSERT INTO events (run, sequence, delivery, at, what) \
                  SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3, $4 FROM events WHERE run = $1";
    sqlx::query(append)
        .bind(run)
        .bind(delivery)
        .bind(at.timestamp_micros())
        .bind(told(what))
        .execute(connection)
        .await?;
    Ok(())
}
