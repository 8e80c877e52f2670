//! Customer keys before a plan joins by them: how many rows a table has, how many without a key, and whether a one-row
//! table names a customer twice. Reads the key column alone.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use consign_model::definition::RowsPerCustomer;
use consign_model::snapshot::CUSTOMER_KEY;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit, when};
use futures::StreamExt;

use crate::compile::named;
use crate::error::EngineError;
use crate::frame::text;
use crate::session::Session;
use crate::source::types::key;
use crate::tables::{OpenTable, Origin, Tables};
use crate::view::View;

/// How many of the keys that stand in several rows an error shows.
const SHOWN: usize = 5;

/// The rows of tables.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Rows that have a key, by table.
    pub rows: BTreeMap<String, u64>,
    /// Rows whose key is null or empty, by table; only where there are any.
    pub null: BTreeMap<String, u64>,
}

/// The rows of a table that names no customer twice, if it has one row a customer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyCounts {
    with: u64,
    without: u64,
}

/// Looks at the keys of tables that a view has made ready. Those of files are looked at once.
pub(crate) async fn check<'a>(
    tables: &Tables,
    names: impl Iterator<Item = &'a String>,
    view: &View,
) -> Result<Keys, EngineError> {
    let session = view.session()?;
    let mut keys = Keys::default();
    for name in names {
        view.stop_if_cancelled()?;
        let table = tables.table(name)?;
        let checking = Checking { table, view, session: &session };
        let KeyCounts { with, without } = match &table.origin {
            Origin::Postgres(_) => checking.checked().await?,
            Origin::Parquet(_) | Origin::Text(_) => *table.keys.get_or_try_init(|| checking.checked()).await?,
        };
        keys.rows.insert(name.clone(), with);
        if without > 0 {
            keys.null.insert(name.clone(), without);
        }
    }
    Ok(keys)
}

struct Checking<'a> {
    table: &'a OpenTable,
    view: &'a View,
    session: &'a Session,
}

impl Checking<'_> {
    fn keys(&self) -> Result<LogicalPlanBuilder, EngineError> {
        let name = &self.table.schema.name;
        let provider = self.view.provider(name).ok_or_else(|| EngineError::Table {
            table: name.clone(),
            reason: "it was not made ready".into(),
            remedy: "report this".into(),
        })?;
        LogicalPlanBuilder::scan(TableReference::bare(name.clone()), provider_as_source(provider), None)
            .and_then(|scan| scan.project([key(self.table.key()?).alias(CUSTOMER_KEY)]))
            .map_err(|error| self.view.error(error))
    }

    fn grouped(&self) -> Result<LogicalPlanBuilder, EngineError> {
        let rows = count(lit(1_i64)).alias("rows");
        self.keys()?.aggregate([named(CUSTOMER_KEY)], [rows]).map_err(|error| self.view.error(error))
    }

    /// Counts the rows, and refuses a one-row table that names a customer twice.
    async fn checked(&self) -> Result<KeyCounts, EngineError> {
        let [with, without, repeated] = self.counts().await?;
        if repeated > 0 {
            let table = self.table.schema.name.clone();
            return Err(EngineError::DuplicateKeys { table, count: repeated, keys: self.repeated().await? });
        }
        Ok(KeyCounts { with, without })
    }

    /// Rows with a key, rows without, keys that stand in several rows (0 for a many-rows table).
    async fn counts(&self) -> Result<[u64; 3], EngineError> {
        let without = named(CUSTOMER_KEY).is_null().or(named(CUSTOMER_KEY).eq(text("")));
        let total = |condition: Expr, of: Expr| when(condition, of).otherwise(lit(0_i64)).map(sum);
        let build = || {
            let plan = match self.table.schema.rows {
                RowsPerCustomer::One => self.grouped()?,
                RowsPerCustomer::Many => self.keys()?.project([named(CUSTOMER_KEY), lit(1_i64).alias("rows")])?,
            };
            let repeated = match self.table.schema.rows {
                RowsPerCustomer::One => without.clone().is_not_true().and(named("rows").gt(lit(1_i64))),
                RowsPerCustomer::Many => lit(false),
            };
            let counts = [
                total(without.clone().is_not_true(), named("rows"))?.alias("with"),
                total(without.is_true(), named("rows"))?.alias("without"),
                total(repeated, lit(1_i64))?.alias("repeated"),
            ];
            plan.aggregate(Vec::<Expr>::new(), counts)?.build()
        };
        let plan = build().map_err(|error| self.view.error(error))?;
        let batches = self.collect(&plan).await?;
        let mut counts = [0; 3];
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            for (count, column) in counts.iter_mut().zip(batch.columns()) {
                let values = column.as_primitive::<Int64Type>();
                *count += u64::try_from(values.iter().flatten().sum::<i64>()).unwrap_or_default();
            }
        }
        Ok(counts)
    }

    /// The first few keys that stand in several rows.
    async fn repeated(&self) -> Result<Vec<String>, EngineError> {
        let build = || {
            let repeated = named("rows").gt(lit(1_i64)).and(named(CUSTOMER_KEY).not_eq(text("")));
            let sorted = self.grouped()?.filter(repeated)?.sort([named(CUSTOMER_KEY).sort(true, false)])?;
            sorted.limit(0, Some(SHOWN))?.build()
        };
        let plan = build().map_err(|error| self.view.error(error))?;
        let batches = self.collect(&plan).await?;
        let keys = batches.iter().flat_map(|batch| batch.column(0).as_string_view().iter().flatten());
        Ok(keys.map(ToOwned::to_owned).collect())
    }

    async fn collect(&self, plan: &datafusion::logical_expr::LogicalPlan) -> Result<Vec<RecordBatch>, EngineError> {
        let mut stream = self.session.run(plan).await?;
        let mut batches = Vec::new();
        loop {
            tokio::select! {
                batch = stream.next() => match batch {
                    None => return Ok(batches),
                    Some(batch) => batches.push(batch.map_err(|error| self.view.error(error))?),
                },
                () = self.view.cancel.cancelled() => return Err(EngineError::Cancelled),
            }
        }
    }
}
