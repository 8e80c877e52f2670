//! Profiles by identifier, the members of a list, and joining or leaving it by id.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::lists::{Filter, expect_type};
use super::{HOST, Refusal, jsonapi, links, page};
use crate::call::{Answer, Call};
use crate::event::Event;
use crate::platform::Platform;
use crate::shape;
use crate::world::World;

/// Ids that one call may name.
const MOST: usize = 1_000;

/// The id of a profile: 26 letters and digits, like the platform's.
pub(super) fn id(number: u32) -> String {
    format!("01J9ZQ6T9X{number:016}")
}

fn number(id: &str) -> Option<u32> {
    id.strip_prefix("01J9ZQ6T9X").filter(|digits| digits.len() == 16)?.parse().ok()
}

pub(super) fn find(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let known = ["filter", "fields[profile]", "page[size]", "page[cursor]"];
    let (size, after) = page(call, &known, 100, 20)?;
    let numbers: Vec<u32> = match call.parameter("filter") {
        None => (0..u32::try_from(world.profiles.len()).unwrap_or(u32::MAX)).collect(),
        Some(filter) => {
            let filter = Filter::parse(filter, &["id", "email", "phone_number", "external_id"])?;
            let mut numbers: Vec<u32> = filter
                .values
                .iter()
                .filter_map(|value| match filter.field.as_str() {
                    "id" => number(value).filter(|number| (*number as usize) < world.profiles.len()),
                    field => world.profiles.find(field, value),
                })
                .collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        }
    };
    Ok(show(world, call, numbers.into_iter(), size, after, None))
}

pub(super) fn members(world: &World, call: &Call, list: &str) -> Result<Answer, Refusal> {
    let (size, after) = page(call, &["fields[profile]", "page[size]", "page[cursor]"], 100, 20)?;
    let list = world.list(Platform::Klaviyo, list).ok_or_else(|| Refusal::not_found("list", list))?;
    // When each of them joined is not kept: the last change of the list stands for it.
    Ok(show(world, call, list.profiles.iter().copied(), size, after, Some(&list.updated.to_rfc3339())))
}

/// One page of profiles; the cursor is the number after the last one shown.
fn show(
    world: &World,
    call: &Call,
    numbers: impl Iterator<Item = u32>,
    size: usize,
    after: u64,
    joined: Option<&str>,
) -> Answer {
    let fields: Option<Vec<&str>> = call.parameter("fields[profile]").map(|fields| fields.split(',').collect());
    let mut numbers = numbers.skip_while(|number| u64::from(*number) < after);
    let shown: Vec<u32> = numbers.by_ref().take(size).collect();
    let next = numbers.next().map(u64::from);
    let mut data: Vec<Value> = shown.iter().map(|number| resource(world, *number, fields.as_deref())).collect();
    if let Some(joined) = joined.filter(|_| fields.as_ref().is_none_or(|fields| fields.contains(&"joined_group_at"))) {
        for profile in &mut data {
            profile["attributes"]["joined_group_at"] = json!(joined);
        }
    }
    jsonapi(200, json!({"data": data, "links": links(call, next)}))
}

/// A profile, with the asked fields; those that it lacks are null.
pub(super) fn resource(world: &World, number: u32, fields: Option<&[&str]>) -> Value {
    let mut attributes = world.profiles.attributes(number);
    if let Some(fields) = fields {
        attributes.retain(|name, _| fields.contains(&name.as_str()));
        for field in fields {
            attributes.entry(*field).or_insert(Value::Null);
        }
    }
    let id = id(number);
    json!({"type": "profile", "id": id, "attributes": attributes,
        "links": {"self": format!("{HOST}/api/profiles/{id}")}})
}

/// Lets profiles join or leave a list.
pub(super) fn relate(
    world: &mut World,
    call: &Call,
    list: &str,
    join: bool,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    world.list(Platform::Klaviyo, list).ok_or_else(|| Refusal::not_found("list", list))?;
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let items = shape::array(root, "", "data")?;
    if items.is_empty() || items.len() > MOST {
        return Err(Refusal::invalid("/data", format!("A request names 1 to {MOST} profiles.")));
    }
    let mut profiles = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let at = format!("/data/{n}");
        let item = shape::object(item, &at, &["type", "id"])?;
        expect_type(item, &at, "profile")?;
        let id = shape::text(item, &at, "id")?;
        match number(id).filter(|number| (*number as usize) < world.profiles.len()) {
            Some(number) => profiles.push(number),
            None if join => return Err(Refusal::not_found("profile", id)),
            None => {}
        }
    }
    let rows = items.len();
    let list = list.to_owned();
    world.commit(&if join {
        Event::Joined { list, profiles, at: now }
    } else {
        Event::Left { list, profiles, at: now }
    });
    Ok(Answer::empty(204).carrying(rows))
}
