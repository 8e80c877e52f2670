//! Assign: every customer of the audience with sub-audience, position and treatment group, and all mapped columns,
//! written once and in one order as the run's snapshot.

mod exact;
mod plan;
mod write;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use consign_model::condition::Condition;
use consign_model::definition::Split;
use consign_model::plan::AssignPlan;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::error::EngineError;
use crate::moment::Moment;
use crate::needs::Needs;
use crate::prepare::{Prepared, Question};
use crate::tables::Tables;
use crate::view::View;

/// What an assignment writes where, and who may look at it or stop it.
pub struct AssignRequest<'a> {
    /// Where the snapshot goes: a `file:` URL, or one of an object store that a source of the workspace is in.
    pub snapshot: &'a Url,
    /// The last run's snapshot, to whose groups an exact split sticks. Only while split key, sub-audiences, groups and
    /// percentages are the same.
    pub previous: Option<&'a Url>,
    /// Hears how far it is.
    pub progress: &'a (dyn Fn(AssignProgress) + Sync),
    /// Stops it; nothing half-written is left.
    pub cancel: &'a CancellationToken,
}

/// How far an assignment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignProgress {
    /// The tables are made ready: copied where they are not Parquet, their keys checked.
    Preparing,
    /// So many rows of the snapshot are written.
    Writing {
        /// The rows.
        rows: u64,
    },
}

/// What an assignment found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Customers in the audience.
    pub audience: u64,
    /// Customers of the customer table.
    pub customers_of_table: u64,
    /// Rows that were left out since their customer key is null or empty, by table; only tables that have any.
    pub null_keys: BTreeMap<String, u64>,
    /// The sub-audiences, as in the plan.
    pub sub_audiences: Vec<AssignedSubAudience>,
    /// Customers of each included segment.
    pub included: Vec<u64>,
    /// Customers of the included segments whom each excluded segment takes out; one may be in several.
    pub excluded: Vec<u64>,
    /// Customers of the included segments whom the workspace's `always_exclude` takes out.
    pub always_excluded: u64,
    /// Rows of the snapshot.
    pub rows: u64,
}

/// What an assignment found in a sub-audience.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignedSubAudience {
    /// Its customers.
    pub customers: u64,
    /// The customers of each of its groups, as in the plan.
    pub groups: Vec<u64>,
}

impl Tables {
    /// Assigns the customers of a campaign and writes its snapshot. The sources are read once, but for the key columns,
    /// which are checked first, and ranked columns (*top N %*), whose thresholds are found first.
    pub async fn assign(&self, plan: &AssignPlan, request: &AssignRequest<'_>) -> Result<Assigned, EngineError> {
        (request.progress)(AssignProgress::Preparing);
        let prepared = Box::pin(self.prepare(plan, request.cancel)).await?;
        let mut assigned = Assigned {
            customers_of_table: prepared.customers(),
            null_keys: prepared.keys.null.clone(),
            ..Assigned::default()
        };
        let stores = &self.shared.runtime.object_store_registry;
        let target = write::Target::new(request.snapshot, self.shared.spill.path(), stores)?;
        let writing = write::Writing { plan, request, prepared: &prepared };
        if plan.split == Split::Exact {
            let scratch = prepared.view.path("unsplit.parquet");
            let unsplit = write::Target::on_disk(scratch.clone());
            Box::pin(writing.write(unsplit, &mut assigned)).await?;
            let previous = match request.previous {
                Some(url) => Some(self.shared.snapshot(url).await?),
                None => None,
            };
            let exact = exact::Exact { plan, request, previous: previous.as_ref() };
            Box::pin(exact.split(&scratch, target, &mut assigned)).await?;
        } else {
            Box::pin(writing.write(target, &mut assigned)).await?;
        }
        Ok(assigned)
    }

    /// The plan of an assignment as the engine will run it, for who wants to see it.
    pub async fn explain_plan(&self, plan: &AssignPlan) -> Result<String, EngineError> {
        let prepared = Box::pin(self.prepare(plan, &CancellationToken::new())).await?;
        let logical = plan::logical(&prepared, &prepared.view.whole(), plan)?;
        let session = prepared.view.session()?;
        let physical = session.physical(&logical).await?;
        Ok(datafusion::physical_plan::displayable(physical.as_ref()).indent(false).to_string())
    }

    async fn prepare<'a>(
        &'a self,
        plan: &'a AssignPlan,
        cancel: &CancellationToken,
    ) -> Result<Prepared<'a>, EngineError> {
        let mut needs = Needs::default();
        for condition in conditions(plan) {
            needs.condition(condition, self)?;
        }
        for column in &plan.columns {
            needs.raw(column, self)?;
        }
        for column in &plan.cleaned {
            needs.cleaned(column, self)?;
        }
        let mut prepared = Prepared::whole(self, question(plan, needs), cancel).await?;
        prepared.lay_out().await?;
        Ok(prepared)
    }
}

/// What a plan asks of the tables.
pub(crate) fn question(plan: &AssignPlan, needs: Needs) -> Question<'_> {
    let (customer_table, sql_segments) = (&plan.customer_table, &plan.sql_segments);
    Question { moment: Moment::from(plan), customer_table, sql_segments, split_key: &plan.split_key, needs }
}

/// Every condition of a plan.
pub(crate) fn conditions(plan: &AssignPlan) -> impl Iterator<Item = &Condition> {
    let sub_audiences = plan.sub_audiences.iter().filter_map(|one| one.condition.as_ref());
    let audience = plan.include.iter().chain(&plan.exclude).chain(&plan.always_exclude);
    audience.chain(sub_audiences).chain(plan.consents.values())
}

/// The next batch of a stream, unless somebody cancels first.
async fn next(
    stream: &mut SendableRecordBatchStream,
    cancel: &CancellationToken,
    view: &View,
) -> Result<Option<RecordBatch>, EngineError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(EngineError::Cancelled),
        batch = stream.next() => batch.transpose().map_err(|error| view.error(error)),
    }
}
