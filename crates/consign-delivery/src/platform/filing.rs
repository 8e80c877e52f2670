//! A staged delivery as files that become its list: cut, put one after the other, and made the list at the end.

use chrono::{NaiveDate, Utc};
use consign_destinations::client::{
    Client, ClientError, ErrorClass, Filed, Filing, Job, JobState, Outgoing, WantedList,
};
use consign_destinations::encode::{
    EncodedRows, Envelope, ListTarget, Method, Operation, RequestEncoder, Sequence, body,
};
use consign_engine::Difference;
use consign_model::plan::PlannedDelivery;
use consign_store::OpenJob;

use super::cut::Cut;
use super::members::{Members, Standing};
use super::numbers::Numbers;
use super::{PlatformError, PlatformSent, Platforms, guard, identity, not_begun, place, wanted};
use crate::deliver::{Sender, Spoken, day};
use crate::folder::private_folder;
use crate::stage::{Reason, StagedDelivery};
use crate::staged;

/// One delivery under way.
struct Putting<'a> {
    sender: &'a Sender<'a>,
    platforms: Platforms<'a>,
    delivery: &'a PlannedDelivery,
    staged: &'a StagedDelivery,
    encoder: &'a dyn RequestEncoder,
    filing: &'a dyn Filing,
    identifying: identity::Identifying,
    day: NaiveDate,
    /// The rows that go: those staged, but for customers who were forgotten since.
    rows: u64,
    outcome: PlatformSent,
}

/// Sends a delivery as files. `id` is unique in the run.
pub(super) async fn send(
    sender: &Sender<'_>,
    platforms: Platforms<'_>,
    id: &str,
    delivery: &PlannedDelivery,
    staged: &StagedDelivery,
    (client, encoder): &Spoken,
    filing: &dyn Filing,
) -> (PlatformSent, Result<(), PlatformError>) {
    let forgotten = match staged::count_forgotten(&staged.batches, sender.forgotten) {
        Ok(forgotten) => forgotten,
        Err(error) => return not_begun(staged, error.into()),
    };
    let mut putting = Putting {
        sender,
        platforms,
        delivery,
        staged,
        encoder: encoder.as_ref(),
        filing,
        identifying: identity::identifying(delivery),
        day: day(sender.plan),
        rows: staged.counts.rows - forgotten,
        outcome: PlatformSent::default(),
    };
    let done = putting.run(id, client.as_ref()).await;
    let mut outcome = putting.outcome;
    outcome.list.reject(&Reason::Forgotten.to_string(), forgotten);
    let known = outcome.list.sent + outcome.list.all_rejected() + outcome.list.unknown;
    outcome.list.reject("not_sent", staged.counts.rows.saturating_sub(known));
    (outcome, done)
}

