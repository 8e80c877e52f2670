//! Adding: staged rows that are not on the list as they are, in numbered requests.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::UInt64Type;
use chrono::Utc;
use consign_destinations::client::{Job, JobState};
use consign_destinations::encode::{EncodedRows, Operation, Sequence, split_requests};
use consign_destinations::http::SystemClock;
use consign_destinations::send::{Frame, JobEnd, RowSet, Sent, Stop, Taken, await_job, find_rows, send_rows};

use super::begun::Session;
use super::identity::Identified;
use super::jobs::JobRow;
use super::members::{KEPT, Member, Standing};
use super::prehashed;
use super::rejects::{RejectsWriter, forget_rejects};
use super::{Again, PlatformError, Sending, Step};
use crate::deliver::day;
use crate::stage::Reason;
use crate::staged;

/// Encoded rows of one staged batch, with who they are.
#[derive(Default)]
pub(super) struct Batch {
    encoded: EncodedRows,
    /// Parts with the place of their first row.
    parts: Vec<(usize, Identified)>,
    /// The place of each row in the delivery.
    places: Vec<u64>,
    /// Whether each row was refused.
    pub rejected: Vec<bool>,
}

impl Batch {
    /// Who a row is, and its place in that part.
    pub fn part(&self, row: usize) -> (&Identified, usize) {
        let at = self.parts.partition_point(|(first, _)| *first <= row).saturating_sub(1);
        let (first, part) = &self.parts[at];
        (part, row - first)
    }

    fn key(&self, row: usize) -> &str {
        let (part, row) = self.part(row);
        part.keys.value(row)
    }

    /// A row as it is kept for as long as the platform works on it.
    fn kept(&self, row: usize) -> JobRow {
        let (part, at) = self.part(row);
        JobRow {
            place: self.places[row],
            identity: part.identities[at],
            attributes: part.attributes[at],
            customer_key: self.key(row).to_owned(),
            removal: part.removal(at),
            encoded: self.encoded.row(row).to_vec(),
            rejected: self.rejected[row],
        }
    }
}

/// A number of rows that a platform still works on.
struct Pending {
    rows: RowSet,
    rejected: Vec<usize>,
    unnamed: u64,
    job: Job,
}

/// How adding stands.
struct Progress {
    operation: Operation,
    /// Rows to send in all.
    total: u64,
    /// Rows of the requests so far.
    done: u64,
    /// Rows that were answered to an earlier process, in the session that this one goes on with.
    answered: u64,
    /// Requests and rows of a session that ended early: what comes after them is a session of its own.
    before: u64,
    over: u64,
    /// Values that were hashes already, and are sent as they are.
    prehashed: u64,
    rejects: RejectsWriter,
}

