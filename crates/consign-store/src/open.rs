//! Opening a store: looked at first, so that what is not ours, or not whole, is never altered; then brought to the
//! latest schema under a lock; then the connections that the queries use.

mod examine;
mod postgres;
mod sqlite;

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{AnyPool, AssertSqlSafe, ConnectOptions};
use url::Url;

use crate::error::StoreError;
use crate::location::Location;

pub use examine::{Examined, examine};

/// How long a statement waits for another process that writes. No transaction here takes longer than some syncs.
const BUSY: Duration = Duration::from_secs(10);

/// Connections: one writes at a time, some read.
const CONNECTIONS: u32 = 4;

/// What both databases take, and `SQLite`'s own where they differ.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// What Postgres has in place of the migration with the same number.
static OF_POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// Opens the store there, made where missing, at the latest schema.
pub(crate) async fn open(location: &Location) -> Result<AnyPool, StoreError> {
    sqlx::any::install_default_drivers();
    match location {
        Location::File(path) => sqlite::open(location, path).await,
        Location::Postgres(url) => postgres::open(location, url).await,
    }
}

/// A transaction that writes: how it begins, and what it locks then. It locks at once, so that what it reads stays true
/// until it commits.
pub(crate) fn writing(location: &Location) -> (&'static str, Option<&'static str>) {
    match location {
        Location::File(_) => ("BEGIN IMMEDIATE", None),
        Location::Postgres(_) => (postgres::BEGIN, Some(postgres::LOCK)),
    }
}

/// How a transaction begins that reads what there is at one moment.
pub(crate) fn reading(location: &Location) -> &'static str {
    match location {
        Location::File(_) => "BEGIN",
        Location::Postgres(_) => postgres::READ,
    }
}

/// Asks for the microseconds since 1970 by the clock of the database: those of several machines need not agree. A file is
/// of one machine, and goes by its clock.
pub(crate) fn clock(location: &Location) -> Option<&'static str> {
    match location {
        Location::File(_) => None,
        Location::Postgres(_) => Some(postgres::CLOCK),
    }
}

/// Asks for the number by which a server knows a transaction, if it has changed anything. A file does not go away.
pub(crate) fn number(location: &Location) -> Option<&'static str> {
    match location {
        Location::File(_) => None,
        Location::Postgres(_) => Some(postgres::NUMBER),
    }
}

/// Asks what became of the transaction with a number.
pub(crate) const STATUS: &str = "SELECT txid_status($1)";

/// Connections to a store that is ready, each told first what holds for all it does. One is waited for for so long.
async fn connections(location: &Location, url: &Url, settings: String, wait: Duration) -> Result<AnyPool, StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let options = AnyConnectOptions::from_url(url).map_err(error)?.disable_statement_logging();
    AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(wait)
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await.map(drop) })
        })
        // After a commit that failed for want of room, a connection believes to be in a transaction: it is not used again.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!sqlx::Connection::is_in_transaction(connection)) }))
        .connect_with(options)
        .await
        .map_err(error)
}

/// The migrations of Postgres.
fn of_postgres() -> Migrator {
    let own = |common: &Migration| OF_POSTGRES.iter().find(|own| own.version == common.version);
    Migrator::with_migrations(MIGRATIONS.iter().map(|common| own(common).unwrap_or(common).clone()).collect())
}

/// The latest schema that this program knows.
fn latest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// What tables a store has.
enum Schema {
    /// None.
    Empty,
    /// Ours, after these migrations.
    Ours {
        /// The latest of them; 0 before the first.
        version: i64,
        /// How many there are: of branches that were merged, the later may have been there first.
        migrations: i64,
    },
    /// Some, and not ours.
    Foreign,
}

impl Schema {
    /// How many migrations and which was the last.
    const APPLIED: &'static str = "SELECT COALESCE(MAX(version), 0), COUNT(*) FROM _sqlx_migrations";

    /// Whether migrations are to be applied. What this program must not touch is refused.
    fn needs_migrating(&self, location: &Location) -> Result<bool, StoreError> {
        let store = location.to_string();
        match *self {
            Self::Foreign => {
                Err(StoreError::Corrupt { store, reason: "it is a database of another program".to_owned() })
            }
            Self::Ours { version, .. } if version > latest() => {
                Err(StoreError::NewerSchema { store, found: version, known: latest() })
            }
            Self::Ours { migrations, .. } => Ok(migrations.cast_unsigned() != MIGRATIONS.iter().len() as u64),
            Self::Empty => Ok(true),
        }
    }
}
