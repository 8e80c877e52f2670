//! Assignments: who is in which treatment group, kept for an exact split, whose groups stick to those of the last run.
//! Customer keys, positions and places only, so they may stay when the snapshot has gone.
//!
//! A customer keeps its group while split key, sub-audience, groups and percentages stay. Whether they did is decided
//! for each sub-audience by its shape, which is kept with the assignments.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray, UInt16Array, UInt64Array};
use arrow::compute::{filter_record_batch, is_not_null};
use arrow::datatypes::{UInt16Type, UInt64Type};
use consign_model::id::Slug;
use consign_model::plan::{AssignPlan, PlannedSubAudience};
use consign_model::snapshot::{CUSTOMER_KEY, GROUP, POSITION, SUB_AUDIENCE};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::stage::{SnapshotReader, StageError};

/// Under this key the file says to which shape its places belong.
const SHAPE: &str = "consign.shape";

/// Assignments cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum AssignmentsError {
    /// The snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] StageError),
    /// A file cannot be written.
    #[error("cannot write {}: free space on the disk, or check that the folder may be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The last run's file cannot be read.
    #[error("the assignments of the last run at {} cannot be read: restore the file, or remove it to split anew", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What places mean: the split key, and of each sub-audience its groups with their percentages.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shape {
    split_key: String,
    sub_audiences: Vec<(Slug, Vec<(Slug, u32)>)>,
}

impl Shape {
    fn of(plan: &AssignPlan) -> Self {
        let groups =
            |one: &PlannedSubAudience| one.groups.iter().map(|group| (group.id.clone(), group.hundredths)).collect();
        let sub_audiences = plan.sub_audiences.iter().map(|one| (one.id.clone(), groups(one))).collect();
        Self { split_key: plan.split_key.clone(), sub_audiences }
    }

    /// For each sub-audience of an earlier shape its place in this one, where it is unchanged.
    fn places_of(&self, earlier: &Self) -> Vec<Option<u16>> {
        let place = |one| self.sub_audiences.iter().position(|own| own == one).and_then(|place| place.try_into().ok());
        earlier.sub_audiences.iter().map(place).collect()
    }
}

fn columns() -> [String; 4] {
    [CUSTOMER_KEY, POSITION, SUB_AUDIENCE, GROUP].map(ToOwned::to_owned)
}

/// Keeps the assignments of a snapshot, in its order, whole or not at all.
pub(crate) async fn keep(snapshot: &dyn SnapshotReader, plan: &AssignPlan, to: &Path) -> Result<(), AssignmentsError> {
    let failed = |reason: Box<dyn std::error::Error + Send + Sync>| AssignmentsError::Write { path: to.into(), reason };
    let shape = serde_json::to_string(&Shape::of(plan)).map_err(|reason| failed(reason.into()))?;
    let mut writer: Option<ArrowWriter<File>> = None;
    let temporary = to.with_extension("tmp");
    let mut batches = snapshot.batches(&columns());
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let assigned = batch.column_by_name(GROUP).ok_or_else(|| StageError::Layout(GROUP.into()))?;
        let assigned = is_not_null(assigned).and_then(|assigned| filter_record_batch(&batch, &assigned));
        let assigned = assigned.map_err(|reason| failed(reason.into()))?;
        let open = match &mut writer {
            Some(open) => open,
            none => none.insert(start(&temporary, &assigned, shape.clone()).map_err(failed)?),
        };
        open.write(&assigned).map_err(|reason| failed(reason.into()))?;
    }
    let Some(writer) = writer else { return Ok(()) };
    let file = writer.into_inner().map_err(|reason| failed(reason.into()))?;
    file.sync_all().and_then(|()| fs::rename(&temporary, to)).map_err(|reason| failed(reason.into()))
}

fn start(
    path: &Path,
    like: &RecordBatch,
    shape: String,
) -> Result<ArrowWriter<File>, Box<dyn std::error::Error + Send + Sync>> {
    let shape = vec![KeyValue::new(SHAPE.to_owned(), shape)];
    let properties = WriterProperties::builder().set_key_value_metadata(Some(shape)).build();
    Ok(ArrowWriter::try_new(File::create(path)?, like.schema(), Some(properties))?)
}

