//! Lists of members: what is known to be on a list against what should be. Joins that spill, since a list may be of any
//! size.
//!
//! What is known of a list is Parquet files of [`members_schema`]: a member's latest row, by `sequence`, says how it
//! stands. What should be is one Parquet file of [`rows_schema`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::moment::Moment;
use crate::session::Joins;

/// `identity` (32 bytes): who a member is. `attributes` (32 bytes): a hash of what else it was sent with. `customer_key`.
/// `removal`: what taking it off needs, encrypted. `state`: `acknowledged`, `unknown` or `removed`. `sequence`: later
/// rows replace earlier ones of one identity.
pub fn members_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("identity", DataType::Binary, false),
        Field::new("attributes", DataType::Binary, false),
        Field::new("customer_key", DataType::Utf8View, false),
        Field::new("removal", DataType::Binary, true),
        Field::new("state", DataType::Utf8View, false),
        Field::new("sequence", DataType::UInt64, false),
    ]))
}

/// `row`: the place of a staged row in its delivery, from 0. `identity`, `attributes`: as of members.
pub fn rows_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("identity", DataType::Binary, false),
        Field::new("attributes", DataType::Binary, false),
    ]))
}

/// What a list's members and a delivery's rows have to do with each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Difference {
    /// Members on the list, or perhaps on it.
    pub members: u64,
    /// Rows whose members are on the list as they are.
    pub kept: u64,
    /// Members that have no row.
    pub gone: u64,
}

const LATEST: &str = "SELECT identity, attributes, customer_key, removal, state, sequence FROM (SELECT *, row_number() \
                      OVER (PARTITION BY identity ORDER BY sequence DESC) AS place FROM members) WHERE place = 1 AND \
                      state <> 'removed'";

impl Engine {
    /// Compares rows with members. Writes to `kept` the places of the rows whose members are acknowledged and unchanged,
    /// in order, and to `gone` the members without a row, in order of identity. An unknown member counts as absent for
    /// adding and as present for removing.
    pub async fn difference(
        &self,
        rows: &Path,
        members: &[PathBuf],
        kept: &Path,
        gone: &Path,
    ) -> Result<Difference, EngineError> {
        let context = self.members_context(members).await?;
        self.register(&context, "rows", &[rows.to_owned()], &rows_schema()).await?;
        let count = self.query(&context, &format!("SELECT count(*) AS n FROM ({LATEST})")).await?;
        let batches = count.collect().await.map_err(|error| self.failed(error))?;
        let counted = batches.iter().filter(|batch| batch.num_rows() > 0).map(|batch| {
            let column = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0));
            u64::try_from(column.value(0)).unwrap_or_default()
        });
        let members = counted.sum();
        let unchanged = format!(
            "SELECT r.row FROM rows r JOIN ({LATEST}) m ON r.identity = m.identity WHERE m.state = 'acknowledged' AND \
             m.attributes = r.attributes ORDER BY r.row"
        );
        let row = Arc::new(Schema::new(vec![Field::new("row", DataType::UInt64, false)]));
        let unchanged = self.query(&context, &unchanged).await?;
        let left = format!("SELECT m.* FROM ({LATEST}) m LEFT ANTI JOIN rows r ON r.identity = m.identity ORDER BY identity");
        let left = self.query(&context, &left).await?;
        Ok(Difference {
            members,
            kept: self.write(unchanged, kept, &row).await?,
            gone: self.write(left, gone, &members_schema()).await?,
        })
    }

    /// Writes to `to` the members that are on a list, or perhaps on it, in order of identity; how many.
    pub async fn compact(&self, members: &[PathBuf], to: &Path) -> Result<u64, EngineError> {
        let context = self.members_context(members).await?;
        let latest = self.query(&context, &format!("{LATEST} ORDER BY identity")).await?;
        self.write(latest, to, &members_schema()).await
    }

    async fn members_context(&self, members: &[PathBuf]) -> Result<SessionContext, EngineError> {
        // Which side is larger nobody knows, and both may be: joins that spill.
        let moment = Moment { as_of: chrono::DateTime::UNIX_EPOCH, time_zone: chrono_tz::UTC };
        let context = SessionContext::new_with_state(self.shared.session(moment, Joins::SortMerge)?.state);
        self.register(&context, "members", members, &members_schema()).await?;
        Ok(context)
    }

    async fn register(
        &self,
        context: &SessionContext,
        name: &str,
        paths: &[PathBuf],
        schema: &SchemaRef,
    ) -> Result<(), EngineError> {
        let table = if paths.is_empty() {
            let empty = arrow::array::RecordBatch::new_empty(Arc::clone(schema));
            context.read_batch(empty)
        } else {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            context.read_parquet(paths, ParquetReadOptions::default().schema(schema)).await
        };
        let table = table.map_err(|error| self.failed(error))?;
        context.register_table(name, table.into_view()).map_err(|error| self.failed(error))?;
        Ok(())
    }

    async fn query(&self, context: &SessionContext, sql: &str) -> Result<DataFrame, EngineError> {
        context.sql(sql).await.map_err(|error| self.failed(error))
    }

    /// Writes what a query gives, whole or not at all; how many rows.
    async fn write(&self, query: DataFrame, to: &Path, schema: &SchemaRef) -> Result<u64, EngineError> {
        let failed = |reason: String| EngineError::WriteSnapshot { url: to.display().to_string(), reason };
        let temporary = to.with_extension("tmp");
        let level = ZstdLevel::try_new(1).map_err(|error| failed(error.to_string()))?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let file = File::create(&temporary).map_err(|error| failed(error.to_string()))?;
        let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))
            .map_err(|error| failed(error.to_string()))?;
        let mut stream = query.execute_stream().await.map_err(|error| self.failed(error))?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| self.failed(error))?;
            let columns = batch.columns().iter().zip(schema.fields());
            let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()));
            let batch = columns
                .collect::<Result<Vec<_>, _>>()
                .and_then(|columns| arrow::array::RecordBatch::try_new(Arc::clone(schema), columns));
            let batch = batch.map_err(|error| failed(error.to_string()))?;
            rows += batch.num_rows() as u64;
            writer.write(&batch).map_err(|error| failed(error.to_string()))?;
        }
        let file = writer.into_inner().map_err(|error| failed(error.to_string()))?;
        let durable = file.sync_all().and_then(|()| std::fs::rename(&temporary, to));
        durable.map_err(|error| failed(error.to_string()))?;
        Ok(rows)
    }

    fn failed(&self, error: datafusion::error::DataFusionError) -> EngineError {
        crate::error::query_error(error, self.shared.memory)
    }
}
