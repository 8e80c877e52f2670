//! What somebody is told: what happened, and what to do. Ids, names of lists, counts and reasons; no personal data.

use chrono::{DateTime, Utc};
use consign_model::definition::Occasion;
use consign_model::id::Slug;
use consign_store::{
    Delivery, DeliveryState, ErrorClass, Occurrence, OccurrenceState, Outcome, Run, RunMode, RunState,
};
use serde::Serialize;

/// A notification, as a receiver gets it.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    /// What is told; `test` where somebody asked whether notifications arrive.
    pub occasion: &'a str,
    /// All of it in a line.
    pub subject: String,
    /// What to do, in a sentence.
    pub what_to_do: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub about: Option<About<'a>>,
}

/// What it is about.
#[derive(Debug, Serialize)]
pub(super) struct About<'a> {
    pub campaign: &'a Slug,
    /// The run; `None` where none began.
    pub run: Option<&'a str>,
    /// Whether it went to the sandbox.
    pub rehearsal: bool,
    /// The time of the schedule, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The times of the schedule before it that nobody took on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
    /// Customers in the audience, where they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<u64>,
    /// Why the run failed as a whole, or did not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    pub deliveries: Vec<Delivered<'a>>,
}

/// What became of a delivery.
#[derive(Debug, Serialize)]
pub(super) struct Delivered<'a> {
    pub delivery: &'a str,
    pub destination: &'a Slug,
    pub list_name: &'a str,
    pub state: &'static str,
    pub rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// What sort of failure it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<ErrorClass>,
    /// What happened and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

/// What the end of a run is an occasion for; `None` where nobody is told: somebody stopped it, and knows.
pub(super) fn occasion_of(run: &Run) -> Option<Occasion> {
    match run.state {
        RunState::Finished(Outcome::Succeeded) => Some(Occasion::Succeeded),
        RunState::Finished(Outcome::Partial) => Some(Occasion::Partial),
        RunState::Finished(Outcome::Failed) => Some(Occasion::Failed),
        _ => None,
    }
}

/// What a time of a schedule is an occasion for.
pub(super) fn occasion_of_time(occurrence: &Occurrence) -> Occasion {
    match occurrence.state {
        OccurrenceState::Failed => Occasion::Failed,
        _ => Occasion::Late,
    }
}

/// What is told of the end of a run.
pub(super) fn of_run<'a>(run: &'a Run, occasion: Occasion, deliveries: &'a [Delivery]) -> Message<'a> {
    let rehearsal = run.mode == RunMode::Rehearsal;
    let failed = |delivery: &&Delivery| matches!(delivery.state, DeliveryState::Failed | DeliveryState::Partial);
    let (all, bad) = (deliveries.len(), deliveries.iter().filter(failed).count());
    let what = match occasion {
        Occasion::Succeeded => "succeeded".to_owned(),
        _ if bad > 0 => format!("{}: {bad} of {all} deliveries did not arrive whole", said(occasion)),
        _ => said(occasion).to_owned(),
    };
    let subject = format!("{}campaign `{}` {what}", rehearsed(rehearsal), run.campaign);
    let id = &run.id;
    let what_to_do = match occasion {
        Occasion::Succeeded => format!("nothing: `consign status {id}` shows the run"),
        _ if bad > 0 => format!("do what each delivery's error says, then `consign retry {id}`"),
        _ => {
            format!("do what the reason says, then `consign run {}`; `consign status {id}` shows the run", run.campaign)
        }
    };
    let about = About {
        campaign: &run.campaign,
        run: Some(id),
        rehearsal,
        scheduled_for: None,
        missed: None,
        customers: run.audience.as_ref().map(|audience| audience.customers),
        reason: run.error.as_deref(),
        deliveries: deliveries.iter().map(delivered).collect(),
    };
    let at = run.finished_at.unwrap_or(run.updated_at);
    Message { occasion: occasion.word(), subject, what_to_do, at, about: Some(about) }
}

/// What is told of a time of a schedule.
pub(super) fn of_time(occurrence: &Occurrence, occasion: Occasion, rehearsal: bool) -> Message<'_> {
    let due = occurrence.due.format("%Y-%m-%d %H:%M UTC");
    let campaign = &occurrence.campaign;
    let (what, what_to_do) = match occurrence.state {
        OccurrenceState::Failed => {
            ("could not begin", format!("do what the reason says, then `consign run {campaign}`"))
        }
        OccurrenceState::Skipped => {
            ("was skipped", format!("`consign run {campaign}` makes up for it; if it happens again, run it less often"))
        }
        _ => ("was late", "see that `consign serve` is running at the times of its schedules".to_owned()),
    };
    let missed = if occurrence.missed > 0 { format!(", after {} missed", occurrence.missed) } else { String::new() };
    let subject = format!("{}campaign `{campaign}`, due at {due}, {what}{missed}", rehearsed(rehearsal));
    let about = About {
        campaign,
        run: (occurrence.state == OccurrenceState::Ran).then_some(occurrence.run.as_str()),
        rehearsal,
        scheduled_for: Some(occurrence.due),
        missed: Some(occurrence.missed),
        customers: None,
        reason: occurrence.reason.as_deref(),
        deliveries: Vec::new(),
    };
    Message { occasion: occasion.word(), subject, what_to_do, at: occurrence.claimed_at, about: Some(about) }
}

/// What is told where somebody asks whether notifications arrive.
pub(super) fn test(at: DateTime<Utc>) -> Message<'static> {
    let subject = "a test of Consign's notifications".to_owned();
    Message { occasion: "test", subject, what_to_do: "nothing: it arrived".into(), at, about: None }
}

fn delivered(delivery: &Delivery) -> Delivered<'_> {
    let counts = delivery.counts.as_ref();
    let list = counts.and_then(|counts| counts.list.as_ref());
    Delivered {
        delivery: &delivery.id,
        destination: &delivery.destination,
        list_name: &delivery.list_name,
        state: delivery.state.word(),
        rows: counts.map_or(0, |counts| counts.rows),
        sent: list.map(|list| list.sent),
        rejected: list.map(consign_store::ListCounts::all_rejected),
        class: delivery.error.as_ref().map(|error| error.class),
        error: delivery.error.as_ref().map(|error| error.message.as_str()),
    }
}

fn said(occasion: Occasion) -> &'static str {
    if occasion == Occasion::Partial { "succeeded in part" } else { "failed" }
}

fn rehearsed(rehearsal: bool) -> &'static str {
    if rehearsal { "rehearsal: " } else { "" }
}
