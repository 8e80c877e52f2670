//! Going on with a run whose process ended before the run did, from what is on disk. What a run begins with is frozen: its
//! definitions by their version, the tables by a file, its moment. So it is planned again, and the plan is the same.

use consign_model::plan::plan;
use consign_model::schema::Catalog;
use consign_store::{Delivery, ErrorClass, Store};

use crate::deliver::Delivered;
use crate::folder::{RunFolder, keep, kept};
use crate::platform::PlatformSent;
use crate::run::{RunError, RunSummary, Workplace};
use crate::stage::StagedDelivery;

impl Workplace<'_> {
    /// Brings a run to its end that no process works on any more. The definitions are those of the run's version; tables
    /// are read only where the run had not assigned yet.
    pub async fn resume(&self, store: &dyn Store, run: &str) -> Result<RunSummary, RunError> {
        let campaign = store.run(run).await?.campaign;
        let _held = self.hold(&campaign)?;
        // Whoever held the campaign until now may have ended the run.
        let run = store.run(run).await?;
        if run.state.is_finished() {
            return Err(RunError::Over(run.id));
        }
        let folder = self.folder.run(&run.id);
        let catalog: Catalog = frozen(&run.id, kept(&folder.catalog()), "the tables that it began with")?;
        let plan = plan(self.definitions, &catalog, self.registry, &run.campaign, run.as_of, &run.id);
        let earlier = store.deliveries(&run.id).await?;
        self.finish(store, &plan.map_err(RunError::Plan)?, run.state, &earlier).await
    }

    /// Keeps what a run's plan is made from and the store does not have.
    pub(crate) fn freeze(&self, run: &str) -> Result<(), RunError> {
        let folder = self.folder.run(run);
        let kept = folder.create().and_then(|()| keep(&folder.catalog(), self.tables.catalog()));
        kept.map_err(|reason| RunError::Folder { path: folder.path().to_owned(), reason })
    }
}

/// Keeps what is staged, before the run says so.
pub(crate) fn keep_staged(folder: &RunFolder, staged: &[StagedDelivery]) -> Result<(), RunError> {
    keep(&folder.staging(), &staged).map_err(|reason| RunError::Folder { path: folder.staging(), reason })
}

/// What a run has staged.
pub(crate) fn staged(folder: &RunFolder, run: &str) -> Result<Vec<StagedDelivery>, RunError> {
    frozen(run, kept(&folder.staging()), "what it staged")
}

/// How a delivery ended before.
pub(crate) fn ended(delivery: &Delivery) -> (Option<Delivered>, Option<(ErrorClass, String)>) {
    let list = delivery.counts.as_ref().and_then(|counts| counts.list.clone());
    let files = (!delivery.targets.is_empty()).then(|| Delivered::Files(delivery.targets.clone()));
    let delivered = list.map(|list| Delivered::List(PlatformSent { list, ..PlatformSent::default() })).or(files);
    (delivered, delivery.error.as_ref().map(|error| (error.class, error.message.clone())))
}

fn frozen<T>(run: &str, found: std::io::Result<Option<T>>, what: &str) -> Result<T, RunError> {
    let lost = |reason: String| RunError::Lost { run: run.to_owned(), reason };
    match found {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(lost(format!("{what} is not in the data folder"))),
        Err(error) => Err(lost(format!("{what} cannot be read: {error}"))),
    }
}
