//! Opening a database of Postgres.
//!
//! One process writes at a time, as in `SQLite`: each transaction that writes begins by taking a lock of the store, and
//! each statement of it, being `READ COMMITTED`, sees all that was committed before. So what it reads stays true until it
//! commits, and no transaction has to be repeated, which `SERIALIZABLE` would ask of every caller. Transactions are few
//! and short, so nobody waits long.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AnyPool, ConnectOptions, Connection};
use url::Url;

use super::{BUSY, Schema, connections, of_postgres};
use crate::error::StoreError;
use crate::location::Location;

/// Begins a transaction that writes, whatever the server's defaults are.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Begins a transaction that reads what there was when it began.
pub(super) const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Takes the lock of the store, which the transaction's end lets go. Each schema of a database is a store of its own. The
/// number is any that other programs hardly use.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(1131310958, hashtext(current_schema()))";

/// The time of now, and not that of when the transaction began: it may have waited for the lock.
pub(super) const CLOCK: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";

/// The number of a transaction that has changed something.
pub(super) const NUMBER: &str = "SELECT txid_current_if_assigned()";

/// What every connection is told: not to wait forever for the lock, to let it go where this process stands still, and
/// that a commit is on disk where the server's default is that it need not be.
const SETTINGS: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; \
                        SELECT set_config('synchronous_commit', 'on', false) \
                        WHERE current_setting('synchronous_commit') = 'off';";

/// How long a connection is waited for, before it is asked for again: a server that is back is noticed within a part of this.
const CONNECT: Duration = Duration::from_secs(3);

/// The tables that a store has had from its beginning.
const FIRST_TABLES: [&str; 4] = ["definitions", "runs", "deliveries", "events"];

/// Opens the store in that database, at the latest schema.
pub(super) async fn open(location: &Location, url: &Url) -> Result<AnyPool, StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let mut connection = connect(location, url).await?;
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await.map_err(error)?;
    migrate(location, &mut connection).await?;
    connection.close().await.map_err(error)?;
    connections(location, url, SETTINGS.to_owned(), CONNECT).await
}

/// A connection to the server, if it answers.
pub(super) async fn connect(location: &Location, url: &Url) -> Result<PgConnection, StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let options = PgConnectOptions::from_url(url).map_err(error)?.disable_statement_logging();
    let connecting = tokio::time::timeout(BUSY, options.connect()).await;
    let unanswered = |_| StoreError::Unreachable {
        store: location.to_string(),
        reason: format!("it does not answer within {} seconds", BUSY.as_secs()),
    };
    connecting.map_err(unanswered)?.map_err(error)
}

/// Looks at the schema and brings it up, all or nothing; one process at a time.
async fn migrate(location: &Location, connection: &mut PgConnection) -> Result<(), StoreError> {
    let error = |error: sqlx::Error| StoreError::of(location, &error);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(error)?;
    sqlx::query(LOCK).execute(&mut *transaction).await.map_err(error)?;
    let schema = inspect(&mut transaction).await.map_err(error)?;
    if schema.needs_migrating(location)? {
        of_postgres().run(&mut *transaction).await.map_err(|error| StoreError::of_migration(location, &error))?;
    }
    transaction.commit().await.map_err(error)
}

/// The schema of a database.
pub(super) async fn inspect(connection: &mut PgConnection) -> Result<Schema, sqlx::Error> {
    let select = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(select).fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        return Ok(Schema::Empty);
    }
    let there = |name: &str| tables.iter().any(|table| table == name);
    if !there("_sqlx_migrations") || !FIRST_TABLES.into_iter().all(there) {
        return Ok(Schema::Foreign);
    }
    let (version, migrations) = sqlx::query_as(Schema::APPLIED).fetch_one(connection).await?;
    Ok(Schema::Ours { version, migrations })
}
