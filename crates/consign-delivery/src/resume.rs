//! Going on with a run from what is on disk: one whose process ended before it did, or one whose lists did not all arrive.
//! What a run begins with is frozen: its definitions by their version, the tables by a file, its moment. So it is planned
//! again, and the plan is the same.

use std::io;
use std::path::{Path, PathBuf};

use consign_model::id::Slug;
use consign_model::plan::{CampaignPlan, plan};
use consign_model::schema::Catalog;
use consign_store::{Delivery, DeliveryChange, DeliveryState, ErrorClass, Outcome, Run, RunState, Store};
use serde::{Deserialize, Serialize};

use crate::checksum::{Checksum, Damage};
use crate::deliver::Delivered;
use crate::folder::{DataFolder, RunFolder, keep, kept};
use crate::lease::Under;
use crate::platform::PlatformSent;
use crate::run::{RunError, RunSummary, Workplace, chain, hold};
use crate::stage::{StageError, StagedDelivery};

impl Workplace<'_> {
    /// Brings a run to its end that no process works on any more. The definitions are those of the run's version; tables
    /// are read only where the run had not assigned yet. A run that cannot be resumed fails.
    pub async fn resume(&self, store: &dyn Store, run: &str) -> Result<RunSummary, RunError> {
        let campaign = store.run(run).await?.campaign;
        let held = hold(store, self.folder, &campaign).await?;
        held.during(async |under| self.go_on(under, run).await).await
    }

    async fn go_on(&self, under: &Under, run: &str) -> Result<RunSummary, RunError> {
        let store = &*under.store;
        // Whoever held the campaign until now may have ended the run.
        let run = store.run(run).await?;
        if run.state.is_finished() {
            return Err(RunError::Over(run.id));
        }
        self.audit(store, "resume", &run.id, &format!("campaign `{}`", run.campaign)).await?;
        let plan = match self.plan_again(&run) {
            Ok(plan) => plan,
            Err(error) => {
                store.move_run(&run.id, RunState::Finished(Outcome::Failed), Some(&chain(&error))).await?;
                return Err(error);
            }
        };
        let earlier = store.deliveries(&run.id).await?;
        self.finish(under, &plan, run.state, &earlier).await
    }

    /// Sends again what of a run did not arrive, at one destination or at all. Lists that were staged are sent as they
    /// were staged.
    pub async fn retry(
        &self,
        store: &dyn Store,
        run: &str,
        destination: Option<&Slug>,
    ) -> Result<RunSummary, RunError> {
        let campaign = store.run(run).await?.campaign;
        let held = hold(store, self.folder, &campaign).await?;
        held.during(async |under| self.send_again(under, run, destination).await).await
    }

    async fn send_again(&self, under: &Under, run: &str, destination: Option<&Slug>) -> Result<RunSummary, RunError> {
        let store = &*under.store;
        let run = store.run(run).await?;
        let of_destination = |one: &Delivery| destination.is_none_or(|destination| one.destination == *destination);
        let failed = |one: &Delivery| one.state.may_become(DeliveryState::Sending) && of_destination(one);
        let failed: Vec<_> = store.deliveries(&run.id).await?.into_iter().filter(failed).collect();
        if !run.state.is_finished() || failed.is_empty() {
            return Err(RunError::NothingFailed(run.id));
        }
        if let Some(at) = run.staged_deleted_at {
            return Err(RunError::StagedDeleted { run: run.id, at });
        }
        // All that it takes is looked for before anything changes.
        let plan = self.plan_again(&run)?;
        staged(&self.folder.run(&run.id), &run.id).await?;
        let sent_again = destination.map_or_else(String::new, |destination| format!(", destination `{destination}`"));
        self.audit(store, "retry", &run.id, &format!("campaign `{}`{sent_again}", run.campaign)).await?;
        store.move_run(&run.id, RunState::Delivering, None).await?;
        for delivery in &failed {
            store.move_delivery(&delivery.id, &DeliveryChange::to(DeliveryState::Sending)).await?;
        }
        let earlier = store.deliveries(&run.id).await?;
        self.finish(under, &plan, RunState::Delivering, &earlier).await
    }

    /// The plan that a run began with.
    fn plan_again(&self, run: &Run) -> Result<CampaignPlan, RunError> {
        let catalog: Catalog =
            frozen(&run.id, kept(&self.folder.run(&run.id).catalog()), "the tables that it began with")?;
        plan(self.definitions, &catalog, self.registry, &run.campaign, run.as_of, &run.id).map_err(RunError::Plan)
    }

    /// Keeps what a run's plan is made from and the store does not have.
    pub(crate) fn freeze(&self, run: &str) -> Result<(), RunError> {
        let folder = self.folder.run(run);
        let kept = folder.create().and_then(|()| keep(&folder.catalog(), self.tables.catalog()));
        kept.map_err(|reason| RunError::Folder { path: folder.path().to_owned(), reason })
    }
}

