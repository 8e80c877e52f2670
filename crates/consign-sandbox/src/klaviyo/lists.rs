//! Lists: find, make, look at, delete.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{HOST, Refusal, jsonapi, links, page};
use crate::call::{Answer, Call};
use crate::event::Event;
use crate::platform::Platform;
use crate::shape;
use crate::world::{List, World};

/// Lists and segments that one account may have.
const MOST: usize = 1_000;

pub(super) fn find(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let known = ["filter", "page[size]", "page[cursor]", "fields[list]"];
    let (size, after) = page(call, &known, 10, 10)?;
    let wanted = match call.parameter("filter") {
        None => None,
        Some(filter) => Some(Filter::parse(filter, &["id", "name"])?),
    };
    let lists: Vec<&List> = world
        .lists_of(Platform::Klaviyo)
        .into_iter()
        .filter(|list| {
            wanted
                .as_ref()
                .is_none_or(|filter| filter.values.contains(if filter.field == "id" { &list.id } else { &list.name }))
        })
        .collect();
    let start = usize::try_from(after).unwrap_or(usize::MAX).min(lists.len());
    let end = (start + size).min(lists.len());
    let next = (end < lists.len()).then_some(end as u64);
    let data: Vec<Value> = lists[start..end].iter().map(|list| resource(list)).collect();
    Ok(jsonapi(200, json!({"data": data, "links": links(call, next)})))
}

pub(super) fn create(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let data = shape::object(shape::field(root, "", "data")?, "/data", &["type", "attributes"])?;
    expect_type(data, "/data", "list")?;
    let at = "/data/attributes";
    let attributes = shape::object(shape::field(data, "/data", "attributes")?, at, &["name", "opt_in_process"])?;
    let name = shape::text(attributes, at, "name")?;
    if name.trim().is_empty() {
        return Err(Refusal::invalid("/data/attributes/name", "The name of a list must not be empty."));
    }
    let process = shape::optional(attributes, at, "opt_in_process")?.unwrap_or("double_opt_in");
    if !matches!(process, "double_opt_in" | "single_opt_in") {
        return Err(Refusal::invalid("/data/attributes/opt_in_process", "Not a valid choice."));
    }
    if world.lists_of(Platform::Klaviyo).len() >= MOST {
        return Err(Refusal::invalid("/data", format!("An account has at most {MOST} lists and segments.")));
    }
    let mut details = Map::new();
    details.insert("opt_in_process".to_owned(), json!(process));
    let id = world.token(6);
    world.commit(&Event::ListMade {
        platform: Platform::Klaviyo,
        account: "Sndbx1".to_owned(),
        id: id.clone(),
        name: name.to_owned(),
        details,
        at: now,
    });
    let list = world.list(Platform::Klaviyo, &id).ok_or_else(|| Refusal::not_found("list", &id))?;
    Ok(jsonapi(201, json!({"data": resource(list)})))
}

pub(super) fn get(world: &World, call: &Call, id: &str) -> Result<Answer, Refusal> {
    page(call, &["fields[list]"], 10, 10)?;
    let list = world.list(Platform::Klaviyo, id).ok_or_else(|| Refusal::not_found("list", id))?;
    Ok(jsonapi(200, json!({"data": resource(list)})))
}

pub(super) fn delete(world: &mut World, id: &str) -> Result<Answer, Refusal> {
    world.list(Platform::Klaviyo, id).ok_or_else(|| Refusal::not_found("list", id))?;
    world.commit(&Event::ListGone { platform: Platform::Klaviyo, id: id.to_owned() });
    Ok(Answer::empty(204))
}

fn resource(list: &List) -> Value {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, false);
    json!({"type": "list", "id": list.id,
        "attributes": {"name": list.name, "created": time(list.created), "updated": time(list.updated),
            "opt_in_process": list.details.get("opt_in_process")},
        "links": {"self": format!("{HOST}/api/lists/{}", list.id)}})
}

/// The `type` of a resource.
pub(super) fn expect_type(map: &Map<String, Value>, at: &str, wanted: &str) -> Result<(), Refusal> {
    if shape::text(map, at, "type")? == wanted {
        return Ok(());
    }
    Err(Refusal::invalid(format!("{at}/type"), format!("The type must be `{wanted}`.")))
}

/// `equals(name,"...")` or `any(email,["...", "..."])`.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) field: String,
    pub(super) values: Vec<String>,
}

impl Filter {
    pub(super) fn parse(text: &str, fields: &[&str]) -> Result<Self, Refusal> {
        let wrong = |detail: &str| Refusal::parameter("filter", format!("Invalid filter: {detail}."));
        let inner = text.strip_suffix(')').ok_or_else(|| wrong("a closing parenthesis is missing"))?;
        let (operator, inner) = inner.split_once('(').ok_or_else(|| wrong("no operator"))?;
        let (field, value) = inner.split_once(',').ok_or_else(|| wrong("no value"))?;
        let field = field.trim();
        if !fields.contains(&field) {
            return Err(wrong(&format!("`{field}` cannot be filtered by")));
        }
        let value: Value = serde_json::from_str(value).map_err(|_| wrong("the value is not quoted as it must be"))?;
        let values = match (operator, value) {
            ("equals", Value::String(value)) => vec![value],
            ("any", Value::Array(values)) if (1..=100).contains(&values.len()) => values
                .into_iter()
                .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong("values are strings")))
                .collect::<Result<_, _>>()?,
            ("any", Value::Array(_)) => return Err(wrong("`any` takes 1 to 100 values")),
            _ => return Err(wrong("`equals` takes a string, `any` an array")),
        };
        Ok(Self { field: field.to_owned(), values })
    }
}
