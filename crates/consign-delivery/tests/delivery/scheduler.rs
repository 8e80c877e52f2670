//! The loop that keeps schedules, with time as the test makes it pass and the real store.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use consign_delivery::{Duties, Ran, Scheduler};
use consign_destinations::http::Clock;
use consign_model::definition::{At, Cadence, Campaign, Definitions, End, Recurring, Schedule};
use consign_model::document;
use consign_model::id::Slug;
use consign_store::{
    NewRun, Occurrence, OccurrenceState, Outcome, RunMode, RunState, SqlStore, Store, StoredDefinitions,
};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::memory::slug;

/// What never takes so long.
const LONG: Duration = Duration::from_mins(1);

/// Time that passes when the test says so.
#[derive(Debug)]
struct TestClock {
    now: watch::Sender<DateTime<Utc>>,
    looked: watch::Sender<DateTime<Utc>>,
    /// How often the scheduler had nothing to do, and up to when everything is done.
    rested: watch::Sender<(u64, DateTime<Utc>)>,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn time(&self) -> DateTime<Utc> {
        let now = *self.now.borrow();
        self.looked.send_replace(now);
        now
    }

    async fn sleep(&self, duration: Duration) {
        let looked = *self.looked.borrow();
        self.rested.send_modify(|(rests, until)| (*rests, *until) = (*rests + 1, looked));
        let woken = self.now.subscribe().wait_for(|now| *now >= looked + duration).await.is_ok();
        assert!(woken, "the clock is there");
    }
}

impl TestClock {
    fn at(now: DateTime<Utc>) -> Arc<Self> {
        let rested = watch::Sender::new((0, DateTime::UNIX_EPOCH));
        Arc::new(Self { now: watch::Sender::new(now), looked: watch::Sender::new(now), rested })
    }

    /// Lets time pass, and waits until everything that is due by then is begun or skipped.
    async fn pass(&self, to: DateTime<Utc>) {
        let mut rested = self.rested.subscribe();
        self.now.send_replace(to);
        timeout(LONG, rested.wait_for(|(_, until)| *until >= to)).await.expect("in time").expect("it runs");
    }
}

/// A run that the scheduler asks for, and the way to answer it.
struct Asked {
    campaign: Slug,
    run: String,
    version: u64,
    as_of: DateTime<Utc>,
    answer: oneshot::Sender<Ran>,
}

/// Asks the test for each run, and records those that ended.
struct Asking {
    store: SqlStore,
    asked: mpsc::UnboundedSender<Asked>,
    ticks: mpsc::UnboundedSender<DateTime<Utc>>,
    clock: Arc<TestClock>,
    /// Told of the end of each run, with how often the scheduler had rested by then.
    ended: mpsc::UnboundedSender<u64>,
}

#[async_trait(?Send)]
impl Duties for Asking {
    async fn run(&self, definitions: &StoredDefinitions, campaign: &Slug, run: &str, as_of: DateTime<Utc>) -> Ran {
        let (answer, answered) = oneshot::channel();
        let version = definitions.version;
        self.asked.send(Asked { campaign: campaign.clone(), run: run.to_owned(), version, as_of, answer }).unwrap();
        let ran = answered.await.expect("the test lets a run break off");
        if let Ran::Ended(outcome) = &ran {
            begin(&self.store, campaign, run, as_of).await;
            self.store.move_run(run, RunState::Finished(*outcome), None).await.unwrap();
        }
        self.ended.send(self.clock.rested.borrow().0).unwrap();
        ran
    }

    async fn tick(&self, now: DateTime<Utc>) {
        self.ticks.send(now).unwrap();
    }
}

async fn begin(store: &SqlStore, campaign: &Slug, run: &str, as_of: DateTime<Utc>) {
    let mode = RunMode::Real;
    let new = NewRun {
        id: run.to_owned(),
        campaign: campaign.clone(),
        definitions_version: 1,
        mode,
        as_of,
        launch_date: None,
    };
    store.create_run(&new).await.unwrap();
}

