//! Parquet files, read without any of our own code.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Some columns of a table: texts, and truth values.
pub struct TableOf {
    rows: Vec<Row>,
}

type Row = (Vec<Option<String>>, Vec<Option<bool>>);

impl TableOf {
    pub fn read(file: &Path, texts: &[&str], flags: &[&str]) -> Self {
        let mut rows = Vec::new();
        for batch in batches(file) {
            let texts: Vec<Vec<Option<String>>> = texts.iter().map(|name| text(&batch, name)).collect();
            let flags: Vec<Vec<Option<bool>>> = flags
                .iter()
                .map(|name| batch.column_by_name(name).expect("a column").as_boolean().iter().collect())
                .collect();
            rows.extend((0..batch.num_rows()).map(|row| {
                let texts = texts.iter().map(|column| column[row].clone()).collect();
                (texts, flags.iter().map(|column| column[row]).collect())
            }));
        }
        Self { rows }
    }

    pub fn rows(&self) -> impl Iterator<Item = (&[Option<String>], &[Option<bool>])> {
        self.rows.iter().map(|(texts, flags)| (texts.as_slice(), flags.as_slice()))
    }
}

/// What is recorded of a customer and a destination.
pub struct Recipient {
    pub customer_key: String,
    pub group: String,
    pub is_control: bool,
    pub destination: Option<String>,
    pub outcome: Option<String>,
}

pub fn recipients(file: &Path) -> Vec<Recipient> {
    let names = ["customer_key", "treatment_name", "destination_id", "outcome"];
    let table = TableOf::read(file, &names, &["is_control"]);
    let recipient = |(texts, flags): &Row| Recipient {
        customer_key: texts[0].clone().expect("a key"),
        group: texts[1].clone().expect("a group"),
        is_control: flags[0] == Some(true),
        destination: texts[2].clone(),
        outcome: texts[3].clone(),
    };
    table.rows.iter().map(recipient).collect()
}

fn batches(file: &Path) -> Vec<RecordBatch> {
    let file = File::open(file).expect("it is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("Parquet");
    reader.map(|batch| batch.expect("Parquet")).collect()
}

fn text(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = cast(batch.column_by_name(name).expect("a column"), &DataType::Utf8).expect("text");
    let column = column.as_string::<i32>();
    (0..column.len()).map(|row| column.is_valid(row).then(|| column.value(row).to_owned())).collect()
}
