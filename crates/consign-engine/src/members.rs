//! Lists of members: what is known to be on a list against what should be. Joins that spill, since a list may be of any
//! size.
//!
//! What is known of a list is Parquet files of [`members_schema`]: a member's latest row, by `sequence`, says how it
//! stands. What should be is one Parquet file of [`rows_schema`].

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::moment::Moment;
use crate::source::copy::properties;

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

/// The latest rows of the members on a list whose identities begin so.
fn latest(buckets: &Range<u64>) -> String {
    format!(
        "SELECT identity, bucket, attributes, customer_key, removal, state, sequence FROM (SELECT *, row_number() OVER \
         (PARTITION BY identity ORDER BY sequence DESC) AS place FROM members WHERE bucket >= {} AND bucket < {}) WHERE \
         place = 1 AND state <> 'removed'",
        buckets.start, buckets.end
    )
}

/// All buckets.
const ALL: Range<u64> = 0..256;

/// The buckets of each of so many parts; a bucket is the beginning of an identity, so they follow each other in order.
fn buckets(parts: u64) -> impl Iterator<Item = Range<u64>> {
    (0..parts).map(move |part| 256 * part / parts..256 * (part + 1) / parts)
}

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
        let members = self.count(&context, &format!("SELECT count(*) AS n FROM ({})", latest(&ALL))).await?;
        let rows = self.count(&context, "SELECT count(*) AS n FROM rows").await?;
        // A hash join does not spill. Where its sides are too large for memory, they are joined by parts of the identities.
        let parts = self.parts(members.max(rows));
        let row = Arc::new(Schema::new(vec![Field::new("row", DataType::UInt64, false)]));
        let (mut unchanged, mut left) = (Vec::new(), Vec::new());
        for (part, buckets) in buckets(parts).enumerate() {
            let of_rows = format!("r.bucket >= {} AND r.bucket < {}", buckets.start, buckets.end);
            let latest = latest(&buckets);
            let query = format!(
                "SELECT r.row FROM (SELECT * FROM rows r WHERE {of_rows}) r JOIN ({latest}) m ON r.identity = m.identity \
                 WHERE m.state = 'acknowledged' AND m.attributes = r.attributes"
            );
            let path = kept.with_extension(format!("{part}.parquet"));
            self.write(self.query(&context, &query).await?, &path, &row).await?;
            unchanged.push(path);
            let query = format!(
                "SELECT m.* FROM ({latest}) m LEFT ANTI JOIN (SELECT * FROM rows r WHERE {of_rows}) r ON r.identity = \
                 m.identity"
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
        let noted = self.count(&context, "SELECT count(*) AS n FROM members").await?;
        let mut file = MembersFile::create(to, &members_schema())?;
        for buckets in buckets(self.parts(noted)) {
            let query = format!("{} ORDER BY identity", latest(&buckets));
            self.append(self.query(&context, &query).await?, &mut file).await?;
        }
        file.finish()
    }

    /// In how many parts of the identities so many members are worked on, so that a part fits into memory.
    fn parts(&self, members: u64) -> u64 {
        members.saturating_mul(MEMBER_BYTES).div_ceil(self.shared.memory as u64 / 4).clamp(1, 256)
    }

    /// How many members are on a list, or perhaps on it.
    pub async fn count_members(&self, members: &[PathBuf]) -> Result<u64, EngineError> {
        let context = self.members_context(members).await?;
        self.count(&context, &format!("SELECT count(*) AS n FROM ({})", latest(&ALL))).await
    }

    /// Writes to `to` those that are on a list, or perhaps on it, as rows.
    pub async fn members_as_rows(&self, members: &[PathBuf], to: &Path) -> Result<u64, EngineError> {
        let context = self.members_context(members).await?;
        let rows = format!(
            "SELECT CAST(row_number() OVER () - 1 AS BIGINT UNSIGNED) AS row, identity, bucket, attributes \
             FROM ({})",
            latest(&ALL)
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
        let mut file = MembersFile::create(to, schema)?;
        self.append(query, &mut file).await?;
        file.finish()
    }

    async fn append(&self, query: DataFrame, file: &mut MembersFile) -> Result<(), EngineError> {
        let mut stream = query.execute_stream().await.map_err(|error| self.failed(error))?;
        while let Some(batch) = stream.next().await {
            file.write(&batch.map_err(|error| self.failed(error))?)?;
        }
        Ok(())
    }

    fn failed(&self, error: datafusion::error::DataFusionError) -> EngineError {
        crate::error::query_error(error, self.shared.memory)
    }
}

/// A file that is being written. It appears when it is finished.
struct MembersFile {
    path: PathBuf,
    temporary: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl MembersFile {
    fn create(path: &Path, schema: &SchemaRef) -> Result<Self, EngineError> {
        let temporary = path.with_extension("tmp");
        let file = File::create(&temporary).map_err(|error| unwritten(path, &error))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties()));
        let writer = writer.map_err(|error| unwritten(path, &error))?;
        Ok(Self { path: path.to_owned(), temporary, schema: Arc::clone(schema), writer, rows: 0 })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()));
        let batch = columns
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns))
            .map_err(|error| unwritten(&self.path, &error))?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(|error| unwritten(&self.path, &error))
    }

    /// How many rows it has.
    fn finish(self) -> Result<u64, EngineError> {
        let file = self.writer.into_inner().map_err(|error| unwritten(&self.path, &error))?;
        let durable = file.sync_all().and_then(|()| std::fs::rename(&self.temporary, &self.path));
        durable.map_err(|error| unwritten(&self.path, &error))?;
        Ok(self.rows)
    }
}

fn unwritten(path: &Path, error: &dyn std::error::Error) -> EngineError {
    EngineError::WriteSnapshot { url: path.display().to_string(), reason: error.to_string() }
}
