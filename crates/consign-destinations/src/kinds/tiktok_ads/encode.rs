//! Mappings of an audience: each row is an array of ids, in the order of the request's `id_schema`. What replaces an
//! audience goes as files instead.

use arrow::array::RecordBatch;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{Hash, Limits, Settings};

use super::encode_file;
use super::spec::ID_TYPES;
use crate::encode::{
    Column, EncodeError, EncodedRows, Envelope, JSON, ListTarget, Method, Operation, RequestEncoder, Sequence,
    rows_at_most, write_text,
};

/// Encodes for one destination and delivery.
#[derive(Debug)]
pub(super) struct Encoder {
    advertiser_id: String,
    /// The mapped ids, in the order of requests.
    ids: Vec<&'static str>,
    limits: Limits,
}

impl Encoder {
    pub(super) fn new(settings: &Settings, attributes: &[PlannedAttribute], limits: Limits) -> Self {
        let mapped = |id: &&str| attributes.iter().any(|attribute| attribute.name == *id);
        Self {
            advertiser_id: settings.text("advertiser_id").unwrap_or_default().to_owned(),
            ids: ID_TYPES.iter().copied().filter(mapped).collect(),
            limits: rows_at_most(limits, settings.integer("batch_size")),
        }
    }

    /// The action of the streaming call; none where the audience goes as files.
    fn action(operation: Operation) -> Option<&'static str> {
        match operation {
            Operation::Add => Some("add"),
            Operation::Remove => Some("delete"),
            Operation::Replace => None,
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
        if Self::action(operation).is_none() {
            return encode_file::encode_rows(&self.ids, staged, into);
        }
        // What stands after each id is the same for all.
        let mut audience = br#","audience_ids":["#.to_vec();
        write_text(&list.id, &mut audience);
        audience.extend_from_slice(b"]}");
        let columns: Vec<Column> =
            self.ids.iter().map(|id| Column::hashed(staged, id, Hash::Sha256)).collect::<Result<_, EncodeError>>()?;
        let readers = columns.iter().map(Column::reader).collect::<Result<Vec<_>, _>>()?;
        for row in 0..staged.num_rows() {
            into.push(b',', |body| {
                body.push(b'[');
                for (i, reader) in readers.iter().enumerate() {
                    if i > 0 {
                        body.push(b',');
                    }
                    match reader.text(row) {
                        Some(id) => {
                            body.extend_from_slice(br#"{"id":"#);
                            write_text(id, body);
                            body.extend_from_slice(&audience);
                        }
                        None => body.extend_from_slice(b"{}"),
                    }
                }
                body.push(b']');
            });
        }
        Ok(())
    }

    fn envelope(&self, _: &ListTarget, operation: Operation, _: &Sequence) -> Result<Envelope, EncodeError> {
        let Some(action) = Self::action(operation) else { return Ok(encode_file::envelope(&self.ids)) };
        let schema: Vec<String> = self.ids.iter().map(|id| format!("\"{id}_SHA256\"")).collect();
        let mut prefix = br#"{"advertiser_ids":["#.to_vec();
        write_text(&self.advertiser_id, &mut prefix);
        prefix.extend_from_slice(
            format!(r#"],"action":"{action}","id_schema":[{}],"batch_data":["#, schema.join(",")).as_bytes(),
        );
        Ok(Envelope {
            method: Method::Post,
            path: "/open_api/v1.3/segment/mapping/".into(),
            headers: vec![("content-type", JSON.into())],
            prefix,
            separator: b',',
            suffix: b"]}".to_vec(),
        })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
