//! Rows of requests on which a platform works for hours. They are kept beside the delivery, so that another process can
//! say later of each what became of it. What is personal data in them is sealed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, RecordBatch, StringViewArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::error::ArrowError;
use chrono::Utc;
use consign_destinations::client::Job;
use consign_destinations::encode::EncodedRows;
use consign_destinations::send::{JobEnd, RowSet, find_rows};
use consign_store::{ListCounts, OpenJob};
use parquet::arrow::ArrowWriter;

use super::members::{Member, Members};
use super::{PlatformError, Sending};
use crate::folder::{private_folder, sync_folder};
use crate::staged;

/// A row of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobRow {
    /// Its place in the delivery.
    pub place: u64,
    pub identity: [u8; 32],
    pub attributes: [u8; 32],
    pub customer_key: String,
    /// What taking it off the list needs.
    pub removal: Vec<u8>,
    /// As it was sent.
    pub encoded: Vec<u8>,
    /// Whether it was refused when the request was taken.
    pub rejected: bool,
}

impl JobRow {
    /// The row as a member.
    pub fn member(&self) -> Member<'_> {
        Member {
            identity: self.identity,
            attributes: self.attributes,
            customer_key: &self.customer_key,
            removal: Some(&self.removal),
        }
    }
}

/// The rows of the request that a job is of.
#[derive(Debug, Default)]
pub(super) struct JobRows {
    pub rows: Vec<JobRow>,
    /// The place of their note in the membership.
    pub sequence: u64,
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("place", DataType::UInt64, false),
        Field::new("identity", DataType::Binary, false),
        Field::new("attributes", DataType::Binary, false),
        Field::new("customer_key", DataType::Utf8View, false),
        Field::new("removal", DataType::Binary, false),
        Field::new("encoded", DataType::Binary, false),
        Field::new("rejected", DataType::Boolean, false),
        Field::new("sequence", DataType::UInt64, false),
    ]))
}

/// The file of a job's rows.
fn file(work: &Path, number: u64) -> PathBuf {
    folder(work).join(format!("{number}.parquet"))
}

/// Where the rows of a delivery's jobs are.
pub(super) fn folder(work: &Path) -> PathBuf {
    work.join("jobs")
}

