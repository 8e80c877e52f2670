//! Files that become an audience: CSV of hashed ids, with a header where there are several types.

use arrow::array::RecordBatch;
use consign_model::spec::Hash;

use crate::encode::{Column, EncodeError, EncodedRows, Envelope, Method};

/// Says in an envelope what a file holds. The client makes a part of the form of it.
pub(super) const CALCULATE_TYPE: &str = "calculate_type";

/// What an id is called in the header of a file.
fn header(id: &str) -> &'static str {
    match id {
        "EMAIL" => "email_SHA256",
        "PHONE" => "phone_SHA256",
        _ => "MAID_SHA256",
    }
}

/// Appends a line for each staged row.
pub(super) fn encode_rows(ids: &[&str], staged: &RecordBatch, into: &mut EncodedRows) -> Result<(), EncodeError> {
    let columns: Vec<Column> =
        ids.iter().map(|id| Column::hashed(staged, id, Hash::Sha256)).collect::<Result<_, EncodeError>>()?;
    let readers = columns.iter().map(Column::reader).collect::<Result<Vec<_>, _>>()?;
    for row in 0..staged.num_rows() {
        into.push(b'\n', |body| {
            for (i, reader) in readers.iter().enumerate() {
                if i > 0 {
                    body.push(b',');
                }
                // Hashes need no quoting.
                body.extend_from_slice(reader.text(row).unwrap_or_default().as_bytes());
            }
        });
    }
    Ok(())
}

/// What stands around the rows of a file.
pub(super) fn envelope(ids: &[&str]) -> Envelope {
    let (kind, prefix) = match ids {
        [only] => (format!("{only}_SHA256"), String::new()),
        several => {
            let headers: Vec<&str> = several.iter().map(|id| header(id)).collect();
            ("MULTIPLE_TYPES".to_owned(), headers.join(",") + "\n")
        }
    };
    Envelope {
        method: Method::Post,
        path: "/open_api/v1.3/dmp/custom_audience/file/upload/".into(),
        headers: vec![(CALCULATE_TYPE, kind)],
        prefix: prefix.into_bytes(),
        separator: b'\n',
        suffix: b"\n".to_vec(),
    }
}
