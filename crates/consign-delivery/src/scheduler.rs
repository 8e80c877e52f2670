//! The process that keeps the schedules: takes each time on when it comes, and has its campaign run.
//!
//! What is due is decided by [`Timetable`] alone, what is taken on by the store: of several processes one gets a time. A
//! time that came while nobody was there is run once, late; of several, the last. While a campaign still runs, its next
//! times are skipped. Nothing that fails stops the loop.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use consign_destinations::http::Clock;
use consign_model::id::Slug;
use consign_model::schedule::{Due, Timetable};
use consign_store::{NewOccurrence, OccurrenceState, Outcome, ScheduleBegun, Store, StoreError, StoredDefinitions};
use tokio::task::{Id, JoinError, JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether other definitions were applied. A clock that is set, and a machine that slept, are
/// noticed as soon.
const LOOK: TimeDelta = TimeDelta::seconds(2);

/// How often there may be other work to do.
const TICK: TimeDelta = TimeDelta::seconds(60);

/// What the loop has done, as its times come. All of it happens on the thread of the loop, as far as it does not spread
/// itself over others, as the engine and staging do.
#[async_trait(?Send)]
pub trait Duties: 'static {
    /// Runs a campaign of those definitions, as of that moment, as the run of that id.
    async fn run(&self, definitions: &StoredDefinitions, campaign: &Slug, run: &str, as_of: DateTime<Utc>) -> Ran;

    /// Does what else there is to do now and then. It is called at the start and then each minute, one call at a time,
    /// and should end soon where the process is asked to stop.
    async fn tick(&self, now: DateTime<Utc>);
}

/// What a duty to run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// The run ended.
    Ended(Outcome),
    /// The campaign is being run already: this says by whom.
    InTheWay(String),
    /// It failed as a whole: this says why.
    Failed(String),
    /// The process was asked to stop.
    Stopped,
}

/// Keeps the schedules of the current definitions.
pub struct Scheduler {
    store: Arc<dyn Store>,
    duties: Rc<dyn Duties>,
    clock: Arc<dyn Clock>,
    cancel: CancellationToken,
    /// How many campaigns may run at the same time.
    at_once: usize,
    definitions: Option<Arc<StoredDefinitions>>,
    /// Whether what an earlier process left is taken up.
    taken_up: bool,
    schedules: Vec<Kept>,
    tasks: JoinSet<Option<Ran>>,
    under_way: HashMap<Id, Task>,
    next_tick: Option<DateTime<Utc>>,
}

/// The schedule of a campaign.
struct Kept {
    campaign: Slug,
    begun: ScheduleBegun,
    timetable: Timetable,
    /// The last time that was decided.
    decided: Option<DateTime<Utc>>,
    /// The first that was not; `None` where none is left.
    next: Option<DateTime<Utc>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Task {
    Run { campaign: Slug, run: String, due: DateTime<Utc> },
    Tick,
}

impl Scheduler {
    /// A keeper of the schedules in a store, until it is cancelled. What the duties do should be cancelled with it. At most
    /// so many campaigns run at the same time; what else is due waits, and may be late then.
    pub fn new(
        store: Arc<dyn Store>,
        duties: Rc<dyn Duties>,
        clock: Arc<dyn Clock>,
        cancel: CancellationToken,
        at_once: usize,
    ) -> Self {
        Self {
            store,
            duties,
            clock,
            cancel,
            at_once,
            definitions: None,
            taken_up: false,
            schedules: Vec::new(),
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            next_tick: None,
        }
    }

    /// Keeps the schedules until it is cancelled, and then waits for what is under way. The caller sees to it that no
    /// other process does so: what it finds claimed at its start was claimed by one that is gone.
    pub async fn keep(self) {
        LocalSet::new().run_until(self.go_round()).await;
    }

