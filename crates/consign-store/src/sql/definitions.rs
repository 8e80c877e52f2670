//! Definitions and their versions.

use consign_model::definition::Definitions;
use consign_model::id::Slug;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, count, document, json, kept, now, occurrences, time};
use crate::error::StoreError;
use crate::record::{Applied, StoredDefinitions};

pub(super) async fn apply(
    connection: &mut AnyConnection,
    definitions: &Definitions,
    folder: &str,
    author: &str,
) -> Result<Applied, Fault> {
    let newest = sqlx::query("SELECT version, hash, content FROM definitions ORDER BY version DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let hash = hash(&format!("{folder}\n{}", json(&sorted(definitions))?));
    let (mut version, mut before) = (1, None);
    if let Some(newest) = newest {
        let last = count(newest.try_get("version")?)?;
        if newest.try_get::<String, _>("hash")? == hash {
            return Ok(Applied { version: last, changed: false });
        }
        version = last + 1;
        before = Some(document::<Value>(&format!("version {last} of the definitions"), newest.try_get("content")?)?);
    }
    let insert = "INSERT INTO definitions (version, applied_at, applied_by, folder, hash, content) \
                  VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(insert)
        .bind(kept(version))
        .bind(now().timestamp_micros())
        .bind(author)
        .bind(folder)
        .bind(hash)
        .bind(json(definitions)?)
        .execute(&mut *connection)
        .await?;
    let content: Value = document("the definitions", &json(definitions)?)?;
    for campaign in &definitions.campaigns {
        note_campaign(connection, &campaign.id, &json(campaign)?, version).await?;
        if let Some(before) = &before {
            occurrences::note_schedule(connection, &campaign.id, (before, &content), version).await?;
        }
    }
    Ok(Applied { version, changed: true })
}

/// Gives a campaign its next version where its definition is not the last one.
async fn note_campaign(
    connection: &mut AnyConnection,
    campaign: &Slug,
    content: &str,
    definitions_version: u64,
) -> Result<(), Fault> {
    let hash = hash(content);
    let newest = campaign_version(connection, campaign).await?;
    if newest.as_ref().is_some_and(|(_, last)| *last == hash) {
        return Ok(());
    }
    let insert = "INSERT INTO campaign_versions (campaign, version, definitions_version, hash) VALUES ($1, $2, $3, $4)";
    sqlx::query(insert)
        .bind(campaign.as_str())
        .bind(kept(newest.map_or(1, |(version, _)| version + 1)))
        .bind(kept(definitions_version))
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// A campaign's newest version and the hash of its definition.
pub(super) async fn campaign_version(
    connection: &mut AnyConnection,
    campaign: &Slug,
) -> Result<Option<(u64, String)>, Fault> {
    let newest = "SELECT version, hash FROM campaign_versions WHERE campaign = $1 ORDER BY version DESC LIMIT 1";
    let row = sqlx::query(newest).bind(campaign.as_str()).fetch_optional(connection).await?;
    row.map(|row| Ok((count(row.try_get("version")?)?, row.try_get("hash")?))).transpose()
}

pub(super) async fn current(connection: &mut AnyConnection) -> Result<Option<StoredDefinitions>, Fault> {
    let newest = "SELECT * FROM definitions ORDER BY version DESC LIMIT 1";
    let row = sqlx::query(newest).fetch_optional(connection).await?;
    row.as_ref().map(stored).transpose()
}

pub(super) async fn current_version(connection: &mut AnyConnection) -> Result<Option<u64>, Fault> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM definitions").fetch_one(connection).await?;
    newest.map(count).transpose()
}

pub(super) async fn of_version(connection: &mut AnyConnection, version: u64) -> Result<StoredDefinitions, Fault> {
    let row = sqlx::query("SELECT * FROM definitions WHERE version = $1")
        .bind(kept(version))
        .fetch_optional(connection)
        .await?;
    let missing = || StoreError::NotFound { what: "version of the definitions", id: version.to_string() };
    stored(&row.ok_or_else(missing)?)
}

fn stored(row: &AnyRow) -> Result<StoredDefinitions, Fault> {
    let version = count(row.try_get("version")?)?;
    Ok(StoredDefinitions {
        version,
        applied_at: time(row.try_get("applied_at")?)?,
        applied_by: row.try_get("applied_by")?,
        folder: row.try_get("folder")?,
        hash: row.try_get("hash")?,
        definitions: document(&format!("version {version} of the definitions"), row.try_get("content")?)?,
    })
}

/// The same definitions, each sort ordered by id: the order of files and of things in them says nothing.
fn sorted(definitions: &Definitions) -> Definitions {
    let mut sorted = definitions.clone();
    sorted.sources.sort_by(|a, b| a.id.cmp(&b.id));
    sorted.segments.sort_by(|a, b| a.id.cmp(&b.id));
    sorted.destinations.sort_by(|a, b| a.id.cmp(&b.id));
    sorted.campaigns.sort_by(|a, b| a.id.cmp(&b.id));
    sorted.contracts.sort_by(|a, b| a.id.cmp(&b.id));
    sorted
}

fn hash(content: &str) -> String {
    hex::encode(Sha256::digest(content))
}
