//! A run: plan -> assign -> stage -> deliver -> record, each step's end in the store before the next begins.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_engine::{AssignRequest, Assigned, Engine, EngineError, Snapshot, Tables};
use consign_model::definition::{Definitions, Split};
use consign_model::forgotten::Forgotten;
use consign_model::id::Slug;
use consign_model::plan::{AssignPlan, CampaignPlan, PlannedDelivery, plan};
use consign_model::problem::Problem;
use consign_points::Point;
use consign_secrets::Secrets;
use consign_store::{
    AudienceCounts, Delivery, DeliveryChange, DeliveryCounts, DeliveryState, ErrorClass, GroupCounts, LeaseOn,
    ListCounts, NewDelivery, NewRun, Outcome, RunMode, RunState, Store, StoreError, SubAudienceCounts,
};
use futures::stream::{self, StreamExt};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::assignments::{self, AssignmentsError};
use crate::checksum::{Checksum, Damage};
use crate::deliver::{DeliverError, Delivered, Ended, Sender};
use crate::folder::{DataFolder, RunFolder};
use crate::forget::forgotten;
use crate::inspect::Inspector;
use crate::lease::{HeldByUs, LeaseError, Under};
use crate::platform::{FollowUp, Followed, PlatformSent, Platforms, rejected_file};
use crate::recipients::{self, DeliveryOutcome, RecipientsError};
use crate::resume::{self, Staging};
use crate::stage::{Counts, Stage, StageError, StagedDelivery, stage};
use crate::watch::{Watch, keep_waits};

/// A run, or a preview, failed as a whole. Deliveries that fail alone are part of a [`RunSummary`].
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The campaign cannot be planned.
    #[error("the campaign cannot be planned")]
    Plan(Vec<Problem>),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Staging failed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// Recipients could not be recorded.
    #[error(transparent)]
    Recipients(#[from] RecipientsError),
    /// The groups of an exact split could not be kept or read.
    #[error(transparent)]
    Assignments(#[from] AssignmentsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows could not be encoded for a preview.
    #[error(transparent)]
    Sample(#[from] DeliverError),
    /// The lease on the campaign could not be asked for.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Another process runs the campaign.
    #[error("the campaign `{0}` is being run by another process: try again when that run has ended")]
    Underway(Slug),
    /// Nobody is to run it.
    #[error("the campaign `{0}` is archived: bring it back before you run it")]
    Archived(Slug),
    /// It is over, and there is nothing to resume.
    #[error("the run `{0}` is over: `consign run` makes a new one")]
    Over(String),
    /// Nothing of it can be sent again.
    #[error("nothing of the run `{0}` failed that could be sent again: see `consign status {0}`")]
    NothingFailed(String),
    /// What it would be resumed from is not there.
    #[error("the run `{run}` cannot be resumed: {reason}: run the campaign again")]
    Lost {
        /// The run.
        run: String,
        /// What is missing or broken.
        reason: String,
    },
    /// What it staged was deleted.
    #[error(
        "nothing of the run `{run}` can be sent again: its staged data was deleted on {}, since its retention was over or \
         a customer in it was forgotten: run the campaign again", at.format("%Y-%m-%d")
    )]
    StagedDeleted {
        /// The run.
        run: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// What it staged is not there as it was written.
    #[error("nothing of the run `{run}` is sent: {damage}")]
    Damaged {
        /// The run.
        run: String,
        /// The first of the files.
        damage: Damage,
    },
    /// A folder cannot be made.
    #[error("the folder {} cannot be made: check that you may write there", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: std::io::Error,
    },
}