impl Putting<'_> {
    /// Makes the list what it should be.
    async fn run(&mut self, id: &str, client: &dyn Client) -> Result<(), PlatformError> {
        let (store, data) = (self.platforms.store, self.platforms.data);
        let (campaign, group) = (&self.sender.plan.campaign, self.sender.group(self.delivery));
        let place = place(self.delivery);
        let wanted = wanted(self.sender, store, self.delivery, client, false).await?;
        let found = self.filing.find(&wanted).await?;
        let mut gone = 0;
        if let Some(list_id) = &found {
            self.outcome.list.list_id.clone_from(list_id);
            let difference = self.difference(id, &Members::open(data, &place, list_id)?).await?;
            guard(self.delivery, self.staged, &difference)?;
            gone = difference.gone;
            if self.rows == 0 && difference.members == 0 {
                self.outcome.list.note("there are no rows, so no file went, and the list is as it was");
                return Ok(());
            }
        }
        let rows_per_file = self.filing.rows_per_file(self.rows, found.is_some())?;
        if self.rows == 0 {
            self.outcome.list.note("there are no rows, so no list was made");
            return Ok(());
        }
        let numbers = Numbers::of(data, &self.delivery.destination, self.day, &format!("{campaign}/{group}"));
        let Filed { list, job, notes } = match self.file(&wanted, found.as_deref(), &numbers, rows_per_file).await {
            Ok(filed) => filed,
            Err(error) => {
                if let Some(list_id) = found.filter(|_| self.outcome.list.unknown > 0) {
                    self.note(&mut Members::open(data, &place, &list_id)?, Standing::Unknown)?;
                }
                return Err(error);
            }
        };
        store.remember_list(&place, campaign, group, &list.id).await?;
        for note in notes {
            self.outcome.list.note(note);
        }
        self.outcome.list.list_id.clone_from(&list.id);
        self.outcome.list.created = list.created;
        if let Some(job) = job {
            self.look(client.poll(&job).await, job)?;
        }
        (self.outcome.list.sent, self.outcome.list.removed) = (self.rows, gone);
        let mut members = Members::open(data, &place, &list.id)?;
        members.forget()?;
        self.note(&mut members, Standing::Acknowledged)?;
        members.compact(self.platforms.engine).await?;
        Ok(())
    }

    /// Compares the rows with what is known to be on the list.
    async fn difference(&self, id: &str, members: &Members) -> Result<Difference, PlatformError> {
        let work = self.sender.folder.platform(id);
        private_folder(&work).map_err(|reason| PlatformError::Members { path: work.clone(), reason })?;
        identity::write_rows(&self.staged.batches, self.sender.forgotten, &self.identifying, &work)?;
        let difference = members.difference(self.platforms.engine, &work).await?;
        if self.filing.keeps_apart() && difference.members > 0 && !members.keeps_to_files() {
            return Err(PlatformError::FilledOtherwise { list: self.delivery.list_name.clone(), by: "requests" });
        }
        Ok(difference)
    }

    /// Puts all rows, and makes them the list. After an error the rows that may have arrived are `unknown`.
    async fn file(
        &mut self,
        wanted: &WantedList,
        found: Option<&str>,
        numbers: &Numbers,
        rows_per_file: usize,
    ) -> Result<Filed, PlatformError> {
        let (envelope, files) = self.put(numbers, rows_per_file).await?;
        let published = self.filing.publish(wanted, found, &envelope, &files).await;
        self.outcome.list.unknown = match &published {
            Err(error) if error.class == ErrorClass::Unavailable => self.rows,
            _ => 0,
        };
        Ok(published?)
    }

    /// Puts all rows, and gives the envelope of the last file and what the files are known by.
    async fn put(&mut self, numbers: &Numbers, rows_per_file: usize) -> Result<(Envelope, Vec<String>), PlatformError> {
        let list = ListTarget { id: self.outcome.list.list_id.clone(), name: self.delivery.list_name.clone() };
        let mut encoded = EncodedRows::new();
        let mut files = Vec::new();
        let mut envelope = self.encoder.envelope(&list, Operation::Replace, &self.sequence(1, false))?;
        let mut cut = Cut::new(self.rows, rows_per_file);
        let mut done = 0;
        for batch in &self.staged.batches {
            for rows in staged::read(&batch.path)? {
                let rows = staged::known(&rows?, self.sender.forgotten)?;
                let mut from = 0;
                while from < rows.num_rows() {
                    let piece = cut.next(rows.num_rows() - from);
                    let some = rows.slice(from, piece.rows);
                    self.encoder.encode_rows(&some, &list, Operation::Replace, &mut encoded)?;
                    (from, done) = (from + piece.rows, done + piece.rows as u64);
                    if !piece.ends {
                        continue;
                    }
                    if self.sender.cancel.is_cancelled() {
                        return Err(PlatformError::Cancelled);
                    }
                    // Where names are told apart by a number, others put files there too.
                    let own = files.len() as u64 + 1;
                    let shared = envelope.method == Method::File;
                    let number = if shared { numbers.claim(own)? } else { own };
                    let sequence = self.sequence(number, cut.is_done());
                    envelope = self.encoder.envelope(&list, Operation::Replace, &sequence)?;
                    self.outcome.requests += 1;
                    let file = Outgoing {
                        list: &list,
                        operation: Operation::Replace,
                        sequence: &sequence,
                        envelope: &envelope,
                        body: body(&envelope, &encoded, 0..encoded.len()).into(),
                        rows: encoded.len(),
                    };
                    files.push(self.filing.put(file).await?);
                    if shared {
                        // It is whole in its place, and may be read before the others are there.
                        self.outcome.list.unknown = done;
                    }
                    encoded.clear();
                }
            }
        }
        Ok((envelope, files))
    }

    fn sequence(&self, number: u64, last: bool) -> Sequence {
        Sequence { number, last, total_rows: self.rows, session: 1, day: self.day }
    }

    /// Notes all rows, and that they went by files where that matters.
    fn note(&self, members: &mut Members, standing: Standing) -> Result<(), PlatformError> {
        if self.filing.keeps_apart() {
            members.keep_to_files()?;
        }
        members.note_all(&self.staged.batches, self.sender.forgotten, &self.identifying, standing)
    }

    /// What the platform says of the job at once. One that works on is left to it.
    fn look(&mut self, state: Result<JobState, ClientError>, job: Job) -> Result<(), ClientError> {
        match state {
            Ok(JobState::Done(report)) => {
                for note in report.notes {
                    self.outcome.list.note(note);
                }
            }
            Ok(JobState::Failed(what)) => {
                let remedy = "look at the list there, and run again".to_owned();
                return Err(ClientError {
                    class: ErrorClass::Config,
                    what,
                    remedy,
                    said: String::new(),
                    uncertain: false,
                });
            }
            // The files were taken: what cannot be looked at now is looked at later. Of which rows the job is need not be
            // kept: it is of all, and the next delivery puts all again.
            Ok(JobState::Working) | Err(_) => {
                let now = Utc::now();
                self.outcome.list.jobs.push(OpenJob {
                    id: job.id,
                    number: 1,
                    removes: false,
                    rows: self.rows,
                    since: now,
                    looked: 0,
                    looked_at: now,
                });
            }
        }
        Ok(())
    }
}