/// Gives up a run that no process works on any more. `actor` asks for it.
pub async fn give_up(store: &dyn Store, folder: &DataFolder, run: &str, actor: &str) -> Result<(), RunError> {
    let campaign = store.run(run).await?.campaign;
    let giving_up = async |under: &Under| {
        let store = &*under.store;
        if store.run(run).await?.state.is_finished() {
            return Err(RunError::Over(run.to_owned()));
        }
        store.audit(actor, "cancel", run, &format!("campaign `{campaign}`")).await?;
        store.move_run(run, RunState::Finished(Outcome::Cancelled), None).await?;
        Ok(())
    };
    hold(store, folder, &campaign).await?.during(giving_up).await
}

/// What a run has staged, each file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staging {
    /// The snapshot that it was staged from.
    pub snapshot: Checksum,
    /// Its deliveries.
    pub deliveries: Vec<StagedDelivery>,
}

impl Staging {
    /// Keeps it, with paths below the run's folder: that may be moved.
    pub fn keep(&self, folder: &RunFolder) -> io::Result<()> {
        let below = |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_owned();
        keep(&folder.staging(), &self.clone().placed(below))
    }

    /// What was kept; `None` where nothing was.
    pub fn kept(folder: &RunFolder) -> io::Result<Option<Self>> {
        let kept: Option<Self> = kept(&folder.staging())?;
        Ok(kept.map(|staging| staging.placed(|path| folder.path().join(path))))
    }

    fn placed(self, place: impl Fn(&Path) -> PathBuf) -> Self {
        Self { deliveries: self.deliveries.into_iter().map(|one| one.placed(&place)).collect(), ..self }
    }

    /// What of its files is not as it was written.
    pub fn damage(&self, folder: &RunFolder) -> Vec<Damage> {
        let snapshot = folder.snapshot();
        let staged = self.deliveries.iter().flat_map(StagedDelivery::files);
        let files = staged.chain([(snapshot.as_path(), &self.snapshot)]);
        files.filter_map(|(path, checksum)| checksum.verify(path).err()).collect()
    }
}

/// Keeps what is staged, before the run says so.
pub(crate) fn keep_staged(folder: &RunFolder, staging: &Staging) -> Result<(), RunError> {
    staging.keep(folder).map_err(|reason| RunError::Folder { path: folder.staging(), reason })
}

/// What a run has staged. Refused where any of it is not as it was written.
pub(crate) async fn staged(folder: &RunFolder, run: &str) -> Result<Vec<StagedDelivery>, RunError> {
    let staging: Staging = frozen(run, Staging::kept(folder), "what it staged")?;
    let folder = folder.clone();
    let verified = tokio::task::spawn_blocking(move || (staging.damage(&folder), staging)).await;
    let (damage, staging) = verified.map_err(|error| RunError::Stage(StageError::Worker(error)))?;
    match damage.into_iter().next() {
        Some(damage) => Err(RunError::Damaged { run: run.to_owned(), damage }),
        None => Ok(staging.deliveries),
    }
}

/// How a delivery ended before.
pub(crate) fn ended(delivery: &Delivery) -> (Option<Delivered>, Option<(ErrorClass, String)>) {
    let list = delivery.counts.as_ref().and_then(|counts| counts.list.clone());
    let files = (!delivery.targets.is_empty()).then(|| Delivered::Files(delivery.targets.clone()));
    let delivered = list.map(|list| Delivered::List(PlatformSent { list, ..PlatformSent::default() })).or(files);
    (delivered, delivery.error.as_ref().map(|error| (error.class, error.message.clone())))
}

fn frozen<T>(run: &str, found: io::Result<Option<T>>, what: &str) -> Result<T, RunError> {
    let lost = |reason: String| RunError::Lost { run: run.to_owned(), reason };
    match found {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(lost(format!("{what} is not in the data folder"))),
        Err(error) => Err(lost(format!("{what} cannot be read: {error}"))),
    }
}
