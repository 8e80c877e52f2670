//! Reads staged batches back, in order.

use std::fs::File;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use consign_model::forgotten::Forgotten;
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

/// The attributes of a delivery's staged rows, in order, without the customer key, and without forgotten customers.
pub(crate) fn attributes(
    batches: &[StagedBatch],
    forgotten: &Forgotten,
) -> BoxStream<'static, Result<RecordBatch, ReadError>> {
    let (batches, forgotten) = (batches.to_vec(), forgotten.clone());
    let rows = batches.into_iter().flat_map(move |batch| {
        let forgotten = forgotten.clone();
        let rows: Rows = match read(&batch.path) {
            Ok(rows) => Box::new(rows.map(move |rows| {
                known(&rows?, &forgotten).map(without_key).map_err(|reason| ReadError::at(&batch.path, reason))
            })),
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        rows
    });
    stream::iter(rows).boxed()
}

/// The staged rows of customers who were not forgotten since.
pub(crate) fn known(rows: &RecordBatch, forgotten: &Forgotten) -> Result<RecordBatch, ArrowError> {
    if forgotten.is_empty() { Ok(rows.clone()) } else { filter_record_batch(rows, &are_known(rows, forgotten)) }
}

/// Which staged rows are of customers who were not forgotten since.
pub(crate) fn are_known(rows: &RecordBatch, forgotten: &Forgotten) -> BooleanArray {
    let keys = rows.column_by_name(CUSTOMER_KEY).and_then(|keys| keys.as_string_view_opt());
    match keys.filter(|_| !forgotten.is_empty()) {
        Some(keys) => keys.iter().map(|key| Some(key.is_none_or(|key| !forgotten.holds(key)))).collect(),
        None => vec![true; rows.num_rows()].into(),
    }
}

/// How many staged rows are of customers who were forgotten since.
pub(crate) fn count_forgotten(batches: &[StagedBatch], forgotten: &Forgotten) -> Result<u64, ReadError> {
    let mut found = 0;
    if !forgotten.is_empty() {
        for batch in batches {
            for rows in read(&batch.path)? {
                found += are_known(&rows?, forgotten).false_count() as u64;
            }
        }
    }
    Ok(found)
}

fn without_key(mut batch: RecordBatch) -> RecordBatch {
    if let Some((place, _)) = batch.schema().column_with_name(CUSTOMER_KEY) {
        batch.remove_column(place);
    }
    batch
}
