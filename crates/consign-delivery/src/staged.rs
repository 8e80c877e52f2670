//! Reads staged batches back, in order.

use std::fs::File;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::stage::{CUSTOMER_KEY, StagedBatch};

/// Rows that are read at once.
pub(crate) const READ_ROWS: usize = 8_192;

/// A staged file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the staged file {} cannot be read: run the campaign again", path.display())]
pub struct ReadError {
    path: PathBuf,
    #[source]
    reason: Box<dyn std::error::Error + Send + Sync>,
}

impl ReadError {
    pub(crate) fn at(path: &Path, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { path: path.to_owned(), reason: reason.into() }
    }
}

/// Values that are read along, row by row.
pub(crate) type Values<T> = Peekable<Box<dyn Iterator<Item = Result<T, ReadError>> + Send>>;

/// Rows of a staged file, or of several.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<RecordBatch, ReadError>> + Send>;

/// The rows of a staged file, [`READ_ROWS`] at a time.
pub(crate) fn read(path: &Path) -> Result<Rows, ReadError> {
    let file = File::open(path).map_err(|reason| ReadError::at(path, reason))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|reason| ReadError::at(path, reason))?;
    let reader: ParquetRecordBatchReader =
        builder.with_batch_size(READ_ROWS).build().map_err(|reason| ReadError::at(path, reason))?;
    let path = path.to_owned();
    Ok(Box::new(reader.map(move |batch| batch.map_err(|reason| ReadError::at(&path, reason)))))
}

/// The attributes of a delivery's staged rows, in order, without the customer key.
pub(crate) fn attributes(batches: &[StagedBatch]) -> BoxStream<'static, Result<RecordBatch, ReadError>> {
    let batches = batches.to_vec();
    let rows = batches.into_iter().flat_map(|batch| match read(&batch.path) {
        Ok(rows) => rows,
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
    stream::iter(rows.map(|batch| batch.map(without_key))).boxed()
}

fn without_key(mut batch: RecordBatch) -> RecordBatch {
    if let Some((place, _)) = batch.schema().column_with_name(CUSTOMER_KEY) {
        batch.remove_column(place);
    }
    batch
}
