//! Contact-list segments: find, create, fill, empty, measure, delete.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{Application, Refusal, enveloped};
use crate::call::{Answer, Call};
use crate::check;
use crate::event::{Event, Rows};
use crate::fault::Twist;
use crate::platform::Platform;
use crate::shape::{self, Problem};
use crate::world::{List, World};

/// Identifiers that one call takes.
const MOST: usize = 50_000;
const SAMPLES: usize = 10;

pub(super) fn segment<'a>(world: &'a World, application: &Application, id: &str) -> Result<&'a List, Refusal> {
    let list = world
        .list(Platform::Criteo, id)
        .ok_or_else(|| Refusal::new(404, "validation", "segment-not-found", "No such audience segment."))?;
    application.may_act_for(&list.account)?;
    Ok(list)
}

/// A segment whose name says so cannot be filled, to rehearse that case.
fn is_read_only(list: &List) -> bool {
    list.name.contains("[read-only]")
}

fn resource(list: &List) -> Value {
    json!({"type": "AudienceSegment", "id": list.id, "attributes": {
        "advertiserId": list.account, "name": list.name, "description": list.details.get("description"),
        "type": "ContactList", "contactList": {"isReadOnly": is_read_only(list)},
        "createdAt": list.created.to_rfc3339_opts(SecondsFormat::Secs, true)}})
}

pub(super) fn find(world: &World, call: &Call, application: &Application) -> Result<Answer, Refusal> {
    let bad = |reason: String| Refusal::new(400, "validation", "invalid-request", reason);
    if let Some(name) = call.unknown_parameter(&["limit", "offset"]) {
        return Err(bad(format!("unknown query parameter `{name}`")));
    }
    let limit = call.number("limit", 1..=100, 50).ok_or_else(|| bad("limit is from 1 to 100".to_owned()))?;
    let offset = call.number("offset", 0..=usize::MAX, 0).ok_or_else(|| bad("offset is from 0".to_owned()))?;
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let data = shape::object(shape::field(root, "", "data")?, "/data", &["type", "attributes"])?;
    shape::optional(data, "/data", "type")?;
    let at = "/data/attributes";
    let known = ["advertiserIds", "audienceSegmentIds", "audienceSegmentTypes", "retailerIds"];
    let attributes = shape::object(shape::field(data, "/data", "attributes")?, at, &known)?;
    let among = |key: &str| -> Result<Option<Vec<&str>>, Problem> {
        if attributes.contains_key(key) { shape::texts(attributes, at, key).map(Some) } else { Ok(None) }
    };
    let (advertisers, ids) = (among("advertiserIds")?, among("audienceSegmentIds")?);
    let types = among("audienceSegmentTypes")?;
    for advertiser in advertisers.iter().flatten() {
        application.may_act_for(advertiser)?;
    }
    let own = application.advertisers();
    let lists: Vec<&List> = world
        .lists_of(Platform::Criteo)
        .into_iter()
        .filter(|list| own.contains(&list.account))
        .filter(|list| advertisers.as_ref().is_none_or(|wanted| wanted.contains(&list.account.as_str())))
        .filter(|list| ids.as_ref().is_none_or(|wanted| wanted.contains(&list.id.as_str())))
        .filter(|_| types.as_ref().is_none_or(|wanted| wanted.contains(&"ContactList")))
        .collect();
    let start = offset.min(lists.len());
    let end = start.saturating_add(limit).min(lists.len());
    let data: Vec<Value> = lists[start..end].iter().map(|list| resource(list)).collect();
    Ok(enveloped(json!(data), Some(json!({"totalItems": lists.len(), "limit": limit, "offset": offset}))))
}

pub(super) fn create(
    world: &mut World,
    call: &Call,
    application: &Application,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let [item] = shape::array(root, "", "data")? else {
        return Err(Refusal::new(400, "validation", "invalid-request", "The sandbox creates one segment a call."));
    };
    let item = shape::object(item, "/data/0", &["type", "attributes"])?;
    shape::optional(item, "/data/0", "type")?;
    let at = "/data/0/attributes";
    let known = ["advertiserId", "name", "description", "contactList"];
    let attributes = shape::object(shape::field(item, "/data/0", "attributes")?, at, &known)?;
    let advertiser = shape::text(attributes, at, "advertiserId")?;
    application.may_act_for(advertiser)?;
    shape::object(shape::field(attributes, at, "contactList")?, "/data/0/attributes/contactList", &[])?;
    let name = shape::text(attributes, at, "name")?;
    let refused = |code, detail: &str| {
        let mut refusal = Refusal::new(200, "validation", code, detail);
        refusal.at = String::from("/data/0");
        refusal
    };
    if name.trim().is_empty() {
        return Err(refused("name-must-not-be-empty", "The name is empty."));
    }
    if world.lists_of(Platform::Criteo).iter().any(|list| list.account == advertiser && list.name == name) {
        return Err(refused("name-must-be-unique", "Another segment of this advertiser has this name."));
    }
    let mut details = Map::new();
    if let Some(description) = shape::optional(attributes, at, "description")? {
        details.insert("description".to_owned(), json!(description));
    }
    let id = (778_898 + world.number()).to_string();
    world.commit(&Event::ListMade {
        platform: Platform::Criteo,
        account: advertiser.to_owned(),
        id: id.clone(),
        name: name.to_owned(),
        details,
        at: now,
    });
    let list = segment(world, application, &id)?;
    Ok(enveloped(json!([resource(list)]), None))
}

