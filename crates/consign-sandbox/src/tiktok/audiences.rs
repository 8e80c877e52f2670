//! Advertisers, and the audiences of one: list, details, create, delete.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{Refusal, check_advertiser, enveloped};
use crate::call::{Answer, Call};
use crate::event::Event;
use crate::platform::Platform;
use crate::shape;
use crate::world::{List, World};

/// Audiences of one advertiser.
const MOST: usize = 400;
/// Members below which an audience cannot be used.
pub(super) const USABLE: usize = 1_000;

fn known(call: &Call, names: &[&str]) -> Result<(), Refusal> {
    match call.unknown_parameter(names) {
        Some(name) => Err(Refusal::parameter(format!("{name}: unknown parameter"))),
        None => Ok(()),
    }
}

/// A parameter that is a JSON array of strings.
fn ids(call: &Call, name: &str) -> Result<Vec<String>, Refusal> {
    let text =
        call.parameter(name).ok_or_else(|| Refusal::parameter(format!("{name}: Missing data for required field.")))?;
    let ids: Vec<String> = serde_json::from_str(text)
        .map_err(|_| Refusal::parameter(format!("{name}: must be a JSON array of strings")))?;
    if ids.is_empty() || ids.len() > 100 {
        return Err(Refusal::parameter(format!("{name}: takes 1 to 100 ids")));
    }
    Ok(ids)
}

pub(super) fn advertisers(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    known(call, &["advertiser_ids", "fields"])?;
    let ids = ids(call, "advertiser_ids")?;
    for id in &ids {
        check_advertiser(id)?;
    }
    let list: Vec<Value> =
        ids.iter().map(|id| json!({"advertiser_id": id, "name": "Acme", "status": "STATUS_ENABLE"})).collect();
    Ok(enveloped(world, 0, "OK", &json!({"list": list})))
}

pub(super) fn find(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    known(call, &["advertiser_id", "page", "page_size"])?;
    let advertiser = advertiser(call)?;
    let page = call.number("page", 1..=usize::MAX, 1).ok_or_else(|| Refusal::parameter("page: must be 1 or more"))?;
    let size =
        call.number("page_size", 1..=100, 10).ok_or_else(|| Refusal::parameter("page_size: must be 1 to 100"))?;
    let all: Vec<Value> = of(world, &advertiser).map(|list| summary(world, list, now)).collect();
    let pages = all.len().div_ceil(size).max(1);
    let shown: Vec<&Value> = all.iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    let info = json!({"page": page, "page_size": size, "total_number": all.len(), "total_page": pages});
    let data = json!({"list": shown, "page_info": info});
    Ok(enveloped(world, 0, "OK", &data))
}

pub(super) fn get(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    known(call, &["advertiser_id", "custom_audience_ids", "history_size"])?;
    let advertiser = advertiser(call)?;
    let ids = ids(call, "custom_audience_ids")?;
    let found: Vec<Value> = of(world, &advertiser)
        .filter(|list| ids.contains(&list.id))
        .map(|list| {
            json!({"audience_details": summary(world, list, now), "audience_history": [
                {"action": "create", "action_detail": "", "editor": "sandbox", "opt_time": time(list.created)}]})
        })
        .collect();
    if found.len() < ids.len() {
        return Err(Refusal::parameter("custom_audience_ids: an audience does not exist"));
    }
    Ok(enveloped(world, 0, "OK", &json!({"list": found})))
}

fn advertiser(call: &Call) -> Result<String, Refusal> {
    let id = call
        .parameter("advertiser_id")
        .ok_or_else(|| Refusal::parameter("advertiser_id: Missing data for required field."))?;
    check_advertiser(id)?;
    Ok(id.to_owned())
}

/// The audiences of an advertiser.
fn of<'a>(world: &'a World, advertiser: &'a str) -> impl Iterator<Item = &'a List> {
    world.lists_of(Platform::Tiktok).into_iter().filter(move |list| list.account == advertiser)
}

/// The audience, if it is this advertiser's.
pub(super) fn audience<'a>(world: &'a World, advertiser: &str, id: &str) -> Result<&'a List, Refusal> {
    world
        .list(Platform::Tiktok, id)
        .filter(|list| list.account == advertiser)
        .ok_or_else(|| Refusal::parameter("audience_id: the audience does not exist"))
}

/// Whether the audience was made from a file, and how far its last change is.
pub(super) fn is_of_files(list: &List) -> bool {
    list.details.get("calculate_type").is_some_and(|kind| kind != "STREAMING")
}

pub(super) fn is_processing(world: &World, list: &List, now: DateTime<Utc>) -> bool {
    world.due(list.updated) > now
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn summary(world: &World, list: &List, now: DateTime<Utc>) -> Value {
    let ready = !is_processing(world, list, now);
    let kind = if is_of_files(list) { list.details.get("calculate_type").cloned() } else { None };
    json!({"audience_id": list.id, "name": list.name, "is_valid": ready && list.len() >= USABLE,
        "cover_num": if ready { list.len() } else { 0 }, "audience_type": "Customer File",
        "calculate_type": kind.unwrap_or_else(|| json!("MULTIPLE_TYPES")), "is_expiring": false,
        "expired_time": time(list.created + TimeDelta::days(365)), "error_msg": ""})
}

/// Makes or deletes a streaming audience.
pub(super) fn create(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let known = ["advertiser_id", "action", "custom_audience_name", "delete_audience_id"];
    let root = shape::object(&body, "", &known)?;
    let advertiser = shape::text(root, "", "advertiser_id")?;
    check_advertiser(advertiser)?;
    match shape::text(root, "", "action")? {
        "create" => {
            let name = shape::text(root, "", "custom_audience_name")?;
            // A streaming name is cut, silently.
            let cut: String = if name.chars().count() > 70 {
                name.chars().take(67).chain("...".chars()).collect()
            } else {
                name.to_owned()
            };
            let id = make(world, advertiser, &cut, "STREAMING", now)?;
            Ok(enveloped(world, 0, "OK", &json!({"audience_id": id})))
        }
        "delete" => {
            let id = audience(world, advertiser, shape::text(root, "", "delete_audience_id")?)?.id.clone();
            world.commit(&Event::ListGone { platform: Platform::Tiktok, id: id.clone() });
            Ok(enveloped(world, 0, "OK", &json!({"audience_id": id})))
        }
        _ => Err(Refusal::parameter("action: must be `create` or `delete`")),
    }
}

/// Makes an audience, empty.
pub(super) fn make(
    world: &mut World,
    advertiser: &str,
    name: &str,
    kind: &str,
    now: DateTime<Utc>,
) -> Result<String, Refusal> {
    if name.trim().is_empty() || name.chars().count() > 128 {
        return Err(Refusal::parameter("custom_audience_name: has 1 to 128 characters"));
    }
    if of(world, advertiser).count() >= MOST {
        return Err(Refusal::parameter(format!("An advertiser has at most {MOST} audiences.")));
    }
    let mut details = Map::new();
    details.insert("calculate_type".to_owned(), json!(kind));
    let id = (190_012_344 + world.number()).to_string();
    world.commit(&Event::ListMade {
        platform: Platform::Tiktok,
        account: advertiser.to_owned(),
        id: id.clone(),
        name: name.to_owned(),
        details,
        at: now,
    });
    Ok(id)
}