    async fn go_round(mut self) {
        while !self.cancel.is_cancelled() {
            let now = self.clock.time();
            if let Err(error) = self.look(now).await {
                tracing::error!(%error, "schedules cannot be looked at; trying again");
            }
            let wait = self.until_next(now);
            // What has ended is noted before anything waits or is decided.
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => {}
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended).await,
                () = self.clock.sleep(wait) => {}
            }
        }
        if !self.under_way.is_empty() {
            tracing::info!(runs = self.under_way.len(), "stopping; waiting for what is under way");
        }
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended).await;
        }
    }

    /// How long nothing is due.
    fn until_next(&self, now: DateTime<Utc>) -> Duration {
        let next = self.schedules.iter().filter_map(|one| one.next).chain(self.next_tick).min();
        let wait = next.map_or(LOOK, |next| (next - now).min(LOOK));
        // What is due now and could not be taken on is not tried without a rest.
        wait.to_std().ok().filter(|wait| !wait.is_zero()).unwrap_or(Duration::from_secs(1))
    }

    /// Does what is to be done at a moment.
    async fn look(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.tick(now);
        let version = self.store.current_version().await?;
        if version != self.definitions.as_ref().map(|known| known.version) {
            self.read().await?;
        }
        let Some(definitions) = self.definitions.clone() else { return Ok(()) };
        if !self.taken_up {
            self.take_up(&definitions, now).await?;
            self.taken_up = true;
        }
        let next = |at: usize| Some((self.schedules[at].next?, at));
        let mut due: Vec<_> = (0..self.schedules.len()).filter_map(next).filter(|(next, _)| *next <= now).collect();
        due.sort_unstable();
        for (_, at) in due {
            self.come(&definitions, at, now).await?;
        }
        Ok(())
    }

    fn is_running(&self, campaign: &Slug) -> bool {
        self.under_way.values().any(|task| matches!(task, Task::Run { campaign: running, .. } if running == campaign))
    }

    /// Whether as many campaigns run as may.
    fn is_full(&self) -> bool {
        self.under_way.values().filter(|task| matches!(task, Task::Run { .. })).count() >= self.at_once
    }

    fn tick(&mut self, now: DateTime<Utc>) {
        let due = self.next_tick.is_none_or(|next| next <= now);
        if due {
            self.next_tick = Some(now + TICK);
        }
        if due && !self.under_way.values().any(|task| *task == Task::Tick) {
            let duties = Rc::clone(&self.duties);
            let ticking = async move {
                duties.tick(now).await;
                None
            };
            let id = self.tasks.spawn_local(ticking).id();
            self.under_way.insert(id, Task::Tick);
        }
    }

    /// Reads the current definitions and what was decided of their schedules.
    async fn read(&mut self) -> Result<(), StoreError> {
        let Some(current) = self.store.current().await? else { return Ok(()) };
        let workspace = current.definitions.workspace.clone().unwrap_or_default();
        let zone = workspace.time_zone.parse().unwrap_or(Tz::UTC);
        let mut schedules = Vec::new();
        for campaign in &current.definitions.campaigns {
            let Some(begun) = self.store.schedule_begun(&campaign.id).await? else { continue };
            let Some(timetable) = Timetable::of(&campaign.schedule, zone, begun.at) else { continue };
            let last = self.store.last_occurrence(&campaign.id, Some(begun.version)).await?;
            let decided = last.map(|last| last.due);
            let next = timetable.times(decided).next();
            schedules.push(Kept { campaign: campaign.id.clone(), begun, timetable, decided, next });
        }
        tracing::info!(version = current.version, schedules = schedules.len(), "keeping the schedules of definitions");
        self.schedules = schedules;
        self.definitions = Some(Arc::new(current));
        Ok(())
    }

    /// Takes up what a process that is gone had claimed and not begun.
    async fn take_up(&mut self, definitions: &Arc<StoredDefinitions>, now: DateTime<Utc>) -> Result<(), StoreError> {
        for left in self.store.claimed().await? {
            let same = |one: &&Kept| one.campaign == left.campaign && one.begun.version == left.schedule;
            let Some(kept) = self.schedules.iter().find(same) else {
                let reason = "the schedule was changed before the run began";
                self.skip(&left.campaign, &left.run, left.due, reason).await?;
                continue;
            };
            let late = kept.timetable.is_late(left.due, now);
            self.store.claim_again(&left.run, now, late).await?;
            self.begin(definitions, left.campaign, left.run, Due { at: left.due, missed: left.missed }, late, now);
        }
        Ok(())
    }

    /// Takes on the time of a schedule that has come.
    async fn come(
        &mut self,
        definitions: &Arc<StoredDefinitions>,
        at: usize,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let running = self.is_running(&self.schedules[at].campaign);
        if self.is_full() && !running {
            return Ok(());
        }
        let kept = &mut self.schedules[at];
        let Some(due) = kept.timetable.due(kept.decided, now) else { return Ok(()) };
        let late = kept.timetable.is_late(due.at, now);
        let claim = NewOccurrence {
            run: uuid::Uuid::now_v7().to_string(),
            campaign: kept.campaign.clone(),
            schedule: kept.begun.version,
            due: due.at,
            missed: due.missed,
            late,
            claimed_at: now,
        };
        let claimed = self.store.claim(&claim).await?;
        kept.decided = Some(due.at);
        kept.next = kept.timetable.times(kept.decided).next();
        if !claimed {
            tracing::info!(campaign = %claim.campaign, due = %due.at, "another process has taken it on");
            return Ok(());
        }
        if running {
            return self.skip(&claim.campaign, &claim.run, due.at, "its last run was still under way").await;
        }
        self.begin(definitions, claim.campaign, claim.run, due, late, now);
        Ok(())
    }

    async fn skip(&self, campaign: &Slug, run: &str, due: DateTime<Utc>, reason: &str) -> Result<(), StoreError> {
        tracing::warn!(%campaign, %due, reason, "skipped");
        self.store.settle_claimed(run, OccurrenceState::Skipped, reason).await
    }

    fn begin(
        &mut self,
        definitions: &Arc<StoredDefinitions>,
        campaign: Slug,
        run: String,
        due: Due,
        late: bool,
        now: DateTime<Utc>,
    ) {
        tracing::info!(%campaign, run, due = %due.at, late, missed = due.missed, version = definitions.version, "running");
        let (duties, definitions) = (Rc::clone(&self.duties), Arc::clone(definitions));
        let task = Task::Run { campaign: campaign.clone(), run: run.clone(), due: due.at };
        let running = async move { Some(duties.run(&definitions, &campaign, &run, now).await) };
        let id = self.tasks.spawn_local(running).id();
        self.under_way.insert(id, task);
    }

    /// Notes what became of a task that has ended.
    async fn ended(&mut self, ended: Result<(Id, Option<Ran>), JoinError>) {
        let (id, ran) = match ended {
            Ok((id, ran)) => (id, ran),
            Err(error) => {
                let task = self.under_way.remove(&error.id());
                tracing::error!(?task, %error, "a task of the scheduler broke off");
                return;
            }
        };
        let (Some(Task::Run { campaign, run, due }), Some(ran)) = (self.under_way.remove(&id), ran) else { return };
        let settled = match ran {
            Ran::Ended(outcome) => {
                tracing::info!(%campaign, run, outcome = outcome.word(), "ended");
                Ok(())
            }
            Ran::Stopped => {
                tracing::info!(%campaign, run, "stopped");
                Ok(())
            }
            Ran::InTheWay(reason) => self.skip(&campaign, &run, due, &reason).await,
            Ran::Failed(reason) => {
                tracing::error!(%campaign, run, reason, "failed");
                self.store.settle_claimed(&run, OccurrenceState::Failed, &reason).await
            }
        };
        if let Err(error) = settled {
            tracing::error!(%campaign, run, %error, "what became of it is not noted");
        }
    }
}
