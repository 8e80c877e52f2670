//! Drafts: what somebody is making of a campaign and has not published.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use consign_model::id::Slug;
use serde_json::Value;

use crate::error::StoreError;

/// A draft of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The campaign's id.
    pub campaign: Slug,
    /// What it says, as it was sent: it may be no campaign yet.
    pub content: Value,
    /// From 1, one more with each edit.
    pub version: u64,
    /// When it was last edited.
    pub edited_at: DateTime<Utc>,
    /// Who edited it.
    pub edited_by: String,
}

/// Keeps drafts, one a campaign.
#[async_trait]
pub trait Drafts: Send + Sync {
    /// The draft of a campaign.
    async fn draft(&self, campaign: &Slug) -> Result<Option<Draft>, StoreError>;

    /// All drafts, by campaign.
    async fn drafts(&self) -> Result<Vec<Draft>, StoreError>;

    /// Writes a draft over the version that was read, 0 where there was none. `None` where that is not the version there
    /// is: somebody else was quicker.
    async fn put_draft(
        &self,
        campaign: &Slug,
        content: &Value,
        over: u64,
        author: &str,
    ) -> Result<Option<Draft>, StoreError>;

    /// Throws a draft of that version away. `false` where it has another, or there is none.
    async fn discard_draft(&self, campaign: &Slug, version: u64) -> Result<bool, StoreError>;
}
