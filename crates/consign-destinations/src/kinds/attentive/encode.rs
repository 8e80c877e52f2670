//! Members of an Attentive segment: each row is an object with the one identifier.

use arrow::array::RecordBatch;
use consign_model::spec::{Limits, Settings};

use crate::encode::{
    Column, EncodeError, EncodedRows, Envelope, JSON, Key, ListTarget, Method, Operation, RequestEncoder, Sequence,
    rows_at_most, write_text,
};

/// Encodes for one destination and delivery.
#[derive(Debug)]
pub(super) struct Encoder {
    identifier: String,
    limits: Limits,
}

impl Encoder {
    pub(super) fn new(settings: &Settings, identifier: String, limits: Limits) -> Self {
        Self { identifier, limits: rows_at_most(limits, settings.integer("batch_size")) }
    }

    fn method(operation: Operation) -> Result<Method, EncodeError> {
        match operation {
            Operation::Add => Ok(Method::Post),
            Operation::Remove => Ok(Method::Delete),
            Operation::Replace => Err(EncodeError::NotOffered {
                kind: "attentive",
                operation,
                reason: "the API adds and removes; `mirror` makes the segment equal to the group, and `transport: sftp` \
                         replaces it",
            }),
        }
    }
}

impl RequestEncoder for Encoder {
    fn encode_rows(
        &self,
        staged: &RecordBatch,
        _: &ListTarget,
        operation: Operation,
        into: &mut EncodedRows,
    ) -> Result<(), EncodeError> {
        Self::method(operation)?;
        let key = Key::new(&self.identifier);
        let column = Column::text(staged, &self.identifier)?;
        let identifiers = column.reader()?;
        for row in 0..staged.num_rows() {
            into.push(b',', |body| {
                body.push(b'{');
                key.write(body);
                write_text(identifiers.text(row).unwrap_or_default(), body);
                body.push(b'}');
            });
        }
        Ok(())
    }

    fn envelope(&self, list: &ListTarget, operation: Operation, _: &Sequence) -> Result<Envelope, EncodeError> {
        let mut prefix = br#"{"externalId":"#.to_vec();
        write_text(&list.id, &mut prefix);
        prefix.extend_from_slice(br#","members":["#);
        Ok(Envelope {
            method: Self::method(operation)?,
            path: "/v2/bulk/segments/members".into(),
            headers: vec![("content-type", JSON.into()), ("accept", JSON.into())],
            prefix,
            separator: b',',
            suffix: b"]}".to_vec(),
        })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
