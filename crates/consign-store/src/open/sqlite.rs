//! Opening a file of `SQLite`: looked at read-only first.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AnyPool, ConnectOptions, Connection};
use url::Url;

use super::{BUSY, MIGRATIONS, Schema, connections};
use crate::error::{Open, StoreError};
use crate::location::Location;

/// How long an opener waits before it tries again, where another is opening the same new file.
const AGAIN: Duration = Duration::from_millis(20);

/// Opens the store in that file, made where missing, at the latest schema.
///
/// While a new file is being turned to its write-ahead log, `SQLite` says "busy" to another at once, whatever the time
/// that it is told to wait; so the waiting is done here.
pub(super) async fn open(location: &Location, path: &Path) -> Result<AnyPool, StoreError> {
    let begun = Instant::now();
    loop {
        match open_once(location, path).await {
            Err(StoreError::Busy(_)) if begun.elapsed() < BUSY => tokio::time::sleep(AGAIN).await,
            opened => return opened,
        }
    }
}

async fn open_once(location: &Location, path: &Path) -> Result<AnyPool, StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let schema = match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(cannot_open(path, "it is a folder".to_owned(), "choose another data folder"));
        }
        Ok(found) if found.len() > 0 => inspect(location, path).await?,
        Ok(_) => Schema::Empty,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(path)?;
            Schema::Empty
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    if schema.needs_migrating(location)? {
        migrate(location, path).await?;
    }
    let url = url(path).map_err(error)?;
    let settings = format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        BUSY.as_millis()
    );
    connections(location, &url, settings, BUSY * 2).await
}

/// The file as a URL, in which no part of the path means anything else.
fn url(path: &Path) -> Result<Url, sqlx::Error> {
    let path = std::path::absolute(path)?;
    let mut url = String::from("sqlite:");
    for byte in path.as_os_str().as_encoded_bytes() {
        url.push('%');
        url.push_str(&hex::encode([*byte]));
    }
    Url::parse(&url).map_err(|error| sqlx::Error::Configuration(error.into()))
}

/// The schema of an existing file. Reads only.
async fn inspect(location: &Location, path: &Path) -> Result<Schema, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let mut connection = options.disable_statement_logging().connect().await.map_err(error)?;
    let found = inspect_open(&mut connection, "PRAGMA quick_check(1)").await.map_err(error);
    connection.close().await.map_err(error)?;
    let (health, schema) = found?;
    if health == "ok" { Ok(schema) } else { Err(StoreError::Corrupt { store: location.to_string(), reason: health }) }
}

/// How the pages of a file are, as a pragma says it, and its schema.
pub(super) async fn inspect_open(
    connection: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<(String, Schema), sqlx::Error> {
    let health: String = sqlx::query_scalar(pragma).fetch_one(&mut *connection).await?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        return Ok((health, Schema::Empty));
    }
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return Ok((health, Schema::Foreign));
    }
    let (version, migrations) = sqlx::query_as(Schema::APPLIED).fetch_one(connection).await?;
    Ok((health, Schema::Ours { version, migrations }))
}

/// Brings the schema up, all or nothing; one process at a time.
async fn migrate(location: &Location, path: &Path) -> Result<(), StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(error)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error)?;
    MIGRATIONS.run(&mut *transaction).await.map_err(|error| StoreError::of_migration(location, &error))?;
    transaction.commit().await.map_err(error)?;
    connection.close().await.map_err(error)
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
    StoreError::CannotOpen(Open { store: path.display().to_string(), reason, remedy })
}