/// Writes to `to` what the assignments of an earlier run at `from` say for a plan: only sub-audiences that are
/// unchanged, by their places in the plan. `false` where nothing of it holds any more.
pub(crate) fn carry_over(from: &Path, plan: &AssignPlan, to: &Path) -> Result<bool, AssignmentsError> {
    let unreadable =
        |reason: Box<dyn std::error::Error + Send + Sync>| AssignmentsError::Read { path: from.into(), reason };
    let failed = |reason: Box<dyn std::error::Error + Send + Sync>| AssignmentsError::Write { path: to.into(), reason };
    let file = File::open(from).map_err(|reason| unreadable(reason.into()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|reason| unreadable(reason.into()))?;
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let shape = metadata.and_then(|pairs| pairs.iter().find(|pair| pair.key == SHAPE)?.value.clone());
    let earlier: Shape =
        serde_json::from_str(&shape.unwrap_or_default()).map_err(|reason| unreadable(reason.into()))?;
    let shape = Shape::of(plan);
    let places = shape.places_of(&earlier);
    if earlier.split_key != shape.split_key || places.iter().all(Option::is_none) {
        return Ok(false);
    }
    let reader = reader.build().map_err(|reason| unreadable(reason.into()))?;
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut rows: Vec<Row> = Vec::new();
    let mut write = |rows: &[Row]| {
        let batch = batch(rows)?;
        match &mut writer {
            Some(open) => open.write(&batch)?,
            none => none.insert(start(to, &batch, String::new())?).write(&batch)?,
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    for batch in reader {
        let batch = batch.map_err(|reason| unreadable(reason.into()))?;
        let read = Row::all(&batch).ok_or_else(|| unreadable("a column is missing".into()))?;
        rows.extend(read.into_iter().filter_map(|row| row.at(&places)));
        // The rows of one customer may go on in the next batch: they are ordered by the new places.
        let open = rows.last().map_or(0, |last| rows.iter().rev().take_while(|row| row.key == last.key).count());
        let closed = rows.len() - open;
        rows[..closed].sort();
        write(&rows[..closed]).map_err(failed)?;
        rows.drain(..closed);
    }
    rows.sort();
    write(&rows).map_err(failed)?;
    if let Some(writer) = writer {
        writer.close().map_err(|reason| failed(reason.into()))?;
    }
    Ok(true)
}

/// A customer's place. Ordered as snapshots are.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    position: u64,
    key: String,
    sub_audience: u16,
    group: u16,
}

impl Row {
    fn all(batch: &RecordBatch) -> Option<Vec<Self>> {
        let positions = batch.column_by_name(POSITION)?.as_primitive_opt::<UInt64Type>()?;
        let keys = batch.column_by_name(CUSTOMER_KEY)?.as_string_view_opt()?;
        let sub_audiences = batch.column_by_name(SUB_AUDIENCE)?.as_primitive_opt::<UInt16Type>()?;
        let groups = batch.column_by_name(GROUP)?.as_primitive_opt::<UInt16Type>()?;
        let row = |row: usize| Self {
            position: positions.value(row),
            key: keys.value(row).to_owned(),
            sub_audience: sub_audiences.value(row),
            group: groups.value(row),
        };
        Some((0..batch.num_rows()).map(row).collect())
    }

    /// The row with its sub-audience's place of now; `None` where that changed.
    fn at(self, places: &[Option<u16>]) -> Option<Self> {
        let sub_audience = places.get(usize::from(self.sub_audience)).copied().flatten()?;
        Some(Self { sub_audience, ..self })
    }
}

fn batch(rows: &[Row]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns: [(&str, ArrayRef); 4] = [
        (CUSTOMER_KEY, Arc::new(StringViewArray::from_iter_values(rows.iter().map(|row| &row.key)))),
        (POSITION, Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.position)))),
        (SUB_AUDIENCE, Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.sub_audience)))),
        (GROUP, Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.group)))),
    ];
    RecordBatch::try_from_iter(columns)
}
