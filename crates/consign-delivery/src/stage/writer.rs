//! Staged batches and rejects on disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use consign_model::plan::PlannedAttribute;
use consign_points::Point;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::{Deserialize, Serialize};

use super::StageError;
use super::judge::Drop;
use super::reason::outcome;
use crate::checksum::{Checksum, Summed};
use crate::folder::{private_folder, sync_folder};

/// Rows of a batch, but for the last.
pub const BATCH_ROWS: usize = 50_000;
/// Bytes that wait in memory for a row group to be full, for each delivery.
const WAITING_BYTES: usize = 1 << 20;

/// The column of staged batches and rejects that holds the customer key. Attributes follow it under their names.
pub const CUSTOMER_KEY: &str = "__customer_key";
/// Rejects: the attribute for which the row is dropped, where it is one.
pub const ATTRIBUTE: &str = "attribute";
/// Rejects: why ([`Reason`](super::Reason)).
pub const REASON: &str = "reason";
/// Rejects: whether another row of the customer is staged.
pub const CUSTOMER_STAGED: &str = "customer_staged";

/// A batch on disk: Parquet, numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedBatch {
    /// Its place.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// What was written.
    #[serde(flatten)]
    pub checksum: Checksum,
}

/// Any other staged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Its place.
    pub path: PathBuf,
    /// What was written.
    #[serde(flatten)]
    pub checksum: Checksum,
}

fn start(path: &Path, schema: SchemaRef) -> Result<ArrowWriter<Summed<File>>, StageError> {
    // Nearly every value is a hash or a key of its own: dictionaries and statistics would cost and serve nobody.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("consign".to_owned())
        .build();
    let file = File::create(path).map_err(|reason| write_error(path, reason))?;
    Ok(ArrowWriter::try_new(Summed::new(file), schema, Some(properties))?)
}

fn finish(path: &Path, writer: ArrowWriter<Summed<File>>) -> Result<Checksum, StageError> {
    let (file, checksum) = writer.into_inner()?.finish();
    file.sync_all().map_err(|reason| write_error(path, reason))?;
    Ok(checksum)
}

fn write_error(path: &Path, reason: io::Error) -> StageError {
    StageError::Write { path: path.to_owned(), reason }
}

/// Writes the staged rows of one delivery, in order, in batches of [`BATCH_ROWS`].
pub(super) struct BatchWriter {
    folder: PathBuf,
    schema: SchemaRef,
    open: Option<(PathBuf, ArrowWriter<Summed<File>>, usize)>,
    written: Vec<StagedBatch>,
}

impl BatchWriter {
    pub fn new(folder: &Path, schema: SchemaRef) -> Result<Self, StageError> {
        private_folder(folder).map_err(|reason| write_error(folder, reason))?;
        Ok(Self { folder: folder.to_owned(), schema, open: None, written: Vec::new() })
    }

    pub fn push(&mut self, mut rows: RecordBatch) -> Result<(), StageError> {
        while rows.num_rows() > 0 {
            let (path, mut writer, held) = if let Some(open) = self.open.take() {
                open
            } else {
                let path = self.folder.join(format!("{:06}.parquet", self.written.len() + 1));
                let writer = start(&path, Arc::clone(&self.schema))?;
                (path, writer, 0)
            };
            let fitting = rows.num_rows().min(BATCH_ROWS - held);
            writer.write(&rows.slice(0, fitting))?;
            if writer.in_progress_size() > WAITING_BYTES {
                writer.flush()?;
            }
            rows = rows.slice(fitting, rows.num_rows() - fitting);
            self.open = Some((path, writer, held + fitting));
            if held + fitting == BATCH_ROWS {
                self.close()?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), StageError> {
        if let Some((path, writer, rows)) = self.open.take() {
            let checksum = finish(&path, writer)?;
            consign_points::pass(Point::BatchStaged);
            self.written.push(StagedBatch { path, rows: rows as u64, checksum });
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Vec<StagedBatch>, StageError> {
        self.close()?;
        sync_folder(&self.folder).map_err(|reason| write_error(&self.folder, reason))?;
        Ok(self.written)
    }
}

/// Writes the dropped rows of one delivery: key, attribute, reason; never a value.
pub(super) struct RejectWriter {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<Summed<File>>,
}

impl RejectWriter {
    pub fn new(folder: &Path) -> Result<Self, StageError> {
        let path = folder.join("rejects.parquet");
        let schema = Arc::new(Schema::new(vec![
            Field::new(CUSTOMER_KEY, DataType::Utf8View, false),
            Field::new(ATTRIBUTE, DataType::Utf8View, true),
            Field::new(REASON, DataType::Utf8View, false),
            Field::new(CUSTOMER_STAGED, DataType::Boolean, false),
        ]));
        let writer = start(&path, Arc::clone(&schema))?;
        Ok(Self { path, schema, writer })
    }

    /// Writes what is dropped of rows whose customers begin at `starts`.
    pub fn push(
        &mut self,
        keys: &StringViewArray,
        starts: &[usize],
        drops: &[Option<Drop>],
        attributes: &[PlannedAttribute],
    ) -> Result<(), StageError> {
        let mut rejected = Vec::new();
        let mut staged = Vec::new();
        for customer in starts.windows(2) {
            let rows = &drops[customer[0]..customer[1]];
            let reasons: Vec<_> = rows.iter().map(|drop| drop.map(|drop| drop.reason)).collect();
            let is_staged = outcome(&reasons).is_none();
            for (offset, drop) in rows.iter().enumerate() {
                if let Some(drop) = drop {
                    rejected.push((customer[0] + offset, *drop));
                    staged.push(is_staged);
                }
            }
        }
        if rejected.is_empty() {
            return Ok(());
        }
        let key = |(row, _): &(usize, Drop)| keys.value(*row);
        let attribute = |(_, drop): &(usize, Drop)| Some(attributes[drop.attribute?].name.as_str());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from_iter_values(rejected.iter().map(key))),
            Arc::new(rejected.iter().map(attribute).collect::<StringViewArray>()),
            Arc::new(StringViewArray::from_iter_values(rejected.iter().map(|(_, drop)| drop.reason.to_string()))),
            Arc::new(BooleanArray::from(staged)),
        ];
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?;
        Ok(())
    }

    pub fn finish(self) -> Result<StagedFile, StageError> {
        let checksum = finish(&self.path, self.writer)?;
        Ok(StagedFile { path: self.path, checksum })
    }
}

/// Removes what an interrupted staging left of a delivery.
pub(super) fn clear(folder: &Path) -> Result<(), StageError> {
    match fs::remove_dir_all(folder) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(write_error(folder, reason)),
        _ => Ok(()),
    }
}
