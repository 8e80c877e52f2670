//! Adding: staged rows that are not on the list as they are, in numbered requests.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use consign_destinations::client::{ErrorClass, Job, JobReport, JobState};
use consign_destinations::encode::{EncodedRows, Operation, Sequence, split_requests};
use consign_destinations::http::SystemClock;
use consign_destinations::send::{Frame, JobEnd, RowSet, Sent, Stop, Taken, await_job, find_rows, send_rows};
use parquet::arrow::ArrowWriter;

use super::identity::Identified;
use super::members::{KEPT, Member, Standing};
use super::{Again, PlatformError, Sending, Step, rejected_file};
use crate::deliver::day;
use crate::stage::CUSTOMER_KEY;
use crate::staged;

/// Encoded rows of one staged batch, with who they are.
struct Batch {
    encoded: EncodedRows,
    /// Parts with the place of their first row.
    parts: Vec<(usize, Identified)>,
    /// Whether each row was refused.
    rejected: Vec<bool>,
}

impl Batch {
    fn part(&self, row: usize) -> (&Identified, usize) {
        let at = self.parts.partition_point(|(first, _)| *first <= row).saturating_sub(1);
        let (first, part) = &self.parts[at];
        (part, row - first)
    }

    fn key(&self, row: usize) -> &str {
        let (part, row) = self.part(row);
        part.keys.value(row)
    }
}

/// A number of rows that a platform still works on.
struct Pending {
    rows: RowSet,
    rejected: Vec<usize>,
    job: Job,
}

/// How adding stands.
struct Progress {
    operation: Operation,
    /// Rows to send in all.
    total: u64,
    /// Rows of the requests so far.
    done: u64,
    /// Requests and rows of a session that ended early: what comes after them is a session of its own.
    before: u64,
    over: u64,
    rejects: ArrowWriter<File>,
}

