//! Staged rows to a platform's requests, as far as they can be made before anything is sent.

use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use consign_destinations::encode::{
    EncodeError, EncodedRows, Envelope, ListTarget, Operation, RequestEncoder, Sequence, body, split_requests,
};
use consign_model::definition::Membership;
use sha2::{Digest, Sha256};

/// What stands in requests for the id of a list that the platform has not made yet.
pub const LIST_TO_BE_MADE: &str = "LIST_ID";

/// What is encoded for one delivery.
pub struct Requests<'a> {
    /// The kind's encoder.
    pub encoder: &'a dyn RequestEncoder,
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

/// A request as it would leave.
pub struct Whole {
    /// What stands around its rows.
    pub envelope: Envelope,
    /// How many rows it has.
    pub rows: usize,
    /// Its body.
    pub body: Vec<u8>,
}

impl Requests<'_> {
    /// All requests that hold these rows, one after the other, each as full as the platform takes.
    pub fn whole(&self, rows: &[RecordBatch]) -> Result<Vec<Whole>, EncodeError> {
        let mut encoded = EncodedRows::new();
        for rows in rows {
            self.encoder.encode_rows(rows, &self.list, self.operation, &mut encoded)?;
        }
        let envelope = |number: usize, last: bool| {
            let (number, total_rows) = (number as u64, encoded.len() as u64);
            let sequence = Sequence { number, last, total_rows, session: self.session, day: self.day };
            self.encoder.envelope(&self.list, self.operation, &sequence)
        };
        // Numbers grow; their digits do not matter to any platform's limit.
        let cut = split_requests(&encoded, &self.encoder.limits(), envelope(1, false)?.overhead() + 32);
        let whole = cut.iter().enumerate().map(|(at, range)| {
            let envelope = envelope(at + 1, at + 1 == cut.len())?;
            Ok(Whole { body: body(&envelope, &encoded, range.clone()), rows: range.len(), envelope })
        });
        whole.collect()
    }

    /// The body of one request that holds these rows.
    pub fn sample(&self, rows: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let mut encoded = EncodedRows::new();
        self.encoder.encode_rows(rows, &self.list, self.operation, &mut encoded)?;
        let total_rows = rows.num_rows() as u64;
        let sequence = Sequence { number: 1, last: true, total_rows, session: self.session, day: self.day };
        let envelope = self.encoder.envelope(&self.list, self.operation, &sequence)?;
        Ok(body(&envelope, &encoded, 0..encoded.len()))
    }
}
