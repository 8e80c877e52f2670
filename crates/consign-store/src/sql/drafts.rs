//! Drafts.

use async_trait::async_trait;
use consign_model::id::Slug;
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Fault, SqlStore, count, document, json, kept, now, slug, time};
use crate::drafts::{Draft, Drafts};
use crate::error::StoreError;

#[async_trait]
impl Drafts for SqlStore {
    async fn draft(&self, campaign: &Slug) -> Result<Option<Draft>, StoreError> {
        let mut connection = self.read().await?;
        let select = "SELECT * FROM drafts WHERE campaign = $1";
        let row = sqlx::query(select).bind(campaign.as_str()).fetch_optional(&mut *connection).await;
        row.map_err(|error| self.error(error))?.as_ref().map(draft).transpose().map_err(|fault| self.error(fault))
    }

    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query("SELECT * FROM drafts").fetch_all(&mut *connection).await;
        let rows = rows.map_err(|error| self.error(error))?;
        let drafts = rows.iter().map(draft).collect::<Result<Vec<_>, _>>();
        let mut drafts = drafts.map_err(|fault| self.error(fault))?;
        // By the database it would be the order of its locale.
        drafts.sort_by(|a, b| a.campaign.cmp(&b.campaign));
        Ok(drafts)
    }

    async fn put_draft(
        &self,
        campaign: &Slug,
        content: &Value,
        over: u64,
        author: &str,
    ) -> Result<Option<Draft>, StoreError> {
        let content = json(content).map_err(|fault| self.error(fault))?;
        let mut transaction = self.begin().await?;
        let written = if over == 0 {
            "INSERT INTO drafts (campaign, content, version, edited_at, edited_by) VALUES ($1, $2, $3 + 1, $4, $5) \
             ON CONFLICT DO NOTHING RETURNING *"
        } else {
            "UPDATE drafts SET content = $2, version = $3 + 1, edited_at = $4, edited_by = $5 \
             WHERE campaign = $1 AND version = $3 RETURNING *"
        };
        let row = sqlx::query(written)
            .bind(campaign.as_str())
            .bind(content)
            .bind(kept(over))
            .bind(now().timestamp_micros())
            .bind(author)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|error| self.error(error))?;
        let written = row.as_ref().map(draft).transpose().map_err(|fault| self.error(fault))?;
        self.commit(transaction).await?;
        Ok(written)
    }

    async fn discard_draft(&self, campaign: &Slug, version: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let discarded = sqlx::query("DELETE FROM drafts WHERE campaign = $1 AND version = $2")
            .bind(campaign.as_str())
            .bind(kept(version))
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.error(error))?;
        self.commit(transaction).await?;
        Ok(discarded.rows_affected() > 0)
    }
}

fn draft(row: &AnyRow) -> Result<Draft, Fault> {
    let campaign = slug(row.try_get("campaign")?)?;
    Ok(Draft {
        content: document::<Value>(&format!("the draft of `{campaign}`"), row.try_get("content")?)?,
        campaign,
        version: count(row.try_get("version")?)?,
        edited_at: time(row.try_get("edited_at")?)?,
        edited_by: row.try_get("edited_by")?,
    })
}
