//! Tables as they were written, for looking at them.

use std::fs::File;
use std::path::Path;
use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Int64Type};
use consign_model::definition::RowsPerCustomer;
use consign_model::schema::{Column, ColumnType, TableSchema, semantic_of};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// The demo workspace, written once for all tests.
pub static DEMO: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("there is room for a folder");
    consign_demo::write(folder.path(), consign_demo::Options::default()).expect("the demo is written");
    folder
});

/// A whole table.
pub struct Table(RecordBatch);

impl Table {
    /// A table of the demo.
    pub fn demo(name: &str) -> Self {
        Self::of(DEMO.path(), name)
    }

    /// A table of a workspace.
    pub fn of(folder: &Path, name: &str) -> Self {
        let path = folder.join("data").join(format!("{name}.parquet"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("the table is there"))
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .expect("the table is Parquet");
        let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("the table is whole")).collect();
        Self(concat_batches(&batches[0].schema(), &batches).expect("the batches are of one table"))
    }

    pub fn rows(&self) -> usize {
        self.0.num_rows()
    }

    pub fn columns(&self) -> Vec<String> {
        self.0.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
    }

    /// What the engine would find, with the meanings that the names of the columns imply.
    pub fn schema(&self, name: &str, rows: RowsPerCustomer) -> TableSchema {
        let column_type = |data_type: &DataType| match data_type {
            DataType::Utf8 => ColumnType::Text,
            DataType::Date32 => ColumnType::Date,
            DataType::Boolean => ColumnType::Boolean,
            _ => ColumnType::Number,
        };
        let schema = self.0.schema();
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            column_type: column_type(field.data_type()),
            semantic: semantic_of(field.name()).map(ToOwned::to_owned),
        });
        TableSchema { name: name.into(), customer_key: "customer_id".into(), rows, columns: columns.collect() }
    }

    fn column(&self, name: &str) -> &ArrayRef {
        self.0.column_by_name(name).expect("the column is there")
    }

    pub fn text(&self, name: &str) -> Vec<Option<&str>> {
        self.column(name).as_string::<i32>().iter().collect()
    }

    /// The texts of a column without NULLs.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.text(name).into_iter().flatten().collect()
    }

    pub fn flags(&self, name: &str) -> Vec<Option<bool>> {
        self.column(name).as_boolean().iter().collect()
    }

    fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Vec<T::Native> {
        self.column(name).as_primitive::<T>().values().to_vec()
    }

    pub fn integers(&self, name: &str) -> Vec<i64> {
        self.numbers::<Int64Type>(name)
    }

    /// Days since 1970-01-01.
    pub fn days(&self, name: &str) -> Vec<i32> {
        self.numbers::<Date32Type>(name)
    }

    pub fn cents(&self, name: &str) -> Vec<i128> {
        self.numbers::<Decimal128Type>(name)
    }

    pub fn nulls(&self, name: &str) -> usize {
        self.column(name).null_count()
    }
}
