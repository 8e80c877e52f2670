//! CSV: a header row, then rows of as many fields. An empty field is null.

use std::io::Read;

use ::csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::Trouble;
use super::stream::{Bounded, MAX_ROW, RowBytes};

/// Takes what a file holds.
pub(crate) trait CsvRows {
    /// The names of the columns.
    fn header(&mut self, file: &str, names: &[String]) -> Result<(), Trouble>;
    /// A row with as many fields, and its line.
    fn row(&mut self, file: &str, line: u64, row: &StringRecord) -> Result<(), Trouble>;
}

/// Reads a file: its header, then each row. `file` is its name in messages.
pub(crate) fn rows(read: impl Read, file: &str, into: &mut impl CsvRows) -> Result<(), Trouble> {
    let bytes = RowBytes::default();
    let bounded = Bounded { inner: read, bytes: bytes.clone() };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1 << 16).from_reader(bounded);
    let mut record = StringRecord::new();
    if !read_record(&mut reader, &mut record, file, &bytes)? {
        return Err(Trouble::new(
            format!("`{file}` is empty"),
            "write a header row with the names of the columns, even where there are no customers",
        ));
    }
    let names = names(&record, file)?;
    into.header(file, &names)?;
    while read_record(&mut reader, &mut record, file, &bytes)? {
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() != names.len() {
            return Err(Trouble::new(
                format!(
                    "`{file}`, line {line}: the row has {} and the header {}",
                    consign_model::word::count(record.len(), "field"),
                    names.len()
                ),
                "mend the row; a field with a comma, quote or line break stands in double quotes",
            ));
        }
        into.row(file, line, &record)?;
    }
    Ok(())
}

fn read_record<R: Read>(
    reader: &mut ::csv::Reader<R>,
    record: &mut StringRecord,
    file: &str,
    bytes: &RowBytes,
) -> Result<bool, Trouble> {
    let line = reader.position().line();
    let read = reader.read_record(record).map_err(|error| {
        if bytes.exceeded() {
            return Trouble::new(
                format!("`{file}`, line {line}: a row is larger than {} MiB", MAX_ROW >> 20),
                "close the quote that is probably left open there, or cut the field",
            );
        }
        match error.kind() {
            ErrorKind::Utf8 { pos, err } => {
                let line = pos.as_ref().map_or(line, ::csv::Position::line);
                Trouble::new(
                    format!("`{file}`, line {line}: field {} is not UTF-8", err.field() + 1),
                    "save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`",
                )
            }
            _ => Trouble::new(format!("`{file}` cannot be read: {error}"), "check the file and that you may read it"),
        }
    })?;
    bytes.reset();
    Ok(read)
}

fn names(record: &StringRecord, file: &str) -> Result<Vec<String>, Trouble> {
    let mut names: Vec<String> = record.iter().map(ToOwned::to_owned).collect();
    if let Some(first) = names.first_mut() {
        *first = first.trim_start_matches('\u{feff}').to_owned();
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Trouble::new(
                format!("`{file}`, line 1: the column {} has no name", i + 1),
                "name it in the header row, or remove the column",
            ));
        }
        if names[..i].contains(name) {
            return Err(Trouble::new(
                format!("`{file}`, line 1: two columns are named `{name}`"),
                "rename or remove one of them",
            ));
        }
    }
    Ok(names)
}
