//! Audiences made from uploaded files.

use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::audiences::{USABLE, audience, is_of_files, is_processing, make};
use super::mapping::SCHEMA;
use super::{Part, Refusal, check_advertiser, enveloped};
use crate::call::{Answer, Call};
use crate::check;
use crate::event::{Event, Rows, Upload};
use crate::platform::Platform;
use crate::shape::{self, Problem};
use crate::world::World;

const MOST_BYTES: usize = 250_000_000;
const MULTIPLE: &str = "MULTIPLE_TYPES";
/// The header of a column in a file of several types, and what its values identify.
const HEADERS: [(&str, &str); 5] = [
    ("email_SHA256", "EMAIL_SHA256"),
    ("phone_SHA256", "PHONE_SHA256"),
    ("MAID_SHA256", "MAID_SHA256"),
    ("MAID", "MAID"),
    ("MAID_MD5", "MAID_MD5"),
];

pub(super) fn upload(world: &mut World, call: &Call, parts: &[Part]) -> Result<Answer, Refusal> {
    if call.body.len() > MOST_BYTES {
        return Err(Refusal::new(40907, "The file is over 250 MB."));
    }
    let known = ["advertiser_id", "file", "file_signature", "calculate_type"];
    if let Some(part) = parts.iter().find(|part| !known.contains(&part.name.as_str())) {
        return Err(Refusal::parameter(format!("{}: unknown field", part.name)));
    }
    let part = |name: &str| {
        parts
            .iter()
            .find(|part| part.name == name)
            .ok_or_else(|| Refusal::parameter(format!("{name}: Missing data for required field.")))
    };
    let text = |name: &str| part(name).map(|part| String::from_utf8_lossy(&part.content).into_owned());
    let account = text("advertiser_id")?;
    check_advertiser(&account)?;
    let kind = text("calculate_type")?;
    if kind != MULTIPLE && !SCHEMA.contains(&kind.as_str()) {
        return Err(Refusal::new(40909, "calculate_type: no such type"));
    }
    let file = part("file")?;
    let extension = file.file_name.as_deref().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
    if !matches!(extension, "csv" | "txt") {
        return Err(Refusal::parameter("file: must be a csv or txt file"));
    }
    if hex::encode(Md5::digest(&file.content)) != text("file_signature")? {
        return Err(Refusal::parameter("file_signature: is not the MD5 of the file"));
    }
    let rows = read(&kind, &file.content)?;
    let count = rows.values.len();
    let path = format!("{account}/{}.{extension}", world.token(32));
    world.commit(&Event::Uploaded { upload: Upload { path: path.clone(), account, kind, rows } });
    Ok(enveloped(world, 0, "OK", &json!({"file_path": path})).carrying(count))
}

/// The lines of a file, checked.
fn read(kind: &str, content: &[u8]) -> Result<Rows, Refusal> {
    let text = std::str::from_utf8(content).map_err(|_| Refusal::parameter("file: is not UTF-8"))?;
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let columns: Vec<String> = if kind == MULTIPLE {
        let header = lines.next().ok_or_else(|| Refusal::parameter("file: is empty"))?;
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        let mut columns = Vec::with_capacity(names.len());
        for name in &names {
            let known = HEADERS.iter().find(|(header, _)| header == name);
            let (_, column) = known.ok_or_else(|| Refusal::new(40909, "file: a header is not known"))?;
            if names.iter().filter(|other| *other == name).count() > 3 {
                return Err(Refusal::new(40909, "file: a header comes more than 3 times"));
            }
            columns.push((*column).to_owned());
        }
        columns
    } else {
        vec![kind.to_owned()]
    };
    let mut values = Vec::new();
    for line in lines {
        let row: Vec<String> = line.split(',').map(|value| value.trim().to_owned()).collect();
        if row.len() != columns.len() {
            return Err(Refusal::new(40909, "file: a line does not fit the type"));
        }
        for (column, value) in columns.iter().zip(&row) {
            let fits = match column.as_str() {
                _ if value.is_empty() => kind == MULTIPLE,
                "MAID" => check::is_mobile_id(&value.to_lowercase()),
                "MAID_MD5" => check::is_hex(value, 32),
                _ => check::is_sha256(value),
            };
            if !fits {
                return Err(Refusal::new(40062, "file: a value is not hashed as its type says"));
            }
        }
        values.push(row);
    }
    Ok(Rows { columns, values })
}