pub(super) fn delete(world: &mut World, call: &Call, application: &Application) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let mut ids = Vec::new();
    for (n, item) in shape::array(root, "", "data")?.iter().enumerate() {
        let at = format!("/data/{n}");
        let id = shape::text(shape::object(item, &at, &["id", "type"])?, &at, "id")?;
        ids.push(segment(world, application, id)?.id.clone());
    }
    let data: Vec<Value> = ids.iter().map(|id| json!({"type": "AudienceSegment", "id": id})).collect();
    for id in ids {
        world.commit(&Event::ListGone { platform: Platform::Criteo, id });
    }
    Ok(enveloped(json!(data), None))
}

pub(super) fn amend(
    world: &mut World,
    call: &Call,
    application: &Application,
    id: &str,
    twist: Twist,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let list = segment(world, application, id)?;
    if is_read_only(list) {
        return Err(Refusal::new(403, "access-control", "contact-list-read-only", "The contact list is read-only."));
    }
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let data = shape::object(shape::field(root, "", "data")?, "/data", &["type", "attributes"])?;
    shape::optional(data, "/data", "type")?;
    let at = "/data/attributes";
    let known = ["operation", "identifierType", "identifiers", "gumCallerId"];
    let attributes = shape::object(shape::field(data, "/data", "attributes")?, at, &known)?;
    let operation = shape::text(attributes, at, "operation")?;
    if !matches!(operation, "add" | "remove") {
        return Err(Problem::new("/data/attributes/operation", "The operation is `add` or `remove`.").into());
    }
    let kind = shape::text(attributes, at, "identifierType")?;
    let valid: fn(&str) -> bool = match kind {
        "email" => |value| check::is_email(value) || check::is_sha256(value) || check::is_hex(value, 32),
        "madid" => |value| check::is_mobile_id(&value.to_lowercase()),
        "phoneNumber" => |value| check::is_phone(value) || check::is_sha256(value),
        "identityLink" => |value| !value.is_empty(),
        "gum" if attributes.contains_key("gumCallerId") => |value| !value.is_empty(),
        "gum" => return Err(Problem::new("/data/attributes/gumCallerId", "`gumCallerId` is required.").into()),
        _ => return Err(Problem::new("/data/attributes/identifierType", "No such identifier type.").into()),
    };
    let identifiers = shape::texts(attributes, at, "identifiers")?;
    if identifiers.is_empty() || identifiers.len() > MOST {
        let reason = format!("A call takes 1 to {MOST} identifiers, not {}.", identifiers.len());
        return Err(Problem::new("/data/attributes/identifiers", reason).into());
    }
    let struck = twist.rejected(identifiers.len());
    let mut taken = Vec::with_capacity(identifiers.len());
    let mut refused = Vec::new();
    for (n, identifier) in identifiers.iter().enumerate() {
        if valid(identifier) && !struck.contains(&n) {
            taken.push(vec![(*identifier).to_owned()]);
        } else {
            refused.push(*identifier);
        }
    }
    let shown = json!({"type": "ContactlistAmendment", "attributes": {
        "contactListId": id.parse::<u64>().unwrap_or_default(), "operation": operation,
        "requestDate": now.to_rfc3339_opts(SecondsFormat::Secs, true), "identifierType": kind,
        "nbValidIdentifiers": taken.len(), "nbInvalidIdentifiers": refused.len(),
        "sampleInvalidIdentifiers": refused.iter().take(SAMPLES).collect::<Vec<_>>()}});
    let rows = Rows { columns: vec![kind.to_owned()], values: taken };
    let (platform, list, total) = (Platform::Criteo, id.to_owned(), identifiers.len());
    let add = operation == "add";
    world.commit(&if add {
        Event::Added { platform, list, rows, at: now }
    } else {
        Event::Removed { platform, list, rows, at: now }
    });
    Ok(enveloped(shown, None).carrying(total))
}

/// Empties a contact list.
pub(super) fn clear(
    world: &mut World,
    application: &Application,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    segment(world, application, id)?;
    world.commit(&Event::Cleared { platform: Platform::Criteo, list: id.to_owned(), at: now });
    Ok(enveloped(json!({"type": "AudienceContactlist", "id": id}), None))
}

/// What a contact list holds; the matches are made up.
pub(super) fn statistics(world: &World, application: &Application, id: &str) -> Result<Answer, Refusal> {
    let held = segment(world, application, id)?.len();
    let matches = held * 2 / 3;
    let rate = if held == 0 { 0.0 } else { matches as f64 / held as f64 };
    let attributes = json!({"numberOfIdentifiers": held, "numberOfMatches": matches, "matchRate": rate});
    Ok(enveloped(json!({"id": id, "type": "ContactListStatistics", "attributes": attributes}), None))
}
