//! Looking at tables: how many rows they have, what is in the first, which values a column has most.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use chrono::Utc;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::functions::string::expr_fn::{lower, starts_with};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::compile::named;
use crate::error::EngineError;
use crate::moment::Moment;
use crate::source::types::read;
use crate::tables::Tables;
use crate::view::View;

/// A value of a column and the rows that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueCount {
    /// The value as text.
    pub value: String,
    /// How many rows have it.
    pub rows: u64,
}

/// A row, each value as text; `None` for null.
pub type TextRow = Vec<Option<String>>;

impl Tables {
    /// How many rows a table has.
    pub async fn count_rows(&self, table: &str, cancel: &CancellationToken) -> Result<u64, EngineError> {
        let rows = |scan: LogicalPlanBuilder| scan.aggregate(Vec::<Expr>::new(), [count(lit(1_i64))])?.build();
        let mut counted = 0;
        self.look(table, cancel, rows, |batch| {
            counted += batch.column(0).as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        })
        .await?;
        Ok(u64::try_from(counted).unwrap_or_default())
    }

    /// The first rows of a table, its columns in their order.
    pub async fn first_rows(
        &self,
        table: &str,
        rows: usize,
        cancel: &CancellationToken,
    ) -> Result<Vec<TextRow>, EngineError> {
        let fields = self.table(table)?.stored.fields().clone();
        let plan = |scan: LogicalPlanBuilder| {
            let texts = fields.iter().map(|field| cast(read(field), DataType::Utf8).alias(field.name()));
            scan.limit(0, Some(rows))?.project(texts)?.build()
        };
        let mut first = Vec::new();
        self.look(table, cancel, plan, |batch| {
            let columns: Vec<_> = batch.columns().iter().map(AsArray::as_string::<i32>).collect();
            for row in 0..batch.num_rows() {
                let value =
                    |column: &&arrow::array::StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
                first.push(columns.iter().map(value).collect());
            }
        })
        .await?;
        Ok(first)
    }

    /// The values of a column that most rows have, of those that begin with a text in any case, nulls apart.
    pub async fn frequent_values(
        &self,
        table: &str,
        column: &str,
        prefix: &str,
        limit: usize,
        cancel: &CancellationToken,
    ) -> Result<Vec<ValueCount>, EngineError> {
        let open = self.table(table)?;
        let field = open.field(column).ok_or_else(|| EngineError::Table {
            table: table.to_owned(),
            reason: format!("there is no column `{column}`"),
            remedy: consign_model::word::use_nearest(
                column,
                open.schema.columns.iter().map(|column| column.name.as_str()),
            ),
        })?;
        let plan = |scan: LogicalPlanBuilder| {
            let mut values = scan
                .project([cast(read(field), DataType::Utf8).alias("value")])?
                .filter(named("value").is_not_null())?;
            if !prefix.is_empty() {
                values = values.filter(starts_with(lower(named("value")), lit(prefix.to_lowercase())))?;
            }
            values
                .aggregate([named("value")], [count(lit(1_i64)).alias("rows")])?
                .sort([named("rows").sort(false, false), named("value").sort(true, false)])?
                .limit(0, Some(limit))?
                .build()
        };
        let mut found = Vec::new();
        self.look(table, cancel, plan, |batch| {
            let (values, rows) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
            for row in 0..batch.num_rows() {
                let rows = u64::try_from(rows.value(row)).unwrap_or_default();
                found.push(ValueCount { value: values.value(row).to_owned(), rows });
            }
        })
        .await?;
        Ok(found)
    }

    /// Runs a plan over one table, read where it is, and shows its batches.
    async fn look(
        &self,
        table: &str,
        cancel: &CancellationToken,
        plan: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlan, DataFusionError>,
        mut show: impl FnMut(&arrow::array::RecordBatch),
    ) -> Result<(), EngineError> {
        let moment = Moment { as_of: Utc::now(), time_zone: chrono_tz::UTC };
        let mut view = View::new(&self.shared, moment, cancel)?;
        let provider = view.live(self, table).await?;
        let scan = LogicalPlanBuilder::scan(TableReference::bare(table.to_owned()), provider_as_source(provider), None);
        let plan = scan.and_then(plan).map_err(|error| view.error(error))?;
        let mut stream = view.session()?.run(&plan).await?;
        loop {
            let batch = tokio::select! {
                () = cancel.cancelled() => return Err(EngineError::Cancelled),
                batch = stream.next() => batch,
            };
            let Some(batch) = batch else { return Ok(()) };
            show(&batch.map_err(|error| view.error(error))?);
        }
    }
}
