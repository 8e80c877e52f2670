//! Parquet files that are written anew, whole or not at all.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use crate::folder::sync_folder;
use crate::staged::READ_ROWS;

/// Why a file is as it was.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Changes the rows of a file; what its metadata says stays. `change` gives `None` for rows that are right as they are:
/// where all are, the file stays as it is. Whether it was changed.
pub(crate) fn rewrite(
    path: &Path,
    mut change: impl FnMut(&RecordBatch) -> Result<Option<RecordBatch>, Failure>,
) -> Result<bool, Failure> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_key_value_metadata(reader.metadata().file_metadata().key_value_metadata().cloned())
        .build();
    let mut written = temporary(path)?;
    let mut writer = ArrowWriter::try_new(&mut written, Arc::clone(reader.schema()), Some(properties))?;
    let mut changed = false;
    for rows in reader.with_batch_size(READ_ROWS).build()? {
        let rows = rows?;
        let other = change(&rows)?;
        changed |= other.is_some();
        writer.write(other.as_ref().unwrap_or(&rows))?;
    }
    writer.close()?;
    if changed {
        publish(written, path)?;
    }
    Ok(changed)
}

/// A file that takes the place of another once it is written.
pub(crate) fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().suffix(".tmp").tempfile_in(path.parent().unwrap_or(Path::new("/")))
}

/// Brings it to disk, and into its place.
pub(crate) fn publish(written: NamedTempFile, path: &Path) -> io::Result<()> {
    written.as_file().sync_all()?;
    written.persist(path).map_err(|error| error.error)?;
    path.parent().map_or(Ok(()), sync_folder)
}