impl JobRows {
    /// Keeps the rows of a job.
    pub fn write(&self, work: &Path, number: u64, members: &Members) -> Result<(), PlatformError> {
        let path = file(work, number);
        let failed = |reason: io::Error| PlatformError::Members { path: path.clone(), reason };
        let sealed = |plain: &[u8]| members.seal(plain);
        let rows = &self.rows;
        let removals: Vec<_> = rows.iter().map(|row| sealed(&row.removal)).collect::<Result<_, _>>()?;
        let encoded: Vec<_> = rows.iter().map(|row| sealed(&row.encoded)).collect::<Result<_, _>>()?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.place))),
            Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| row.identity))),
            Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| row.attributes))),
            Arc::new(StringViewArray::from_iter_values(rows.iter().map(|row| &row.customer_key))),
            Arc::new(BinaryArray::from_iter_values(removals)),
            Arc::new(BinaryArray::from_iter_values(encoded)),
            Arc::new(rows.iter().map(|row| Some(row.rejected)).collect::<BooleanArray>()),
            Arc::new(UInt64Array::from_value(self.sequence, rows.len())),
        ];
        private_folder(&folder(work)).map_err(failed)?;
        let temporary = path.with_extension("tmp");
        let mut writer = ArrowWriter::try_new(File::create(&temporary).map_err(failed)?, schema(), None)?;
        writer.write(&RecordBatch::try_new(schema(), columns)?)?;
        let durable = writer.into_inner()?.sync_all().and_then(|()| fs::rename(&temporary, &path));
        durable.and_then(|()| sync_folder(&folder(work))).map_err(failed)
    }

    /// The rows of a job; none where they are not kept any more.
    pub fn read(work: &Path, number: u64, members: &Members) -> Result<Self, PlatformError> {
        let path = file(work, number);
        let mut found = Self::default();
        if !path.exists() {
            return Ok(found);
        }
        let layout = || ArrowError::SchemaError("the rows of a job are not as they were written".into());
        for batch in staged::read(&path)? {
            let batch = batch?;
            let binary = |name: &str| batch.column_by_name(name).and_then(|array| array.as_binary_opt::<i32>());
            let number =
                |name: &str| batch.column_by_name(name).and_then(|array| array.as_primitive_opt::<UInt64Type>());
            let (Some(places), Some(sequences)) = (number("place"), number("sequence")) else {
                return Err(layout().into());
            };
            let hashes = binary("identity").zip(binary("attributes")).ok_or_else(layout)?;
            let sealed = binary("removal").zip(binary("encoded")).ok_or_else(layout)?;
            let keys = batch.column_by_name("customer_key").and_then(|array| array.as_string_view_opt());
            let rejected = batch.column_by_name("rejected").and_then(|array| array.as_boolean_opt());
            let (keys, rejected) = keys.zip(rejected).ok_or_else(layout)?;
            for row in 0..batch.num_rows() {
                let open = |sealed: &BinaryArray| members.removal(sealed.value(row)).unwrap_or_default();
                let hash = |hashes: &BinaryArray| hashes.value(row).try_into().map_err(|_| layout());
                found.sequence = sequences.value(row);
                found.rows.push(JobRow {
                    place: places.value(row),
                    identity: hash(hashes.0)?,
                    attributes: hash(hashes.1)?,
                    customer_key: keys.value(row).to_owned(),
                    removal: open(sealed.0),
                    encoded: open(sealed.1),
                    rejected: rejected.value(row),
                });
            }
        }
        Ok(found)
    }

    /// The rows of a removal that are not off the list, or perhaps not, with their counts and what is to be told of them.
    pub fn stayed(&self, end: JobEnd, list: &mut ListCounts) -> Vec<&JobRow> {
        let places = RowSet::from(0..self.rows.len());
        let (stayed, unnamed) = match end {
            JobEnd::Done(report) => {
                let (named, unnamed) = find_rows(&self.encoded(), &places, report.rejected);
                (named.into_iter().map(|(row, _)| row).collect(), unnamed + report.unnamed)
            }
            JobEnd::Failed(_) | JobEnd::Unknown => (places.iter().collect::<Vec<_>>(), 0),
        };
        let stayed: Vec<_> = stayed.into_iter().map(|row| &self.rows[row]).filter(|row| !row.rejected).collect();
        let missed = stayed.len() as u64 + unnamed;
        list.removed = list.removed.saturating_sub(missed);
        if missed > 0 {
            list.note("not all members who left are known to be off the list: the next delivery takes them off again");
        }
        stayed
    }

    /// The rows as they were sent.
    pub fn encoded(&self) -> EncodedRows {
        self.rows.iter().map(|row| row.encoded.as_slice()).collect()
    }
}

impl Sending<'_> {
    /// Keeps what it takes to say later what became of a request.
    pub(super) fn leave_open(&mut self, rows: Vec<JobRow>, job: Job, removes: bool) -> Result<(), PlatformError> {
        let kept = JobRows { rows, sequence: self.members.last() };
        let number = self.outcome.list.jobs.len() as u64 + 1;
        kept.write(&self.work, number, &self.members)?;
        let now = Utc::now();
        let rows = kept.rows.iter().filter(|row| !row.rejected).count() as u64;
        self.outcome.list.jobs.push(OpenJob {
            id: job.id,
            number,
            removes,
            rows,
            since: now,
            looked: 0,
            looked_at: now,
        });
        self.begun.jobs.clone_from(&self.outcome.list.jobs);
        self.keep_begun()
    }
}
