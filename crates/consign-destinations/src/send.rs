//! Requests that a platform does not take whole: without the field or the row that it names, in halves, or by search for
//! the one bad row. Written once; a client only says what an answer means ([`Answer`]).

mod rows;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use crate::client::{
    Answer, Client, ClientError, ErrorClass, Fix, Job, JobReport, JobState, Outgoing, Polling, Receipt, Rejection,
    RowName,
};
use crate::encode::{EncodedRows, Envelope, ListTarget, Operation, Sequence, body};
use crate::http::Clock;

pub use rows::RowSet;

/// How often a request is sent again without what was named as bad, before it is halved.
const ROUNDS: u32 = 5;
/// How many more requests a search for bad rows may take.
const SEARCH: u32 = 30;

/// A request but for its rows.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The list.
    pub list: &'a ListTarget,
    /// What is done with the rows.
    pub operation: Operation,
    /// Where the request stands among those of its delivery.
    pub sequence: &'a Sequence,
    /// What stands around the rows.
    pub envelope: &'a Envelope,
}

/// Rows that were taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The rows, by their place in the batch.
    pub rows: RowSet,
    /// The job that does the work, where there is one.
    pub job: Option<Job>,
    /// Those of the rows that were not taken, with the reason.
    pub rejected: Vec<(usize, String)>,
    /// How many more were not taken.
    pub unnamed: u64,
    /// Whether only a part was taken, nobody knows which.
    pub partial: bool,
    /// What else there is to be told.
    pub notes: Vec<String>,
}

/// What became of the rows of a request. Each is in one of `taken`, `rejected`, `failed` and `rest`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sent {
    /// What was taken.
    pub taken: Vec<Taken>,
    /// Rows that were left out, with the reason.
    pub rejected: Vec<(usize, String)>,
    /// Rows that went without a field, with the reason.
    pub changed: Vec<(usize, String)>,
    /// Rows among which is a bad one that was not found, with the platform's refusal.
    pub failed: Vec<(RowSet, ClientError)>,
    /// Why no more was sent.
    pub stopped: Option<Stop>,
    /// What was not sent.
    pub rest: RowSet,
    /// The most rows that later requests should have, where this one was too large for good.
    pub most_rows: Option<usize>,
}

/// Why a request could not be ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// [`Answer::ListGone`].
    ListGone,
    /// [`Answer::SessionLost`].
    SessionLost,
    /// [`Answer::SessionOver`].
    SessionOver,
    /// An error that ends the delivery.
    Failed(ClientError),
}

/// Sends rows of a batch as one request, or as several where the platform makes that necessary. `took` is told of each
/// that was taken, at once, so that its job is known after a crash.
pub async fn send_rows(
    client: &dyn Client,
    batch: &EncodedRows,
    rows: Range<usize>,
    frame: Frame<'_>,
    mut took: impl FnMut(&Taken) + Send,
) -> Sent {
    let mut sent = Sent::default();
    let mut changed: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    // The next piece is the last of these.
    let mut pieces = vec![(RowSet::from(rows), 0)];
    let mut search = SEARCH;
    while let Some((rows, rounds)) = pieces.pop() {
        if rows.is_empty() {
            continue;
        }
        let body = request_body(frame.envelope, batch, &rows, &changed);
        let Frame { list, operation, sequence, envelope } = frame;
        let request = Outgoing { list, operation, sequence, envelope, body, rows: rows.len() };
        let stop = match client.send(request).await {
            Ok(Answer::Accepted(receipt)) => {
                let taken = taken(batch, rows, receipt);
                took(&taken);
                sent.taken.push(taken);
                continue;
            }
            Ok(Answer::Refused(fixes)) => {
                let left = mend(batch, &rows, fixes, &mut changed, &mut sent);
                if rounds + 1 < ROUNDS || left.len() < 2 {
                    pieces.push((left, rounds + 1));
                } else {
                    pieces.extend(left.halves().into_iter().rev().map(|half| (half, 0)));
                }
                continue;
            }
            Ok(Answer::BadRow(error)) => {
                if let Some(row) = rows.only() {
                    sent.rejected.push((row, error.to_string()));
                } else if search < 2 {
                    sent.failed.push((rows, error));
                } else {
                    search -= 2;
                    pieces.extend(rows.halves().into_iter().rev().map(|half| (half, 0)));
                }
                continue;
            }
            Ok(Answer::TooLarge { lasting }) => {
                let half = rows.len().div_ceil(2);
                if let Some(row) = rows.only() {
                    sent.rejected.push((row, "the platform says that this row alone is too large".into()));
                } else {
                    if lasting {
                        sent.most_rows = Some(sent.most_rows.map_or(half, |most| most.min(half)));
                    }
                    pieces.extend(rows.halves().into_iter().rev().map(|half| (half, rounds)));
                }
                continue;
            }
            Ok(Answer::ListGone) => Stop::ListGone,
            Ok(Answer::SessionLost) => Stop::SessionLost,
            Ok(Answer::SessionOver) => Stop::SessionOver,
            Err(error) => Stop::Failed(error),
        };
        sent.stopped = Some(stop);
        sent.rest = RowSet::union(std::iter::once(rows).chain(pieces.drain(..).map(|(rows, _)| rows)));
    }
    sent
}

