//! Rows of a relation, streamed.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::TryStreamExt;
use sqlx::AssertSqlSafe;

use super::columns::{Builder, ColumnKind};
use super::{PostgresView, Relation, filter, reason};
use crate::error::EngineError;
use crate::session::BATCH;
use crate::source::Trouble;

/// Batches that are read ahead.
const AHEAD: usize = 2;

/// A relation in one transaction's view.
#[derive(Debug, Clone)]
pub(crate) struct PostgresTable {
    /// The table's name in definitions.
    pub table: String,
    pub relation: Relation,
    pub view: Arc<PostgresView>,
}

#[async_trait]
impl TableProvider for PostgresTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.relation.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = filters.iter().map(|one| match filter::sql(&self.relation, one) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        });
        Ok(support.collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.relation.kinds.len()).collect());
        let scan = Scan::new(self, &columns, filters)?;
        let schema = Arc::clone(&scan.schema);
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(scan)], None, None, false, None)?))
    }
}

/// One `SELECT`.
struct Scan {
    table: PostgresTable,
    schema: SchemaRef,
    kinds: Vec<ColumnKind>,
    sql: String,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresScan({})", self.sql)
    }
}

impl Scan {
    fn new(table: &PostgresTable, columns: &[usize], filters: &[Expr]) -> Result<Self> {
        let relation = &table.relation;
        let schema: Schema = relation.schema.project(columns)?;
        let kinds: Vec<ColumnKind> = columns.iter().map(|i| relation.kinds[*i]).collect();
        let selected = schema.fields().iter().zip(&kinds).map(|(field, kind)| kind.select(field.name()));
        let selected = selected.collect::<Vec<_>>().join(", ");
        let mut sql = format!("SELECT {selected} FROM {}", relation.name);
        let filters: Vec<String> = filters.iter().filter_map(|one| filter::sql(relation, one)).collect();
        if !filters.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&filters.join(" AND "));
        }
        Ok(Self { table: table.clone(), schema: Arc::new(schema), kinds, sql })
    }
}

impl PartitionStream for Scan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), AHEAD);
        let batches = stream.tx();
        let reading =
            Reading { table: self.table.clone(), schema: Arc::clone(&self.schema), kinds: self.kinds.clone() };
        let sql = self.sql.clone();
        stream.spawn(async move { reading.run(sql, batches).await.map_err(DataFusionError::from) });
        stream.build()
    }
}

struct Reading {
    table: PostgresTable,
    schema: SchemaRef,
    kinds: Vec<ColumnKind>,
}

impl Reading {
    async fn run(
        self,
        sql: String,
        batches: tokio::sync::mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<(), EngineError> {
        let failed = |trouble: Trouble| trouble.of(&self.table.table);
        let mut connection = self.table.view.connection().await.map_err(failed)?;
        // Made of quoted names and of literals that the engine unparsed.
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut connection);
        let mut builders: Vec<Builder> = self.kinds.iter().map(|kind| kind.builder()).collect();
        let mut filled = 0;
        loop {
            let row = rows.try_next().await.map_err(|error| {
                failed(Trouble::new(format!("reading stopped: {}", reason(&error)), "start the command again"))
            })?;
            if let Some(row) = &row {
                for (i, builder) in builders.iter_mut().enumerate() {
                    builder.append(row, i).map_err(|wrong| {
                        let column = self.schema.field(i).name();
                        let remedy = "correct the value, or read a view that leaves it out";
                        failed(Trouble::new(format!("its column `{column}` cannot be read: {wrong}"), remedy))
                    })?;
                }
                filled += 1;
            }
            if filled == BATCH || (row.is_none() && filled > 0) {
                let columns = builders.iter_mut().map(Builder::finish).collect();
                let options = RecordBatchOptions::new().with_row_count(Some(filled));
                let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
                filled = 0;
                // Nobody reads on: the plan has what it needs.
                if batches.send(batch.map_err(DataFusionError::from)).await.is_err() {
                    return Ok(());
                }
            }
            if row.is_none() {
                return Ok(());
            }
        }
    }
}
