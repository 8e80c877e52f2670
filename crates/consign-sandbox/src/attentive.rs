//! Attentive's side: segments under `/v2`, members in bulk jobs, results in files on another path.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::check;
use crate::event::{Event, Job, Rows};
use crate::fault::{Twist, What};
use crate::platform::Platform;
use crate::shape::{self, Problem};
use crate::world::{KEPT, List, World};

const MOST_MEMBERS: usize = 10_000;
const MOST_USERS: usize = 256;

/// The name of a call, for faults and the page.
pub(crate) fn name(call: &Call) -> &'static str {
    match (call.method.as_str(), call.parts().as_slice()) {
        ("GET", ["v1" | "v2", "me"]) => "me",
        ("GET", ["v2", "segments"]) => "find",
        ("POST", ["v2", "segments"]) => "create",
        ("GET", ["v2", "segments", "external", _]) => "get",
        ("PATCH", ["v2", "segments", "external", _]) => "rename",
        ("DELETE", ["v2", "segments", "external", _]) => "archive",
        ("POST", ["v2", "bulk", "segments", "members"]) => "add",
        ("DELETE", ["v2", "bulk", "segments", "members"]) => "remove",
        ("POST", ["v2", "bulk", "user", "attributes"]) => "attributes",
        ("GET", ["v2", "bulk", "job", _]) => "poll",
        ("GET", ["files", _]) => "result",
        _ => "unknown",
    }
}

/// Handles a call.
pub(crate) fn handle(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Answer {
    let name = name(call);
    if name == "result" {
        return result(world, call);
    }
    let done = match refuse(call, name) {
        Some(refusal) => Err(refusal),
        None => dispatch(world, call, name, twist, now),
    };
    let answer = done.unwrap_or_else(Refusal::answer);
    answer.with("x-ratelimit-limit", "100").with("x-ratelimit-remaining", "99")
}

fn dispatch(world: &mut World, call: &Call, name: &str, twist: Twist, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let id = call.path.get(3).cloned().unwrap_or_default();
    match name {
        "me" => Ok(Answer::json(
            200,
            json!({"applicationName": "Consign", "attentiveDomainName": "acme.attn.tv",
            "companyName": "Acme", "contactEmail": "dev@acme.example", "companyId": "NzAw"}),
        )),
        "find" => find(world, call),
        "create" => create(world, call, now),
        "get" => Ok(Answer::json(200, resource(segment(world, &id)?))),
        "rename" => rename(world, call, &id, now),
        "archive" => {
            segment(world, &id)?;
            world.commit(&Event::ListGone { platform: Platform::Attentive, id });
            Ok(Answer::empty(204))
        }
        "add" | "remove" => members(world, call, name == "add", twist, now),
        "attributes" => attributes(world, call, twist, now),
        "poll" => poll(world, call, &id, now),
        _ => Err(refusal(404, "Not found")),
    }
}

/// A refusal; Attentive documents no body, so a message it is.
#[derive(Debug)]
struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    fn answer(self) -> Answer {
        Answer::json(self.status, json!({"message": self.message})).because(self.message)
    }
}

fn refusal(status: u16, message: impl Into<String>) -> Refusal {
    Refusal { status, message: message.into() }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        refusal(400, format!("{}: {}", if problem.at.is_empty() { "/" } else { &problem.at }, problem.reason))
    }
}

/// What is wrong with the token or the headers.
fn refuse(call: &Call, name: &str) -> Option<Refusal> {
    let Some(token) = call.bearer() else { return Some(refusal(401, "Unauthorized")) };
    if token.starts_with("wrong") || token.starts_with("expired") {
        return Some(refusal(401, "Unauthorized"));
    }
    if token.starts_with("no-segments") && !matches!(name, "me" | "attributes") {
        return Some(refusal(403, "The application lacks the permission Segments: All"));
    }
    if token.starts_with("no-attributes") && name == "attributes" {
        return Some(refusal(403, "The application lacks the permission Custom Attributes: All"));
    }
    if token.starts_with("v1-only") && call.parts() == ["v2", "me"] {
        return Some(refusal(404, "Not found"));
    }
    if !call.body.is_empty() && call.media_type() != "application/json" {
        return Some(refusal(415, "The body must be application/json"));
    }
    (call.body.len() > 5_000_000).then(|| refusal(413, "Payload too large"))
}

