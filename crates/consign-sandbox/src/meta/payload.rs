//! What a users call carries: a session and rows under a schema.

use serde_json::{Map, Value, json};

use super::Refusal;
use crate::check;
use crate::event::Rows;
use crate::fault::Twist;
use crate::shape::{self, Problem};

const MOST_USERS: usize = 10_000;
const SAMPLES: usize = 100;

/// Keys whose values are SHA-256.
const HASHED: [&str; 13] =
    ["EMAIL", "PHONE", "FN", "LN", "FI", "ST", "CT", "ZIP", "COUNTRY", "DOBY", "DOBM", "DOBD", "GEN"];
/// Keys whose values are plain.
const PLAIN: [&str; 2] = ["EXTERN_ID", "MADID"];
/// Limited data use: not part of a person.
const PROCESSING: [&str; 3] =
    ["DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"];

/// A batch of a session.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) session: String,
    pub(super) seq: u64,
    pub(super) last: bool,
}

/// Reads the session; ids and numbers may be integers or, from some clients, digits in a string.
pub(super) fn batch(parameters: &Map<String, Value>) -> Result<Option<Batch>, Refusal> {
    let Some(session) = parameters.get("session") else { return Ok(None) };
    let known = ["session_id", "batch_seq", "last_batch_flag", "estimated_num_total"];
    let session = shape::object(session, "session", &known)?;
    let number = |name: &str| -> Result<u64, Refusal> {
        let value = shape::field(session, "session", name)?;
        value
            .as_u64()
            .or_else(|| value.as_str()?.parse().ok())
            .ok_or_else(|| Refusal::parameter(format!("Param session[{name}] must be a positive integer")))
    };
    let id = number("session_id")?;
    if id == 0 || id > i64::MAX as u64 {
        return Err(Refusal::parameter("Param session[session_id] must be a positive 64-bit integer"));
    }
    let seq = number("batch_seq")?;
    if seq == 0 {
        return Err(Refusal::parameter("Param session[batch_seq] begins at 1"));
    }
    if session.contains_key("estimated_num_total") {
        number("estimated_num_total")?;
    }
    let last = match shape::field(session, "session", "last_batch_flag")? {
        Value::Bool(last) => *last,
        Value::String(text) if text == "true" => true,
        Value::String(text) if text == "false" => false,
        _ => return Err(Refusal::parameter("Param session[last_batch_flag] must be a boolean")),
    };
    Ok(Some(Batch { session: id.to_string(), seq, last }))
}

/// The rows of a payload that are taken, and what was not.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) rows: Rows,
    pub(super) received: usize,
    pub(super) invalid: usize,
    pub(super) samples: Map<String, Value>,
    /// For the page: why rows were not taken, without their values.
    pub(super) reason: Option<String>,
}

pub(super) fn payload(parameters: &Map<String, Value>, twist: Twist) -> Result<Payload, Refusal> {
    let at = "payload";
    let payload = shape::object(shape::field(parameters, "", at)?, at, &["schema", "data", "is_raw"])?;
    // Meta's SDKs say whether values were clean before they hashed them.
    if payload.get("is_raw").is_some_and(|raw| !raw.is_boolean()) {
        return Err(Refusal::parameter("Param payload[is_raw] must be a boolean"));
    }
    let schema: Vec<&str> = match shape::field(payload, at, "schema")? {
        Value::String(one) => vec![of_one_column(one)],
        _ => shape::texts(payload, at, "schema")?,
    };
    for (n, key) in schema.iter().enumerate() {
        if !HASHED.contains(key) && !PLAIN.contains(key) && !PROCESSING.contains(key) {
            return Err(Refusal::parameter(format!("Invalid schema: `{key}` is not a key")));
        }
        if schema[..n].contains(key) {
            return Err(Refusal::parameter(format!("Invalid schema: `{key}` comes twice")));
        }
    }
    if schema.is_empty() {
        return Err(Refusal::parameter("Invalid schema: it is empty"));
    }
    let data = shape::array(payload, at, "data")?;
    if data.is_empty() || data.len() > MOST_USERS {
        return Err(Refusal::parameter(format!("A request takes 1 to {MOST_USERS} users, not {}", data.len())));
    }
    let columns: Vec<String> =
        schema.iter().filter(|key| !PROCESSING.contains(key)).map(|key| (*key).to_owned()).collect();
    let struck = twist.rejected(data.len());
    let mut taken = Payload {
        rows: Rows { columns, values: Vec::with_capacity(data.len()) },
        received: data.len(),
        invalid: 0,
        samples: Map::new(),
        reason: None,
    };
    for (n, row) in data.iter().enumerate() {
        let flaw = match row_of(row, n, &schema)? {
            Ok(_) if struck.contains(&n) => Flaw { column: "a fault of the sandbox", value: row.to_string() },
            Ok(values) => {
                taken.rows.values.push(values);
                continue;
            }
            Err(flaw) => flaw,
        };
        taken.invalid += 1;
        taken.reason.get_or_insert_with(|| format!("rows were not taken, the first for {}", flaw.column));
        if taken.samples.len() < SAMPLES {
            taken.samples.insert(n.to_string(), json!(flaw.value));
        }
    }
    Ok(taken)
}

/// The key of a schema of one column, for which Meta's SDKs have names of their own.
fn of_one_column(name: &str) -> &str {
    match name {
        "EMAIL_SHA256" => "EMAIL",
        "PHONE_SHA256" => "PHONE",
        "MOBILE_ADVERTISER_ID" => "MADID",
        name => name,
    }
}

/// A value that is not what its column must hold.
#[derive(Debug)]
struct Flaw<'a> {
    column: &'a str,
    value: String,
}

/// The values of a row, or the first that is not well formed. A row of the wrong shape refuses the request.
fn row_of<'a>(row: &Value, n: usize, schema: &[&'a str]) -> Result<Result<Vec<String>, Flaw<'a>>, Refusal> {
    let at = format!("payload/data/{n}");
    let single;
    let cells = match row {
        Value::Array(cells) => cells.as_slice(),
        Value::String(_) if schema.len() == 1 => {
            single = [row.clone()];
            &single
        }
        _ => return Err(Problem::new(at, "must be an array").into()),
    };
    if cells.len() != schema.len() {
        let reason = format!("has {} values where the schema has {}", cells.len(), schema.len());
        return Err(Problem::new(at, reason).into());
    }
    let mut values = Vec::with_capacity(schema.len());
    for (key, cell) in schema.iter().zip(cells) {
        if PROCESSING.contains(key) {
            let fits =
                if *key == PROCESSING[0] { *cell == json!(["LDU"]) || *cell == json!([]) } else { cell.is_u64() };
            if !fits {
                return Err(Problem::new(at, format!("{key} is not a processing option")).into());
            }
            continue;
        }
        let Value::String(value) = cell else {
            return Err(Problem::new(at, format!("{key} must be a string")).into());
        };
        let fits = match *key {
            _ if value.is_empty() => true,
            "EXTERN_ID" => true,
            "MADID" => check::is_mobile_id(value),
            _ => check::is_sha256(value),
        };
        if !fits {
            return Ok(Err(Flaw { column: key, value: value.clone() }));
        }
        values.push(value.clone());
    }
    Ok(if values.iter().all(String::is_empty) {
        Err(Flaw { column: "having no identifier", value: String::new() })
    } else {
        Ok(values)
    })
}
