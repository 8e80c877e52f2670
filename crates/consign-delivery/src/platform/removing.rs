//! Removing: members that have no row any more, or all rows of a group that is taken off a list.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use arrow::array::{Array, AsArray, BinaryArray, RecordBatch, StringViewArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use consign_destinations::client::{ById, Job, JobState};
use consign_destinations::encode::{EncodedRows, ListTarget, Operation, Sequence, split_requests};
use consign_destinations::registry::Kind;
use consign_destinations::send::{Frame, JobEnd, Stop, send_rows};
use serde_json::{Map, Value};

use super::identity::{ID, Identified, removal_rows};
use super::jobs::{JobRow, JobRows};
use super::members::{GONE, Member, Standing};
use super::{Again, PlatformError, Sending, Step};
use crate::deliver::day;
use crate::staged;

/// Leaving members that are looked for among the rows in one pass over them: what memory holds of them does not grow with
/// the list.
const LOOKED_UP_AT_ONCE: usize = 100_000;

/// Someone to be taken off.
struct Leaving {
    identity: [u8; 32],
    customer_key: String,
    /// The identifying attributes, or the platform's id.
    removal: Map<String, Value>,
}

impl Sending<'_> {
    /// Takes off the members that have no row.
    pub(super) async fn remove_gone(&mut self) -> Step<()> {
        let kind = self.sender.registry.kind(&self.delivery.kind);
        let single = kind.is_some_and(Kind::removes_single_identifiers);
        let at_once = if single { LOOKED_UP_AT_ONCE } else { 1 };
        let mut leaving = Vec::new();
        let mut batches = staged::read(&self.work.join(GONE))?.peekable();
        while let Some(batch) = batches.next() {
            self.stop_if_cancelled()?;
            leaving.extend(self.leaving(&batch?)?);
            if leaving.len() < at_once && batches.peek().is_some() {
                continue;
            }
            if single {
                self.spare_shared(&mut leaving)?;
            }
            if let Err(again) = self.remove(mem::take(&mut leaving)).await? {
                return Ok(Err(again));
            }
        }
        Ok(Ok(()))
    }

    /// Takes off all rows of the delivery.
    pub(super) async fn remove_rows(&mut self) -> Step<()> {
        for staged in &self.staged.batches {
            for rows in staged::read(&staged.path)? {
                self.stop_if_cancelled()?;
                let rows = Identified::of(&rows?, &self.identifying)?;
                let leaving = (0..rows.identities.len()).map(|row| Leaving {
                    identity: rows.identities[row],
                    customer_key: rows.keys.value(row).to_owned(),
                    removal: object(&rows.removal(row)),
                });
                let leaving: Vec<_> = leaving.collect();
                let sent = leaving.len() as u64;
                if let Err(again) = self.remove(leaving).await? {
                    return Ok(Err(again));
                }
                self.outcome.list.sent += sent;
            }
        }
        self.members.compact(self.engine).await?;
        Ok(Ok(()))
    }

    /// Notes that the members that have no row are gone, by a request that is not theirs.
    pub(super) fn forget_gone(&mut self) -> Result<(), PlatformError> {
        for batch in staged::read(&self.work.join(GONE))? {
            let batch = batch?;
            let (identities, keys) = (binary(&batch, "identity")?, keys(&batch)?);
            let gone = identities.iter().zip(keys.iter()).filter_map(|(identity, key)| {
                let (identity, customer_key) = (identity?.try_into().ok()?, key?);
                Some(Member { identity, attributes: [0; 32], customer_key, removal: None })
            });
            self.members.note(&gone.collect::<Vec<_>>(), Standing::Removed)?;
        }
        Ok(())
    }

    fn leaving(&mut self, batch: &RecordBatch) -> Result<Vec<Leaving>, PlatformError> {
        let (identities, removals, keys) = (binary(batch, "identity")?, binary(batch, "removal")?, keys(batch)?);
        let mut leaving = Vec::new();
        let mut sealed = 0_u64;
        for row in 0..batch.num_rows() {
            let plain = removals.is_valid(row).then(|| self.members.removal(removals.value(row))).flatten();
            let (Some(plain), Ok(identity)) = (plain, identities.value(row).try_into()) else {
                sealed += 1;
                continue;
            };
            leaving.push(Leaving { identity, customer_key: keys.value(row).to_owned(), removal: object(&plain) });
        }
        if sealed > 0 {
            self.outcome.list.note(format!(
                "{sealed} members could not be taken off: what that needs was sealed with another workspace key, or is damaged"
            ));
        }
        Ok(leaving)
    }

    async fn remove(&mut self, leaving: Vec<Leaving>) -> Step<()> {
        let (leaving, empty): (Vec<_>, Vec<_>) = leaving.into_iter().partition(|one| !one.removal.is_empty());
        // All that identifies them is somebody else's too: there is nothing to take off.
        self.note_removed(&empty)?;
        if leaving.is_empty() {
            return Ok(Ok(()));
        }
        match self.client.by_id() {
            Some(by_id) => {
                remove_by_id(by_id, &self.list, leaving.iter().map(|one| &one.removal)).await?;
                self.outcome.list.removed += leaving.len() as u64;
                self.note_removed(&leaving)?;
                Ok(Ok(()))
            }
            None => self.remove_by_request(&leaving).await,
        }
    }

    async fn remove_by_request(&mut self, leaving: &[Leaving]) -> Step<()> {
        let removals: Vec<_> = leaving.iter().map(|one| one.removal.clone()).collect();
        let rows = removal_rows(&removals, &self.delivery.attributes)?;
        let mut encoded = EncodedRows::new();
        self.encoder.encode_rows(&rows, &self.list, Operation::Remove, &mut encoded)?;
        let sequence = |sending: &Self| Sequence {
            number: sending.outcome.requests + 1,
            last: true,
            total_rows: encoded.len() as u64,
            session: sending.session(&format!("remove {}", sending.outcome.requests)),
            day: day(sending.sender.plan),
        };
        let envelope = self.encoder.envelope(&self.list, Operation::Remove, &sequence(self))?;
        for range in split_requests(&encoded, &self.encoder.limits(), envelope.overhead() + 32) {
            self.stop_if_cancelled()?;
            let sequence = Sequence { number: 1, ..sequence(self) };
            let envelope = self.encoder.envelope(&self.list, Operation::Remove, &sequence)?;
            let frame =
                Frame { list: &self.list, operation: Operation::Remove, sequence: &sequence, envelope: &envelope };
            self.outcome.requests += 1;
            let sent = send_rows(self.client, &encoded, range, frame, |_| {}).await;
            for taken in sent.taken {
                for note in taken.notes {
                    self.outcome.list.note(note);
                }
                if taken.partial {
                    continue;
                }
                let refused: HashSet<usize> = taken.rejected.iter().map(|(row, _)| *row).collect();
                let gone: Vec<_> = taken.rows.iter().filter(|row| !refused.contains(row)).collect();
                self.outcome.list.removed += gone.len() as u64;
                let gone: Vec<_> = gone.into_iter().map(|row| &leaving[row]).collect();
                self.note_removed_of(&gone)?;
                if let Some(job) = taken.job {
                    let rows = taken.rows.iter().map(|row| JobRow {
                        place: 0,
                        identity: leaving[row].identity,
                        attributes: [0; 32],
                        customer_key: leaving[row].customer_key.clone(),
                        removal: Value::Object(leaving[row].removal.clone()).to_string().into_bytes(),
                        encoded: encoded.row(row).to_vec(),
                        rejected: refused.contains(&row),
                    });
                    self.look_at_removal(rows.collect(), job).await?;
                }
            }
            match sent.stopped {
                None => {}
                Some(Stop::ListGone) => return Ok(Err(Again::ListGone)),
                Some(Stop::SessionLost | Stop::SessionOver) => return Ok(Err(Again::SessionLost)),
                Some(Stop::Failed(error)) => return Err(error.into()),
            }
        }
        Ok(Ok(()))
    }

    /// Looks once at a job that takes members off, which is followed up where it works on.
    async fn look_at_removal(&mut self, rows: Vec<JobRow>, job: Job) -> Result<(), PlatformError> {
        let end = match self.client.poll(&job).await {
            Ok(JobState::Done(report)) => JobEnd::Done(report),
            Ok(JobState::Failed(reason)) => JobEnd::Failed(reason),
            Ok(JobState::Working) | Err(_) => return self.leave_open(rows, job, true),
        };
        let rows = JobRows { rows, sequence: self.members.last() };
        let stayed = rows.stayed(end, &mut self.outcome.list);
        let stayed: Vec<_> = stayed.into_iter().map(JobRow::member).collect();
        self.members.note(&stayed, Standing::Unknown)
    }

    fn note_removed(&mut self, leaving: &[Leaving]) -> Result<(), PlatformError> {
        let all: Vec<_> = leaving.iter().collect();
        self.note_removed_of(&all)
    }

    fn note_removed_of(&mut self, leaving: &[&Leaving]) -> Result<(), PlatformError> {
        let members = leaving.iter().map(|one| Member {
            identity: one.identity,
            attributes: [0; 32],
            customer_key: &one.customer_key,
            removal: None,
        });
        self.members.note(&members.collect::<Vec<_>>(), Standing::Removed)
    }

    /// Leaves out the identifiers of leaving members that a row of the delivery has too: where a platform takes
    /// identifiers off one by one, they would be gone for whoever stays.
    fn spare_shared(&self, leaving: &mut [Leaving]) -> Result<(), PlatformError> {
        let values = leaving.iter().flat_map(|one| one.removal.values().filter_map(Value::as_str));
        let values: HashSet<&str> = values.collect();
        let mut shared = HashSet::new();
        for staged in &self.staged.batches {
            for rows in staged::read(&staged.path)? {
                let rows = staged::known(&rows?, self.sender.forgotten)?;
                for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
                    if field.name() == crate::stage::CUSTOMER_KEY || array.data_type() != &DataType::Utf8View {
                        continue;
                    }
                    let staying: &StringViewArray = array.as_string_view();
                    shared.extend(staying.iter().flatten().filter(|value| values.contains(value)).map(str::to_owned));
                }
            }
        }
        for one in leaving {
            one.removal.retain(|_, value| value.as_str().is_none_or(|value| !shared.contains(value)));
        }
        Ok(())
    }
}

