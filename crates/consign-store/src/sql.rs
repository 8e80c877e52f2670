//! The store in a file of `SQLite` or a database of Postgres. Each query is written once: the schema has whole numbers and
//! text alone, and both databases take `$1`. What differs (opening, migrating, the lock of a transaction that writes) is
//! in `open`.

mod audit;
mod calls;
mod credentials;
mod data_folder;
mod definitions;
mod deliveries;
mod drafts;
mod lists;
mod notices;
mod occurrences;
mod runs;
mod waits;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use consign_model::definition::Definitions;
use consign_model::id::Slug;
use consign_points::Point;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use crate::Store;
use crate::error::StoreError;
use crate::location::Location;
use crate::open;
use crate::record::{
    Applied, AudienceCounts, AuditEntry, AuditFilter, Credential, Delivery, DeliveryChange, DeliveryCounts, Event,
    NewDelivery, NewOccurrence, NewRun, Occurrence, OccurrenceState, RememberedList, Resealed, Run, ScheduleBegun,
    StoredDefinitions, StoredFolder,
};
use crate::state::RunState;

/// The store in a file or a database.
#[derive(Debug, Clone)]
pub struct SqlStore {
    pool: AnyPool,
    location: Location,
}

impl SqlStore {
    /// Opens the store there; makes it where it is missing, and a file's folder for its owner alone. One that is damaged,
    /// no store, or of a later program is refused and left as it is.
    pub async fn open(location: impl Into<Location>) -> Result<Self, StoreError> {
        let location = location.into();
        let pool = open::open(&location).await?;
        Ok(Self { pool, location })
    }

