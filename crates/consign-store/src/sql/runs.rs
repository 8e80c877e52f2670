//! Runs and their events.

use chrono::{DateTime, NaiveDate, Utc};
use consign_model::id::Slug;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, count, deliveries, document, event, json, kept, now, occurrences, slug, time, told, word};
use crate::error::StoreError;
use crate::record::{AudienceCounts, DeliveryChange, ErrorClass, Event, NewRun, Run, RunMode};
use crate::state::{DeliveryState, Outcome, RunState};

pub(super) async fn create(connection: &mut AnyConnection, run: &NewRun) -> Result<Run, Fault> {
    let underway = sqlx::query_scalar("SELECT id FROM runs WHERE campaign = $1 AND state <> 'finished'")
        .bind(run.campaign.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(first) = underway {
        return Err(StoreError::RunUnderway { campaign: run.campaign.clone(), run: first }.into());
    }
    let taken: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM runs WHERE id = $1").bind(&run.id).fetch_one(&mut *connection).await?;
    if taken > 0 {
        let what = format!("there is a run `{}` already", run.id);
        return Err(StoreError::Conflict { what, remedy: "give the new one another id" }.into());
    }
    let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM definitions WHERE version = $1")
        .bind(kept(run.definitions_version))
        .fetch_one(&mut *connection)
        .await?;
    if known == 0 {
        let id = run.definitions_version.to_string();
        return Err(StoreError::NotFound { what: "version of the definitions", id }.into());
    }
    let at = now();
    let insert = "INSERT INTO runs \
                  (id, campaign, definitions_version, mode, as_of, launch_date, state, created_at, updated_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    sqlx::query(insert)
        .bind(&run.id)
        .bind(run.campaign.as_str())
        .bind(kept(run.definitions_version))
        .bind(run.mode.word())
        .bind(run.as_of.timestamp_micros())
        .bind(run.launch_date.map(|date| date.to_string()))
        .bind(RunState::Assigning.word())
        .bind(at.timestamp_micros())
        .execute(&mut *connection)
        .await?;
    event(connection, &run.id, None, at, RunState::Assigning.word()).await?;
    occurrences::begin(connection, &run.id, at).await?;
    one(connection, &run.id).await
}

pub(super) async fn transition(
    connection: &mut AnyConnection,
    id: &str,
    to: RunState,
    error: Option<&str>,
) -> Result<Run, Fault> {
    let run = one(connection, id).await?;
    if !run.state.may_become(to) {
        let (from, to) = (run.state.to_string(), to.to_string());
        return Err(StoreError::Transition { what: "run", id: id.to_owned(), from, to }.into());
    }
    if let Some(outcome) = to.outcome() {
        settle(connection, id, outcome).await?;
    }
    let at = now();
    let update = "UPDATE runs SET state = $2, outcome = $3, error = CASE WHEN $2 = 'finished' THEN COALESCE($4, error) END, updated_at = $5, \
                  finished_at = CASE WHEN $2 = 'finished' THEN $5 END WHERE id = $1";
    sqlx::query(update)
        .bind(id)
        .bind(to.word())
        .bind(to.outcome().map(Outcome::word))
        .bind(error.map(told))
        .bind(at.timestamp_micros())
        .execute(&mut *connection)
        .await?;
    event(connection, id, None, at, &format!("{} -> {to}", run.state)).await?;
    one(connection, id).await
}

/// Sees to it that no delivery of a finished run is still being staged or sent.
async fn settle(connection: &mut AnyConnection, run: &str, outcome: Outcome) -> Result<(), Fault> {
    let open = deliveries::of_run(connection, run).await?;
    let open = open.into_iter().filter(|delivery| delivery.state.holds_run());
    for delivery in open {
        let change = match outcome {
            Outcome::Failed => DeliveryChange::to(DeliveryState::Failed)
                .error(ErrorClass::Unavailable, "the run failed before this delivery was done"),
            Outcome::Cancelled => DeliveryChange::to(DeliveryState::Cancelled),
            Outcome::Succeeded | Outcome::Partial => {
                let what = format!("delivery `{}` is still {}", delivery.id, delivery.state);
                return Err(StoreError::Conflict { what, remedy: "finish it before its run" }.into());
            }
        };
        deliveries::transition(connection, &delivery.id, &change).await?;
    }
    Ok(())
}

pub(super) async fn set_audience(
    connection: &mut AnyConnection,
    id: &str,
    counts: &AudienceCounts,
) -> Result<(), Fault> {
    let run = one(connection, id).await?;
    if run.state.is_finished() {
        let what = format!("run `{id}` is {}", run.state);
        return Err(StoreError::Conflict { what, remedy: "count the audience of a run before it ends" }.into());
    }
    sqlx::query("UPDATE runs SET audience = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(json(counts)?)
        .bind(now().timestamp_micros())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn one(connection: &mut AnyConnection, id: &str) -> Result<Run, Fault> {
    let row = sqlx::query("SELECT * FROM runs WHERE id = $1").bind(id).fetch_optional(connection).await?;
    read(&row.ok_or_else(|| StoreError::NotFound { what: "run", id: id.to_owned() })?)
}

pub(super) async fn newest(
    connection: &mut AnyConnection,
    campaign: Option<&Slug>,
    limit: u32,
) -> Result<Vec<Run>, Fault> {
    let select = "SELECT * FROM runs WHERE $1 IS NULL OR campaign = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
    let rows =
        sqlx::query(select).bind(campaign.map(Slug::as_str)).bind(i64::from(limit)).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn unfinished(connection: &mut AnyConnection) -> Result<Vec<Run>, Fault> {
    let select = "SELECT * FROM runs WHERE state <> 'finished' ORDER BY created_at, id";
    let rows = sqlx::query(select).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn with_staged_data(
    connection: &mut AnyConnection,
    finished_by: DateTime<Utc>,
) -> Result<Vec<Run>, Fault> {
    let select = "SELECT * FROM runs WHERE state = 'finished' AND finished_at <= $1 AND staged_deleted_at IS NULL \
                  ORDER BY finished_at, id";
    let rows = sqlx::query(select).bind(finished_by.timestamp_micros()).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn note_staged_deleted(
    connection: &mut AnyConnection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let run = one(connection, id).await?;
    if !run.state.is_finished() {
        let what = format!("run `{id}` is {}", run.state);
        return Err(StoreError::Conflict { what, remedy: "delete the staged data of a run after it has ended" }.into());
    }
    let update = "UPDATE runs SET staged_deleted_at = $2 WHERE id = $1 AND staged_deleted_at IS NULL";
    let updated = sqlx::query(update).bind(id).bind(at.timestamp_micros()).execute(&mut *connection).await?;
    if updated.rows_affected() > 0 {
        event(connection, id, None, at, "staged data deleted").await?;
    }
    Ok(())
}

pub(super) async fn events(connection: &mut AnyConnection, run: &str) -> Result<Vec<Event>, Fault> {
    let select = "SELECT run, delivery, at, what FROM events WHERE run = $1 ORDER BY sequence";
    let rows = sqlx::query(select).bind(run).fetch_all(connection).await?;
    let read = |row: &AnyRow| {
        Ok(Event {
            run: row.try_get("run")?,
            delivery: row.try_get("delivery")?,
            at: time(row.try_get("at")?)?,
            what: row.try_get("what")?,
        })
    };
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Run, Fault> {
    let outcome: Option<&str> = row.try_get("outcome")?;
    let audience: Option<&str> = row.try_get("audience")?;
    let launch_date: Option<&str> = row.try_get("launch_date")?;
    let finished_at: Option<i64> = row.try_get("finished_at")?;
    let staged_deleted_at: Option<i64> = row.try_get("staged_deleted_at")?;
    let date = |text: &str| text.parse::<NaiveDate>().ok();
    Ok(Run {
        id: row.try_get("id")?,
        campaign: slug(row.try_get("campaign")?)?,
        definitions_version: count(row.try_get("definitions_version")?)?,
        mode: word("mode", row.try_get("mode")?, RunMode::of)?,
        as_of: time(row.try_get("as_of")?)?,
        launch_date: launch_date.map(|text| word("launch date", text, date)).transpose()?,
        state: word("state of a run", row.try_get("state")?, |state| RunState::of(state, outcome))?,
        error: row.try_get("error")?,
        audience: audience.map(|text| document("the audience of a run", text)).transpose()?,
        created_at: time(row.try_get("created_at")?)?,
        updated_at: time(row.try_get("updated_at")?)?,
        finished_at: finished_at.map(time).transpose()?,
        staged_deleted_at: staged_deleted_at.map(time).transpose()?,
    })
}
