//! Users of a Meta audience: each row is an array in the order of the payload's `schema`.

use arrow::array::RecordBatch;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{Hash, Limits, Settings};

use crate::encode::{
    Column, EncodeError, EncodedRows, Envelope, JSON, ListTarget, Method, Operation, RequestEncoder, Sequence,
    path_segment, rows_at_most, write_text,
};

/// The keys that mark rows for limited data use, and each row's values of them: Meta finds out the place.
const LIMITED_USE: [&str; 3] =
    ["DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"];
const LIMITED_USE_VALUES: &[u8] = br#",["LDU"],0,0"#;

/// Encodes for one destination and delivery.
#[derive(Debug)]
pub(super) struct Encoder {
    api_version: String,
    attributes: Vec<(String, Hash)>,
    limited_use: bool,
    limits: Limits,
}

impl Encoder {
    pub(super) fn new(settings: &Settings, attributes: &[PlannedAttribute], limits: Limits) -> Self {
        Self {
            api_version: settings.text("api_version").unwrap_or_default().to_owned(),
            attributes: attributes.iter().map(|one| (one.name.clone(), one.hash)).collect(),
            limited_use: settings.text("data_processing_options") == Some("ldu"),
            limits: rows_at_most(limits, settings.integer("batch_size")),
        }
    }

    /// What stands before the rows.
    fn prefix(&self, sequence: &Sequence) -> Vec<u8> {
        let Sequence { number, last, total_rows, session, .. } = sequence;
        let mut prefix = format!(
            r#"{{"session":{{"session_id":{session},"batch_seq":{number},"last_batch_flag":{last},"estimated_num_total":{total_rows}}},"payload":{{"schema":["#
        )
        .into_bytes();
        let limited_use = if self.limited_use { &LIMITED_USE[..] } else { &[] };
        let schema = self.attributes.iter().map(|(name, _)| name.as_str()).chain(limited_use.iter().copied());
        for (i, name) in schema.enumerate() {
            if i > 0 {
                prefix.push(b',');
            }
            write_text(name, &mut prefix);
        }
        prefix.extend_from_slice(br#"],"data":["#);
        prefix
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
        let columns: Vec<Column> = self
            .attributes
            .iter()
            .map(|(name, hash)| Column::hashed(staged, name, *hash))
            .collect::<Result<_, EncodeError>>()?;
        let readers = columns.iter().map(Column::reader).collect::<Result<Vec<_>, _>>()?;
        for row in 0..staged.num_rows() {
            into.push(b',', |body| {
                body.push(b'[');
                for (i, reader) in readers.iter().enumerate() {
                    if i > 0 {
                        body.push(b',');
                    }
                    write_text(reader.text(row).unwrap_or_default(), body);
                }
                if self.limited_use {
                    body.extend_from_slice(LIMITED_USE_VALUES);
                }
                body.push(b']');
            });
        }
        Ok(())
    }

    fn envelope(&self, list: &ListTarget, operation: Operation, sequence: &Sequence) -> Result<Envelope, EncodeError> {
        let (method, edge) = match operation {
            Operation::Add => (Method::Post, "users"),
            Operation::Remove => (Method::Delete, "users"),
            Operation::Replace => (Method::Post, "usersreplace"),
        };
        Ok(Envelope {
            method,
            path: format!("/{}/{}/{edge}", path_segment(&self.api_version), path_segment(&list.id)),
            headers: vec![("content-type", JSON.into())],
            prefix: self.prefix(sequence),
            separator: b',',
            suffix: b"]}}".to_vec(),
        })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
