//! Opening the file: looked at read-only first, so that what is not ours, or not whole, is never altered.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use crate::error::{Open, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long a statement waits for another process that writes. No transaction here takes longer than some syncs.
const BUSY: Duration = Duration::from_secs(10);

/// Connections: one writes at a time, some read.
const CONNECTIONS: u32 = 4;

/// How long an opener waits before it tries again, where another is opening the same new file.
const AGAIN: Duration = Duration::from_millis(20);

/// Opens the store in that file, made where missing, at the latest schema.
///
/// While a new file is being turned to its write-ahead log, `SQLite` says "busy" to another at once, whatever the time
/// that it is told to wait; so the waiting is done here.
pub(super) async fn open(path: &Path) -> Result<SqlitePool, StoreError> {
    let begun = Instant::now();
    loop {
        match open_once(path).await {
            Err(StoreError::Busy(_)) if begun.elapsed() < BUSY => tokio::time::sleep(AGAIN).await,
            opened => return opened,
        }
    }
}

async fn open_once(path: &Path) -> Result<SqlitePool, StoreError> {
    let schema = match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(cannot_open(path, "it is a folder".to_owned(), "choose another data folder"));
        }
        Ok(found) if found.len() > 0 => inspect(path).await?,
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(path)?;
            None
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY * 2)
        // After a commit that failed for want of room, a connection believes to be in a transaction: it is not used again.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options)
        .await
        .map_err(|error| StoreError::of_sqlite(path, &error))?;
    if schema != Some(latest()) {
        migrate(path, &pool).await?;
    }
    Ok(pool)
}

/// The latest schema that this program knows.
pub(crate) fn latest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The schema of an existing file; `None` before the first migration. Reads only.
async fn inspect(path: &Path) -> Result<Option<i64>, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let error = |error: sqlx::Error| StoreError::of_sqlite(path, &error);
    let mut connection = options.disable_statement_logging().connect().await.map_err(error)?;
    let found = inspect_open(&mut connection).await.map_err(error);
    connection.close().await.map_err(error)?;
    let (health, schema) = found?;
    if health != "ok" {
        return Err(StoreError::Corrupt { path: path.to_owned(), reason: health });
    }
    match schema {
        Schema::Foreign => {
            Err(StoreError::Corrupt { path: path.to_owned(), reason: "it is a database of another program".to_owned() })
        }
        Schema::Empty => Ok(None),
        Schema::Version(found) if found > latest() => {
            Err(StoreError::NewerSchema { path: path.to_owned(), found, known: latest() })
        }
        Schema::Version(found) => Ok(Some(found)),
    }
}

/// What tables a file has.
enum Schema {
    /// None.
    Empty,
    /// Ours, after that migration; 0 before the first.
    Version(i64),
    /// Some, and not ours.
    Foreign,
}

async fn inspect_open(connection: &mut SqliteConnection) -> Result<(String, Schema), sqlx::Error> {
    let health: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        return Ok((health, Schema::Empty));
    }
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return Ok((health, Schema::Foreign));
    }
    let version: i64 =
        sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations").fetch_one(connection).await?;
    Ok((health, Schema::Version(version)))
}

/// Brings the schema up, all or nothing; one process at a time.
async fn migrate(path: &Path, pool: &SqlitePool) -> Result<(), StoreError> {
    let error = |error: sqlx::Error| StoreError::of_sqlite(path, &error);
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(error)?;
    MIGRATIONS.run(&mut *transaction).await.map_err(|error| StoreError::of_migration(path, &error))?;
    transaction.commit().await.map_err(error)
}

/// Makes the folder of the file, for its owner alone.
fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    cannot_open(path, error.to_string(), "check the path and that you may write there")
}

fn cannot_open(path: &Path, reason: String, remedy: &'static str) -> StoreError {
    StoreError::CannotOpen(Open { path: path.to_owned(), reason, remedy })
}
