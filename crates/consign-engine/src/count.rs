//! Counting customers: of segments, of all.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use consign_model::condition::Condition;
use consign_model::id::Slug;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, lit, when};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::compile::{filter, named};
use crate::error::EngineError;
use crate::frame::Frame;
use crate::moment::Moment;
use crate::needs::Needs;
use crate::prepare::{Prepared, Question};
use crate::tables::Tables;

/// Which customers are counted.
pub struct CountRequest<'a> {
    /// The moment that relative times mean.
    pub as_of: DateTime<Utc>,
    /// The time zone in which days begin.
    pub time_zone: Tz,
    /// The one-row table that says who exists.
    pub customer_table: &'a str,
    /// SQL segments that the conditions name.
    pub sql_segments: &'a BTreeMap<Slug, String>,
    /// The conditions, with segments of conditions written out.
    pub conditions: &'a [Condition],
    /// Stops it.
    pub cancel: &'a CancellationToken,
}

/// How many customers there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Customers of the customer table.
    pub customers: u64,
    /// Those for whom each of the conditions holds.
    pub conditions: Vec<u64>,
}

impl Tables {
    /// Counts customers, exactly.
    pub async fn count(&self, request: &CountRequest<'_>) -> Result<Counts, EngineError> {
        let mut needs = Needs::default();
        for condition in request.conditions {
            needs.condition(condition, self)?;
        }
        let question = Question {
            moment: Moment { as_of: request.as_of, time_zone: request.time_zone },
            customer_table: request.customer_table,
            sql_segments: request.sql_segments,
            split_key: "",
            needs,
        };
        let mut prepared = Box::pin(Prepared::whole(self, question, request.cancel)).await?;
        prepared.lay_out_for_count().await?;
        match count_parts(request, &prepared).await {
            // More keys than customers: they were taken for the same.
            Err(EngineError::Memory { .. }) => {
                prepared.lay_out().await?;
                count_parts(request, &prepared).await
            }
            counted => counted,
        }
    }
}

async fn count_parts(request: &CountRequest<'_>, prepared: &Prepared<'_>) -> Result<Counts, EngineError> {
    let mut counts = Counts { customers: prepared.customers(), conditions: vec![0; request.conditions.len()] };
    if !request.conditions.is_empty() {
        for part in &prepared.parts {
            count_part(request, prepared, &prepared.frame(part, None), &mut counts).await?;
        }
    }
    Ok(counts)
}

async fn count_part(
    request: &CountRequest<'_>,
    prepared: &Prepared<'_>,
    frame: &Frame<'_>,
    counts: &mut Counts,
) -> Result<(), EngineError> {
    let name = |i: usize| format!("#condition.{i}");
    let mut flags = Vec::new();
    let mut sums = Vec::new();
    // Customers for whom nothing holds are left out first, so that joins and scans are spared them.
    let any = filter(frame.compiler.any(request.conditions, frame)?);
    for (i, condition) in request.conditions.iter().enumerate() {
        let holds = frame.compiler.condition(condition, frame)?;
        let one = when(holds, lit(1_i64)).otherwise(lit(0_i64)).map_err(|error| prepared.view.error(error))?;
        flags.push(one.alias(name(i)));
        sums.push(sum(named(name(i))));
    }
    let plan = frame
        .plan()?
        .filter(any)
        .and_then(|plan| plan.project(flags))
        .and_then(|plan| plan.aggregate(Vec::<Expr>::new(), sums)?.build());
    let plan = plan.map_err(|error| prepared.view.error(error))?;
    let mut stream = prepared.view.session()?.run(&plan).await?;
    loop {
        let batch = tokio::select! {
            () = request.cancel.cancelled() => return Err(EngineError::Cancelled),
            batch = stream.next() => batch,
        };
        let Some(batch) = batch else { return Ok(()) };
        let batch = batch.map_err(|error| prepared.view.error(error))?;
        for (count, column) in counts.conditions.iter_mut().zip(batch.columns()) {
            let values = column.as_primitive::<Int64Type>();
            *count += u64::try_from(values.iter().flatten().sum::<i64>()).unwrap_or_default();
        }
    }
}