/// A store with definitions, and when they were applied.
struct Shop {
    store: SqlStore,
    begun: DateTime<Utc>,
    _folder: TempDir,
}

/// A scheduler that runs.
struct Running {
    clock: Arc<TestClock>,
    asked: mpsc::UnboundedReceiver<Asked>,
    ticks: mpsc::UnboundedReceiver<DateTime<Utc>>,
    ended: mpsc::UnboundedReceiver<u64>,
    cancel: CancellationToken,
    keeping: JoinHandle<()>,
    /// Dropped, its process dies.
    alive: DropGuard,
}

fn every_hour(end: End) -> Schedule {
    let start = "2020-01-01T00:00".to_owned();
    Schedule::Recurring(Recurring { every: Cadence::Hour, start, time_zone: Some("UTC".to_owned()), end })
}

fn definitions(schedule: &Schedule, name: &str) -> Definitions {
    let text = format!(
        "segments: [{{ id: all, name: All, customers: {{ where: {{ all: [] }} }} }}]\n\
         campaigns: [{{ id: churn, name: {name}, include: [all], remaining: [{{ name: All, percent: 100 }}] }}]\n"
    );
    let reading = document::read(&[("shop.yaml".to_owned(), text)]);
    assert_eq!(reading.problems, []);
    let mut definitions = reading.definitions;
    definitions.campaigns[0].schedule = schedule.clone();
    definitions
}

impl Shop {
    async fn with(schedule: &Schedule) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::open(folder.path().join("consign.db")).await.unwrap();
        store.apply(&definitions(schedule, "Churn"), "/srv/shop", "ada").await.unwrap();
        let begun = store.schedule_begun(&slug("churn")).await.unwrap().unwrap().at;
        Self { store, begun, _folder: folder }
    }

    /// The first time of a schedule of each hour, and so many hours later.
    fn hour(&self, hours: i64) -> DateTime<Utc> {
        self.begun.duration_trunc(TimeDelta::hours(1)).unwrap() + TimeDelta::hours(1 + hours)
    }

    async fn apply(&self, definitions: &Definitions) {
        self.store.apply(definitions, "/srv/shop", "ada").await.unwrap();
    }

    /// Starts a scheduler at a moment.
    fn keep(&self, now: DateTime<Utc>) -> Running {
        let (clock, cancel) = (TestClock::at(now), CancellationToken::new());
        let ((to, asked), (ticking, ticks)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let (ending, ended) = mpsc::unbounded_channel();
        let duties =
            Asking { store: self.store.clone(), asked: to, ticks: ticking, clock: clock.clone(), ended: ending };
        let store = Arc::new(self.store.clone());
        let (runtime, its_clock, its_cancel) = (Handle::current(), clock.clone(), cancel.clone());
        let death = CancellationToken::new();
        let alive = death.clone().drop_guard();
        // On a thread of its own, where it may hold what cannot go to another.
        let keeping = tokio::task::spawn_blocking(move || {
            let scheduler = Scheduler::new(store, Rc::new(duties), its_clock, its_cancel, 2);
            runtime.block_on(death.run_until_cancelled(scheduler.keep()));
        });
        Running { clock, asked, ticks, ended, cancel, keeping, alive }
    }

    async fn last(&self) -> Occurrence {
        self.store.last_occurrence(&slug("churn"), None).await.unwrap().expect("a time came")
    }
}

impl Running {
    async fn asked(&mut self) -> Asked {
        timeout(LONG, self.asked.recv()).await.expect("in time").expect("it runs")
    }

    /// Answers a run, and waits until the scheduler knows.
    async fn answer(&mut self, asked: Asked, ran: Ran) {
        let mut rested = self.clock.rested.subscribe();
        asked.answer.send(ran).unwrap();
        let before = timeout(LONG, self.ended.recv()).await.expect("in time").expect("it runs");
        timeout(LONG, rested.wait_for(|(rests, _)| *rests > before)).await.expect("in time").expect("it runs");
    }

