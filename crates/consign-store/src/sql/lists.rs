//! The platforms' ids of lists.

use consign_model::id::Slug;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, now, slug, time};
use crate::record::RememberedList;

pub(super) async fn remembered(
    connection: &mut AnyConnection,
    destination: &str,
    campaign: &Slug,
    group: &Slug,
) -> Result<Option<String>, Fault> {
    let select = "SELECT list_id FROM lists WHERE destination = $1 AND campaign = $2 AND treatment_group = $3";
    let list = sqlx::query_scalar(select).bind(destination).bind(campaign.as_str()).bind(group.as_str());
    Ok(list.fetch_optional(connection).await?)
}

pub(super) async fn remember(
    connection: &mut AnyConnection,
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

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<RememberedList>, Fault> {
    let rows = sqlx::query("SELECT * FROM lists").fetch_all(connection).await?;
    let read = |row: &AnyRow| {
        Ok(RememberedList {
            destination: row.try_get("destination")?,
            campaign: slug(row.try_get("campaign")?)?,
            group: slug(row.try_get("treatment_group")?)?,
            list_id: row.try_get("list_id")?,
            remembered_at: time(row.try_get("remembered_at")?)?,
        })
    };
    let mut lists = rows.iter().map(read).collect::<Result<Vec<RememberedList>, Fault>>()?;
    // By the database it would be the order of its locale.
    lists.sort_by(|a, b| (&a.destination, &a.campaign, &a.group).cmp(&(&b.destination, &b.campaign, &b.group)));
    Ok(lists)
}