fn segment<'a>(world: &'a World, id: &str) -> Result<&'a List, Refusal> {
    world.list(Platform::Attentive, id).ok_or_else(|| refusal(404, "Segment not found"))
}

fn resource(list: &List) -> Value {
    let mut shown = Map::new();
    shown.insert("externalId".to_owned(), json!(list.id));
    shown.insert("name".to_owned(), json!(list.name));
    if let Some(description) = list.details.get("description") {
        shown.insert("description".to_owned(), description.clone());
    }
    Value::Object(shown)
}

fn find(world: &World, call: &Call) -> Result<Answer, Refusal> {
    if let Some(name) = call.unknown_parameter(&["name", "externalId", "updatedSince", "cursor", "limit"]) {
        return Err(refusal(400, format!("unknown query parameter `{name}`")));
    }
    let limit = call.number("limit", 1..=1_000, 20).ok_or_else(|| refusal(400, "limit must be from 1 to 1000"))?;
    let since = match call.parameter("updatedSince") {
        None => None,
        Some(text) => Some(
            DateTime::parse_from_rfc3339(text)
                .map_err(|_| refusal(400, "updatedSince must be a time in RFC 3339"))?
                .to_utc(),
        ),
    };
    let offset = match call.parameter("cursor") {
        None => 0,
        Some(cursor) => hex::decode(cursor)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.strip_prefix("offset:")?.parse::<usize>().ok())
            .ok_or_else(|| refusal(400, "invalid cursor"))?,
    };
    let lists: Vec<&List> = world
        .lists_of(Platform::Attentive)
        .into_iter()
        .filter(|list| call.parameter("name").is_none_or(|part| list.name.contains(part)))
        .filter(|list| call.parameter("externalId").is_none_or(|id| list.id == id))
        .filter(|list| since.is_none_or(|since| list.updated >= since))
        .collect();
    let start = offset.min(lists.len());
    let end = (start + limit).min(lists.len());
    let segments: Vec<Value> = lists[start..end].iter().map(|list| resource(list)).collect();
    let cursor = hex::encode(format!("offset:{end}"));
    Ok(Answer::json(200, json!({"segments": segments, "cursor": cursor, "hasMore": end < lists.len()})))
}

fn create(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["name", "description", "externalId"])?;
    let name = checked_name(shape::text(root, "", "name")?)?;
    let details = checked_description(root)?;
    let id = match shape::optional(root, "", "externalId")? {
        Some(id) if (1..=255).contains(&id.chars().count()) => id.to_owned(),
        Some(_) => return Err(refusal(400, "externalId has 1 to 255 characters")),
        None => world.uuid(),
    };
    if world.list(Platform::Attentive, &id).is_some() {
        return Err(refusal(409, "A segment with this externalId exists"));
    }
    let (platform, account) = (Platform::Attentive, "acme.attn.tv".to_owned());
    world.commit(&Event::ListMade { platform, account, id: id.clone(), name, details, at: now });
    Ok(Answer::json(201, resource(segment(world, &id)?)))
}

fn checked_name(name: &str) -> Result<String, Refusal> {
    if (1..=240).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(refusal(400, "name has 1 to 240 characters"))
    }
}

fn checked_description(root: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut details = Map::new();
    if let Some(description) = shape::optional(root, "", "description")? {
        if !(2..=500).contains(&description.chars().count()) {
            return Err(refusal(400, "description has 2 to 500 characters"));
        }
        details.insert("description".to_owned(), json!(description));
    }
    Ok(details)
}

