//! Streaming: people put into audiences, or taken out, by hashed identifiers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::audiences::{audience, is_of_files};
use super::{Refusal, check_advertiser, enveloped};
use crate::call::{Answer, Call};
use crate::check;
use crate::event::{Event, Rows};
use crate::fault::Twist;
use crate::platform::Platform;
use crate::shape;
use crate::world::World;

const MOST_ROWS: usize = 1_000;
/// What identifiers may be, each a SHA-256.
pub(super) const SCHEMA: [&str; 4] = ["EMAIL_SHA256", "PHONE_SHA256", "IDFA_SHA256", "AAID_SHA256"];

pub(super) fn map(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["advertiser_ids", "action", "id_schema", "batch_data"])?;
    let advertisers = shape::texts(root, "", "advertiser_ids")?;
    let [advertiser] = advertisers.as_slice() else {
        return Err(Refusal::parameter("advertiser_ids: the sandbox takes exactly one"));
    };
    check_advertiser(advertiser)?;
    let action = shape::text(root, "", "action")?;
    if !matches!(action, "add" | "delete") {
        return Err(Refusal::parameter("action: must be `add` or `delete`"));
    }
    let columns = schema(&shape::texts(root, "", "id_schema")?)?;
    let batch = shape::array(root, "", "batch_data")?;
    if batch.is_empty() {
        return Err(Refusal::parameter("batch_data: must not be empty"));
    }
    if batch.len() > MOST_ROWS {
        return Err(Refusal::new(40061, format!("batch_data: at most {MOST_ROWS} rows, not {}", batch.len())));
    }
    let struck = twist.rejected(batch.len());
    let mut of_audience: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for (n, row) in batch.iter().enumerate() {
        let at = format!("batch_data.{n}");
        let (values, audiences) = row_of(row, &at, columns.len())?;
        for id in audiences {
            let list = audience(world, advertiser, &id)?;
            if is_of_files(list) {
                return Err(Refusal::parameter("audience_ids: the audience was made from files"));
            }
            // Each audience has the identifiers that name it, and no others.
            let own: Vec<String> = values
                .iter()
                .map(|(value, audiences)| if audiences.contains(&id) { value.clone() } else { String::new() })
                .collect();
            let rows = of_audience.entry(id).or_default();
            if !struck.contains(&n) {
                rows.push(own);
            }
        }
    }
    for (list, values) in of_audience {
        let platform = Platform::Tiktok;
        let rows = Rows { columns: columns.clone(), values };
        world.commit(&if action == "add" {
            Event::Added { platform, list, rows, at: now }
        } else {
            Event::Removed { platform, list, rows, at: now }
        });
    }
    let answer = if struck.is_empty() {
        enveloped(world, 0, "OK", &json!({}))
    } else {
        let message = format!("Partial success: {} rows were not accepted.", struck.len());
        enveloped(world, 20001, &message, &json!({})).because(format!("20001: {message}"))
    };
    Ok(answer.carrying(batch.len()))
}

/// Known names, each once, in the fixed order.
fn schema(names: &[&str]) -> Result<Vec<String>, Refusal> {
    let places: Vec<Option<usize>> = names.iter().map(|name| SCHEMA.iter().position(|known| known == name)).collect();
    if names.is_empty() || places.iter().any(Option::is_none) {
        return Err(Refusal::parameter(format!("id_schema: takes {}", SCHEMA.join(", "))));
    }
    if !places.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(Refusal::parameter("id_schema: names come once each, in the fixed order"));
    }
    Ok(names.iter().map(|name| (*name).to_owned()).collect())
}

type Cell = (String, Vec<String>);

/// The identifiers of a row with their audiences, and all audiences it names.
fn row_of(row: &Value, at: &str, width: usize) -> Result<(Vec<Cell>, Vec<String>), Refusal> {
    let Value::Array(cells) = row else { return Err(Refusal::parameter(format!("{at}: must be an array"))) };
    if cells.len() != width {
        return Err(Refusal::parameter(format!("{at}: has {} items where id_schema has {width}", cells.len())));
    }
    let mut values = Vec::with_capacity(width);
    let mut all = Vec::new();
    for (n, cell) in cells.iter().enumerate() {
        let at = format!("{at}.{n}");
        let cell = shape::object(cell, &at, &["id", "audience_ids"])?;
        if cell.is_empty() {
            values.push((String::new(), Vec::new()));
            continue;
        }
        let id = shape::text(cell, &at, "id")?;
        if !check::is_sha256(id) {
            return Err(Refusal::new(40062, format!("{at}: the id is not a SHA-256 in lower-case hex")));
        }
        let audiences: Vec<String> = shape::texts(cell, &at, "audience_ids")?.into_iter().map(str::to_owned).collect();
        if audiences.is_empty() {
            return Err(Refusal::parameter(format!("{at}: audience_ids must not be empty")));
        }
        for audience in &audiences {
            if !all.contains(audience) {
                all.push(audience.clone());
            }
        }
        values.push((id.to_owned(), audiences));
    }
    if all.is_empty() {
        return Err(Refusal::parameter(format!("{at}: has no id")));
    }
    Ok((values, all))
}
