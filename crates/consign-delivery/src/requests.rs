//! Staged rows to the requests of a platform: in memory for a sample, on disk for a delivery.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use consign_destinations::encode::{
    EncodeError, EncodedRows, ListTarget, Operation, RequestEncoder, Sequence, body, split_requests,
};
use consign_model::definition::Membership;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::folder::{private_folder, remove_folder, sync_folder};
use crate::stage::StagedBatch;
use crate::staged::{self, ReadError};

/// What stands in requests for the id of a list that the platform has not made yet.
pub const LIST_TO_BE_MADE: &str = "LIST_ID";

/// Requests cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Rows cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A staged batch cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error("cannot write {}: free space on the disk, or check that the folder may be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// A worker ended without an answer.
    #[error("a worker that encodes ended early")]
    Worker(#[source] tokio::task::JoinError),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// A request on disk: its body in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenRequest {
    /// Its number, from 1.
    pub number: u64,
    /// The HTTP method, or `FILE`.
    pub method: String,
    /// The path below the destination's base URL, or the name of the file.
    pub path: String,
    /// The file of the body, beside this index.
    pub body: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of the body, hex.
    pub sha256: String,
}

/// What is encoded for one delivery.
pub struct Requests {
    /// The kind's encoder.
    pub encoder: Box<dyn RequestEncoder>,
    /// The list.
    pub list: ListTarget,
    /// What is done to it.
    pub operation: Operation,
    /// What the platform knows the requests of the delivery by.
    pub session: u64,
    /// The day of the run in the workspace's time zone.
    pub day: NaiveDate,
}

/// What a delivery's requests do with their rows.
pub fn operation(membership: Option<Membership>, encoder: &dyn RequestEncoder, list: &ListTarget) -> Operation {
    let offered = |operation| {
        let first = Sequence { number: 1, last: true, total_rows: 1, session: 1, day: NaiveDate::default() };
        !matches!(encoder.envelope(list, operation, &first), Err(EncodeError::NotOffered { .. }))
    };
    match membership {
        Some(Membership::Remove) => Operation::Remove,
        // Where the platform has no swap, the list is emptied first and then added to.
        Some(Membership::Replace) if offered(Operation::Replace) => Operation::Replace,
        _ => Operation::Add,
    }
}

/// What a platform knows the requests of a delivery by: positive, and the same for the same delivery and attempt.
pub fn session(delivery: &str, attempt: u32) -> u64 {
    let digest = Sha256::digest(format!("{delivery}#{attempt}"));
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(head) >> 1).max(1)
}

impl Requests {
    /// The body of one request that holds these rows.
    pub fn sample(&self, rows: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let mut encoded = EncodedRows::new();
        self.encoder.encode_rows(rows, &self.list, self.operation, &mut encoded)?;
        let sequence = self.sequence(1, true, rows.num_rows() as u64);
        let envelope = self.encoder.envelope(&self.list, self.operation, &sequence)?;
        Ok(body(&envelope, &encoded, 0..encoded.len()))
    }

    fn sequence(&self, number: u64, last: bool, total_rows: u64) -> Sequence {
        Sequence { number, last, total_rows, session: self.session, day: self.day }
    }

    /// Writes the requests of all batches into a folder of its own, each body in a file, with an index
    /// (`requests.jsonl`). What stood there before is removed; where it fails, nothing is left.
    pub fn write(
        &self,
        batches: &[StagedBatch],
        folder: &Path,
        cancel: &CancellationToken,
    ) -> Result<Vec<WrittenRequest>, RequestError> {
        let written = self.write_all(batches, folder, cancel);
        if written.is_err() {
            // Why it failed matters more than why its traces stay.
            let _ = remove_folder(folder);
        }
        written
    }

    fn write_all(
        &self,
        batches: &[StagedBatch],
        folder: &Path,
        cancel: &CancellationToken,
    ) -> Result<Vec<WrittenRequest>, RequestError> {
        let failed = |path: &Path, reason| RequestError::Write { path: path.to_owned(), reason };
        remove_folder(folder).and_then(|()| private_folder(folder)).map_err(|reason| failed(folder, reason))?;
        let total_rows = batches.iter().map(|batch| batch.rows).sum();
        let limits = self.encoder.limits();
        let mut written: Vec<WrittenRequest> = Vec::new();
        let mut encoded = EncodedRows::new();
        for (at, batch) in batches.iter().enumerate() {
            encoded.clear();
            for rows in staged::read(&batch.path)? {
                if cancel.is_cancelled() {
                    return Err(RequestError::Cancelled);
                }
                self.encoder.encode_rows(&rows?, &self.list, self.operation, &mut encoded)?;
            }
            let first = self.encoder.envelope(&self.list, self.operation, &self.sequence(1, false, total_rows))?;
            // Numbers grow; their digits do not matter to any platform's limit.
            let ranges = split_requests(&encoded, &limits, first.overhead() + 32);
            let count = ranges.len();
            for (place, range) in ranges.into_iter().enumerate() {
                let number = written.len() as u64 + 1;
                let last = at + 1 == batches.len() && place + 1 == count;
                let sequence = self.sequence(number, last, total_rows);
                let envelope = self.encoder.envelope(&self.list, self.operation, &sequence)?;
                let rows = range.len() as u64;
                let body = body(&envelope, &encoded, range);
                let extension = if envelope.prefix.first() == Some(&b'{') { "json" } else { "txt" };
                let name = format!("{number:06}.{extension}");
                let path = folder.join(&name);
                fs::write(&path, &body).map_err(|reason| failed(&path, reason))?;
                written.push(WrittenRequest {
                    number,
                    method: envelope.method.as_str().to_owned(),
                    path: envelope.path,
                    body: name,
                    rows,
                    bytes: body.len() as u64,
                    sha256: hex::encode(Sha256::digest(&body)),
                });
            }
        }
        let index = folder.join("requests.jsonl");
        let mut lines = Vec::new();
        for request in &written {
            serde_json::to_writer(&mut lines, request).map_err(|error| failed(&index, error.into()))?;
            lines.push(b'\n');
        }
        let done = fs::write(&index, lines).and_then(|()| sync_folder(folder));
        done.map_err(|reason| failed(&index, reason))?;
        Ok(written)
    }
}
