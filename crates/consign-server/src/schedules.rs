//! When campaigns run next, and what became of their last times.

use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;
use consign_model::definition::{Campaign, Schedule};
use consign_model::schedule::Timetable;
use consign_store::{Occurrence, OccurrenceState, Store, StoreError, StoredDefinitions};

use crate::show;
use crate::view::{Overdue, ScheduleLine, ScheduledTime};

/// How many of the next times are shown.
const NEXT: usize = 5;

/// The zone of a workspace.
pub(crate) fn zone(stored: &StoredDefinitions) -> Tz {
    stored.definitions.workspace.clone().unwrap_or_default().time_zone.parse().unwrap_or(Tz::UTC)
}

/// The times of the schedule that a campaign has, and the last of them that was decided; `None` where it runs by hand
/// only.
async fn kept(
    store: &dyn Store,
    campaign: &Campaign,
    workspace: Tz,
) -> Result<Option<(Timetable, Option<DateTime<Utc>>)>, StoreError> {
    let Some(begun) = store.schedule_begun(&campaign.id).await? else { return Ok(None) };
    let Some(timetable) = Timetable::of(&campaign.schedule, workspace, begun.at) else { return Ok(None) };
    let decided = store.last_occurrence(&campaign.id, Some(begun.version)).await?.map(|last| last.due);
    Ok(Some((timetable, decided)))
}

/// When a campaign runs next.
pub(crate) async fn next(
    store: &dyn Store,
    campaign: &Campaign,
    workspace: Tz,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let kept = kept(store, campaign, workspace).await?;
    Ok(kept.and_then(|(timetable, decided)| timetable.times(decided).next()))
}

/// The next times of a schedule, which a campaign has or is to get now, and the zone whose clocks it follows. `None`
/// where it has none, or is not one.
pub(crate) async fn times(
    store: &dyn Store,
    campaign: Option<&Campaign>,
    schedule: &Schedule,
    workspace: Tz,
    now: DateTime<Utc>,
) -> Result<Option<(Tz, Vec<DateTime<FixedOffset>>)>, StoreError> {
    let kept = match campaign.filter(|campaign| campaign.schedule == *schedule) {
        Some(campaign) => kept(store, campaign, workspace).await?,
        None => Timetable::of(schedule, workspace, now).map(|timetable| (timetable, None)),
    };
    Ok(kept.map(|(timetable, decided)| {
        let zone = timetable.zone();
        let next = timetable.times(decided).take(NEXT).map(|time| local(time, zone)).collect();
        (zone, next)
    }))
}

/// What there is to say of a campaign's schedule; `None` where it runs by hand only.
pub async fn line(
    store: &dyn Store,
    campaign: &Campaign,
    workspace: Tz,
    now: DateTime<Utc>,
) -> Result<Option<ScheduleLine>, StoreError> {
    let Some((timetable, decided)) = kept(store, campaign, workspace).await? else { return Ok(None) };
    let zone = timetable.zone();
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

async fn became(store: &dyn Store, last: Occurrence, zone: Tz) -> Result<ScheduledTime, StoreError> {
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