impl RunError {
    /// Whether somebody stopped it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Cancelled) | Self::Stage(StageError::Cancelled))
    }

    /// Whether the run is gone on with from where it is: another process has taken it over, or nobody could be told that it
    /// has ended.
    fn leaves_run_open(&self) -> bool {
        matches!(self, Self::Store(StoreError::LeaseLost(_) | StoreError::Unreachable { .. }))
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The snapshot is being written.
    Assigning,
    /// The snapshot is written and has so many rows.
    Assigned(u64),
    /// So many rows of the snapshot were read, over all passes.
    Staging(u64),
    /// A delivery of an earlier run was looked at.
    FollowedUp(&'a Followed),
    /// A delivery begins.
    Sending(&'a str),
    /// A delivery waits for its platform's limits until then, or goes on.
    Limited(&'a str, Option<DateTime<Utc>>),
    /// A delivery is over.
    Sent(&'a str),
}

/// What runs and previews work with.
pub struct Workplace<'a> {
    /// The definitions, clean.
    pub definitions: &'a Definitions,
    /// The tables that they name.
    pub tables: &'a Tables,
    /// The kinds.
    pub registry: &'a Registry,
    /// The secrets.
    pub secrets: &'a Secrets,
    /// The data directory.
    pub folder: &'a DataFolder,
    /// The engine.
    pub engine: &'a Engine,
    /// The HTTP layer of all platforms.
    pub http: &'a Http,
    /// Where the sandbox is, such as `http://127.0.0.1:8480`.
    pub sandbox: &'a str,
    /// Threads for staging, and deliveries at once.
    pub threads: usize,
    /// Stops everything.
    pub cancel: &'a CancellationToken,
    /// Who asks, for the audit log.
    pub actor: &'a str,
    /// Told how far it is.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// What became of a campaign's customers.
#[derive(Debug, Clone, Serialize)]
pub struct Assignment {
    /// The counts that the store keeps.
    #[serde(flatten)]
    pub counts: AudienceCounts,
    /// The customers of each included segment.
    pub included: Vec<(Slug, u64)>,
    /// The customers of the included segments whom each excluded segment takes out.
    pub excluded: Vec<(Slug, u64)>,
    /// The customers of the included segments whom the workspace's `always_exclude` takes out.
    pub always_excluded: u64,
}

/// One delivery of a run or preview.
#[derive(Debug, Clone, Serialize)]
pub struct DeliverySummary {
    /// Unique in the run: `<sub-audience>.<group>.<destination>`.
    pub id: String,
    /// The sub-audience's id.
    pub sub_audience: Slug,
    /// The group's id.
    pub group: Slug,
    /// The destination's id.
    pub destination: Slug,
    /// The destination's kind.
    pub kind: String,
    /// The list's or file's name.
    pub list_name: String,
    /// What was staged.
    pub counts: Counts,
    /// Where it went; `None` where it failed at once, and in a preview.
    pub delivered: Option<Delivered>,
    /// Why it failed.
    pub error: Option<(ErrorClass, String)>,
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// The run's id.
    pub run: String,
    /// The campaign's id.
    pub campaign: Slug,
    /// The campaign's name.
    pub campaign_name: String,
    /// The moment of the run.
    pub as_of: DateTime<Utc>,
    /// When the campaign starts downstream.
    pub launch_date: Option<NaiveDate>,
    /// How it ended.
    pub outcome: Outcome,
    /// Who is in it.
    pub audience: AudienceCounts,
    /// Its deliveries.
    pub deliveries: Vec<DeliverySummary>,
    /// The record of its recipients.
    pub recipients: PathBuf,
}

impl Workplace<'_> {
    /// Resolves a campaign to what a run at that moment needs.
    pub fn plan(&self, campaign: &Slug, as_of: DateTime<Utc>, run_id: &str) -> Result<CampaignPlan, RunError> {
        plan(self.definitions, self.tables.catalog(), self.registry, campaign, as_of, run_id).map_err(RunError::Plan)
    }

    /// Writes the snapshot of a plan into a run's folder. An exact split sticks to the campaign's last run.
    pub(crate) async fn assign(
        &self,
        store: &dyn Store,
        plan: &CampaignPlan,
        folder: &RunFolder,
    ) -> Result<(Snapshot, Assignment), RunError> {
        (self.progress)(Progress::Assigning);
        let made = |reason| RunError::Folder { path: folder.path().to_owned(), reason };
        folder.create().map_err(made)?;
        let url = file_url(&folder.snapshot());
        let previous = self.previous(store, plan, folder).await?;
        let request =
            AssignRequest { snapshot: &url, previous: previous.as_ref(), progress: &|_| {}, cancel: self.cancel };
        let assigned = self.tables.assign(&plan.assign, &request).await?;
        let snapshot = Snapshot::open(&url).await?;
        consign_points::pass(Point::SnapshotWritten);
        (self.progress)(Progress::Assigned(snapshot.num_rows()));
        Ok((snapshot, self.assignment(plan, assigned)))
    }

    fn assignment(&self, plan: &CampaignPlan, assigned: Assigned) -> Assignment {
        let campaign = self.definitions.campaigns.iter().find(|one| one.id == plan.campaign);
        let include = campaign.map(|campaign| campaign.include.clone()).unwrap_or_default();
        let exclude = campaign.map(|campaign| campaign.exclude.clone()).unwrap_or_default();
        let counts = audience_counts(&plan.assign, &assigned);
        Assignment {
            counts,
            included: include.into_iter().zip(assigned.included).collect(),
            excluded: exclude.into_iter().zip(assigned.excluded).collect(),
            always_excluded: assigned.always_excluded,
        }
    }

    /// Stages the deliveries of a plan into a run's folder.
    pub(crate) async fn stage(
        &self,
        plan: &CampaignPlan,
        snapshot: &Snapshot,
        ids: &[String],
        forgotten: &Forgotten,
        folder: &RunFolder,
    ) -> Result<Vec<StagedDelivery>, RunError> {
        let request = Stage {
            snapshot,
            plan,
            ids,
            registry: self.registry,
            forgotten,
            folder,
            threads: self.threads,
            cancel: self.cancel,
            progress: &|rows| (self.progress)(Progress::Staging(rows)),
        };
        Ok(stage(&request).await?)
    }

    /// Runs a campaign.
    pub async fn run(
        &self,
        store: &dyn Store,
        version: u64,
        campaign: &Slug,
        as_of: DateTime<Utc>,
    ) -> Result<RunSummary, RunError> {
        self.follow_up(store).await?;
        self.run_as(store, &uuid::Uuid::now_v7().to_string(), version, campaign, as_of).await
    }

    /// Runs a campaign as the run of an id that was chosen before, a version 7 UUID that no run has.
    pub async fn run_as(
        &self,
        store: &dyn Store,
        run_id: &str,
        version: u64,
        campaign: &Slug,
        as_of: DateTime<Utc>,
    ) -> Result<RunSummary, RunError> {
        // As the store keeps it: a run that is resumed has the same moment.
        let as_of = as_of.trunc_subsecs(6);
        if self.definitions.campaigns.iter().any(|one| one.id == *campaign && one.archived) {
            return Err(RunError::Archived(campaign.clone()));
        }
        let plan = self.plan(campaign, as_of, run_id)?;
        let run = NewRun {
            id: run_id.to_owned(),
            campaign: campaign.clone(),
            definitions_version: version,
            mode: if plan.deliveries.iter().any(|one| one.sandbox) { RunMode::Rehearsal } else { RunMode::Real },
            as_of,
            launch_date: plan.launch_date,
        };
        let detail = format!("campaign `{campaign}`, definitions version {version}");
        let held = hold(store, self.folder, campaign).await?;
        let running = async |under: &Under| {
            let store = &*under.store;
            self.end_abandoned(store, campaign).await?;
            self.freeze(run_id)?;
            self.audit(store, "run", run_id, &detail).await?;
            store.create_run(&run).await?;
            self.finish(under, &plan, RunState::Assigning, &[]).await
        };
        held.during(running).await
    }

    /// Brings a run from the state that it has to its end, under the lease on its campaign. `earlier` are its deliveries as
    /// the store has them; those of them that are over stay as they are.
    pub(crate) async fn finish(
        &self,
        under: &Under,
        plan: &CampaignPlan,
        state: RunState,
        earlier: &[Delivery],
    ) -> Result<RunSummary, RunError> {
        let store = &*under.store;
        let done = Box::pin(self.steps(under, plan, state, earlier)).await;
        if let Err(error) = &done
            && !error.leaves_run_open()
        {
            let outcome = if error.is_cancelled() { Outcome::Cancelled } else { Outcome::Failed };
            // Before all is staged nobody goes on with it. On a full disk this also makes the room to record how it ended.
            let folder = self.folder.run(&plan.run_id);
            let cleared = if folder.staging().exists() { Ok(()) } else { folder.clear() };
            let recorded = store.move_run(&plan.run_id, RunState::Finished(outcome), Some(&chain(error))).await;
            // Why it failed is what matters; a run that is not recorded as over is ended by the next.
            if let Some(unrecorded) = cleared.err().map(|e| e.to_string()).or(recorded.err().map(|e| e.to_string())) {
                tracing::warn!(run = plan.run_id, %unrecorded, "the end of the run is not recorded");
            }
        }
        done
    }

    /// Says in the audit log what is about to be done to a run: whoever is killed doing it did it.
    pub(crate) async fn audit(
        &self,
        store: &dyn Store,
        action: &str,
        run: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        store.audit(self.actor, action, run, detail).await
    }

    /// Looks at what platforms still work on of earlier runs: what became of it is known to this one.
    async fn follow_up(&self, store: &dyn Store) -> Result<(), RunError> {
        let (http, sandbox) = (self.http, self.sandbox);
        let follow_up = FollowUp { store, registry: self.registry, http, folder: self.folder, sandbox };
        for followed in follow_up.follow_up(Utc::now()).await? {
            (self.progress)(Progress::FollowedUp(&followed));
        }
        Ok(())
    }

    /// Ends the runs of a campaign whose process ended before they did, and that nobody resumes. Who calls holds the lease on
    /// the campaign.
    async fn end_abandoned(&self, store: &dyn Store, campaign: &Slug) -> Result<(), RunError> {
        for run in store.unfinished_runs().await?.into_iter().filter(|run| run.campaign == *campaign) {
            store.move_run(&run.id, RunState::Finished(Outcome::Failed), Some(ABANDONED)).await?;
        }
        Ok(())
    }

    async fn steps(
        &self,
        under: &Under,
        plan: &CampaignPlan,
        state: RunState,
        earlier: &[Delivery],
    ) -> Result<RunSummary, RunError> {
        let store = &*under.store;
        let folder = self.folder.run(&plan.run_id);
        let snapshot = if state == RunState::Assigning {
            let (snapshot, assignment) = self.assign(store, plan, &folder).await?;
            store.set_audience(&plan.run_id, &assignment.counts).await?;
            store.move_run(&plan.run_id, RunState::Staging, None).await?;
            snapshot
        } else {
            Snapshot::open(&file_url(&folder.snapshot())).await?
        };
        let ids = ids(plan);
        let staged = if state == RunState::Delivering {
            resume::staged(&folder, &plan.run_id).await?
        } else {
            if earlier.is_empty() {
                let new: Vec<_> =
                    plan.deliveries.iter().zip(&ids).map(|(one, id)| new_delivery(plan, one, id)).collect();
                store.create_deliveries(&plan.run_id, &new).await?;
            }
            // Taken while staging reads the same file.
            let path = folder.snapshot();
            let summing = tokio::task::spawn_blocking(move || Checksum::of(&path));
            let staged = self.stage(plan, &snapshot, &ids, &forgotten(store).await?, &folder).await?;
            let summed = summing.await.map_err(|error| RunError::Stage(StageError::Worker(error)))?;
            let summed = summed.map_err(|error| RunError::Stage(StageError::Read(error.into())))?;
            resume::keep_staged(&folder, &Staging { snapshot: summed, deliveries: staged.clone() })?;
            store.move_run(&plan.run_id, RunState::Delivering, None).await?;
            staged
        };
        let forgotten = forgotten(store).await?;
        let deliveries = self.deliver(under, plan, &staged, &forgotten, earlier, &folder).await?;
        let stored = store.deliveries(&plan.run_id).await?;
        let outcomes: Vec<_> = deliveries
            .iter()
            .zip(&staged)
            .map(|(delivery, staged)| DeliveryOutcome {
                rejects: &staged.rejects.path,
                rejected: Some(rejected_file(&folder.platform(&delivery.id))),
                staged: outcome_word(delivery),
                forgotten: over(earlier, &plan.run_id, &delivery.id).is_none().then_some(&forgotten),
                sent_at: ended_at(&stored, plan, delivery).filter(|_| outcome_word(delivery) != "failed"),
            })
            .collect();
        recipients::record(&snapshot, plan, &outcomes, &folder.recipients()).await?;
        if plan.assign.split == Split::Exact {
            assignments::keep(&snapshot, &plan.assign, &folder.assignments()).await?;
        }
        let outcome = outcome(&deliveries, self.cancel.is_cancelled());
        let run = store.move_run(&plan.run_id, RunState::Finished(outcome), None).await?;
        Ok(RunSummary {
            run: plan.run_id.clone(),
            campaign: plan.campaign.clone(),
            campaign_name: plan.campaign_name.clone(),
            as_of: plan.assign.as_of,
            launch_date: plan.launch_date,
            outcome,
            audience: run.audience.unwrap_or_default(),
            deliveries,
            recipients: folder.recipients(),
        })
    }

    /// Sends all deliveries that are not over, some at once. One that fails does not stop the others.
    async fn deliver(
        &self,
        under: &Under,
        plan: &CampaignPlan,
        staged: &[StagedDelivery],
        forgotten: &Forgotten,
        earlier: &[Delivery],
        folder: &RunFolder,
    ) -> Result<Vec<DeliverySummary>, RunError> {
        let sender = &Sender {
            plan,
            destinations: &self.definitions.destinations,
            registry: self.registry,
            secrets: self.secrets,
            folder,
            forgotten,
            cancel: self.cancel,
        };
        let ids = ids(plan);
        let all = plan.deliveries.iter().zip(&ids).zip(staged);
        let inspector = Arc::new(Inspector::open(folder)?);
        let (store, http) = (&*under.store, &under.http(self.http));
        let platforms = Platforms { store, engine: self.engine, http, data: self.folder, sandbox: self.sandbox };
        let (tell, told) = mpsc::unbounded_channel();
        let sending = all.map(move |((delivery, id), staged)| {
            let watch = Watch::new(&inspector, id, delivery, &tell);
            async move {
                let key = format!("{}/{id}", plan.run_id);
                let before = earlier.iter().find(|one| one.id == key);
                if let Some(over) = over(earlier, &plan.run_id, id) {
                    let (delivered, error) = resume::ended(over);
                    return Ok(summary(plan, delivery, id, staged, delivered, error));
                }
                (self.progress)(Progress::Sending(id));
                if before.is_none_or(|one| one.state == DeliveryState::Staging) {
                    let begin = DeliveryChange::to(DeliveryState::Sending).counts(stored_counts(&staged.counts, None));
                    store.move_delivery(&key, &begin).await?;
                }
                let ended = match watch.wait_out(store, self.cancel).await {
                    Ok(()) => {
                        let http = http.observed_by(Arc::new(watch));
                        sender.send(Platforms { http: &http, ..platforms }, id, delivery, staged).await
                    }
                    Err(error) => Ended::not_sent(staged.counts.rows, error),
                };
                store.move_delivery(&key, &change(&staged.counts, &ended)).await?;
                (self.progress)(Progress::Sent(id));
                let error = ended.error.as_ref().map(|error| (error.class(), chain(error)));
                Ok::<_, RunError>(summary(plan, delivery, id, staged, ended.delivered, error))
            }
        });
        let sent = stream::iter(sending).buffered(self.threads.max(2)).collect::<Vec<_>>();
        let (results, ()) = futures::join!(sent, keep_waits(store, &plan.run_id, self.progress, told));
        results.into_iter().collect()
    }

    /// What of the groups of the campaign's last run still holds, for an exact split.
    async fn previous(
        &self,
        store: &dyn Store,
        plan: &CampaignPlan,
        folder: &RunFolder,
    ) -> Result<Option<Url>, RunError> {
        if plan.assign.split == Split::Stable {
            return Ok(None);
        }
        let runs = store.runs(Some(&plan.campaign), RUNS_LOOKED_AT).await?;
        let real = runs.into_iter().filter(|run| run.mode == RunMode::Real);
        let Some(last) = real.map(|run| self.folder.run(&run.id).assignments()).find(|path| path.exists()) else {
            return Ok(None);
        };
        let carried = folder.carried_over();
        let holds = assignments::carry_over(&last, &plan.assign, &carried)?;
        Ok(holds.then(|| file_url(&carried)))
    }
}

/// The lease on a campaign. Another process that has it is in the way.
pub(crate) async fn hold(store: &dyn Store, folder: &DataFolder, campaign: &Slug) -> Result<HeldByUs, RunError> {
    let held = HeldByUs::take(store, folder, &LeaseOn::Campaign(campaign.clone())).await?;
    held.ok_or_else(|| RunError::Underway(campaign.clone()))
}

/// How far back the last run that was recorded is looked for.
pub(crate) const RUNS_LOOKED_AT: u32 = 100;

/// The ids of a plan's deliveries: names of folders, unique in the run.
pub(crate) fn ids(plan: &CampaignPlan) -> Vec<String> {
    let id = |delivery: &PlannedDelivery| {
        let (sub_audience, group) = place(plan, delivery);
        format!("{sub_audience}.{group}.{}", delivery.destination)
    };
    plan.deliveries.iter().map(id).collect()
}

/// What an assignment counted, with the names of the plan.
pub fn audience_counts(plan: &AssignPlan, assigned: &Assigned) -> AudienceCounts {
    let sub_audiences = plan.sub_audiences.iter().zip(&assigned.sub_audiences).map(|(planned, counted)| {
        let groups = planned.groups.iter().zip(&counted.groups).map(|(group, customers)| GroupCounts {
            id: group.id.clone(),
            name: group.name.clone(),
            control: group.control,
            customers: *customers,
        });
        SubAudienceCounts {
            id: planned.id.clone(),
            name: planned.name.clone(),
            customers: counted.customers,
            groups: groups.collect(),
        }
    });
    AudienceCounts {
        customers: assigned.audience,
        left_out: assigned.null_keys.clone(),
        sub_audiences: sub_audiences.collect(),
    }
}

fn place<'a>(plan: &'a CampaignPlan, delivery: &PlannedDelivery) -> (&'a Slug, &'a Slug) {
    let sub_audience = &plan.assign.sub_audiences[delivery.sub_audience];
    (&sub_audience.id, &sub_audience.groups[delivery.group].id)
}

fn new_delivery(plan: &CampaignPlan, delivery: &PlannedDelivery, id: &str) -> NewDelivery {
    let (sub_audience, group) = place(plan, delivery);
    NewDelivery {
        id: format!("{}/{id}", plan.run_id),
        sub_audience: sub_audience.clone(),
        group: group.clone(),
        destination: delivery.destination.clone(),
        kind: delivery.kind.clone(),
        list_name: delivery.list_name.clone(),
    }
}

pub(crate) fn summary(
    plan: &CampaignPlan,
    delivery: &PlannedDelivery,
    id: &str,
    staged: &StagedDelivery,
    delivered: Option<Delivered>,
    error: Option<(ErrorClass, String)>,
) -> DeliverySummary {
    let (sub_audience, group) = place(plan, delivery);
    DeliverySummary {
        id: id.to_owned(),
        sub_audience: sub_audience.clone(),
        group: group.clone(),
        destination: delivery.destination.clone(),
        kind: delivery.kind.clone(),
        list_name: delivery.list_name.clone(),
        counts: staged.counts.clone(),
        delivered,
        error,
    }
}

/// What is said of a run whose process did not live to end it.
const ABANDONED: &str = "the process ended before the run did; what had not arrived by then was not sent";

fn change(counts: &Counts, ended: &Ended) -> DeliveryChange {
    let list = match &ended.delivered {
        Some(Delivered::List(sent)) => Some(&sent.list),
        _ => None,
    };
    let to = match (&ended.error, list) {
        (Some(error), _) if error.is_cancelled() => DeliveryState::Cancelled,
        (Some(_), Some(list)) if list.sent + list.kept > 0 => DeliveryState::Partial,
        (Some(_), _) => DeliveryState::Failed,
        (None, Some(list)) if list.unknown > 0 => DeliveryState::Partial,
        (None, Some(list)) if !list.jobs.is_empty() => DeliveryState::Submitted,
        (None, _) => DeliveryState::Delivered,
    };
    let mut change = DeliveryChange::to(to).counts(stored_counts(counts, list));
    if let Some(Delivered::Files(files)) = &ended.delivered {
        change = change.targets(files.clone());
    }
    match &ended.error {
        Some(error) if to != DeliveryState::Cancelled => change.error(error.class(), chain(error)),
        _ => change,
    }
}

/// The outcome of a delivery's staged customers, as recipients say it.
fn outcome_word(delivery: &DeliverySummary) -> &'static str {
    match (&delivery.error, &delivery.delivered) {
        (None, Some(_)) => "sent",
        (Some(_), Some(Delivered::List(PlatformSent { list, .. }))) if list.sent + list.kept > 0 => "partial",
        _ => "failed",
    }
}

/// A delivery of a run that was over before; it stays as it is.
fn over<'a>(earlier: &'a [Delivery], run: &str, id: &str) -> Option<&'a Delivery> {
    let key = format!("{run}/{id}");
    earlier.iter().find(|one| one.id == key && !one.state.holds_run())
}