fn rename(world: &mut World, call: &Call, id: &str, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    segment(world, id)?;
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["name", "description"])?;
    let name = shape::optional(root, "", "name")?.map(checked_name).transpose()?;
    let details = checked_description(root)?;
    world.commit(&Event::ListChanged { platform: Platform::Attentive, id: id.to_owned(), name, details, at: now });
    Ok(Answer::json(200, resource(segment(world, id)?)))
}

/// Adds or removes members: a job each.
fn members(world: &mut World, call: &Call, add: bool, twist: Twist, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["externalId", "members"])?;
    let list = segment(world, shape::text(root, "", "externalId")?)?.id.clone();
    let items = shape::array(root, "", "members")?;
    if items.is_empty() || items.len() > MOST_MEMBERS {
        return Err(refusal(400, format!("members has 1 to {MOST_MEMBERS} items, not {}", items.len())));
    }
    let columns = ["phone", "email", "clientUserId"];
    let mut taken = Vec::with_capacity(items.len());
    let mut rejected = Vec::new();
    let struck = twist.rejected(items.len());
    for (n, item) in items.iter().enumerate() {
        let at = format!("/members/{n}");
        let member = shape::object(item, &at, &columns)?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| Ok(shape::optional(member, &at, column)?.unwrap_or_default().to_owned()))
            .collect::<Result<_, Problem>>()?;
        match values.as_slice() {
            [phone, _, _] if !phone.is_empty() && !check::has_phone_shape(phone) => {
                return Err(refusal(400, "a phone must be in E.164"));
            }
            [_, email, _] if !email.is_empty() && !check::is_email(email) => {
                return Err(refusal(400, "an email is malformed"));
            }
            values if values.iter().all(String::is_empty) => {
                return Err(refusal(400, "a member has no identifier"));
            }
            [phone, _, _] if !phone.is_empty() && !check::is_phone(phone) => {
                rejected.push(line(item, 400, "Invalid phone number"));
            }
            _ if struck.contains(&n) => rejected.push(line(item, 400, "Refused by a fault of the sandbox")),
            _ => taken.push(values),
        }
    }
    let rows = Rows { columns: columns.map(str::to_owned).to_vec(), values: taken };
    let (platform, at) = (Platform::Attentive, world.due(now));
    let effect =
        if add { Event::Added { platform, list, rows, at } } else { Event::Removed { platform, list, rows, at } };
    Ok(accept(world, items.len(), rejected, Some(effect), twist, now))
}

/// A line of a result file.
fn line(request: &Value, status: u16, message: &str) -> Value {
    json!({"request": request, "response": {"status": status, "message": message}})
}

fn accept(
    world: &mut World,
    total: usize,
    rejected: Vec<Value>,
    effect: Option<Event>,
    twist: Twist,
    now: DateTime<Utc>,
) -> Answer {
    let job = Job {
        id: world.uuid(),
        platform: Platform::Attentive,
        made: now,
        due: world.due(now),
        total,
        rejected,
        effect: effect.map(Box::new),
        fails: twist.fail_job,
        done: false,
        number: world.number(),
    };
    let id = job.id.clone();
    world.commit(&Event::JobMade { job });
    Answer::json(202, json!({"message": "Accepted", "batchJobId": id})).carrying(total)
}

fn poll(world: &World, call: &Call, id: &str, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let job = readable(world, id, now).ok_or_else(|| refusal(404, "Job not found"))?;
    let status = match (job.done, job.fails) {
        (true, true) => "FAILED",
        (true, false) => "COMPLETED",
        (false, _) if (now - job.made) * 4 < job.due - job.made => "PENDING",
        (false, _) => "IN_PROGRESS",
    };
    let mut shown = json!({"bulkJobId": id, "status": status, "totalRecords": job.total});
    if status == "COMPLETED" {
        let host = call.header("host").unwrap_or("localhost");
        shown["url"] = json!(format!("http://{host}/attentive/files/{id}.jsonl"));
    }
    Ok(Answer::json(200, shown))
}

