//! Ranks: the value from which on a number is among the highest or lowest N % of its column. Exact, in bounded memory:
//! the column's distinct values with their counts, in order, up to the threshold.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use consign_model::definition::ColumnRef;
use consign_model::test::NumberTest;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;

use crate::compile::named;
use crate::error::EngineError;
use crate::frame::text;
use crate::source::types::{key, read};
use crate::tables::Tables;
use crate::view::View;

/// The thresholds of a plan's ranks.
#[derive(Debug, Default)]
pub(crate) struct Ranks(Vec<(ColumnRef, NumberTest, Option<ScalarValue>)>);

impl Ranks {
    /// The threshold of a rank; `None` where the column has no values.
    pub fn threshold(&self, column: &ColumnRef, test: &NumberTest) -> Option<&ScalarValue> {
        let found = self.0.iter().find(|(of, rank, _)| of == column && rank == test);
        found.and_then(|(_, _, threshold)| threshold.as_ref())
    }

    /// Finds the thresholds of ranks in tables that a view has made ready.
    pub async fn find(tables: &Tables, ranks: &[(ColumnRef, NumberTest)], view: &View) -> Result<Self, EngineError> {
        let mut found = Self::default();
        for (column, test) in ranks {
            if !found.0.iter().any(|(of, rank, _)| of == column && rank == test) {
                let threshold = threshold(tables, column, test, view).await?;
                found.0.push((column.clone(), test.clone(), threshold));
            }
        }
        Ok(found)
    }
}

async fn threshold(
    tables: &Tables,
    column: &ColumnRef,
    test: &NumberTest,
    view: &View,
) -> Result<Option<ScalarValue>, EngineError> {
    let (percent, descending) = match test {
        NumberTest::TopPercent(percent) => (*percent, true),
        NumberTest::BottomPercent(percent) => (*percent, false),
        _ => return Ok(None),
    };
    let table = tables.table(&column.table)?;
    let (Some(field), Some(provider)) = (table.field(&column.column), view.provider(&column.table)) else {
        return Ok(None);
    };
    let key = key(table.key()?);
    let error = |error| view.error(error);
    let values = || {
        let has_key = key.clone().is_not_null().and(key.clone().not_eq(text("")));
        let name = TableReference::bare(column.table.clone());
        LogicalPlanBuilder::scan(name, provider_as_source(provider.clone()), None)?
            .filter(has_key)?
            .project([read(field).alias("value")])?
            .filter(named("value").is_not_null())
    };
    let rows = count(lit(1_i64)).alias("rows");
    let total = values().and_then(|plan| plan.aggregate(Vec::<Expr>::new(), [rows.clone()])?.build()).map_err(error)?;
    let ordered = values()
        .and_then(|plan| {
            plan.aggregate([named("value")], [rows])?.sort([named("value").sort(!descending, false)])?.build()
        })
        .map_err(error)?;
    let session = view.session()?;
    let mut stream = session.run(&total).await?;
    let mut values = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(error)?;
        values += batch.column(0).as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
    }
    // As many values as the percentage says, rounded up: at least one, where there is one.
    #[expect(clippy::cast_possible_truncation, reason = "at most the number of values")]
    let mut left = (values as f64 * percent / 100.0 - 1e-9).ceil() as i64;
    let mut stream = session.run(&ordered).await?;
    while let Some(batch) = stream.next().await {
        view.stop_if_cancelled()?;
        let batch = batch.map_err(error)?;
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..counts.len() {
            left -= counts.value(row);
            if left <= 0 {
                return ScalarValue::try_from_array(batch.column(0), row).map(Some).map_err(error);
            }
        }
    }
    Ok(None)
}