    /// Lets a run break off, and waits until the scheduler knows.
    async fn break_off(&mut self, asked: Asked) {
        let mut rested = self.clock.rested.subscribe();
        let before = rested.borrow().0;
        drop(asked);
        timeout(LONG, rested.wait_for(|(rests, _)| *rests > before)).await.expect("in time").expect("it runs");
    }

    /// Nothing more was asked for.
    fn is_quiet(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }

    /// Dies as a killed process does.
    async fn die(self) {
        drop(self.alive);
        timeout(LONG, self.keeping).await.expect("in time").expect("it ends");
    }

    async fn stop(self) {
        self.cancel.cancel();
        timeout(LONG, self.keeping).await.expect("in time").expect("it ends");
    }
}

#[tokio::test]
async fn each_time_is_run_once_when_it_comes() {
    let shop = Shop::with(&every_hour(End::After(2))).await;
    let mut running = shop.keep(shop.begun);
    for hour in 0..2 {
        let due = shop.hour(hour);
        running.clock.pass(due - TimeDelta::seconds(1)).await;
        assert!(running.is_quiet());
        running.clock.pass(due).await;
        let asked = running.asked().await;
        assert_eq!((asked.campaign.as_str(), asked.version, asked.as_of), ("churn", 1, due));
        let run = asked.run.clone();
        running.answer(asked, Ran::Ended(Outcome::Failed)).await;
        let last = shop.last().await;
        assert_eq!((&last.run, last.state, last.due, last.late), (&run, OccurrenceState::Ran, due, false));
    }
    // They were all.
    running.clock.pass(shop.hour(48)).await;
    assert!(running.is_quiet());
    running.stop().await;
}

#[tokio::test]
async fn times_that_came_while_nobody_was_there_are_run_once_late_and_say_so() {
    let shop = Shop::with(&every_hour(End::Never)).await;
    let now = shop.hour(5) + TimeDelta::minutes(10);
    let mut running = shop.keep(now);
    let asked = running.asked().await;
    let (due, run) = (shop.hour(5), asked.run.clone());
    assert_eq!(asked.as_of, now, "a run is as of when it starts");
    running.answer(asked, Ran::Ended(Outcome::Failed)).await;
    let last = shop.last().await;
    assert_eq!((last.due, last.late, last.missed), (due, true, 5));
    let told: Vec<_> = shop.store.events(&run).await.unwrap().into_iter().map(|event| event.what).collect();
    assert!(told.contains(&format!("scheduled for {}, late, after 5 missed", due.format("%FT%TZ"))), "{told:?}");
    running.clock.pass(due + TimeDelta::minutes(59)).await;
    assert!(running.is_quiet());
    running.stop().await;
}

#[tokio::test]
async fn a_campaign_that_still_runs_skips_its_next_times_and_says_so() {
    let shop = Shop::with(&every_hour(End::Never)).await;
    let mut running = shop.keep(shop.begun);
    running.clock.pass(shop.hour(0)).await;
    let long = running.asked().await;
    running.clock.pass(shop.hour(1)).await;
    assert!(running.is_quiet());
    let skipped = shop.last().await;
    let reason = Some("its last run was still under way");
    assert_eq!((skipped.state, skipped.reason.as_deref()), (OccurrenceState::Skipped, reason));
    running.answer(long, Ran::Ended(Outcome::Failed)).await;
    // Another process runs it by hand.
    running.clock.pass(shop.hour(2)).await;
    let asked = running.asked().await;
    running.answer(asked, Ran::InTheWay("it is being run by another process".to_owned())).await;
    let skipped = shop.last().await;
    let reason = Some("it is being run by another process");
    assert_eq!((skipped.state, skipped.reason.as_deref()), (OccurrenceState::Skipped, reason));
    running.clock.pass(shop.hour(3)).await;
    running.asked().await;
}