/// When a delivery ended.
fn ended_at(stored: &[Delivery], plan: &CampaignPlan, delivery: &DeliverySummary) -> Option<DateTime<Utc>> {
    let key = format!("{}/{}", plan.run_id, delivery.id);
    stored.iter().find(|one| one.id == key).map(|one| one.updated_at)
}

fn outcome(deliveries: &[DeliverySummary], cancelled: bool) -> Outcome {
    let failed = deliveries.iter().any(|delivery| delivery.error.is_some());
    let arrived = deliveries.iter().any(|delivery| match &delivery.delivered {
        Some(Delivered::Files(_)) => true,
        Some(Delivered::List(PlatformSent { list, .. })) => delivery.error.is_none() || list.sent + list.kept > 0,
        None => false,
    });
    match (failed, arrived) {
        _ if cancelled => Outcome::Cancelled,
        (false, _) => Outcome::Succeeded,
        (true, true) => Outcome::Partial,
        (true, false) => Outcome::Failed,
    }
}

fn stored_counts(counts: &Counts, list: Option<&ListCounts>) -> DeliveryCounts {
    let words = |by_reason: &BTreeMap<crate::stage::Reason, u64>| {
        by_reason.iter().map(|(reason, count)| (reason.to_string(), *count)).collect()
    };
    DeliveryCounts {
        customers: counts.customers,
        expansion: counts.expansion,
        rows: counts.rows,
        dropped: words(&counts.dropped),
        shrink: words(&counts.shrink),
        list: list.cloned(),
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn file_url(path: &std::path::Path) -> Url {
    // The data directory is absolute, so this cannot fail; an empty URL would be refused when it is opened.
    Url::from_file_path(path).unwrap_or_else(|()| Url::parse("file:///").expect("it is a URL"))
}
