//! The platforms' ids of lists.

use consign_model::id::Slug;
use sqlx::sqlite::SqliteConnection;

use super::{Fault, now};

pub(super) async fn remembered(
    connection: &mut SqliteConnection,
    destination: &str,
    campaign: &Slug,
    group: &Slug,
) -> Result<Option<String>, Fault> {
    let select = "SELECT list_id FROM lists WHERE destination = $1 AND campaign = $2 AND treatment_group = $3";
    let list = sqlx::query_scalar(select).bind(destination).bind(campaign.as_str()).bind(group.as_str());
    Ok(list.fetch_optional(connection).await?)
}

pub(super) async fn remember(
    connection: &mut SqliteConnection,
    destination: &str,
    campaign: &Slug,
    group: &Slug,
    list_id: &str,
) -> Result<(), Fault> {
    let upsert = "INSERT INTO lists (destination, campaign, treatment_group, list_id, remembered_at) \
                  VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (destination, campaign, treatment_group) \
                  DO UPDATE SET list_id = excluded.list_id, remembered_at = excluded.remembered_at";
    sqlx::query(upsert)
        .bind(destination)
        .bind(campaign.as_str())
        .bind(group.as_str())
        .bind(list_id)
        .bind(now().timestamp_micros())
        .execute(connection)
        .await?;
    Ok(())
}
