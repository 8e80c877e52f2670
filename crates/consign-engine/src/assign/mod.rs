//! Assign: every customer of the audience with sub-audience, position and treatment group, and all mapped columns,
//! written once and in one order as the run's snapshot.

mod exact;
mod plan;
mod write;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use consign_model::definition::Split;
use consign_model::plan::AssignPlan;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::error::EngineError;
use crate::frame::Needs;
use crate::keys;
use crate::moment::Moment;
use crate::rank::Ranks;
use crate::session::Joins;
use crate::sql;
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
        let prepared = self.prepare(plan, request.cancel).await?;
        let (stream, counted) = prepared.stream(plan).await?;
        let mut assigned = Assigned {
            customers_of_table: prepared.keys.rows.get(&plan.customer_table).copied().unwrap_or_default(),
            null_keys: prepared.keys.null.clone(),
            ..Assigned::default()
        };
        let store = self.shared.runtime.object_store_registry.clone();
        let target = write::Target::new(request.snapshot, &self.shared.spill, store)?;
        if plan.split == Split::Exact {
            let scratch = prepared.view.path("unsplit.parquet");
            let writing = write::Writing { plan, request, counted, memory: self.shared.memory };
            let unsplit = write::Target::on_disk(scratch.clone());
            writing.write(stream, unsplit, &mut assigned).await?;
            exact::split(plan, request, &scratch, target, &mut assigned).await?;
        } else {
            let writing = write::Writing { plan, request, counted, memory: self.shared.memory };
            writing.write(stream, target, &mut assigned).await?;
        }
        Ok(assigned)
    }

    /// The plan of an assignment as the engine will run it, for who wants to see it.
    pub async fn explain_plan(&self, plan: &AssignPlan) -> Result<String, EngineError> {
        let prepared = self.prepare(plan, &CancellationToken::new()).await?;
        let joins = prepared.joins;
        let session = prepared.view.session(joins)?;
        let (logical, _) = prepared.logical(plan)?;
        let physical = session.physical(&logical).await?;
        Ok(datafusion::physical_plan::displayable(physical.as_ref()).indent(false).to_string())
    }

    async fn prepare(&self, plan: &AssignPlan, cancel: &CancellationToken) -> Result<Prepared<'_>, EngineError> {
        let mut needs = Needs::default();
        let sub_audiences = plan.sub_audiences.iter().filter_map(|one| one.condition.as_ref());
        let conditions = plan.include.iter().chain(&plan.exclude).chain(&plan.always_exclude);
        for condition in conditions.chain(sub_audiences).chain(plan.consents.values()) {
            needs.condition(condition, self)?;
        }
        for column in &plan.columns {
            needs.raw(column, self)?;
        }
        for column in &plan.cleaned {
            needs.cleaned(column, self)?;
        }
        let moment = Moment::from(plan);
        let mut view = View::new(&self.shared, moment, cancel)?;
        let read = needs.tables(&plan.customer_table);
        view.prepare(self, &read).await?;
        sql::evaluate(self, &plan.sql_segments, &mut view).await?;
        let keys = keys::check(self, read.keys(), &view).await?;
        let ranks = Ranks::find(self, &needs.ranks, &view).await?;
        let bytes = needs.joined_bytes(self, &keys.rows) + view.segment_keys() * 96;
        let joins = Joins::for_bytes(bytes, self.shared.memory);
        Ok(Prepared { tables: self, needs, moment, view, keys, ranks, joins })
    }
}

/// Everything that a plan is made of, ready.
struct Prepared<'a> {
    tables: &'a Tables,
    needs: Needs,
    moment: Moment,
    view: View,
    keys: keys::Keys,
    ranks: Ranks,
    joins: Joins,
}

impl Prepared<'_> {
    async fn stream(&self, plan: &AssignPlan) -> Result<(SendableRecordBatchStream, plan::Counted), EngineError> {
        let (logical, counted) = self.logical(plan)?;
        let session = self.view.session(self.joins)?;
        Ok((session.run(&logical).await?, counted))
    }
}

/// The next batch of a stream, unless somebody cancels first.
async fn next(
    stream: &mut SendableRecordBatchStream,
    cancel: &CancellationToken,
    memory: usize,
) -> Result<Option<RecordBatch>, EngineError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(EngineError::Cancelled),
        batch = stream.next() => batch.transpose().map_err(|error| crate::error::query_error(error, memory)),
    }
}
