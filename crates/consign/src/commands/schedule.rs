//! `consign schedule list`: when campaigns run next, and what became of their last times.

use anyhow::Result;
use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;
use consign_model::definition::Campaign;
use consign_model::schedule::Timetable;
use consign_store::{Occurrence, OccurrenceState, SqlStore, Store};

use crate::context::Context;
use crate::exit::Exit;
use crate::show;
use crate::view::{Overdue, ScheduleLine, ScheduledTime, Schedules};

/// How many of the next times are shown.
const NEXT: usize = 5;

pub async fn list(context: &Context) -> Result<Exit> {
    let (store, current) = context.current().await?;
    let workspace = current.definitions.workspace.clone().unwrap_or_default();
    let zone: Tz = workspace.time_zone.parse()?;
    let mut schedules = Vec::new();
    for campaign in &current.definitions.campaigns {
        schedules.extend(line(&store, campaign, zone, Utc::now()).await?);
    }
    context.printer.show(&Schedules { schedules })?;
    Ok(Exit::Fine)
}

/// What there is to say of a campaign's schedule; `None` where it runs by hand only.
async fn line(
    store: &SqlStore,
    campaign: &Campaign,
    workspace: Tz,
    now: DateTime<Utc>,
) -> Result<Option<ScheduleLine>> {
    let Some(begun) = store.schedule_begun(&campaign.id).await? else { return Ok(None) };
    let Some(timetable) = Timetable::of(&campaign.schedule, workspace, begun.at) else { return Ok(None) };
    let zone = timetable.zone();
    let decided = store.last_occurrence(&campaign.id, Some(begun.version)).await?.map(|last| last.due);
    let due = timetable.due(decided, now);
    let overdue = due.map(|due| Overdue { due: local(due.at, zone), times: due.missed + 1 });
    let after = due.map(|due| due.at).or(decided);
    let last = match store.last_occurrence(&campaign.id, None).await? {
        Some(last) => Some(became(store, last, zone).await?),
        None => None,
    };
    Ok(Some(ScheduleLine {
        campaign: campaign.id.to_string(),
        campaign_name: campaign.name.clone(),
        schedule: show::schedule(&campaign.schedule),
        time_zone: zone.name().to_owned(),
        overdue,
        next: timetable.times(after).take(NEXT).map(|time| local(time, zone)).collect(),
        last,
    }))
}

async fn became(store: &SqlStore, last: Occurrence, zone: Tz) -> Result<ScheduledTime> {
    let run = match last.state {
        OccurrenceState::Ran => Some(store.run(&last.run).await?),
        _ => None,
    };
    let state = run.as_ref().map_or(last.state.word(), |run| run.state.word());
    Ok(ScheduledTime {
        due: local(last.due, zone),
        began: local(last.claimed_at, zone),
        late: last.late,
        missed: last.missed,
        state: state.to_owned(),
        outcome: run.as_ref().and_then(|run| run.state.outcome()),
        definitions_version: run.as_ref().map(|run| run.definitions_version),
        reason: last.reason.or_else(|| run.as_ref()?.error.clone()),
        run: run.map(|run| run.id),
    })
}

fn local(moment: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    moment.with_timezone(&zone).fixed_offset()
}