impl Sending<'_> {
    /// Sends all rows but those that are kept.
    pub(super) async fn add(&mut self, operation: Operation, kept: u64) -> Step<()> {
        let replaces = operation == Operation::Replace;
        let skipped = if replaces { 0 } else { kept };
        self.outcome.kept = skipped;
        let path = self.work.join(KEPT);
        let mut kept = Kept::open((!replaces).then_some(path.as_path()))?;
        let total = self.staged.counts.rows - skipped;
        let mut progress =
            Progress { operation, total, done: 0, before: self.outcome.requests, over: 0, rejects: self.rejects()? };
        let batches = &self.staged.batches;
        let mut first = 0;
        for staged in batches {
            self.stop_if_cancelled()?;
            let mut batch = Batch { encoded: EncodedRows::new(), parts: Vec::new(), rejected: Vec::new() };
            for rows in staged::read(&staged.path)? {
                let rows = rows?;
                let wanted = kept.others(first..first + rows.num_rows() as u64)?;
                first += rows.num_rows() as u64;
                let rows = filter_record_batch(&rows, &wanted)?;
                batch.parts.push((batch.encoded.len(), Identified::of(&rows, &self.identifying)?));
                self.encoder.encode_rows(&rows, &self.list, operation, &mut batch.encoded)?;
            }
            batch.rejected = vec![false; batch.encoded.len()];
            let done = self.add_batch(&mut batch, &mut progress).await;
            write_rejects(&batch, &mut progress.rejects)?;
            if let Err(again) = done? {
                return Ok(Err(again));
            }
        }
        progress.rejects.close()?;
        if replaces {
            self.renew_members()?;
        }
        Ok(Ok(()))
    }

    fn rejects(&self) -> Result<ArrowWriter<File>, PlatformError> {
        let path = rejected_file(&self.work);
        let file = File::create(&path).map_err(|reason| PlatformError::Members { path, reason })?;
        Ok(ArrowWriter::try_new(file, rejects_schema(), None)?)
    }

    async fn add_batch(&mut self, batch: &mut Batch, progress: &mut Progress) -> Step<()> {
        let first = self.encoder.envelope(&self.list, progress.operation, &self.sequence(progress, false))?;
        // Numbers grow; their digits do not matter to any platform's limit.
        let requests = split_requests(&batch.encoded, &self.encoder.limits(), first.overhead() + 32);
        let mut requests: VecDeque<Range<usize>> = requests.into();
        let mut pending = Vec::new();
        while let Some(mut rows) = requests.pop_front() {
            self.stop_if_cancelled()?;
            if let Some(most) = self.most_rows.filter(|most| rows.len() > *most) {
                requests.push_front(rows.start + most..rows.end);
                rows.end = rows.start + most;
            }
            progress.done += rows.len() as u64;
            let sequence = self.sequence(progress, progress.done == progress.total);
            self.outcome.requests += 1;
            let envelope = self.encoder.envelope(&self.list, progress.operation, &sequence)?;
            let frame =
                Frame { list: &self.list, operation: progress.operation, sequence: &sequence, envelope: &envelope };
            let sent = send_rows(self.client.as_ref(), &batch.encoded, rows, frame, |_| {}).await;
            let rest = sent.rest.clone();
            match self.took(batch, sent, &mut pending)? {
                None => {}
                Some(Stop::ListGone) => return Ok(Err(Again::ListGone)),
                Some(Stop::SessionLost) => return Ok(Err(Again::SessionLost)),
                Some(Stop::SessionOver) => {
                    self.outcome.note("the session ended early: the rest was added to what it had put on the list");
                    progress.operation = Operation::Add;
                    progress.done -= rest.len() as u64;
                    (progress.before, progress.over) = (self.outcome.requests, progress.done);
                    for range in ranges(&rest).into_iter().rev() {
                        requests.push_front(range);
                    }
                }
                Some(Stop::Failed(error)) => {
                    // A request that nobody answered may have arrived.
                    if error.class == ErrorClass::Unavailable {
                        self.outcome.unknown += rest.len() as u64;
                        self.note(batch, &rest, Standing::Unknown)?;
                    }
                    self.await_jobs(batch, pending).await?;
                    return Err(error.into());
                }
            }
        }
        self.await_jobs(batch, pending).await?;
        Ok(Ok(()))
    }

    fn sequence(&self, progress: &Progress, last: bool) -> Sequence {
        let (number, day) = (self.outcome.requests + 1, day(self.sender.plan));
        let session = self.session(if progress.operation == Operation::Replace { "replace" } else { "add" });
        Sequence { number: number - progress.before, last, total_rows: progress.total - progress.over, session, day }
    }

    /// Counts what became of a request, and notes it in the membership.
    fn took(
        &mut self,
        batch: &mut Batch,
        sent: Sent,
        pending: &mut Vec<Pending>,
    ) -> Result<Option<Stop>, PlatformError> {
        if let Some(most) = sent.most_rows {
            self.most_rows = Some(self.most_rows.map_or(most, |known| known.min(most)));
        }
        self.outcome.changed += sent.changed.len() as u64;
        for (row, reason) in &sent.rejected {
            self.reject(batch, *row, reason);
        }
        for (rows, error) in &sent.failed {
            for row in rows.iter() {
                self.reject(batch, row, &error.to_string());
            }
        }
        for Taken { rows, job, rejected, unnamed, notes } in sent.taken {
            for note in notes {
                self.outcome.note(note);
            }
            for (row, reason) in &rejected {
                self.reject(batch, *row, reason);
            }
            let rejected: Vec<usize> = rejected.into_iter().map(|(row, _)| row).collect();
            match job {
                Some(job) => pending.push(Pending { rows, rejected, job }),
                None => self.arrived(batch, &rows, rejected.len() as u64, unnamed)?,
            }
        }
        Ok(sent.stopped)
    }

    /// Rows that the platform took, but for those that it refused: named ones, and so many that it did not name.
    fn arrived(&mut self, batch: &Batch, rows: &RowSet, named: u64, unnamed: u64) -> Result<(), PlatformError> {
        let unnamed = unnamed.min(rows.len() as u64 - named);
        self.outcome.reject("refused, which one is not said", unnamed);
        self.outcome.sent += rows.len() as u64 - named - unnamed;
        self.note(batch, rows, Standing::Acknowledged)
    }

    fn reject(&mut self, batch: &mut Batch, row: usize, reason: &str) {
        if !std::mem::replace(&mut batch.rejected[row], true) {
            self.outcome.reject(reason, 1);
        }
    }

    fn note(&mut self, batch: &Batch, rows: &RowSet, standing: Standing) -> Result<(), PlatformError> {
        let accepted: Vec<usize> = rows.iter().filter(|row| !batch.rejected[*row]).collect();
        let removals: Vec<Vec<u8>> = accepted
            .iter()
            .map(|row| {
                let (part, row) = batch.part(*row);
                part.removal(row)
            })
            .collect();
        let members = accepted.iter().zip(&removals).map(|(row, removal)| {
            let (part, at) = batch.part(*row);
            Member {
                identity: part.identities[at],
                attributes: part.attributes[at],
                customer_key: batch.key(*row),
                removal: Some(removal),
            }
        });
        let members: Vec<_> = members.collect();
        self.members.note(&members, standing)
    }

    /// Waits for the jobs of a batch, or looks once where the platform takes hours.
    async fn await_jobs(&mut self, batch: &mut Batch, pending: Vec<Pending>) -> Result<(), PlatformError> {
        let awaited = self.client.polling().is_some_and(|polling| polling.awaited);
        for Pending { rows, rejected, job } in pending {
            let end = if awaited {
                await_job(self.client.as_ref(), &job, &SystemClock).await?
            } else {
                match self.client.poll(&job).await? {
                    JobState::Done(report) => JobEnd::Done(report),
                    JobState::Failed(reason) => JobEnd::Failed(reason),
                    JobState::Working => {
                        self.outcome.jobs.push(job.id.clone());
                        JobEnd::Done(JobReport { known: true, ..JobReport::default() })
                    }
                }
            };
            match end {
                JobEnd::Done(report) => {
                    for note in report.notes {
                        self.outcome.note(note);
                    }
                    let (named, unnamed) = find_rows(&batch.encoded, &rows, report.rejected);
                    let mut refused = rejected.len() as u64;
                    for (row, reason) in &named {
                        refused += u64::from(!batch.rejected[*row]);
                        self.reject(batch, *row, reason);
                    }
                    if report.known || !awaited {
                        if !report.known {
                            self.outcome.note("the platform took the rows, and does not say what became of each");
                        }
                        self.arrived(batch, &rows, refused, unnamed + report.unnamed)?;
                    } else {
                        self.outcome.unknown += rows.len() as u64 - refused;
                        self.note(batch, &rows, Standing::Unknown)?;
                    }
                }
                JobEnd::Failed(reason) => {
                    for row in rows.iter() {
                        self.reject(batch, row, &reason);
                    }
                }
                JobEnd::Unknown => {
                    self.outcome.unknown += rows.len() as u64 - rejected.len() as u64;
                    self.note(batch, &rows, Standing::Unknown)?;
                }
            }
        }
        Ok(())
    }

    /// After a session the members are the rows that it sent, and nobody else.
    fn renew_members(&mut self) -> Result<(), PlatformError> {
        self.members.forget()?;
        self.members.note_all(&self.staged.batches, &self.identifying, Standing::Acknowledged)
    }
}

