//! Looking a store over without changing anything in it: more thoroughly, and so more slowly, than opening it does.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use url::Url;

use super::{BUSY, Schema, latest, postgres, sqlite};
use crate::error::{Open, StoreError};
use crate::location::Location;

/// How a store is that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its schema.
    pub schema: i64,
    /// The latest schema of this program.
    pub known: i64,
    /// Whether opening the store leaves its schema as it is.
    pub current: bool,
    /// When anything last happened in a run, by the clock of then.
    pub last_event: Option<DateTime<Utc>>,
}

/// Looks over the whole store, and alters nothing. One that is missing, damaged, no store, or of a later program is an
/// error. A server sees to its own pages: of a database the schema is looked at.
pub async fn examine(location: &Location) -> Result<Examined, StoreError> {
    let (schema, last_event) = match location {
        Location::File(path) => file(location, path).await?,
        Location::Postgres(url) => database(location, url).await?,
    };
    let needs_migrating = schema.needs_migrating(location)?;
    let schema = match schema {
        Schema::Ours { version, .. } => version,
        Schema::Empty | Schema::Foreign => return Err(missing(location)),
    };
    let last_event = last_event.and_then(DateTime::from_timestamp_micros);
    Ok(Examined { schema, known: latest(), current: !needs_migrating, last_event })
}

/// The last moment of the events.
const LAST_EVENT: &str = "SELECT MAX(at) FROM events";

async fn file(location: &Location, path: &Path) -> Result<(Schema, Option<i64>), StoreError> {
    if !path.exists() {
        return Err(missing(location));
    }
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let mut connection = options.disable_statement_logging().connect().await.map_err(error)?;
    let (health, schema) = sqlite::inspect_open(&mut connection, "PRAGMA integrity_check(1)").await.map_err(error)?;
    if health != "ok" {
        return Err(StoreError::Corrupt { store: location.to_string(), reason: health });
    }
    let last_event = if schema.has_events() {
        sqlx::query_scalar(LAST_EVENT).fetch_one(&mut connection).await.map_err(error)?
    } else {
        None
    };
    connection.close().await.map_err(error)?;
    Ok((schema, last_event))
}

async fn database(location: &Location, url: &Url) -> Result<(Schema, Option<i64>), StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let mut connection = postgres::connect(location, url).await?;
    let schema = postgres::inspect(&mut connection).await.map_err(error)?;
    let last_event = if schema.has_events() {
        sqlx::query_scalar(LAST_EVENT).fetch_one(&mut connection).await.map_err(error)?
    } else {
        None
    };
    connection.close().await.map_err(error)?;
    Ok((schema, last_event))
}

impl Schema {
    /// Whether the table of events is there, which came with the first migration.
    fn has_events(&self) -> bool {
        matches!(self, Self::Ours { version, .. } if *version > 0)
    }
}

fn missing(location: &Location) -> StoreError {
    let (reason, remedy) = ("it is not there".to_owned(), "run `consign apply DIR`, or put back a copy");
    StoreError::CannotOpen(Open { store: location.to_string(), reason, remedy })
}
