//! Parquet: the columns with their types, Snappy inside, which every reader knows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::layer::Layer;
use super::{FormatError, Rows, columns};

/// Bounds of a row group, which is held in memory until it is full.
const GROUP_ROWS: usize = 256 * 1024;
const GROUP_BYTES: usize = 64 * 1024 * 1024;

type Writer = ArrowWriter<Box<dyn Layer>>;

/// Writes rows as row groups. The types are those of the first batch.
pub(super) struct Parquet {
    attributes: Vec<String>,
    state: State,
}

enum State {
    /// No batch has come, so the types are not known.
    Waiting(Option<Box<dyn Layer>>),
    Writing(SchemaRef, Box<Writer>),
}

impl Parquet {
    pub(super) fn new(attributes: &[String], out: Box<dyn Layer>) -> Self {
        Self { attributes: attributes.to_vec(), state: State::Waiting(Some(out)) }
    }

    /// The writer, made for that schema where there is none yet.
    fn writer(&mut self, schema: impl FnOnce() -> Schema) -> Result<(SchemaRef, &mut Writer), FormatError> {
        if let State::Waiting(out) = &mut self.state {
            let out = out.take().ok_or_else(|| FormatError::Parquet("the writer failed before".into()))?;
            let schema = Arc::new(schema());
            let properties = WriterProperties::builder()
                .set_created_by("consign".into())
                .set_compression(Compression::SNAPPY)
                .set_max_row_group_row_count(Some(GROUP_ROWS))
                .set_max_row_group_bytes(Some(GROUP_BYTES))
                .build();
            // Without Arrow's own schema, whose newer types older readers refuse.
            let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
            let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options).map_err(refused)?;
            self.state = State::Writing(schema, Box::new(writer));
        }
        match &mut self.state {
            State::Writing(schema, writer) => Ok((Arc::clone(schema), writer)),
            State::Waiting(_) => Err(FormatError::Parquet("the writer failed before".into())),
        }
    }
}

fn refused(error: ParquetError) -> FormatError {
    FormatError::Parquet(match error {
        ParquetError::General(text) | ParquetError::ArrowError(text) | ParquetError::NYI(text) => text,
        other => other.to_string(),
    })
}

impl Rows for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let columns = columns(batch, &self.attributes)?;
        let fields = self.attributes.iter().zip(&columns);
        let fields = fields.map(|(name, column)| Field::new(name, column.data_type().clone(), true));
        let fields: Vec<_> = fields.collect();
        let (schema, writer) = self.writer(|| Schema::new(fields))?;
        let batch = RecordBatch::try_new(schema, columns).map_err(|error| FormatError::Parquet(error.to_string()))?;
        writer.write(&batch).map_err(refused)
    }

    /// A file that got no batch has its columns as text.
    fn finish(mut self: Box<Self>) -> Result<(), FormatError> {
        let fields = self.attributes.iter().map(|name| Field::new(name, DataType::Utf8, true));
        let fields: Vec<_> = fields.collect();
        self.writer(|| Schema::new(fields))?;
        match self.state {
            State::Writing(_, writer) => Ok(writer.into_inner().map_err(refused)?.finish()?),
            State::Waiting(_) => Err(FormatError::Parquet("the writer failed before".into())),
        }
    }
}
