//! Looking a store over without changing anything in it: more thoroughly, and so more slowly, than opening it does.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::error::{Open, StoreError};
use crate::sqlite::latest_schema;

/// How a store is that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its schema.
    pub schema: i64,
    /// The latest schema of this program, which opening the store brings it to.
    pub known: i64,
    /// When anything last happened in a run, by the clock of then.
    pub last_event: Option<DateTime<Utc>>,
}

/// Looks over the whole store in a file, and alters nothing. One that is missing, damaged, no store, or of a later
/// program is an error.
pub async fn examine(path: &Path) -> Result<Examined, StoreError> {
    if !path.exists() {
        let (reason, remedy) = ("it is not there".to_owned(), "run `consign apply DIR`, or put back a copy");
        return Err(StoreError::CannotOpen(Open { path: path.to_owned(), reason, remedy }));
    }
    let error = |error: sqlx::Error| StoreError::of_sqlite(path, &error);
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let mut connection = options.connect().await.map_err(error)?;
    let found = look(&mut connection).await.map_err(error);
    connection.close().await.map_err(error)?;
    let corrupt = |reason: String| StoreError::Corrupt { path: path.to_owned(), reason };
    let (schema, last_event) = match found? {
        Found::Damaged(reason) => return Err(corrupt(reason)),
        Found::Foreign => return Err(corrupt("it is a database of another program, or empty".to_owned())),
        Found::Store { schema, last_event } => (schema, last_event),
    };
    let known = latest_schema();
    if schema > known {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found: schema, known });
    }
    Ok(Examined { schema, known, last_event: last_event.and_then(DateTime::from_timestamp_micros) })
}

/// What a file holds.
enum Found {
    Damaged(String),
    Foreign,
    Store { schema: i64, last_event: Option<i64> },
}

async fn look(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let health: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await?;
    if health != "ok" {
        return Ok(Found::Damaged(health));
    }
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut *connection).await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if !has("_sqlx_migrations") {
        return Ok(Found::Foreign);
    }
    let schema = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await?;
    let last_event = if has("events") {
        sqlx::query_scalar("SELECT MAX(at) FROM events").fetch_one(connection).await?
    } else {
        None
    };
    Ok(Found::Store { schema, last_event })
}