/// The body with these rows, as they are or as they were changed.
fn request_body(envelope: &Envelope, batch: &EncodedRows, rows: &RowSet, changed: &BTreeMap<usize, Vec<u8>>) -> Bytes {
    if let Some(range) = rows.range().filter(|range| changed.range(range.clone()).next().is_none()) {
        return body(envelope, batch, range).into();
    }
    let mut body = envelope.prefix.clone();
    for (i, row) in rows.iter().enumerate() {
        if i > 0 {
            body.push(envelope.separator);
        }
        body.extend_from_slice(changed.get(&row).map_or_else(|| batch.row(row), Vec::as_slice));
    }
    body.extend_from_slice(&envelope.suffix);
    body.into()
}

/// Applies what the platform named, and gives the rows that are left to be sent. At least one row is changed or left
/// out, so that this ends.
fn mend(
    batch: &EncodedRows,
    rows: &RowSet,
    fixes: Vec<Fix>,
    changed: &mut BTreeMap<usize, Vec<u8>>,
    sent: &mut Sent,
) -> RowSet {
    let mut dropped = BTreeSet::new();
    let mut mended = false;
    for Fix { row, without, reason } in fixes {
        let Some(row) = rows.nth(row) else { continue };
        let present = changed.get(&row).map_or_else(|| batch.row(row), Vec::as_slice);
        let lighter = without.and_then(|pointer| without_value(present, &pointer));
        mended = true;
        if let Some(lighter) = lighter {
            changed.insert(row, lighter);
            sent.changed.push((row, reason));
        } else if dropped.insert(row) {
            sent.rejected.push((row, reason));
        }
    }
    if !mended {
        // What was named is none of ours: the first row is as good a guess as any, and it is said.
        if let Some(row) = rows.nth(0) {
            dropped.insert(row);
            sent.rejected.push((row, "the platform refused a row without saying which".into()));
        }
    }
    rows.without(&dropped)
}

/// An encoded row without the value at that place; `None` where it has no such value.
fn without_value(row: &[u8], pointer: &str) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(row).ok()?;
    let (parent, key) = pointer.rsplit_once('/')?;
    let object = value.pointer_mut(parent)?.as_object_mut()?;
    object.shift_remove(&key.replace("~1", "/").replace("~0", "~"))?;
    serde_json::to_vec(&value).ok()
}

/// A receipt with its rows by their places in the batch.
fn taken(batch: &EncodedRows, rows: RowSet, receipt: Receipt) -> Taken {
    let (rejected, unnamed) = find_rows(batch, &rows, receipt.rejected);
    let Receipt { job, partial, notes, .. } = receipt;
    Taken { rows, job, rejected, unnamed: receipt.unnamed + unnamed, partial, notes }
}

/// The rows that rejections name, by their places in the batch, each once, and how many rejections name none.
pub fn find_rows(batch: &EncodedRows, rows: &RowSet, rejections: Vec<Rejection>) -> (Vec<(usize, String)>, u64) {
    let mut found: BTreeMap<usize, String> = BTreeMap::new();
    let mut unnamed = 0;
    let mut by_value: HashMap<(String, String), String> = HashMap::new();
    for Rejection { row, reason } in rejections {
        match row {
            RowName::Index(index) => match rows.nth(index) {
                Some(row) => {
                    found.entry(row).or_insert(reason);
                }
                None => unnamed += 1,
            },
            RowName::Value { pointer, value } => {
                by_value.entry((pointer, value)).or_insert(reason);
            }
            RowName::Unnamed => unnamed += 1,
        }
    }
    if !by_value.is_empty() {
        let pointers: BTreeSet<String> = by_value.keys().map(|(pointer, _)| pointer.clone()).collect();
        for row in rows.iter() {
            let Ok(value) = serde_json::from_slice::<Value>(batch.row(row)) else { continue };
            for pointer in &pointers {
                let Some(text) = value.pointer(pointer).and_then(Value::as_str) else { continue };
                if let Some(reason) = by_value.remove(&(pointer.clone(), text.to_owned())) {
                    found.entry(row).or_insert(reason);
                }
            }
            if by_value.is_empty() {
                break;
            }
        }
    }
    (found.into_iter().collect(), unnamed + by_value.len() as u64)
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// It has ended.
    Done(JobReport),
    /// It has ended without having done its work.
    Failed(String),
    /// It had not ended when patience did: its rows are `unknown`.
    Unknown,
}

/// Looks at a job until it has ended, as often as the platform is to be asked.
pub async fn await_job(client: &dyn Client, job: &Job, clock: &dyn Clock) -> Result<JobEnd, ClientError> {
    let Some(polling) = client.polling() else {
        let what = Cow::from("the platform has no jobs");
        return Err(ClientError::new(ErrorClass::Bug, what, "report it"));
    };
    let began = clock.now();
    let mut looked = 0;
    loop {
        clock.sleep(polling.wait(looked)).await;
        match client.poll(job).await? {
            JobState::Done(report) => return Ok(JobEnd::Done(report)),
            JobState::Failed(reason) => return Ok(JobEnd::Failed(reason)),
            JobState::Working if passed(&polling, clock, began) => return Ok(JobEnd::Unknown),
            JobState::Working => looked += 1,
        }
    }
}

fn passed(polling: &Polling, clock: &dyn Clock, began: std::time::Instant) -> bool {
    clock.now().saturating_duration_since(began) >= polling.give_up
}
