//! The ad account and its audiences.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::call::{Answer, Call};
use crate::event::{Event, Session};
use crate::platform::Platform;
use crate::shape;
use crate::world::{List, World};

/// Customer-file audiences of one account.
const MOST: usize = 500;
const SOURCES: [&str; 3] = ["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"];
const ALWAYS: [&str; 2] = ["access_token", "appsecret_proof"];

/// Refuses parameters that a call does not take.
pub(super) fn only(parameters: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    let unknown = parameters.keys().find(|name| !ALWAYS.contains(&name.as_str()) && !known.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(Refusal::parameter(format!("Unknown parameter `{name}`"))),
        None => Ok(()),
    }
}

/// An account: `act_` and digits. `act_404...` is not there, `act_999...` is disabled.
pub(super) fn check_account(node: &str) -> Result<&str, Refusal> {
    let digits = node.strip_prefix("act_").unwrap_or_default();
    if digits.is_empty() || digits.starts_with("404") || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::not_found(node));
    }
    Ok(digits)
}

/// The audience of that id.
pub(super) fn audience<'a>(world: &'a World, node: &str) -> Result<&'a List, Refusal> {
    world.list(Platform::Meta, node).ok_or_else(|| Refusal::not_found(node))
}

/// The asked fields of a node; its id is always there.
fn fields(parameters: &Map<String, Value>, all: &Value) -> Result<Value, Refusal> {
    let mut shown = Map::new();
    let asked = parameters.get("fields").and_then(Value::as_str).unwrap_or_default();
    for field in asked.split(',').filter(|field| !field.is_empty()) {
        let value =
            all.get(field).ok_or_else(|| Refusal::parameter(format!("Tried accessing nonexisting field ({field})")))?;
        shown.insert(field.to_owned(), value.clone());
    }
    if let Some(id) = all.get("id") {
        shown.insert("id".to_owned(), id.clone());
    }
    Ok(Value::Object(shown))
}

pub(super) fn account(node: &str, parameters: &Map<String, Value>) -> Result<Answer, Refusal> {
    only(parameters, &["fields"])?;
    let digits = check_account(node)?;
    let status = if digits.starts_with("999") { 2 } else { 1 };
    let all = json!({"id": node, "account_id": digits, "name": "Acme", "account_status": status, "currency": "EUR"});
    Ok(Answer::json(200, fields(parameters, &all)?))
}

fn node_of(world: &World, list: &List, now: DateTime<Utc>) -> Value {
    let detail = |name: &str| list.details.get(name).cloned().unwrap_or(Value::Null);
    let size = list.len();
    let bound = |tenth: usize| if size < 100 { json!(-1) } else { json!(size * tenth / 10) };
    json!({"id": list.id, "account_id": list.account, "name": list.name, "subtype": "CUSTOM",
        "description": detail("description"), "customer_file_source": detail("customer_file_source"),
        "operation_status": operation_status(world, list, now),
        "delivery_status": if size < 100 {
            json!({"code": 300, "description": "Audience size is too small"})
        } else {
            json!({"code": 200, "description": "This audience is ready for use"})
        },
        "approximate_count_lower_bound": bound(8), "approximate_count_upper_bound": bound(10),
        "time_created": list.created.timestamp(), "time_updated": list.updated.timestamp()})
}

/// 200 when nothing is under way; any other code while a replace is, or its effect is awaited.
pub(super) fn operation_status(world: &World, list: &List, now: DateTime<Utc>) -> Value {
    if is_busy(world, &list.id, now) {
        json!({"code": 414, "description": "Updating"})
    } else {
        json!({"code": 200, "description": "Normal"})
    }
}

/// Whether a replace of the audience is under way or settling.
pub(super) fn is_busy(world: &World, list: &str, now: DateTime<Utc>) -> bool {
    world
        .sessions
        .values()
        .filter(|session| session.list == list && session.operation == "replace")
        .any(|session| session.ended.is_none_or(|ended| world.due(ended) > now))
}