#[tokio::test]
async fn a_run_that_fails_or_breaks_off_does_not_stop_the_next() {
    let shop = Shop::with(&every_hour(End::Never)).await;
    let mut running = shop.keep(shop.begun);
    running.clock.pass(shop.hour(0)).await;
    let asked = running.asked().await;
    running.answer(asked, Ran::Failed("a table is missing".to_owned())).await;
    let failed = shop.last().await;
    assert_eq!((failed.state, failed.reason.as_deref()), (OccurrenceState::Failed, Some("a table is missing")));
    running.clock.pass(shop.hour(1)).await;
    let asked = running.asked().await;
    running.break_off(asked).await;
    running.clock.pass(shop.hour(2)).await;
    assert_eq!(running.asked().await.as_of, shop.hour(2));
}

#[tokio::test]
async fn what_a_process_that_is_gone_had_taken_on_is_run_once() {
    let shop = Shop::with(&Schedule::AsSoonAsPossible).await;
    let mut killed = shop.keep(shop.begun);
    let left = killed.asked().await;
    killed.die().await;
    let mut second = shop.keep(shop.begun + TimeDelta::hours(3));
    let taken_up = second.asked().await;
    assert_eq!(taken_up.run, left.run, "the same run: should both make it, one does");
    begin(&shop.store, &slug("churn"), &taken_up.run, taken_up.as_of).await;
    second.die().await;
    // A run that began is not for the scheduler to begin again.
    let mut third = shop.keep(shop.begun + TimeDelta::hours(4));
    third.clock.pass(shop.begun + TimeDelta::hours(5)).await;
    assert!(third.is_quiet());
    assert_eq!(shop.last().await.state, OccurrenceState::Ran);
    third.stop().await;
}

#[tokio::test]
async fn what_is_left_of_a_schedule_that_was_changed_is_not_run() {
    let shop = Shop::with(&Schedule::AsSoonAsPossible).await;
    let mut killed = shop.keep(shop.begun);
    let left = killed.asked().await;
    killed.die().await;
    shop.apply(&definitions(&Schedule::Manual, "Churn")).await;
    let mut second = shop.keep(shop.begun);
    second.clock.pass(shop.begun + TimeDelta::hours(1)).await;
    assert!(second.is_quiet());
    let skipped = shop.store.occurrence_of(&left.run).await.unwrap().unwrap();
    assert_eq!(skipped.reason.as_deref(), Some("the schedule was changed before the run began"));
    second.stop().await;
}

#[tokio::test]
async fn definitions_that_are_applied_meanwhile_are_noticed() {
    let shop = Shop::with(&Schedule::Manual).await;
    let mut running = shop.keep(shop.begun);
    let mut now = shop.begun;
    let mut pass = async |running: &Running| {
        now += TimeDelta::hours(1);
        running.clock.pass(now).await;
    };
    pass(&running).await;
    assert!(running.is_quiet());
    shop.apply(&definitions(&Schedule::AsSoonAsPossible, "Churn")).await;
    pass(&running).await;
    let asked = running.asked().await;
    assert_eq!(asked.version, 2);
    running.answer(asked, Ran::Ended(Outcome::Failed)).await;
    assert!(!shop.last().await.late, "nobody said when");
    // What already ran stays so while other things are edited.
    shop.apply(&definitions(&Schedule::AsSoonAsPossible, "Renamed")).await;
    pass(&running).await;
    assert!(running.is_quiet());
    // Another schedule begins anew. It was past when it was applied.
    let at = At { time: "2020-01-01T09:00".to_owned(), time_zone: None };
    shop.apply(&definitions(&Schedule::At(at), "Renamed")).await;
    pass(&running).await;
    let asked = running.asked().await;
    assert_eq!(asked.version, 4);
    running.answer(asked, Ran::Ended(Outcome::Failed)).await;
    assert!(shop.last().await.late);
    running.stop().await;
}

