//! Copies of tables as Parquet in the spill folder: what is not Parquet is copied before a plan reads it, so that plans
//! read Parquet alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, RecordBatch, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Date32Type, SchemaRef, TimeUnit};
use consign_model::test::parse_date;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Trouble;
use super::infer::{self, Cell};
use crate::session::BATCH;

/// Rows of a row group, of copies and snapshots.
pub(crate) const ROW_GROUP: usize = 16 * BATCH;

/// How Parquet is written here: zstd 1, row groups of fixed size.
pub(crate) fn properties() -> WriterProperties {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build()
}

/// A Parquet file that is being written.
pub(crate) struct ParquetCopy {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
}

impl ParquetCopy {
    /// A copy with these columns.
    pub fn create(file: File, schema: SchemaRef) -> Result<Self, Trouble> {
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties())).map_err(full)?;
        Ok(Self { writer, schema })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Trouble> {
        self.writer.write(batch).map_err(full)
    }

    pub fn finish(self) -> Result<(), Trouble> {
        self.writer.close().map(drop).map_err(full)
    }
}

fn full(error: impl std::fmt::Display) -> Trouble {
    Trouble::new(format!("its copy cannot be written: {error}"), "free space in the spill folder")
}

/// Rows of cells on their way into a copy.
pub(crate) struct Columns {
    copy: ParquetCopy,
    builders: Vec<Builder>,
    /// For each column whether this row has it already.
    filled: Vec<bool>,
    places: BTreeMap<String, usize>,
    rows: usize,
}

impl Columns {
    pub fn new(copy: ParquetCopy) -> Self {
        let fields = copy.schema.fields();
        let builders: Vec<Builder> = fields.iter().map(|field| Builder::new(field.data_type())).collect();
        let places = fields.iter().enumerate().map(|(i, field)| (field.name().clone(), i)).collect();
        Self { filled: vec![false; builders.len()], builders, places, rows: 0, copy }
    }

    /// The place of a column, if the copy has it.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The name of the column at a place.
    pub fn name(&self, place: usize) -> &str {
        self.copy.schema.field(place).name()
    }

    /// Puts a value of the current row; false where it is not of the column's type.
    pub fn put(&mut self, place: usize, cell: Cell<'_>) -> bool {
        self.filled[place] = true;
        self.builders[place].append(cell)
    }

    /// Ends the row, with nulls for what was not put; true where that ended a batch.
    pub fn end_row(&mut self) -> Result<bool, Trouble> {
        for (filled, builder) in self.filled.iter_mut().zip(&mut self.builders) {
            if !std::mem::take(filled) {
                builder.append(Cell::Null);
            }
        }
        self.rows += 1;
        if self.rows < BATCH {
            return Ok(false);
        }
        self.flush()?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        let types = self.copy.schema.fields().iter().map(|field| field.data_type());
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().zip(types).map(|(one, of)| one.finish(of)).collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.copy.schema), arrays, &options).map_err(full)?;
        self.rows = 0;
        self.copy.write(&batch)
    }

    pub fn finish(mut self) -> Result<(), Trouble> {
        self.flush()?;
        self.copy.finish()
    }
}

/// A value read from its text, and whether the text is of its type; null is of every type.
fn read<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> (Option<T>, bool) {
    let value = text.and_then(read);
    let fits = value.is_some() || text.is_none();
    (value, fits)
}

enum Builder {
    Text(StringViewBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Local(TimestampMicrosecondBuilder),
    Zoned(TimestampMicrosecondBuilder),
}

impl Builder {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int64 => Self::Integer(Int64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::Local(TimestampMicrosecondBuilder::new()),
            DataType::Timestamp(..) => {
                Self::Zoned(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
            }
            _ => Self::Text(StringViewBuilder::new()),
        }
    }

    /// Appends a value, or null and false where it is not of the type.
    fn append(&mut self, cell: Cell<'_>) -> bool {
        let text = match cell {
            Cell::Null => None,
            Cell::Plain(text) | Cell::Quoted(text) | Cell::Number(text) | Cell::Nested(text) => Some(text),
            Cell::Boolean(true) => Some("true"),
            Cell::Boolean(false) => Some("false"),
        };
        let not_nan = text.filter(|text| !infer::is_nan(text));
        match self {
            Self::Text(builder) => {
                builder.append_option(text);
                true
            }
            Self::Integer(builder) => {
                let (value, fits) = read(not_nan, infer::integer);
                builder.append_option(value);
                fits
            }
            Self::Float(builder) => {
                let (value, fits) = read(not_nan, infer::float);
                builder.append_option(value);
                fits
            }
            Self::Boolean(builder) => {
                let (value, fits) = read(text, infer::boolean);
                builder.append_option(value);
                fits
            }
            Self::Date(builder) => {
                let (value, fits) = read(text, parse_date);
                builder.append_option(value.map(Date32Type::from_naive_date));
                fits
            }
            Self::Local(builder) => {
                let (value, fits) = read(text, infer::local);
                builder.append_option(value.map(|local| local.and_utc().timestamp_micros()));
                fits
            }
            Self::Zoned(builder) => {
                let (value, fits) = read(text, infer::zoned);
                builder.append_option(value.map(|moment| moment.timestamp_micros()));
                fits
            }
        }
    }

    fn finish(&mut self, data_type: &DataType) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Local(builder) => Arc::new(builder.finish()),
            Self::Zoned(builder) => Arc::new(builder.finish().with_data_type(data_type.clone())),
        }
    }
}