pub(super) fn find(
    world: &World,
    call: &Call,
    node: &str,
    parameters: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    only(parameters, &["fields", "limit", "after", "summary"])?;
    let account = check_account(node)?;
    let limit = call
        .number("limit", 1..=1_000, 25)
        .ok_or_else(|| Refusal::parameter("Param limit must be an integer from 1 to 1000"))?;
    let cursor = |offset: usize| hex::encode(format!("at={offset}"));
    let start = match parameters.get("after").and_then(Value::as_str) {
        None => 0,
        Some(after) => hex::decode(after)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.strip_prefix("at=")?.parse::<usize>().ok())
            .ok_or_else(|| Refusal::parameter("Invalid cursors values for after cursor"))?,
    };
    let lists: Vec<&List> = world.lists_of(Platform::Meta).into_iter().filter(|list| list.account == account).collect();
    let start = start.min(lists.len());
    let end = (start + limit).min(lists.len());
    let data = lists[start..end]
        .iter()
        .map(|list| fields(parameters, &node_of(world, list, now)))
        .collect::<Result<Vec<Value>, Refusal>>()?;
    let mut body = json!({"data": data});
    if !data.is_empty() {
        body["paging"] = json!({"cursors": {"before": cursor(start), "after": cursor(end)}});
        if end < lists.len() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let kept = call.query.iter().filter(|(name, _)| name != "after" && name != "access_token");
            query.extend_pairs(kept).append_pair("after", &cursor(end));
            let path = call.path.join("/");
            body["paging"]["next"] = json!(format!("https://graph.facebook.com/{path}?{}", query.finish()));
        }
    }
    if parameters.get("summary").is_some_and(|asked| matches!(asked.as_str(), Some("true" | "total_count"))) {
        body["summary"] = json!({"total_count": lists.len()});
    }
    Ok(Answer::json(200, body))
}

pub(super) fn create(
    world: &mut World,
    node: &str,
    parameters: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    only(parameters, &["name", "subtype", "description", "customer_file_source"])?;
    let account = check_account(node)?;
    let name = shape::text(parameters, "", "name")?;
    if name.trim().is_empty() {
        return Err(Refusal::parameter("The parameter name must not be empty"));
    }
    if shape::text(parameters, "", "subtype")? != "CUSTOM" {
        return Err(Refusal::parameter("Param subtype must be CUSTOM"));
    }
    let source = shape::text(parameters, "", "customer_file_source")?;
    if !SOURCES.contains(&source) {
        return Err(Refusal::parameter(format!("Param customer_file_source must be one of {}", SOURCES.join(", "))));
    }
    let mut details = Map::new();
    details.insert("customer_file_source".to_owned(), json!(source));
    if let Some(description) = shape::optional(parameters, "", "description")? {
        details.insert("description".to_owned(), json!(description));
    }
    if world.lists_of(Platform::Meta).iter().filter(|list| list.account == account).count() >= MOST {
        return Err(Refusal::new(2654, None, format!("An account has at most {MOST} customer-file audiences.")));
    }
    let id = (23_850_000_000_000_000 + world.number()).to_string();
    world.commit(&Event::ListMade {
        platform: Platform::Meta,
        account: account.to_owned(),
        id: id.clone(),
        name: name.to_owned(),
        details,
        at: now,
    });
    Ok(Answer::json(200, json!({"id": id})))
}

pub(super) fn get(
    world: &World,
    node: &str,
    parameters: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    only(parameters, &["fields"])?;
    let list = audience(world, node)?;
    Ok(Answer::json(200, fields(parameters, &node_of(world, list, now))?))
}

pub(super) fn delete(world: &mut World, node: &str) -> Result<Answer, Refusal> {
    let id = audience(world, node)?.id.clone();
    world.commit(&Event::ListGone { platform: Platform::Meta, id });
    Ok(Answer::json(200, json!({"success": true})))
}

pub(super) fn sessions(world: &World, node: &str, parameters: &Map<String, Value>) -> Result<Answer, Refusal> {
    only(parameters, &["fields", "session_id", "limit"])?;
    let list = audience(world, node)?;
    let shown = |session: &Session| {
        let stage = match (session.ended, session.timed_out) {
            (None, _) => "uploading",
            (Some(_), true) => "time_out",
            (Some(_), false) => "done",
        };
        json!({"session_id": session.id, "num_received": session.received,
            "num_matched": (session.received - session.invalid.min(session.received)) * 6 / 10,
            "num_invalid_entries": session.invalid, "progress": if session.ended.is_some() { 100 } else { 50 },
            "stage": stage, "start_time": session.started.timestamp(),
            "end_time": session.ended.map(|ended| ended.timestamp())})
    };
    let data: Vec<Value> = world.sessions.values().filter(|session| session.list == list.id).map(shown).collect();
    Ok(Answer::json(200, json!({"data": data})))
}
