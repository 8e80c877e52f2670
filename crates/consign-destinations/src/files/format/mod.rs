//! Staged record batches to the bytes of a file, streamed: a batch in, the bytes that are ready out. The same rows and
//! options give the same bytes, always and everywhere, but for encryption, which needs a new key each time.
//!
//! A file is rows (`delimited`, `json_lines`, `parquet`) written through layers (`layer`: compression;
//! `encrypt`: PGP) into a buffer that is emptied after each batch. Memory is that of a batch, and for Parquet of a row
//! group.

mod delimited;
mod encrypt;
mod json_lines;
mod layer;
mod parquet;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use bytes::Bytes;
use consign_model::definition::{Compression, FileFormat, FileOptions};

pub use encrypt::{KeyProblem, Recipient};

use self::delimited::Delimited;
use self::encrypt::Encrypted;
use self::json_lines::JsonLines;
use self::layer::{Buffer, Layer};
use self::parquet::Parquet;
use crate::encode::EncodeError;

/// Rows cannot be written as a file. Each of these is a fault in a plan, in options or in this machine, not in a row.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A column is missing, or has a type that no file takes.
    #[error(transparent)]
    Column(#[from] EncodeError),
    /// A file would have no columns.
    #[error("a file needs at least one column; map an attribute")]
    NoColumns,
    /// A value cannot be written as text.
    #[error("a value of `{attribute}` cannot be written: {reason}; map a column of another type")]
    Value {
        /// The attribute.
        attribute: String,
        /// Why not.
        reason: String,
    },
    /// The Parquet writer refuses.
    #[error("the rows cannot be written as Parquet: {0}; choose another format")]
    Parquet(String),
    /// Compression or encryption fails.
    #[error("the file cannot be compressed or encrypted: {0}")]
    Layer(#[from] std::io::Error),
}

/// What turns rows into bytes and knows the layers below.
trait Rows: Send {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError>;

    fn finish(self: Box<Self>) -> Result<(), FormatError>;
}

/// Writes one file.
pub struct FileWriter {
    rows: Box<dyn Rows>,
    ready: Buffer,
}

impl FileWriter {
    /// A file with these attributes as columns, in order; what else a batch holds is not written. `name` is the file's
    /// name without the extensions of compression and encryption: a zip archive calls its entry so.
    pub fn new(
        options: &FileOptions,
        attributes: &[String],
        name: &str,
        recipient: Option<&Recipient>,
    ) -> Result<Self, FormatError> {
        if attributes.is_empty() {
            return Err(FormatError::NoColumns);
        }
        let ready = Buffer::default();
        let mut out: Box<dyn Layer> = Box::new(ready.clone());
        if let Some(recipient) = recipient {
            out = Box::new(Encrypted::new(recipient, out));
        }
        out = match options.compression {
            Compression::None => out,
            Compression::Gzip => layer::gzip(out),
            Compression::Zstd => layer::zstd(out)?,
            Compression::Zip => layer::zip(out, name)?,
        };
        let rows: Box<dyn Rows> = match options.format {
            FileFormat::JsonLines => Box::new(JsonLines::new(options, attributes, out)),
            FileFormat::Parquet => Box::new(Parquet::new(attributes, out)),
            FileFormat::Csv | FileFormat::Tsv | FileFormat::Psv | FileFormat::Delimited => {
                Box::new(Delimited::new(options, attributes, out)?)
            }
        };
        Ok(Self { rows, ready })
    }

    /// Writes rows, and takes the bytes that are ready; there may be none.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        self.rows.write(batch)?;
        Ok(self.ready.take())
    }

    /// Ends the file, and takes the rest of its bytes.
    pub fn finish(self) -> Result<Bytes, FormatError> {
        self.rows.finish()?;
        Ok(self.ready.take())
    }
}

/// The extension that tells the format alone: what a file is called before compression and encryption.
pub(super) fn plain_extension(options: &FileOptions) -> String {
    consign_model::plan::extension(&FileOptions {
        compression: Compression::None,
        pgp_public_key: None,
        ..options.clone()
    })
}

/// The columns of these attributes, in order, each of a plain type: no dictionaries and runs, and text of two types only.
fn columns(batch: &RecordBatch, attributes: &[String]) -> Result<Vec<ArrayRef>, FormatError> {
    let column = |attribute: &String| {
        let given = batch.column_by_name(attribute).ok_or_else(|| EncodeError::MissingColumn(attribute.clone()))?;
        plain(given).map_err(|reason| unsupported(attribute, given, reason))
    };
    attributes.iter().map(|attribute| column(attribute).map_err(FormatError::Column)).collect()
}

fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, value) => plain(&cast(array, value)?),
        DataType::RunEndEncoded(_, value) => plain(&cast(array, value.data_type())?),
        DataType::LargeUtf8 => cast(array, &DataType::Utf8View),
        _ => Ok(Arc::clone(array)),
    }
}

fn unsupported(attribute: &str, array: &ArrayRef, reason: ArrowError) -> EncodeError {
    EncodeError::UnsupportedType { attribute: attribute.to_owned(), data_type: array.data_type().to_string(), reason }
}
