//! Schedules: when they began, and that each time of them is taken on once.

use chrono::{DateTime, TimeDelta, Utc};
use consign_model::definition::{At, Cadence, Definitions, End, Recurring, Schedule, Workspace};
use consign_store::{NewOccurrence, OccurrenceState, Outcome, RunState, Store, StoreError};

use crate::suite::{FOLDER, begun, definitions, new_run};

fn at(time: &str) -> Schedule {
    Schedule::At(At { time: time.into(), time_zone: None })
}

fn with(schedule: &Schedule, included: &str) -> Definitions {
    let mut definitions = definitions(included);
    definitions.campaigns[0].schedule = schedule.clone();
    definitions
}

async fn applied(store: &dyn Store, definitions: &Definitions) -> u64 {
    store.apply(definitions, FOLDER, "ada").await.expect("applied").version
}

/// The version with which the schedule of the first campaign began.
async fn begins(store: &dyn Store) -> u64 {
    let campaign = definitions("all").campaigns[0].id.clone();
    let begun = store.schedule_begun(&campaign).await.expect("read").expect("defined");
    assert_eq!(begun.at, store.definitions(begun.version).await.expect("read").applied_at);
    begun.version
}

fn due() -> DateTime<Utc> {
    "2026-12-01T08:00:00Z".parse().expect("a moment")
}

/// A time of a schedule of `churn`, so many hours after the first.
pub fn occurrence(run: &str, schedule: u64, hours: i64) -> NewOccurrence {
    let due = due() + TimeDelta::hours(hours);
    NewOccurrence {
        run: run.into(),
        campaign: "churn".parse().expect("a slug"),
        schedule,
        due,
        missed: 2,
        late: true,
        claimed_at: due + TimeDelta::minutes(5),
    }
}

pub async fn editing_a_schedule_begins_it_anew_and_editing_anything_else_does_not(store: &dyn Store) {
    let unknown = store.schedule_begun(&"unknown".parse().expect("a slug")).await.expect("read");
    assert_eq!(unknown, None);
    let first = with(&at("2026-12-01T09:00"), "all");
    assert_eq!(applied(store, &first).await, 1);
    assert_eq!(begins(store).await, 1);
    applied(store, &with(&at("2026-12-01T09:00"), "all, vip")).await;
    let mut renamed = with(&at("2026-12-01T09:00"), "all");
    renamed.campaigns[0].name = "Another".into();
    applied(store, &renamed).await;
    assert_eq!(begins(store).await, 1);
    assert_eq!(applied(store, &with(&at("2026-12-01T10:00"), "all")).await, 4);
    assert_eq!(begins(store).await, 4);
    // Back to what it was is another change.
    assert_eq!(applied(store, &first).await, 5);
    assert_eq!(begins(store).await, 5);
    // Read in another zone it is another time.
    let mut moved = first.clone();
    moved.workspace = Some(Workspace { time_zone: "Europe/Berlin".into(), ..Workspace::default() });
    assert_eq!(applied(store, &moved).await, 6);
    assert_eq!(begins(store).await, 6);
    let every = Recurring {
        every: Cadence::Day,
        start: "2026-12-01T09:00".into(),
        time_zone: Some("Asia/Kolkata".into()),
        end: End::Never,
    };
    let mut own = moved.clone();
    own.campaigns[0].schedule = Schedule::Recurring(every);
    assert_eq!(applied(store, &own).await, 7);
    own.workspace = None;
    applied(store, &own).await;
    assert_eq!(begins(store).await, 7, "it has a zone of its own");
    // A campaign that was gone begins anew.
    let mut without = own.clone();
    without.campaigns.remove(0);
    applied(store, &without).await;
    assert_eq!(applied(store, &own).await, 10);
    assert_eq!(begins(store).await, 10);
}

