//! Lists of members: what is known to be on a list against what should be. Joins that spill, since a list may be of any
//! size.
//!
//! What is known of a list is Parquet files of [`members_schema`]: a member's latest row, by `sequence`, says how it
//! stands. What should be is one Parquet file of [`rows_schema`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::moment::Moment;

/// `identity` (32 bytes): who a member is. `bucket`: its first byte. `attributes` (32 bytes): a hash of what else it was sent with. `customer_key`.
/// `removal`: what taking it off needs, encrypted. `state`: `acknowledged`, `unknown` or `removed`. `sequence`: later
/// rows replace earlier ones of one identity.
pub fn members_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("identity", DataType::Binary, false),
        Field::new("bucket", DataType::UInt8, false),
        Field::new("attributes", DataType::Binary, false),
        Field::new("customer_key", DataType::Utf8View, false),
        Field::new("removal", DataType::Binary, true),
        Field::new("state", DataType::Utf8View, false),
        Field::new("sequence", DataType::UInt64, false),
    ]))
}

/// `row`: the place of a staged row in its delivery, from 0. `identity`, `bucket`, `attributes`: as of members.
pub fn rows_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("identity", DataType::Binary, false),
        Field::new("bucket", DataType::UInt8, false),
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

/// Members in memory at once, a guess on the safe side of their bytes.
const MEMBER_BYTES: u64 = 512;

const LATEST: &str = "SELECT identity, bucket, attributes, customer_key, removal, state, sequence FROM (SELECT *, row_number() \
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
        let members = self.count(&context, &format!("SELECT count(*) AS n FROM ({LATEST})")).await?;
        let rows = self.count(&context, "SELECT count(*) AS n FROM rows").await?;
        // A hash join does not spill. Where its sides are too large for memory, they are joined by parts of the identities.
        let bytes = members.max(rows).saturating_mul(MEMBER_BYTES);
        let parts = bytes.div_ceil(self.shared.memory as u64 / 4).clamp(1, 256);
        let row = Arc::new(Schema::new(vec![Field::new("row", DataType::UInt64, false)]));
        let (mut unchanged, mut left) = (Vec::new(), Vec::new());
        for part in 0..parts {
            let (from, to) = (256 * part / parts, 256 * (part + 1) / parts);
            let of = |alias: &str| format!("{alias}.bucket >= {from} AND {alias}.bucket < {to}");
            let (of_rows, of_members) = (of("r"), of("m"));
            let query = format!(
                "SELECT r.row FROM (SELECT * FROM rows r WHERE {of_rows}) r JOIN (SELECT * FROM ({LATEST}) m WHERE \
                 {of_members}) m ON r.identity = m.identity WHERE m.state = 'acknowledged' AND m.attributes = r.attributes"
            );
            let path = kept.with_extension(format!("{part}.parquet"));
            self.write(self.query(&context, &query).await?, &path, &row).await?;
            unchanged.push(path);
            let query = format!(
                "SELECT m.* FROM (SELECT * FROM ({LATEST}) m WHERE {of_members}) m LEFT ANTI JOIN (SELECT * FROM rows r \
                 WHERE {of_rows}) r ON r.identity = m.identity"
            );
            let path = gone.with_extension(format!("{part}.parquet"));
            self.write(self.query(&context, &query).await?, &path, &members_schema()).await?;
            left.push(path);
        }
        self.register(&context, "unchanged", &unchanged, &row).await?;
        self.register(&context, "leaving", &left, &members_schema()).await?;
        let ordered = self.query(&context, "SELECT * FROM unchanged ORDER BY row").await?;
        let kept = self.write(ordered, kept, &row).await?;
        let ordered = self.query(&context, "SELECT * FROM leaving ORDER BY identity").await?;
        let gone = self.write(ordered, gone, &members_schema()).await?;
        for path in unchanged.iter().chain(&left) {
            std::fs::remove_file(path).map_err(|error| EngineError::Query(error.to_string()))?;
        }
        Ok(Difference { members, kept, gone })
    }

    /// Writes to `to` the members that are on a list, or perhaps on it, in order of identity; how many.
    pub async fn compact(&self, members: &[PathBuf], to: &Path) -> Result<u64, EngineError> {
        let context = self.members_context(members).await?;
        let latest = self.query(&context, &format!("{LATEST} ORDER BY identity")).await?;
        self.write(latest, to, &members_schema()).await
    }

    /// How many members are on a list, or perhaps on it.
    pub async fn count_members(&self, members: &[PathBuf]) -> Result<u64, EngineError> {
        let context = self.members_context(members).await?;
        self.count(&context, &format!("SELECT count(*) AS n FROM ({LATEST})")).await
    }

    /// Writes to `to` those that are on a list, or perhaps on it, as rows.
    pub async fn members_as_rows(&self, members: &[PathBuf], to: &Path) -> Result<u64, EngineError> {
        let context = self.members_context(members).await?;
        let rows = format!(
            "SELECT CAST(row_number() OVER () - 1 AS BIGINT UNSIGNED) AS row, identity, bucket, attributes \
             FROM ({LATEST})"
        );
        self.write(self.query(&context, &rows).await?, to, &rows_schema()).await
    }

    async fn members_context(&self, members: &[PathBuf]) -> Result<SessionContext, EngineError> {
        let moment = Moment { as_of: chrono::DateTime::UNIX_EPOCH, time_zone: chrono_tz::UTC };
        let context = SessionContext::new_with_state(self.shared.session(moment)?.state);
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
            let empty = RecordBatch::new_empty(Arc::clone(schema));
            context.read_batch(empty)
        } else {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            context.read_parquet(paths, ParquetReadOptions::default().schema(schema)).await
        };
        let table = table.map_err(|error| self.failed(error))?;
        context.register_table(name, table.into_view()).map_err(|error| self.failed(error))?;
        Ok(())
    }

    async fn count(&self, context: &SessionContext, sql: &str) -> Result<u64, EngineError> {
        let batches = self.query(context, sql).await?.collect().await.map_err(|error| self.failed(error))?;
        let counted = batches
            .iter()
            .filter(|batch| batch.num_rows() > 0)
            .map(|batch| u64::try_from(batch.column(0).as_primitive::<Int64Type>().value(0)).unwrap_or_default());
        Ok(counted.sum())
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
                .and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns));
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
