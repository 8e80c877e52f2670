//! Records of runs as CSV, a piece at a time: who was assigned and sent what, and whose rows were left out and why.
//! Customer keys and no other personal data.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::filter_record_batch;
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use consign_engine::recipients_schema;

use crate::folder::RunFolder;
use crate::platform::rejected_file;
use crate::stage::{ATTRIBUTE, CUSTOMER_KEY, REASON};
use crate::staged::{self, ReadError, Rows};

/// What a record is made of cannot be read, or not be written as text.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// A file of a run cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not laid out as it should be.
    #[error("a record of the run is not as it was written: run the campaign again")]
    Layout(#[from] ArrowError),
}

/// What becomes of the rows of a file, before they are text.
type Shape = Box<dyn Fn(&RecordBatch) -> Result<RecordBatch, ArrowError> + Send>;

/// A record as CSV with a header. Files are opened one after the other, as it is read.
pub struct Csv {
    schema: SchemaRef,
    has_header: bool,
    files: VecDeque<(PathBuf, Shape)>,
    open: Option<(Rows, Shape)>,
}

impl Csv {
    fn new(schema: SchemaRef, files: impl IntoIterator<Item = (PathBuf, Shape)>) -> Self {
        Self { schema, has_header: false, files: files.into_iter().collect(), open: None }
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, DownloadError> {
        loop {
            if let Some((rows, shape)) = &mut self.open
                && let Some(batch) = rows.next()
            {
                return Ok(Some(shape(&batch?)?));
            }
            let Some((path, shape)) = self.files.pop_front() else { return Ok(None) };
            self.open = Some((staged::read(&path)?, shape));
        }
    }

    fn text(&mut self, batch: &RecordBatch) -> Result<Bytes, DownloadError> {
        let mut writer = WriterBuilder::new().with_header(!self.has_header).build(Vec::new());
        writer.write(batch)?;
        self.has_header = true;
        Ok(writer.into_inner().into())
    }
}

impl Iterator for Csv {
    type Item = Result<Bytes, DownloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.batch() {
            Ok(Some(batch)) => batch,
            // Of nothing there is the header.
            Ok(None) if !self.has_header => RecordBatch::new_empty(Arc::clone(&self.schema)),
            Ok(None) => return None,
            Err(error) => return Some(Err(error)),
        };
        Some(self.text(&batch))
    }
}

/// The recipients in these files, which runs left.
pub fn recipients(files: impl IntoIterator<Item = PathBuf>) -> Csv {
    let as_it_is = || -> Shape { Box::new(|batch| Ok(batch.clone())) };
    Csv::new(recipients_schema(), files.into_iter().map(|file| (file, as_it_is())))
}

/// The rows of a delivery that were left out, at staging or by the platform, for one reason or for all: `rejected` is the
/// platform's. `None` where the run has not staged its deliveries yet, and where that was deleted.
pub fn rejects(run: &RunFolder, delivery: &str, reason: Option<&str>) -> Option<Csv> {
    let staged = run.staged(delivery).join("rejects.parquet");
    // Till all is staged, files are being written.
    if !run.staging().exists() || !staged.exists() {
        return None;
    }
    let wanted = reason.map(ToOwned::to_owned);
    let own: Shape = Box::new(move |batch| dropped(batch, wanted.as_deref()));
    let refused = rejected_file(&run.platform(delivery));
    let theirs: Option<(PathBuf, Shape)> = (refused.exists() && reason.is_none_or(|reason| reason == REJECTED))
        .then(|| (refused, Box::new(rejected) as Shape));
    Some(Csv::new(rejects_schema(), [(staged, own)].into_iter().chain(theirs)))
}

/// The reason of rows that a platform refused.
const REJECTED: &str = "rejected";

fn rejects_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8View, nullable);
    Arc::new(Schema::new(vec![text("customer_key", false), text(ATTRIBUTE, true), text(REASON, false)]))
}

fn dropped(batch: &RecordBatch, wanted: Option<&str>) -> Result<RecordBatch, ArrowError> {
    let column = |name: &str| {
        let found = batch.column_by_name(name).cloned();
        found.ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{name}`")))
    };
    let columns = vec![column(CUSTOMER_KEY)?, column(ATTRIBUTE)?, column(REASON)?];
    let batch = RecordBatch::try_new(rejects_schema(), columns)?;
    let Some(wanted) = wanted else { return Ok(batch) };
    let holds: BooleanArray =
        batch.column(2).as_string_view().iter().map(|reason| Some(reason == Some(wanted))).collect();
    filter_record_batch(&batch, &holds)
}

fn rejected(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let columns: Vec<ArrayRef> = vec![
        Arc::clone(batch.column(0)),
        Arc::new(StringViewArray::new_null(rows)),
        Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(REJECTED, rows))),
    ];
    RecordBatch::try_new(rejects_schema(), columns)
}