/// The uploads that a body names, all of this advertiser.
fn named(world: &World, root: &Map<String, Value>, account: &str) -> Result<Vec<Upload>, Refusal> {
    let paths = shape::texts(root, "", "file_paths")?;
    if paths.is_empty() || paths.len() >= 50 {
        return Err(Refusal::parameter("file_paths: takes 1 to 49 paths"));
    }
    paths
        .into_iter()
        .map(|path| {
            world
                .uploads
                .get(path)
                .filter(|upload| upload.account == account)
                .cloned()
                .ok_or_else(|| Refusal::parameter("file_paths: no such file, or it was used before"))
        })
        .collect()
}

fn put(world: &mut World, id: &str, uploads: Vec<Upload>, remove: bool, now: DateTime<Utc>) {
    for upload in uploads {
        let (platform, list, rows) = (Platform::Tiktok, id.to_owned(), upload.rows);
        world.commit(&if remove {
            Event::Removed { platform, list, rows, at: now }
        } else {
            Event::Added { platform, list, rows, at: now }
        });
        world.commit(&Event::UploadUsed { path: upload.path });
    }
}

pub(super) fn create(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let known = ["advertiser_id", "custom_audience_name", "file_paths", "calculate_type"];
    let root = shape::object(&body, "", &known)?;
    let account = shape::text(root, "", "advertiser_id")?;
    check_advertiser(account)?;
    let name = shape::text(root, "", "custom_audience_name")?;
    let kind = shape::text(root, "", "calculate_type")?;
    let uploads = named(world, root, account)?;
    if uploads.iter().any(|upload| upload.kind != kind) {
        return Err(Refusal::new(40909, "calculate_type: is not that of the files"));
    }
    let rows = uploads.iter().map(|upload| upload.rows.values.len()).sum();
    let id = make(world, account, name, kind, now)?;
    put(world, &id, uploads, false, now);
    Ok(enveloped(world, 0, "OK", &json!({"custom_audience_id": id})).carrying(rows))
}

pub(super) fn update(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["advertiser_id", "custom_audience_id", "file_paths", "action"])?;
    let account = shape::text(root, "", "advertiser_id")?;
    check_advertiser(account)?;
    let action = shape::optional(root, "", "action")?.unwrap_or("REPLACE");
    if !matches!(action, "APPEND" | "REMOVE" | "REPLACE") {
        return Err(Problem::new("/action", "must be APPEND, REMOVE or REPLACE").into());
    }
    let list = audience(world, account, shape::text(root, "", "custom_audience_id")?)?;
    if !is_of_files(list) {
        return Err(Refusal::parameter("custom_audience_id: the audience was not made from files"));
    }
    if is_processing(world, list, now) {
        return Err(Refusal::parameter("The audience is being processed. Please retry later."));
    }
    let (id, held) = (list.id.clone(), list.len());
    let uploads = named(world, root, account)?;
    let rows: usize = uploads.iter().map(|upload| upload.rows.values.len()).sum();
    let left = match action {
        "REPLACE" => rows,
        "APPEND" => held + rows,
        _ => held.saturating_sub(rows),
    };
    if left < USABLE {
        return Err(Refusal::parameter(format!("The audience would have fewer than {USABLE} members.")));
    }
    if action == "REPLACE" {
        world.commit(&Event::Cleared { platform: Platform::Tiktok, list: id.clone(), at: now });
    }
    put(world, &id, uploads, action == "REMOVE", now);
    Ok(enveloped(world, 0, "OK", &json!({"custom_audience_id": id})).carrying(rows))
}
