//! Files for Attentive's SFTP server: CSV without a header, each row an identifier and the name of the segment.

use arrow::array::RecordBatch;
use consign_model::spec::{Limits, Settings};

use super::spec::FILE_LIMITS;
use crate::encode::{
    Column, EncodeError, EncodedRows, Envelope, ListTarget, Method, Operation, RequestEncoder, Sequence,
};

/// Encodes for one destination and delivery.
#[derive(Debug)]
pub(super) struct Encoder {
    identifier: String,
    client_domain: String,
}

impl Encoder {
    pub(super) fn new(settings: &Settings, identifier: String) -> Self {
        Self { identifier, client_domain: settings.text("client_domain").unwrap_or_default().to_owned() }
    }

    fn offered(operation: Operation) -> Result<(), EncodeError> {
        match operation {
            Operation::Replace => Ok(()),
            Operation::Add | Operation::Remove => Err(EncodeError::NotOffered {
                kind: "attentive",
                operation,
                reason: "a file replaces its segment; `transport: api` adds and removes",
            }),
        }
    }
}

impl RequestEncoder for Encoder {
    fn encode_rows(
        &self,
        staged: &RecordBatch,
        list: &ListTarget,
        operation: Operation,
        into: &mut EncodedRows,
    ) -> Result<(), EncodeError> {
        Self::offered(operation)?;
        let mut segment = vec![b','];
        write_field(&list.name, &mut segment);
        let column = Column::text(staged, &self.identifier)?;
        let identifiers = column.reader()?;
        for row in 0..staged.num_rows() {
            into.push(b'\n', |body| {
                write_field(identifiers.text(row).unwrap_or_default(), body);
                body.extend_from_slice(&segment);
            });
        }
        Ok(())
    }

    /// The number is that of the file among those of the day, from 1.
    fn envelope(&self, _: &ListTarget, operation: Operation, sequence: &Sequence) -> Result<Envelope, EncodeError> {
        Self::offered(operation)?;
        Ok(Envelope {
            method: Method::File,
            path: format!(
                "{}_subscriber_segment_{}_{}.csv",
                self.client_domain,
                sequence.day.format("%Y%m%d"),
                sequence.number
            ),
            headers: Vec::new(),
            prefix: Vec::new(),
            separator: b'\n',
            suffix: b"\n".to_vec(),
        })
    }

    fn limits(&self) -> Limits {
        FILE_LIMITS
    }
}

/// Appends a field as RFC 4180 has it, quoted where it must be.
fn write_field(text: &str, into: &mut Vec<u8>) {
    if text.contains([',', '"', '\n', '\r']) {
        into.push(b'"');
        into.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        into.push(b'"');
    } else {
        into.extend_from_slice(text.as_bytes());
    }
}
