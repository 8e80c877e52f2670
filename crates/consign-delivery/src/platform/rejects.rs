//! The rows of a delivery that its platform refused, for recipients: in the order of the list, with their places in it.

use std::fs::{self, File};
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use parquet::arrow::ArrowWriter;

use super::PlatformError;
use crate::folder::sync_folder;
use crate::stage::CUSTOMER_KEY;
use crate::staged::{self, ReadError};

/// The file in a delivery's folder.
pub(crate) fn rejected_file(work: &Path) -> PathBuf {
    work.join("rejected.parquet")
}

fn schema() -> Arc<Schema> {
    let place = Field::new("place", DataType::UInt64, false);
    Arc::new(Schema::new(vec![Field::new(CUSTOMER_KEY, DataType::Utf8View, false), place]))
}

/// Forgets who was refused before.
pub(super) fn forget_rejects(work: &Path) -> Result<(), PlatformError> {
    let path = rejected_file(work);
    match fs::remove_file(&path) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(PlatformError::Members { path, reason }),
        _ => Ok(()),
    }
}

/// Rows that were refused, as they are written: under a temporary name, since half of a file is none.
pub(super) struct RejectsWriter {
    temporary: PathBuf,
    writer: ArrowWriter<File>,
}

impl RejectsWriter {
    /// What is to be the file of a delivery.
    pub fn create(work: &Path) -> Result<Self, PlatformError> {
        let temporary = rejected_file(work).with_extension("tmp");
        match File::create(&temporary) {
            Ok(file) => Ok(Self { temporary, writer: ArrowWriter::try_new(file, schema(), None)? }),
            Err(reason) => Err(PlatformError::Members { path: temporary, reason }),
        }
    }

    /// Appends rows, which come after those that are there.
    pub fn write<'a>(&mut self, rows: impl Iterator<Item = (u64, &'a str)>) -> Result<(), PlatformError> {
        let (places, keys): (Vec<u64>, Vec<&str>) = rows.unzip();
        if !places.is_empty() {
            let columns: Vec<ArrayRef> =
                vec![Arc::new(StringViewArray::from_iter_values(keys)), Arc::new(UInt64Array::from(places))];
            self.writer.write(&RecordBatch::try_new(schema(), columns)?)?;
        }
        Ok(())
    }

    /// Ends the file: it is on disk then, in place of the one that was there.
    pub fn close(self) -> Result<(), PlatformError> {
        let Self { temporary, writer } = self;
        let file = writer.into_inner()?;
        let path = temporary.with_extension("parquet");
        let kept = file.sync_all().and_then(|()| fs::rename(&temporary, &path));
        let kept = kept.and_then(|()| path.parent().map_or(Ok(()), sync_folder));
        kept.map_err(|reason| PlatformError::Members { path, reason })
    }
}

type Row = (u64, String);
type Rows = Peekable<Box<dyn Iterator<Item = Result<Row, ReadError>> + Send>>;

/// Puts more rows among those of a delivery's file. One that is there already stays once.
pub(super) fn add_rejects(work: &Path, rows: &[(u64, &str)]) -> Result<(), PlatformError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut known = read(&rejected_file(work))?;
    let mut writer = RejectsWriter::create(work)?;
    let mut merged: Vec<Row> = Vec::new();
    let mut new = rows.iter().peekable();
    while let Some(at) = known.peek().map(|row| row.as_ref().map_or(0, |(place, _)| *place)) {
        while let Some((place, key)) = new.next_if(|(place, _)| *place < at) {
            merged.push((*place, (*key).to_owned()));
        }
        new.next_if(|(place, _)| *place == at);
        merged.extend(known.next().transpose()?);
        if merged.len() >= staged::READ_ROWS {
            writer.write(merged.iter().map(|(place, key)| (*place, key.as_str())))?;
            merged.clear();
        }
    }
    writer.write(merged.iter().map(|(place, key)| (*place, key.as_str())))?;
    writer.write(new.copied())?;
    writer.close()
}

fn read(path: &Path) -> Result<Rows, ReadError> {
    let rows: Box<dyn Iterator<Item = Result<Row, ReadError>> + Send> = if path.exists() {
        Box::new(staged::read(path)?.flat_map(|batch| match batch {
            Ok(batch) => rows_of(&batch).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        }))
    } else {
        Box::new(std::iter::empty())
    };
    Ok(rows.peekable())
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let keys = batch.column_by_name(CUSTOMER_KEY).and_then(|array| array.as_string_view_opt());
    let places = batch.column_by_name("place").and_then(|array| array.as_primitive_opt::<UInt64Type>());
    let rows = keys.zip(places).map(|(keys, places)| {
        places.values().iter().copied().zip(keys.iter().flatten().map(ToOwned::to_owned)).collect()
    });
    rows.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rejects_stay_in_order_and_each_once_whatever_is_added(
            several in prop::collection::vec(prop::collection::btree_set(0_u64..50, 0..20), 1..5),
        ) {
            let work = tempfile::tempdir().unwrap();
            let mut expected = BTreeMap::new();
            for places in &several {
                let rows: Vec<(u64, String)> = places.iter().map(|place| (*place, format!("c{place}"))).collect();
                let borrowed: Vec<(u64, &str)> = rows.iter().map(|(place, key)| (*place, key.as_str())).collect();
                add_rejects(work.path(), &borrowed).unwrap();
                expected.extend(rows);
            }
            let read: Vec<Row> = read(&rejected_file(work.path())).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(read, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
