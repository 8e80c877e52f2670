//! Profiles of a Klaviyo bulk import: each row is a profile object, with nothing in it for what is missing.

use arrow::array::RecordBatch;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{Limits, Settings};

use super::spec::{LOCATION, PROPERTIES};
use crate::encode::{
    Column, EncodeError, EncodedRows, Envelope, Key, ListTarget, Method, Operation, Reader, RequestEncoder, Sequence,
    write_text,
};

/// The media type of JSON:API.
const JSON_API: &str = "application/vnd.api+json";

/// Encodes for one destination and delivery.
#[derive(Debug)]
pub(super) struct Encoder {
    revision: String,
    /// The members of the profile itself.
    own: Vec<Member>,
    /// Those of its `location` and of its `properties`, with the key of the object.
    nested: [(Key, Vec<Member>); 2],
    limits: Limits,
}

/// A member of an object, and the staged column that it takes.
#[derive(Debug)]
struct Member {
    key: Key,
    attribute: String,
    typed: bool,
}

impl Member {
    fn column(&self, staged: &RecordBatch) -> Result<Column, EncodeError> {
        if self.typed { Column::typed(staged, &self.attribute) } else { Column::text(staged, &self.attribute) }
    }
}

impl Encoder {
    pub(super) fn new(settings: &Settings, attributes: &[PlannedAttribute], limits: Limits) -> Self {
        let mut encoder = Self {
            revision: settings.text("api_revision").unwrap_or_default().to_owned(),
            own: Vec::new(),
            nested: [(Key::new("location"), Vec::new()), (Key::new("properties"), Vec::new())],
            limits,
        };
        for PlannedAttribute { name, .. } in attributes {
            let [(_, location), (_, properties)] = &mut encoder.nested;
            let (members, key, typed) = if let Some(key) = name.strip_prefix(LOCATION) {
                (location, key, false)
            } else if let Some(key) = name.strip_prefix(PROPERTIES) {
                (properties, key, true)
            } else {
                (&mut encoder.own, name.as_str(), false)
            };
            members.push(Member { key: Key::new(key), attribute: name.clone(), typed });
        }
        encoder
    }

    /// Only adding is a request of rows.
    fn offered(operation: Operation) -> Result<(), EncodeError> {
        let reason = match operation {
            Operation::Add => return Ok(()),
            Operation::Remove => "removing takes ids of profiles, which Klaviyo has to be asked for first",
            Operation::Replace => "a list is not replaced in one swap; `mirror` adds the new and removes the gone",
        };
        Err(EncodeError::NotOffered { kind: "klaviyo", operation, reason })
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
        Self::offered(operation)?;
        let columns = |members: &[Member]| members.iter().map(|member| member.column(staged)).collect();
        let own: Vec<Column> = columns(&self.own)?;
        let nested: Vec<Vec<Column>> =
            self.nested.iter().map(|(_, members)| columns(members)).collect::<Result<_, _>>()?;
        let mut own = readers(&self.own, &own)?;
        let mut nested = self
            .nested
            .iter()
            .zip(&nested)
            .map(|((key, members), columns)| Ok((key, readers(members, columns)?)))
            .collect::<Result<Vec<_>, EncodeError>>()?;
        for row in 0..staged.num_rows() {
            into.push(b',', |body| {
                body.extend_from_slice(br#"{"type":"profile","attributes":{"#);
                write_members(&mut own, row, body);
                for (key, members) in &mut nested {
                    let before = body.len();
                    key.write(body);
                    body.push(b'{');
                    let empty = body.len();
                    write_members(members, row, body);
                    if body.len() == empty {
                        body.truncate(before);
                    } else {
                        body.push(b'}');
                    }
                }
                body.extend_from_slice(b"}}");
            });
        }
        Ok(())
    }

    fn envelope(&self, list: &ListTarget, operation: Operation, _: &Sequence) -> Result<Envelope, EncodeError> {
        Self::offered(operation)?;
        let mut suffix = br#"]}},"relationships":{"lists":{"data":[{"type":"list","id":"#.to_vec();
        write_text(&list.id, &mut suffix);
        suffix.extend_from_slice(b"}]}}}}");
        Ok(Envelope {
            method: Method::Post,
            path: "/api/profile-bulk-import-jobs".into(),
            headers: vec![
                ("content-type", JSON_API.into()),
                ("accept", JSON_API.into()),
                ("revision", self.revision.clone()),
            ],
            prefix: br#"{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":["#.to_vec(),
            separator: b',',
            suffix,
        })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

fn readers<'a>(members: &'a [Member], columns: &'a [Column]) -> Result<Vec<(&'a Key, Reader<'a>)>, EncodeError> {
    members.iter().zip(columns).map(|(member, column)| Ok((&member.key, column.reader()?))).collect()
}

/// Appends those members that the row has.
fn write_members(members: &mut [(&Key, Reader<'_>)], row: usize, body: &mut Vec<u8>) {
    for (key, reader) in members {
        reader.write(row, body, |body| key.write(body));
    }
}
