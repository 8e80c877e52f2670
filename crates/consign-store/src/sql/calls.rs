//! Calls that are made once.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::patience::change;
use super::{Fault, SqlStore, now};
use crate::calls::Calls;
use crate::error::StoreError;

#[async_trait]
impl Calls for SqlStore {
    async fn remember_call(&self, key: &str, run: &str, since: DateTime<Utc>) -> Result<Option<String>, StoreError> {
        change!(self, connection => remember(connection, key, run, since))
    }
}

async fn remember(
    connection: &mut AnyConnection,
    key: &str,
    run: &str,
    since: DateTime<Utc>,
) -> Result<Option<String>, Fault> {
    let old = "DELETE FROM calls WHERE at < $1";
    sqlx::query(old).bind(since.timestamp_micros()).execute(&mut *connection).await?;
    let begun = "SELECT calls.run FROM calls JOIN runs ON runs.id = calls.run WHERE calls.key = $1";
    let earlier: Option<String> = sqlx::query_scalar(begun).bind(key).fetch_optional(&mut *connection).await?;
    if earlier.is_none() {
        let note = "INSERT INTO calls (key, run, at) VALUES ($1, $2, $3) \
                    ON CONFLICT (key) DO UPDATE SET run = excluded.run, at = excluded.at";
        sqlx::query(note).bind(key).bind(run).bind(now().timestamp_micros()).execute(connection).await?;
    }
    Ok(earlier)
}
