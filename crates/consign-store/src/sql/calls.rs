//! Calls that are made once.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{SqlStore, now};
use crate::calls::Calls;
use crate::error::StoreError;

#[async_trait]
impl Calls for SqlStore {
    async fn remember_call(&self, key: &str, run: &str, since: DateTime<Utc>) -> Result<Option<String>, StoreError> {
        let mut transaction = self.begin().await?;
        let old = "DELETE FROM calls WHERE at < $1";
        let deleted = sqlx::query(old).bind(since.timestamp_micros()).execute(&mut *transaction).await;
        deleted.map_err(|error| self.error(error))?;
        let begun = "SELECT calls.run FROM calls JOIN runs ON runs.id = calls.run WHERE calls.key = $1";
        let earlier = sqlx::query_scalar::<_, String>(begun).bind(key).fetch_optional(&mut *transaction).await;
        let earlier = earlier.map_err(|error| self.error(error))?;
        if earlier.is_none() {
            let note = "INSERT INTO calls (key, run, at) VALUES ($1, $2, $3) \
                        ON CONFLICT (key) DO UPDATE SET run = excluded.run, at = excluded.at";
            let noted = sqlx::query(note).bind(key).bind(run).bind(now().timestamp_micros());
            noted.execute(&mut *transaction).await.map_err(|error| self.error(error))?;
        }
        self.commit(transaction).await?;
        Ok(earlier)
    }
}