/// The ranges of a set of rows.
fn ranges(rows: &RowSet) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in rows.iter() {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}

fn rejects_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new(CUSTOMER_KEY, DataType::Utf8View, false)]))
}

fn write_rejects(batch: &Batch, into: &mut ArrowWriter<File>) -> Result<(), PlatformError> {
    let rejected = (0..batch.rejected.len()).filter(|row| batch.rejected[*row]).map(|row| batch.key(row));
    let keys: ArrayRef = Arc::new(StringViewArray::from_iter_values(rejected));
    if !keys.is_empty() {
        into.write(&RecordBatch::try_new(rejects_schema(), vec![keys])?)?;
    }
    Ok(())
}

/// The places of the rows that are kept, read along.
struct Kept(Option<staged::Values<u64>>);

impl Kept {
    fn open(path: Option<&Path>) -> Result<Self, PlatformError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let batches = staged::read(path)?;
        let places: Box<dyn Iterator<Item = Result<u64, staged::ReadError>> + Send> =
            Box::new(batches.flat_map(|batch| match batch {
                Ok(batch) => batch.column(0).as_primitive::<UInt64Type>().values().iter().copied().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }));
        Ok(Self(Some(places.peekable())))
    }

    /// Of these rows, which are not kept. Asked for in order.
    fn others(&mut self, rows: Range<u64>) -> Result<BooleanArray, PlatformError> {
        let mut others = vec![true; usize::try_from(rows.end - rows.start).unwrap_or_default()];
        if let Some(places) = &mut self.0 {
            while let Some(place) = places.next_if(|place| place.as_ref().map_or(true, |place| *place < rows.end)) {
                others[usize::try_from(place? - rows.start).unwrap_or_default()] = false;
            }
        }
        Ok(others.into())
    }
}