    /// Closes it. Without this nothing is lost; with it, everything is in the one file.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// A transaction that writes. It locks at once, so that what it reads stays true until it commits.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let (begin, lock) = open::writing(&self.location);
        let mut transaction = self.pool.begin_with(begin).await.map_err(|error| self.error(error))?;
        if let Some(lock) = lock {
            sqlx::query(lock).execute(&mut *transaction).await.map_err(|error| self.error(error))?;
        }
        Ok(transaction)
    }

    async fn commit(&self, transaction: Transaction<'static, Any>) -> Result<(), StoreError> {
        consign_points::pass(Point::LedgerChanging);
        transaction.commit().await.map_err(|error| self.error(error))?;
        consign_points::pass(Point::LedgerChanged);
        Ok(())
    }

    async fn read(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.pool.acquire().await.map_err(|error| self.error(error))
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
    async fn data_folder(&self) -> Result<Option<StoredFolder>, StoreError> {
        let mut connection = self.read().await?;
        data_folder::of_store(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn claim_data_folder(&self, folder: &StoredFolder) -> Result<StoredFolder, StoreError> {
        let mut transaction = self.begin().await?;
        let claimed = data_folder::claim(&mut transaction, folder).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await?;
        Ok(claimed)
    }

    async fn apply(&self, definitions: &Definitions, folder: &str, author: &str) -> Result<Applied, StoreError> {
        let mut transaction = self.begin().await?;
        let applied = definitions::apply(&mut transaction, definitions, folder, author).await;
        let applied = applied.map_err(|fault| self.error(fault))?;
        if applied.changed {
            let version = format!("version {}", applied.version);
            let audited = audit::append(&mut transaction, author, "apply", &version, folder).await;
            audited.map_err(|fault| self.error(fault))?;
        }
        self.commit(transaction).await?;
        Ok(applied)
    }

    async fn current(&self) -> Result<Option<StoredDefinitions>, StoreError> {
        let mut connection = self.read().await?;
        definitions::current(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn current_version(&self) -> Result<Option<u64>, StoreError> {
        let mut connection = self.read().await?;
        definitions::current_version(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn definitions(&self, version: u64) -> Result<StoredDefinitions, StoreError> {
        let mut connection = self.read().await?;
        definitions::of_version(&mut connection, version).await.map_err(|fault| self.error(fault))
    }

    async fn campaign_version(&self, campaign: &Slug) -> Result<Option<u64>, StoreError> {
        let mut connection = self.read().await?;
        let newest = definitions::campaign_version(&mut connection, campaign).await;
        Ok(newest.map_err(|fault| self.error(fault))?.map(|(version, _)| version))
    }

    async fn create_run(&self, run: &NewRun) -> Result<Run, StoreError> {
        let mut transaction = self.begin().await?;
        let created = runs::create(&mut transaction, run).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await?;
        Ok(created)
    }

    async fn move_run(&self, run: &str, to: RunState, error: Option<&str>) -> Result<Run, StoreError> {
        let mut transaction = self.begin().await?;
        let moved = runs::transition(&mut transaction, run, to, error).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await?;
        Ok(moved)
    }

    async fn set_audience(&self, run: &str, counts: &AudienceCounts) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        runs::set_audience(&mut transaction, run, counts).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn run(&self, run: &str) -> Result<Run, StoreError> {
        let mut connection = self.read().await?;
        runs::one(&mut connection, run).await.map_err(|fault| self.error(fault))
    }

    async fn runs(&self, campaign: Option<&Slug>, limit: u32) -> Result<Vec<Run>, StoreError> {
        let mut connection = self.read().await?;
        runs::newest(&mut connection, campaign, limit).await.map_err(|fault| self.error(fault))
    }

    async fn unfinished_runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut connection = self.read().await?;
        runs::unfinished(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn create_deliveries(&self, run: &str, new: &[NewDelivery]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        deliveries::create(&mut transaction, run, new).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn move_delivery(&self, delivery: &str, change: &DeliveryChange) -> Result<Delivery, StoreError> {
        let mut transaction = self.begin().await?;
        let moved = deliveries::transition(&mut transaction, delivery, change).await.map_err(|f| self.error(f))?;
        self.commit(transaction).await?;
        Ok(moved)
    }

    async fn count_delivery(
        &self,
        delivery: &str,
        counts: &DeliveryCounts,
        what: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        deliveries::set_counts(&mut transaction, delivery, counts, what).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn submitted_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let mut connection = self.read().await?;
        deliveries::submitted(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn deliveries(&self, run: &str) -> Result<Vec<Delivery>, StoreError> {
        let mut connection = self.read().await?;
        runs::one(&mut connection, run).await.map_err(|fault| self.error(fault))?;
        deliveries::of_run(&mut connection, run).await.map_err(|fault| self.error(fault))
    }

    async fn set_wait(
        &self,
        delivery: &str,
        destination: &str,
        until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        waits::set(&mut transaction, delivery, destination, until).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn wait(&self, destination: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut connection = self.read().await?;
        waits::longest(&mut connection, destination).await.map_err(|fault| self.error(fault))
    }

    async fn remembered_list(
        &self,
        destination: &str,
        campaign: &Slug,
        group: &Slug,
    ) -> Result<Option<String>, StoreError> {
        let mut connection = self.read().await?;
        lists::remembered(&mut connection, destination, campaign, group).await.map_err(|fault| self.error(fault))
    }

    async fn remembered_lists(&self) -> Result<Vec<RememberedList>, StoreError> {
        let mut connection = self.read().await?;
        lists::all(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn remember_list(
        &self,
        destination: &str,
        campaign: &Slug,
        group: &Slug,
        list_id: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let remembered = lists::remember(&mut transaction, destination, campaign, group, list_id).await;
        remembered.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn runs_with_staged_data(&self, finished_by: DateTime<Utc>) -> Result<Vec<Run>, StoreError> {
        let mut connection = self.read().await?;
        runs::with_staged_data(&mut connection, finished_by).await.map_err(|fault| self.error(fault))
    }

    async fn note_staged_deleted(&self, run: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        runs::note_staged_deleted(&mut transaction, run, at).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn schedule_begun(&self, campaign: &Slug) -> Result<Option<ScheduleBegun>, StoreError> {
        let mut connection = self.read().await?;
        occurrences::schedule_begun(&mut connection, campaign).await.map_err(|fault| self.error(fault))
    }

    async fn claim(&self, occurrence: &NewOccurrence) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let claimed = occurrences::claim(&mut transaction, occurrence).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await?;
        Ok(claimed)
    }

    async fn claim_again(&self, run: &str, at: DateTime<Utc>, late: bool) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        occurrences::claim_again(&mut transaction, run, at, late).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn settle_claimed(&self, run: &str, state: OccurrenceState, reason: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let settled = occurrences::settle(&mut transaction, run, state, Some(reason)).await;
        settled.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn claimed(&self) -> Result<Vec<Occurrence>, StoreError> {
        let mut connection = self.read().await?;
        occurrences::claimed(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn last_occurrence(&self, campaign: &Slug, schedule: Option<u64>) -> Result<Option<Occurrence>, StoreError> {
        let mut connection = self.read().await?;
        occurrences::last(&mut connection, campaign, schedule).await.map_err(|fault| self.error(fault))
    }

    async fn occurrence_of(&self, run: &str) -> Result<Option<Occurrence>, StoreError> {
        let mut connection = self.read().await?;
        occurrences::of_run(&mut connection, run).await.map_err(|fault| self.error(fault))
    }

    async fn audit(&self, actor: &str, action: &str, subject: &str, detail: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let appended = audit::append(&mut transaction, actor, action, subject, detail).await;
        appended.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn audited(&self, since: Option<DateTime<Utc>>) -> Result<Vec<AuditEntry>, StoreError> {
        let mut connection = self.read().await?;
        audit::since(&mut connection, since).await.map_err(|fault| self.error(fault))
    }

    async fn audit_page(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let mut connection = self.read().await?;
        audit::page(&mut connection, filter, limit).await.map_err(|fault| self.error(fault))
    }

    async fn set_credential(&self, name: &Slug, sealed: &[u8], by: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        credentials::set(&mut transaction, name, sealed, by).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        let mut connection = self.read().await?;
        credentials::all(&mut connection).await.map_err(|fault| self.error(fault))
    }

    async fn remove_credential(&self, name: &Slug) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let removed = credentials::remove(&mut transaction, name).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await?;
        Ok(removed)
    }

    async fn reseal_credentials(&self, resealed: &[Resealed]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        credentials::reseal(&mut transaction, resealed).await.map_err(|fault| self.error(fault))?;
        self.commit(transaction).await
    }

    async fn events(&self, run: &str) -> Result<Vec<Event>, StoreError> {
        let mut connection = self.read().await?;
        runs::one(&mut connection, run).await.map_err(|fault| self.error(fault))?;
        runs::events(&mut connection, run).await.map_err(|fault| self.error(fault))
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
