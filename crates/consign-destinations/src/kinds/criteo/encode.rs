//! Amendments of a Criteo contact list: each row is one identifier of an array.

use arrow::array::RecordBatch;
use consign_model::spec::{Hash, Limits, Settings};

use super::spec::{EMAIL, hash};
use crate::encode::{
    Column, EncodeError, EncodedRows, Envelope, JSON, ListTarget, Method, Operation, RequestEncoder, Sequence,
    path_segment, write_text,
};

/// Encodes for one destination.
#[derive(Debug)]
pub(super) struct Encoder {
    api_version: String,
    hash: Hash,
    limits: Limits,
}

impl Encoder {
    pub(super) fn new(settings: &Settings, limits: Limits) -> Self {
        let api_version = settings.text("api_version").unwrap_or_default().to_owned();
        Self { api_version, hash: hash(settings), limits }
    }
}

impl RequestEncoder for Encoder {
    fn encode_rows(
        &self,
        staged: &RecordBatch,
        _: &ListTarget,
        _: Operation,
        into: &mut EncodedRows,
    ) -> Result<(), EncodeError> {
        let column = Column::hashed(staged, EMAIL, self.hash)?;
        let emails = column.reader()?;
        for row in 0..staged.num_rows() {
            into.push(b',', |body| write_text(emails.text(row).unwrap_or_default(), body));
        }
        Ok(())
    }

    /// A replaced list is cleared first, by a call of its own, and then added to.
    fn envelope(&self, list: &ListTarget, operation: Operation, _: &Sequence) -> Result<Envelope, EncodeError> {
        let operation = match operation {
            Operation::Add | Operation::Replace => "add",
            Operation::Remove => "remove",
        };
        let prefix = format!(
            r#"{{"data":{{"type":"ContactlistAmendment","attributes":{{"operation":"{operation}","identifierType":"email","identifiers":["#
        );
        Ok(Envelope {
            method: Method::Patch,
            path: format!(
                "/{}/marketing-solutions/audience-segments/{}/contact-list",
                path_segment(&self.api_version),
                path_segment(&list.id)
            ),
            headers: vec![("content-type", JSON.into()), ("accept", JSON.into())],
            prefix: prefix.into_bytes(),
            separator: b',',
            suffix: b"]}}}".to_vec(),
        })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