pub async fn a_time_is_taken_on_once_and_none_before_it_afterwards(store: &dyn Store) {
    applied(store, &definitions("all")).await;
    applied(store, &definitions("vip")).await;
    let claims =
        [("r1", 1, 0, true), ("r2", 1, 0, false), ("r3", 1, -1, false), ("r4", 1, 1, true), ("r5", 2, 0, true)];
    for (run, schedule, hours, got) in claims {
        assert_eq!(store.claim(&occurrence(run, schedule, hours)).await.expect("asked"), got, "{run}");
    }
    let churn = "churn".parse().expect("a slug");
    let last = async |schedule| store.last_occurrence(&churn, schedule).await.expect("read").map(|last| last.run);
    assert_eq!(last(Some(1)).await.as_deref(), Some("r4"));
    assert_eq!(last(None).await.as_deref(), Some("r5"));
    assert_eq!(last(Some(7)).await, None);
    let claimed = store.claimed().await.expect("read");
    assert_eq!(claimed.iter().map(|one| one.run.as_str()).collect::<Vec<_>>(), ["r1", "r5", "r4"]);
}

pub async fn what_becomes_of_a_time_is_kept(store: &dyn Store) {
    begun(store, "r0", &[]).await;
    for (run, hours) in [("r1", 0), ("r2", 1), ("r3", 2)] {
        assert!(store.claim(&occurrence(run, 1, hours)).await.expect("asked"));
    }
    let skipped = "its last run was still under way";
    store.settle_claimed("r1", OccurrenceState::Skipped, skipped).await.expect("noted");
    let again = due() + TimeDelta::hours(7);
    store.claim_again("r2", again, false).await.expect("noted");
    let refused = store.create_run(&new_run("r3", "churn")).await.expect_err("one at a time");
    assert!(matches!(refused, StoreError::RunUnderway { .. }), "{refused}");
    store.move_run("r0", RunState::Finished(Outcome::Failed), None).await.expect("ended");
    store.create_run(&new_run("r3", "churn")).await.expect("begun");
    store.settle_claimed("r3", OccurrenceState::Failed, "too late").await.expect("noted");
    let of = async |run| store.occurrence_of(run).await.expect("read").expect("claimed");
    let one = of("r1").await;
    assert_eq!((one.state, one.reason.as_deref()), (OccurrenceState::Skipped, Some(skipped)));
    assert_eq!((one.due, one.missed, one.late), (due(), 2, true));
    let two = of("r2").await;
    assert_eq!((two.state, two.claimed_at, two.late), (OccurrenceState::Claimed, again, false));
    let three = of("r3").await;
    assert_eq!((three.state, three.reason), (OccurrenceState::Ran, None), "it began: that it could not is not true");
    assert_eq!(store.occurrence_of("r0").await.expect("read"), None);
    let told: Vec<_> = store.events("r3").await.expect("read").into_iter().map(|event| event.what).collect();
    assert_eq!(told, ["assigning", "scheduled for 2026-12-01T10:00:00Z, late, after 2 missed"]);
}

pub async fn staged_data_is_kept_until_it_is_noted_as_deleted(store: &dyn Store) {
    begun(store, "r1", &[]).await;
    let later = Utc::now() + TimeDelta::days(8);
    let kept = async |by| {
        let runs = store.runs_with_staged_data(by).await.expect("read");
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(kept(later).await, [""; 0], "it is not finished");
    let early = store.note_staged_deleted("r1", later).await.expect_err("it is not finished");
    assert_eq!(early.to_string(), "run `r1` is assigning; delete the staged data of a run after it has ended");
    store.move_run("r1", RunState::Finished(Outcome::Failed), None).await.expect("ended");
    assert_eq!(kept(later).await, ["r1"]);
    assert_eq!(kept(Utc::now() - TimeDelta::minutes(1)).await, [""; 0], "it has just ended");
    store.note_staged_deleted("r1", later).await.expect("noted");
    store.note_staged_deleted("r1", later + TimeDelta::days(1)).await.expect("noted before");
    assert_eq!(kept(later).await, [""; 0]);
    let deleted = store.run("r1").await.expect("read").staged_deleted_at.expect("noted");
    assert_eq!(deleted.timestamp_micros(), later.timestamp_micros());
    let told: Vec<_> = store.events("r1").await.expect("read").into_iter().map(|event| event.what).collect();
    assert_eq!(told, ["assigning", "assigning -> failed", "staged data deleted"]);
}