fn readable<'a>(world: &'a World, id: &str, now: DateTime<Utc>) -> Option<&'a Job> {
    world.jobs.get(id).filter(|job| job.platform == Platform::Attentive && job.made + KEPT > now)
}

/// The result file: a line for each member. The real one is on another host, which takes no token.
fn result(world: &World, call: &Call) -> Answer {
    if call.header("authorization").is_some() {
        return Answer::text(400, "text/plain", "Only one authentication mechanism is allowed")
            .because("a token was sent to the host of the result files");
    }
    let job = call
        .path
        .get(1)
        .and_then(|file| file.strip_suffix(".jsonl"))
        .and_then(|id| readable(world, id, Utc::now()))
        .filter(|job| job.done);
    let Some(job) = job else { return Answer::text(404, "text/plain", "no such file").because("no such file") };
    let mut text = String::new();
    for line in &job.rejected {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    if let Some(Event::Added { rows, .. } | Event::Removed { rows, .. }) = job.effect.as_deref() {
        for values in &rows.values {
            let request: Map<String, Value> = rows
                .columns
                .iter()
                .zip(values)
                .filter(|(_, value)| !value.is_empty())
                .map(|(column, value)| (column.clone(), json!(value)))
                .collect();
            text.push_str(&line(&Value::Object(request), 200, "OK").to_string());
            text.push('\n');
        }
    }
    Answer::text(200, "application/jsonl", text)
}

/// Custom attributes of users: checked and accepted, not kept.
fn attributes(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["users"])?;
    let users = shape::array(root, "", "users")?;
    if users.is_empty() || users.len() > MOST_USERS {
        return Err(refusal(400, format!("users has 1 to {MOST_USERS} items")));
    }
    for (n, user) in users.iter().enumerate() {
        let at = format!("/users/{n}");
        let user = shape::object(user, &at, &["identifiers", "attributes"])?;
        let known = ["phone", "email", "clientUserId", "customIdentifiers"];
        let identifiers = shape::object(shape::field(user, &at, "identifiers")?, &format!("{at}/identifiers"), &known)?;
        let empty = |value: &Value| value.as_str().is_some_and(str::is_empty) || value.is_null();
        if identifiers.is_empty() || identifiers.values().any(empty) {
            return Err(refusal(400, "a user has an identifier, and none is empty"));
        }
        let Value::Object(attributes) = shape::field(user, &at, "attributes")? else {
            return Err(refusal(400, "attributes must be an object"));
        };
        let fits = |(name, value): (&String, &Value)| {
            name.chars().count() <= 200 && !value.is_object() && !value.is_array() && !value.is_null()
        };
        if attributes.len() > 100 || !attributes.iter().all(fits) {
            return Err(refusal(400, "at most 100 attributes, names up to 200 characters, scalars only"));
        }
    }
    Ok(accept(world, users.len(), Vec::new(), None, twist, now))
}

/// What Attentive says when a fault strikes.
pub(crate) fn signal(what: &What) -> Option<Answer> {
    let answer = match what {
        What::RateLimit(seconds) => refusal(429, "Too many requests")
            .answer()
            .with("x-ratelimit-limit", "100")
            .with("x-ratelimit-remaining", "0")
            .with("retry-after", seconds.to_string()),
        What::ExpiredToken => refusal(401, "Unauthorized").answer(),
        What::Unavailable | What::UnavailableAfterEffect => refusal(503, "Service Unavailable").answer(),
        What::Code(status, _) => {
            refusal(u16::try_from(*status).unwrap_or(500), format!("The fault code:{status}")).answer()
        }
        _ => return None,
    };
    Some(answer)
}
