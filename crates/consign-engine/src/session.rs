//! Sessions: how plans are optimised and run.

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry, SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use url::Url;

use crate::error::{EngineError, query_error};
use crate::functions;
use crate::moment::Moment;
use crate::snapshot::Snapshot;
use crate::spill::Spill;

/// Rows of a batch.
pub(crate) const BATCH: usize = 8192;

/// What all sessions of an engine share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub runtime: Arc<RuntimeEnv>,
    pub threads: usize,
    /// Bytes of the pool.
    pub memory: usize,
    /// Where copies of tables are kept while they are needed.
    pub spill: Arc<Spill>,
}

impl Shared {
    /// A snapshot, on disk or in an object store that is known.
    pub async fn snapshot(&self, url: &Url) -> Result<Snapshot, EngineError> {
        if url.scheme() == "file" {
            return Snapshot::open(url).await;
        }
        let store = self
            .runtime
            .object_store_registry
            .get_store(url)
            .map_err(|error| EngineError::ReadSnapshot { url: url.to_string(), reason: error.strip_backtrace() })?;
        Snapshot::open_object(store, url).await
    }

    /// A session in which `now()` is that moment.
    pub fn session(&self, moment: Moment) -> Result<Session, EngineError> {
        let mut config = SessionConfig::new().with_target_partitions(self.threads).with_batch_size(BATCH);
        let options = config.options_mut();
        options.sql_parser.enable_ident_normalization = false;
        // `IS TRUE` is never null for the logical plan and may be for the physical one, which the check takes for a bug.
        options.execution.skip_physical_aggregate_schema_check = true;
        options.execution.parquet.schema_force_view_types = false;
        // Each sort keeps this much back for merging what it spilled; many small sorts share a small pool.
        options.execution.sort_spill_reservation_bytes = (self.memory / 128).clamp(1 << 20, 10 << 20);
        // With statistics of files, a column whose least value is its greatest is taken for constant (DataFusion 55),
        // and the NaNs in it, which statistics leave out, for that value.
        options.execution.collect_statistics = false;
        options.execution.time_zone = Some(moment.time_zone.name().to_owned());
        let mut state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features()
            .build();
        for function in functions::all() {
            state.register_udf(function).map_err(|error| query_error(error, self.memory))?;
        }
        state.execution_props_mut().query_execution_start_time = Some(moment.as_of);
        Ok(Session { state, memory: self.memory })
    }
}

/// One session.
pub(crate) struct Session {
    pub state: SessionState,
    pub memory: usize,
}

impl Session {
    /// The plan as it will run.
    pub async fn physical(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        self.state.create_physical_plan(plan).await.map_err(|error| self.error(error))
    }

    /// Runs a plan: its batches, as they come.
    pub async fn run(&self, plan: &LogicalPlan) -> Result<SendableRecordBatchStream, EngineError> {
        let physical = self.physical(plan).await?;
        execute_stream(physical, self.state.task_ctx()).map_err(|error| self.error(error))
    }

    pub fn error(&self, error: datafusion::error::DataFusionError) -> EngineError {
        query_error(error, self.memory)
    }
}
