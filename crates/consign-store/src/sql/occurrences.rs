//! Schedules and the times of them that somebody took on.

use chrono::{DateTime, Utc};
use consign_model::definition::Workspace;
use consign_model::id::Slug;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, count, event, kept, slug, time, told, word};
use crate::record::{NewOccurrence, Occurrence, OccurrenceState, ScheduleBegun};

/// Notes that the schedule of a campaign begins with a version, where the version before says something else of it.
pub(super) async fn note_schedule(
    connection: &mut AnyConnection,
    campaign: &Slug,
    (before, now): (&Value, &Value),
    version: u64,
) -> Result<(), Fault> {
    if timing(before, campaign) == timing(now, campaign) {
        return Ok(());
    }
    sqlx::query("INSERT INTO schedules (campaign, definitions_version) VALUES ($1, $2)")
        .bind(campaign.as_str())
        .bind(kept(version))
        .execute(connection)
        .await?;
    Ok(())
}

/// What definitions say of when a campaign runs: its schedule, and the zone in which that is read.
fn timing<'a>(definitions: &'a Value, campaign: &Slug) -> Option<(&'a Value, String)> {
    let campaigns = definitions["campaigns"].as_array()?;
    let schedule = &campaigns.iter().find(|one| one["id"] == campaign.as_str())?["schedule"];
    let zones =
        [&schedule["at"], &schedule["recurring"], &definitions["workspace"]].map(|one| one["time_zone"].as_str());
    let zone = zones.into_iter().flatten().next().map_or_else(|| Workspace::default().time_zone, ToOwned::to_owned);
    Some((schedule, zone))
}

pub(super) async fn schedule_begun(
    connection: &mut AnyConnection,
    campaign: &Slug,
) -> Result<Option<ScheduleBegun>, Fault> {
    let begun = "SELECT version, applied_at FROM definitions WHERE version = COALESCE( \
                 (SELECT MAX(definitions_version) FROM schedules WHERE campaign = $1), \
                 (SELECT MIN(definitions_version) FROM campaign_versions WHERE campaign = $1))";
    let row = sqlx::query(begun).bind(campaign.as_str()).fetch_optional(connection).await?;
    let read = |row: AnyRow| {
        Ok(ScheduleBegun { version: count(row.try_get("version")?)?, at: time(row.try_get("applied_at")?)? })
    };
    row.map(read).transpose()
}

pub(super) async fn claim(connection: &mut AnyConnection, new: &NewOccurrence) -> Result<bool, Fault> {
    let insert = "INSERT INTO occurrences (run, campaign, schedule, due, missed, late, claimed_at, state) \
                  SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS \
                  (SELECT 1 FROM occurrences WHERE campaign = $2 AND schedule = $3 AND due >= $4)";
    let inserted = sqlx::query(insert)
        .bind(&new.run)
        .bind(new.campaign.as_str())
        .bind(kept(new.schedule))
        .bind(new.due.timestamp_micros())
        .bind(kept(new.missed))
        .bind(i64::from(new.late))
        .bind(new.claimed_at.timestamp_micros())
        .bind(OccurrenceState::Claimed.word())
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn claim_again(
    connection: &mut AnyConnection,
    run: &str,
    at: DateTime<Utc>,
    late: bool,
) -> Result<(), Fault> {
    sqlx::query("UPDATE occurrences SET claimed_at = $2, late = $3 WHERE run = $1 AND state = $4")
        .bind(run)
        .bind(at.timestamp_micros())
        .bind(i64::from(late))
        .bind(OccurrenceState::Claimed.word())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn settle(
    connection: &mut AnyConnection,
    run: &str,
    state: OccurrenceState,
    reason: Option<&str>,
) -> Result<(), Fault> {
    sqlx::query("UPDATE occurrences SET state = $2, reason = $3 WHERE run = $1 AND state = $4")
        .bind(run)
        .bind(state.word())
        .bind(reason.map(told))
        .bind(OccurrenceState::Claimed.word())
        .execute(connection)
        .await?;
    Ok(())
}

/// Says of a run that begins for which time it does, where it is for one.
pub(super) async fn begin(connection: &mut AnyConnection, run: &str, at: DateTime<Utc>) -> Result<(), Fault> {
    let Some(occurrence) = of_run(connection, run).await? else { return Ok(()) };
    settle(connection, run, OccurrenceState::Ran, None).await?;
    let late = if occurrence.late { ", late" } else { "" };
    let missed = if occurrence.missed > 0 { format!(", after {} missed", occurrence.missed) } else { String::new() };
    let what = format!("scheduled for {}{late}{missed}", occurrence.due.format("%Y-%m-%dT%H:%M:%SZ"));
    event(connection, run, None, at, &what).await
}

pub(super) async fn of_run(connection: &mut AnyConnection, run: &str) -> Result<Option<Occurrence>, Fault> {
    let row = sqlx::query("SELECT * FROM occurrences WHERE run = $1").bind(run).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn last(
    connection: &mut AnyConnection,
    campaign: &Slug,
    schedule: Option<u64>,
) -> Result<Option<Occurrence>, Fault> {
    let select = "SELECT * FROM occurrences WHERE campaign = $1 AND ($2 IS NULL OR schedule = $2) \
                  ORDER BY schedule DESC, due DESC LIMIT 1";
    let row = sqlx::query(select).bind(campaign.as_str()).bind(schedule.map(kept)).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn claimed(connection: &mut AnyConnection) -> Result<Vec<Occurrence>, Fault> {
    let select = "SELECT * FROM occurrences WHERE state = $1 ORDER BY due, campaign";
    let rows = sqlx::query(select).bind(OccurrenceState::Claimed.word()).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Occurrence, Fault> {
    Ok(Occurrence {
        run: row.try_get("run")?,
        campaign: slug(row.try_get("campaign")?)?,
        schedule: count(row.try_get("schedule")?)?,
        due: time(row.try_get("due")?)?,
        missed: count(row.try_get("missed")?)?,
        late: row.try_get::<i64, _>("late")? != 0,
        claimed_at: time(row.try_get("claimed_at")?)?,
        state: word("state of a scheduled time", row.try_get("state")?, OccurrenceState::of)?,
        reason: row.try_get("reason")?,
    })
}