#[tokio::test]
async fn of_two_schedulers_on_one_store_one_runs_each_time() {
    let shop = Shop::with(&every_hour(End::Never)).await;
    let (mut one, mut two) = (shop.keep(shop.begun), shop.keep(shop.begun));
    tokio::join!(one.clock.pass(shop.begun), two.clock.pass(shop.begun));
    for hour in 0..5 {
        let due = shop.hour(hour);
        tokio::join!(one.clock.pass(due), two.clock.pass(due));
        let (asked, by) = tokio::select! {
            asked = one.asked.recv() => (asked.unwrap(), &mut one),
            asked = two.asked.recv() => (asked.unwrap(), &mut two),
        };
        by.answer(asked, Ran::Ended(Outcome::Failed)).await;
        assert!(one.is_quiet() && two.is_quiet());
    }
}

#[tokio::test]
async fn more_than_may_run_at_once_wait_and_are_late() {
    let shop = Shop::with(&every_hour(End::Never)).await;
    let mut definitions = definitions(&every_hour(End::Never), "Churn");
    for id in ["second", "third"] {
        let another = Campaign { id: slug(id), ..definitions.campaigns[0].clone() };
        definitions.campaigns.push(another);
    }
    shop.apply(&definitions).await;
    let mut running = shop.keep(shop.begun);
    running.clock.pass(shop.hour(0)).await;
    let (one, two) = (running.asked().await, running.asked().await);
    running.clock.pass(shop.hour(0) + TimeDelta::minutes(5)).await;
    assert!(running.is_quiet());
    running.answer(one, Ran::Ended(Outcome::Failed)).await;
    let three = running.asked().await;
    assert_eq!((three.campaign.as_str(), three.as_of), ("third", shop.hour(0) + TimeDelta::minutes(5)));
    let third = shop.store.last_occurrence(&slug("third"), None).await.unwrap().unwrap();
    assert_eq!((third.due, third.late), (shop.hour(0), true));
    // One that still runs is told apart from one that waits.
    running.clock.pass(shop.hour(1)).await;
    assert_eq!(shop.store.occurrence_of(&two.run).await.unwrap().unwrap().state, OccurrenceState::Claimed);
    let skipped = shop.store.last_occurrence(&two.campaign, None).await.unwrap().unwrap();
    assert_eq!(skipped.state, OccurrenceState::Skipped);
    assert_eq!(shop.last().await.due, shop.hour(0), "it waits");
}

#[tokio::test]
async fn stopping_waits_for_what_is_under_way() {
    let shop = Shop::with(&Schedule::AsSoonAsPossible).await;
    let mut running = shop.keep(shop.begun);
    let asked = running.asked().await;
    running.cancel.cancel();
    timeout(Duration::from_millis(100), &mut running.keeping).await.expect_err("it waits");
    asked.answer.send(Ran::Stopped).unwrap();
    running.stop().await;
    // It had not begun, so it is taken up.
    let mut next = shop.keep(shop.begun);
    assert_eq!(next.asked().await.campaign, slug("churn"));
    assert_eq!(shop.last().await.state, OccurrenceState::Claimed);
}

#[tokio::test]
async fn other_work_has_its_turn_at_the_start_and_each_minute() {
    let shop = Shop::with(&Schedule::Manual).await;
    let start = shop.begun;
    let mut running = shop.keep(start);
    for minute in 0..3 {
        let now = start + TimeDelta::minutes(minute);
        running.clock.pass(now).await;
        assert_eq!(timeout(LONG, running.ticks.recv()).await.expect("in time"), Some(now));
        running.clock.pass(now + TimeDelta::seconds(59)).await;
        assert!(running.ticks.try_recv().is_err());
    }
    running.stop().await;
}
