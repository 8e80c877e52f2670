//! Calls that are made once: which run a call with a key began.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StoreError;

/// Remembers calls by their keys.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Notes that a call with that key is to begin a run, and returns the run that an earlier call with it began. One that
    /// never came to be counts for nothing; so does a call from before that moment.
    async fn remember_call(&self, key: &str, run: &str, since: DateTime<Utc>) -> Result<Option<String>, StoreError>;
}