/// Finds the platform's ids of members, and takes them off by them.
pub(super) async fn remove_by_id(
    by_id: &dyn ById,
    list: &ListTarget,
    leaving: impl Iterator<Item = &Map<String, Value>> + Send,
) -> Result<(), PlatformError> {
    let mut ids: Vec<String> = Vec::new();
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for removal in leaving {
        let mut texts = removal.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.to_owned())));
        match texts.next() {
            Some((ID, id)) => ids.push(id),
            Some((attribute, value)) => values.entry(attribute).or_default().push(value),
            None => {}
        }
    }
    for (attribute, values) in values {
        for values in values.chunks(by_id.most_values().max(1)) {
            ids.extend(by_id.find(attribute, values).await?.into_iter().map(|member| member.id));
        }
    }
    for ids in ids.chunks(by_id.most_ids().max(1)) {
        by_id.remove(list, ids).await?;
    }
    Ok(())
}

/// A column of members.
pub(super) fn binary<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BinaryArray, ArrowError> {
    batch.column_by_name(name).and_then(|array| array.as_binary_opt::<i32>()).ok_or_else(not_as_written)
}

/// The customer keys of members.
pub(super) fn keys(batch: &RecordBatch) -> Result<&StringViewArray, ArrowError> {
    let column = batch.column_by_name("customer_key").and_then(|array| array.as_string_view_opt());
    column.ok_or_else(not_as_written)
}

pub(super) fn not_as_written() -> ArrowError {
    ArrowError::SchemaError("members are not as they were written".into())
}

pub(super) fn object(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap_or_default()
}
