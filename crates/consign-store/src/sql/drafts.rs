//! Drafts.

use async_trait::async_trait;
use consign_model::id::Slug;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::patience::{change, look};
use super::{Fault, SqlStore, count, document, json, kept, now, slug, time};
use crate::drafts::{Draft, Drafts};
use crate::error::StoreError;

#[async_trait]
impl Drafts for SqlStore {
    async fn draft(&self, campaign: &Slug) -> Result<Option<Draft>, StoreError> {
        look!(self, connection => one(connection, campaign))
    }

    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        look!(self, connection => all(connection))
    }

    async fn put_draft(
        &self,
        campaign: &Slug,
        content: &Value,
        over: u64,
        author: &str,
    ) -> Result<Option<Draft>, StoreError> {
        change!(self, connection => put(connection, campaign, content, over, author))
    }

    async fn discard_draft(&self, campaign: &Slug, version: u64) -> Result<bool, StoreError> {
        change!(self, connection => discard(connection, campaign, version))
    }
}

async fn one(connection: &mut AnyConnection, campaign: &Slug) -> Result<Option<Draft>, Fault> {
    let select = "SELECT * FROM drafts WHERE campaign = $1";
    let row = sqlx::query(select).bind(campaign.as_str()).fetch_optional(connection).await?;
    row.as_ref().map(draft).transpose()
}

async fn all(connection: &mut AnyConnection) -> Result<Vec<Draft>, Fault> {
    let rows = sqlx::query("SELECT * FROM drafts").fetch_all(connection).await?;
    let mut drafts = rows.iter().map(draft).collect::<Result<Vec<_>, _>>()?;
    // By the database it would be the order of its locale.
    drafts.sort_by(|a, b| a.campaign.cmp(&b.campaign));
    Ok(drafts)
}

async fn put(
    connection: &mut AnyConnection,
    campaign: &Slug,
    content: &Value,
    over: u64,
    author: &str,
) -> Result<Option<Draft>, Fault> {
    let written = if over == 0 {
        "INSERT INTO drafts (campaign, content, version, edited_at, edited_by) VALUES ($1, $2, $3 + 1, $4, $5) \
         ON CONFLICT DO NOTHING RETURNING *"
    } else {
        "UPDATE drafts SET content = $2, version = $3 + 1, edited_at = $4, edited_by = $5 \
         WHERE campaign = $1 AND version = $3 RETURNING *"
    };
    let row = sqlx::query(written)
        .bind(campaign.as_str())
        .bind(json(content)?)
        .bind(kept(over))
        .bind(now().timestamp_micros())
        .bind(author)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(draft).transpose()
}

async fn discard(connection: &mut AnyConnection, campaign: &Slug, version: u64) -> Result<bool, Fault> {
    let discarded = sqlx::query("DELETE FROM drafts WHERE campaign = $1 AND version = $2")
        .bind(campaign.as_str())
        .bind(kept(version))
        .execute(connection)
        .await?;
    Ok(discarded.rows_affected() > 0)
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
