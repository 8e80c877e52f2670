//! Tables of CSV and JSON lines: their columns with types by every value, and their rows copied to Parquet.

use std::collections::BTreeMap;

use ::csv::StringRecord;
use arrow::datatypes::{Field, Schema, SchemaRef};
use consign_model::definition::TableFormat;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use super::copy::{Columns, ParquetCopy};
use super::csv::{self, CsvRows};
use super::infer::{Cell, Guess};
use super::location::{Files, shown};
use super::{Trouble, json, stream};

/// A table of text files.
#[derive(Debug, Clone)]
pub(crate) struct TextTable {
    files: Files,
    pub schema: SchemaRef,
}

impl TextTable {
    /// Reads all files once for the names and types of their columns. The key column is text. Blocks.
    pub fn infer(files: Files, customer_key: &str) -> Result<Self, Trouble> {
        let mut guesses = Guesses { customer_key, columns: Vec::new(), index: BTreeMap::new(), of_file: None };
        each_file(&files, &mut guesses)?;
        let fields = guesses.columns.into_iter().map(|(name, guess)| Field::new(name, guess.data_type(), true));
        Ok(Self { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())), files })
    }

    /// Copies all rows. Blocks.
    pub fn copy(&self, copy: ParquetCopy, cancel: &CancellationToken) -> Result<(), Trouble> {
        let mut rows = Copying { columns: Columns::new(copy), order: Vec::new(), cancel };
        each_file(&self.files, &mut rows)?;
        rows.columns.finish()
    }
}

/// Takes rows of either format.
trait TextRows: CsvRows {
    fn object(&mut self, file: &str, line: u64, object: &Map<String, Value>) -> Result<(), Trouble>;
    /// The next file begins.
    fn begin(&mut self);
}

fn each_file(files: &Files, rows: &mut impl TextRows) -> Result<(), Trouble> {
    for file in &files.all {
        let name = shown(&files.root, &file.location);
        let read = stream::open(files, file).map_err(|error| {
            Trouble::new(format!("`{name}` cannot be read: {error}"), "check the file and that you may read it")
        })?;
        rows.begin();
        match files.format {
            TableFormat::JsonLines => json::rows(read, &name, |line, object| rows.object(&name, line, object))?,
            TableFormat::Csv | TableFormat::Parquet => csv::rows(read, &name, rows)?,
        }
    }
    Ok(())
}

struct Guesses<'a> {
    customer_key: &'a str,
    columns: Vec<(String, Guess)>,
    index: BTreeMap<String, usize>,
    /// For each field of the current file its column; `None` before its header.
    of_file: Option<Vec<usize>>,
}

impl Guesses<'_> {
    fn column(&mut self, name: &str) -> usize {
        if let Some(found) = self.index.get(name) {
            return *found;
        }
        let guess = if name == self.customer_key { Guess::text() } else { Guess::default() };
        self.columns.push((name.to_owned(), guess));
        self.index.insert(name.to_owned(), self.columns.len() - 1);
        self.columns.len() - 1
    }
}

impl CsvRows for Guesses<'_> {
    fn header(&mut self, file: &str, names: &[String]) -> Result<(), Trouble> {
        if !self.columns.is_empty() {
            let missing = self.columns.iter().find(|(name, _)| !names.contains(name));
            let more = names.iter().find(|name| !self.index.contains_key(*name));
            let differs = match (missing, more) {
                (Some((name, _)), _) => Some(format!("lacks the column `{name}` of the table's first file")),
                (None, Some(name)) => Some(format!("has a column `{name}`, which the table's first file lacks")),
                (None, None) => None,
            };
            if let Some(differs) = differs {
                return Err(Trouble::new(
                    format!("`{file}`, line 1: the file {differs}"),
                    "give all files of the table the same columns, in any order",
                ));
            }
        }
        self.of_file = Some(names.iter().map(|name| self.column(name)).collect());
        Ok(())
    }

    fn row(&mut self, _: &str, _: u64, row: &StringRecord) -> Result<(), Trouble> {
        let order = self.of_file.as_deref().unwrap_or_default();
        for (field, column) in row.iter().zip(order) {
            self.columns[*column].1.see(plain(field));
        }
        Ok(())
    }
}

impl TextRows for Guesses<'_> {
    fn object(&mut self, _: &str, _: u64, object: &Map<String, Value>) -> Result<(), Trouble> {
        for (name, value) in object {
            let column = self.column(name);
            let guess = &mut self.columns[column].1;
            if !guess.is_text() {
                with_cell(value, |cell| guess.see(cell));
            }
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.of_file = None;
    }
}

struct Copying<'a> {
    columns: Columns,
    /// For each field of the current file its place in the copy, if it has one.
    order: Vec<Option<usize>>,
    cancel: &'a CancellationToken,
}

impl Copying<'_> {
    fn end_row(&mut self) -> Result<(), Trouble> {
        if self.columns.end_row()? && self.cancel.is_cancelled() {
            return Err(Trouble::new("the run was cancelled", "start it again"));
        }
        Ok(())
    }

    fn put(&mut self, file: &str, line: u64, place: usize, cell: Cell<'_>) -> Result<(), Trouble> {
        if self.columns.put(place, cell) {
            return Ok(());
        }
        Err(Trouble::new(
            format!(
                "`{file}`, line {line}: the column `{}` is no longer of the type that it had when the table was opened",
                self.columns.name(place)
            ),
            "do not change files while they are read; start the command again",
        ))
    }
}

impl CsvRows for Copying<'_> {
    fn header(&mut self, _: &str, names: &[String]) -> Result<(), Trouble> {
        self.order = names.iter().map(|name| self.columns.place(name)).collect();
        Ok(())
    }

    fn row(&mut self, file: &str, line: u64, row: &StringRecord) -> Result<(), Trouble> {
        for (i, field) in row.iter().enumerate() {
            if let Some(Some(place)) = self.order.get(i) {
                self.put(file, line, *place, plain(field))?;
            }
        }
        self.end_row()
    }
}

impl TextRows for Copying<'_> {
    fn object(&mut self, file: &str, line: u64, object: &Map<String, Value>) -> Result<(), Trouble> {
        for (name, value) in object {
            if let Some(place) = self.columns.place(name)
                && !with_cell(value, |cell| self.columns.put(place, cell))
            {
                return self.put(file, line, place, Cell::Nested(""));
            }
        }
        self.end_row()
    }

    fn begin(&mut self) {
        self.order.clear();
    }
}

fn plain(field: &str) -> Cell<'_> {
    if field.is_empty() { Cell::Null } else { Cell::Plain(field) }
}

fn with_cell<T>(value: &Value, take: impl FnOnce(Cell<'_>) -> T) -> T {
    match value {
        Value::Null => take(Cell::Null),
        Value::Bool(value) => take(Cell::Boolean(*value)),
        Value::Number(number) => take(Cell::Number(&number.to_string())),
        Value::String(text) => take(Cell::Quoted(text)),
        nested @ (Value::Array(_) | Value::Object(_)) => take(Cell::Nested(&nested.to_string())),
    }
}