impl Sending<'_> {
    /// Sends all rows but those that are kept.
    pub(super) async fn add(&mut self, operation: Operation, kept: u64) -> Step<()> {
        let replaces = operation == Operation::Replace;
        let skipped = if replaces { 0 } else { kept };
        self.outcome.list.kept = skipped - self.outcome.list.sent.min(skipped);
        let path = self.work.join(KEPT);
        let mut kept = Kept::open((!replaces).then_some(path.as_path()))?;
        let total = self.staged.counts.rows - skipped - self.forgotten;
        self.outcome.list.reject(&Reason::Forgotten.to_string(), self.forgotten);
        forget_rejects(&self.work)?;
        let rejects = RejectsWriter::create(&self.work)?;
        let answered = if replaces { self.go_on_with_session()? } else { 0 };
        let before = if replaces { 0 } else { self.outcome.requests };
        let mut progress = Progress { operation, total, done: 0, answered, before, over: 0, prehashed: 0, rejects };
        let done = self.add_batches(&mut kept, &mut progress).await;
        // Whatever happened: who was refused is read for the recipients.
        progress.rejects.close()?;
        if let Err(again) = done? {
            return Ok(Err(again));
        }
        if progress.prehashed > 0 {
            let values = progress.prehashed;
            self.outcome
                .list
                .note(format!("{values} values were hashes already, and were sent as they are (prehashed)"));
        }
        if self.cleared > 0 {
            let members = self.cleared;
            self.outcome.list.note(format!("what they lack was cleared on {members} members, by a call for each"));
        }
        if replaces {
            // Who has no row was not in the session.
            self.forget_gone()?;
        }
        Ok(Ok(()))
    }

    async fn add_batches(&mut self, kept: &mut Kept, progress: &mut Progress) -> Step<()> {
        let batches = &self.staged.batches;
        let mut first = 0;
        for staged in batches {
            self.stop_if_cancelled()?;
            let mut batch = Batch::default();
            for rows in staged::read(&staged.path)? {
                let rows = rows?;
                let places = first..first + rows.num_rows() as u64;
                first = places.end;
                let wanted = and(&kept.others(places.clone())?, &staged::are_known(&rows, self.sender.forgotten))?;
                batch.places.extend(places.zip(wanted.values()).filter(|(_, wanted)| *wanted).map(|(place, _)| place));
                let rows = filter_record_batch(&rows, &wanted)?;
                progress.prehashed += prehashed::count(&rows, self.delivery);
                batch.parts.push((batch.encoded.len(), Identified::of(&rows, &self.identifying)?));
                self.encoder.encode_rows(&rows, &self.list, progress.operation, &mut batch.encoded)?;
            }
            batch.rejected = vec![false; batch.encoded.len()];
            let done = self.add_batch(&mut batch, progress).await;
            let rejected = (0..batch.rejected.len()).filter(|row| batch.rejected[*row]);
            progress.rejects.write(rejected.map(|row| (batch.places[row], batch.key(row))))?;
            if let Err(again) = done? {
                return Ok(Err(again));
            }
        }
        Ok(Ok(()))
    }

    async fn add_batch(&mut self, batch: &mut Batch, progress: &mut Progress) -> Step<()> {
        let mut pending = Vec::new();
        let sent = self.send_batch(batch, progress, &mut pending).await;
        // What was taken before an error is worked on all the same.
        let awaited = match sent {
            Ok(Err(_)) => Ok(()),
            Ok(Ok(())) | Err(PlatformError::Client(_)) => self.await_jobs(batch, pending).await,
            Err(_) => pending.into_iter().try_for_each(|one| self.lost_sight(batch, &one.rows, one.rejected.len())),
        };
        let sent = sent?;
        awaited.map(|()| sent)
    }

    async fn send_batch(&mut self, batch: &mut Batch, progress: &mut Progress, pending: &mut Vec<Pending>) -> Step<()> {
        let first = self.encoder.envelope(&self.list, progress.operation, &self.sequence(progress, false))?;
        // Numbers grow; their digits do not matter to any platform's limit.
        let requests = split_requests(&batch.encoded, &self.encoder.limits(), first.overhead() + 32);
        let mut requests: VecDeque<Range<usize>> = requests.into();
        while let Some(mut rows) = requests.pop_front() {
            self.stop_if_cancelled()?;
            if let Some(most) = self.most_rows.filter(|most| rows.len() > *most) {
                requests.push_front(rows.start + most..rows.end);
                rows.end = rows.start + most;
            }
            // Rows that an earlier process sent in the session that this one goes on with.
            let answered = progress.answered.saturating_sub(progress.done).min(rows.len() as u64);
            progress.done += answered;
            rows.start += usize::try_from(answered).unwrap_or_default();
            if rows.is_empty() {
                continue;
            }
            progress.done += rows.len() as u64;
            let sequence = self.sequence(progress, progress.done == progress.total);
            self.outcome.requests += 1;
            let envelope = self.encoder.envelope(&self.list, progress.operation, &sequence)?;
            let frame =
                Frame { list: &self.list, operation: progress.operation, sequence: &sequence, envelope: &envelope };
            let sent = send_rows(self.client, &batch.encoded, rows.clone(), frame, |_| {}).await;
            self.keep_rotated()?;
            let rest = sent.rest.clone();
            let stopped = self.took(batch, sent, pending).await?;
            if progress.operation == Operation::Replace {
                self.note_refused(batch, rows)?;
            }
            match stopped {
                // The rows of a job are counted when it ends.
                None if progress.operation == Operation::Replace && pending.is_empty() => {
                    self.keep_session(progress.done)?;
                }
                None => {}
                Some(Stop::ListGone) => return Ok(Err(Again::ListGone)),
                Some(Stop::SessionLost) => return Ok(Err(Again::SessionLost)),
                Some(Stop::SessionOver) => {
                    self.outcome
                        .list
                        .note("the session ended early: the rest was added to what it had put on the list");
                    progress.operation = Operation::Add;
                    progress.done -= rest.len() as u64;
                    (progress.before, progress.over) = (self.outcome.requests, progress.done);
                    for range in ranges(&rest).into_iter().rev() {
                        requests.push_front(range);
                    }
                }
                Some(Stop::Failed(error)) => {
                    // A request may have arrived, whatever its answer was.
                    if error.uncertain {
                        self.outcome.list.unknown += rest.len() as u64;
                        self.note(batch, &rest, Standing::Unknown)?;
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(Ok(()))
    }

    fn sequence(&self, progress: &Progress, last: bool) -> Sequence {
        let (number, day) = (self.outcome.requests + 1, day(self.sender.plan));
        let session = self.session(if progress.operation == Operation::Replace { "replace" } else { "add" });
        Sequence { number: number - progress.before, last, total_rows: progress.total - progress.over, session, day }
    }

    /// Begins a session, or takes up the one that an earlier process began; the rows that were answered to it.
    fn go_on_with_session(&mut self) -> Result<u64, PlatformError> {
        let window = self.client.session_window().unwrap_or_default();
        // The places of its rows have moved where somebody was forgotten since.
        if self.begun.session.as_ref().is_some_and(|open| open.forgotten != self.forgotten) {
            self.begun.lose_session();
        }
        let open = self.begun.open_session(window, Utc::now()).unwrap_or_else(|| Session {
            since: Utc::now(),
            requests: 0,
            rows: 0,
            most_rows: None,
            forgotten: self.forgotten,
            list: self.outcome.list.clone(),
        });
        (self.outcome.list, self.outcome.requests) = (open.list.clone(), open.requests);
        self.most_rows = open.most_rows;
        let rows = open.rows;
        self.begun.session = Some(open);
        self.keep_begun()?;
        Ok(rows)
    }

    /// Keeps how far the session is: so many rows.
    fn keep_session(&mut self, rows: u64) -> Result<(), PlatformError> {
        if let Some(session) = &mut self.begun.session {
            (session.rows, session.requests) = (rows, self.outcome.requests);
            session.most_rows = self.most_rows;
            session.list.clone_from(&self.outcome.list);
        }
        self.keep_begun()
    }

    /// Counts what became of a request, and notes it in the membership.
    async fn took(
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
        for Taken { rows, job, rejected, unnamed, partial, notes } in sent.taken {
            for note in notes {
                self.outcome.list.note(note);
            }
            for (row, reason) in &rejected {
                self.reject(batch, *row, reason);
            }
            let rejected: Vec<usize> = rejected.into_iter().map(|(row, _)| row).collect();
            match job {
                Some(job) => pending.push(Pending { rows, rejected, unnamed, job }),
                None if partial => self.lost_sight(batch, &rows, rejected.len())?,
                None => self.arrived(batch, &rows, rejected.len() as u64, unnamed).await?,
            }
        }
        Ok(sent.stopped)
    }

    /// Rows that the platform took, but for those that it refused: named ones, and so many that it did not name.
    async fn arrived(&mut self, batch: &Batch, rows: &RowSet, named: u64, unnamed: u64) -> Result<(), PlatformError> {
        if let Err(error) = self.clear(batch, rows).await {
            // They are there, but not as they should be: the next delivery sends and clears them again.
            self.outcome.list.unknown += rows.len() as u64 - named;
            self.note(batch, rows, Standing::Unknown)?;
            return Err(error);
        }
        let unnamed = unnamed.min(rows.len() as u64 - named);
        self.outcome.list.reject("refused, which one is not said", unnamed);
        self.outcome.list.sent += rows.len() as u64 - named - unnamed;
        // Any of them may be the one that was refused.
        self.note(batch, rows, if unnamed > 0 { Standing::Unknown } else { Standing::Acknowledged })
    }

    fn reject(&mut self, batch: &mut Batch, row: usize, reason: &str) {
        if !std::mem::replace(&mut batch.rejected[row], true) {
            self.outcome.list.reject(reason, 1);
        }
    }

    fn note(&mut self, batch: &Batch, rows: &RowSet, standing: Standing) -> Result<(), PlatformError> {
        let accepted: Vec<usize> = rows.iter().filter(|row| !batch.rejected[*row]).collect();
        self.note_rows(batch, &accepted, standing)
    }

    fn note_rows(&mut self, batch: &Batch, rows: &[usize], standing: Standing) -> Result<(), PlatformError> {
        let removals: Vec<Vec<u8>> = rows
            .iter()
            .map(|row| {
                let (part, row) = batch.part(*row);
                part.removal(row)
            })
            .collect();
        let members = rows.iter().zip(&removals).map(|(row, removal)| {
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

    /// Waits for the jobs of a batch, or looks once where the platform takes hours. After an error nobody is asked for the
    /// others, and nobody knows of their rows.
    async fn await_jobs(&mut self, batch: &mut Batch, pending: Vec<Pending>) -> Result<(), PlatformError> {
        let awaited = self.client.polling().is_some_and(|polling| polling.awaited);
        let mut done = Ok(());
        for one in pending {
            match done {
                Ok(()) => done = self.settle(batch, one, awaited).await,
                Err(_) => self.lost_sight(batch, &one.rows, one.rejected.len())?,
            }
        }
        done
    }

    async fn settle(&mut self, batch: &mut Batch, one: Pending, awaited: bool) -> Result<(), PlatformError> {
        let Pending { rows, rejected, unnamed: told, job } = one;
        let mut refused = rejected.len() as u64;
        let end = if awaited {
            match await_job(self.client, &job, &SystemClock).await {
                Ok(end) => end,
                Err(error) => {
                    self.lost_sight(batch, &rows, rejected.len())?;
                    return Err(error.into());
                }
            }
        } else {
            match self.client.poll(&job).await {
                Ok(JobState::Done(report)) => JobEnd::Done(report),
                Ok(JobState::Failed(reason)) => JobEnd::Failed(reason),
                // What was taken is not lost because one cannot look at it now.
                Ok(JobState::Working) | Err(_) => {
                    self.arrived(batch, &rows, refused, told).await?;
                    let kept = rows.iter().map(|row| batch.kept(row)).collect();
                    return self.leave_open(kept, job, false);
                }
            }
        };
        match end {
            JobEnd::Done(report) => {
                for note in report.notes {
                    self.outcome.list.note(note);
                }
                let (named, unnamed) = find_rows(&batch.encoded, &rows, report.rejected);
                for (row, reason) in &named {
                    refused += u64::from(!batch.rejected[*row]);
                    self.reject(batch, *row, reason);
                }
                if report.known || !awaited {
                    if !report.known {
                        self.outcome.list.note("the platform took the rows, and does not say what became of each");
                    }
                    self.arrived(batch, &rows, refused, told + unnamed + report.unnamed).await
                } else {
                    self.outcome.list.unknown += rows.len() as u64 - refused;
                    self.note(batch, &rows, Standing::Unknown)
                }
            }
            JobEnd::Failed(reason) => {
                for row in rows.iter() {
                    self.reject(batch, row, &reason);
                }
                self.outcome.list.given_up += rows.len() as u64 - refused;
                Ok(())
            }
            JobEnd::Unknown => self.lost_sight(batch, &rows, rejected.len()),
        }
    }

    /// Rows, but for so many refused ones, that the platform has put on the list by now, or not.
    fn lost_sight(&mut self, batch: &Batch, rows: &RowSet, refused: usize) -> Result<(), PlatformError> {
        self.outcome.list.unknown += (rows.len() - refused) as u64;
        self.note(batch, rows, Standing::Unknown)
    }

    /// Rows that a session refused are not on the list any more, even if they were before.
    fn note_refused(&mut self, batch: &Batch, rows: Range<usize>) -> Result<(), PlatformError> {
        let refused: Vec<usize> = rows.filter(|row| batch.rejected[*row]).collect();
        self.note_rows(batch, &refused, Standing::Removed)
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
