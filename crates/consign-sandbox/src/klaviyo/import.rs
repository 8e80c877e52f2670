//! The bulk import with its job and its errors, and the import of a single profile.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::lists::expect_type;
use super::profiles::resource;
use super::{Flaw, HOST, Refusal, jsonapi, links, page};
use crate::call::{Answer, Call};
use crate::check;
use crate::event::{Event, Job};
use crate::fault::Twist;
use crate::platform::Platform;
use crate::profiles::{IDENTIFIERS, Upsert};
use crate::shape::{self, Problem};
use crate::world::World;

const MOST_PROFILES: usize = 10_000;
const MOST_BYTES: usize = 100_000;
/// How many flaws one refusal names.
const MOST_FLAWS: usize = 100;
/// How long a job can be read.
const KEPT: TimeDelta = TimeDelta::days(7);

const TEXTS: [&str; 9] =
    ["email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title", "image"];
const PLACES: [&str; 8] = ["address1", "address2", "city", "country", "region", "zip", "timezone", "ip"];

pub(super) fn start(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let data = shape::object(shape::field(root, "", "data")?, "/data", &["type", "attributes", "relationships"])?;
    expect_type(data, "/data", "profile-bulk-import-job")?;
    let attributes = shape::object(shape::field(data, "/data", "attributes")?, "/data/attributes", &["profiles"])?;
    let at = "/data/attributes/profiles";
    let profiles = shape::object(shape::field(attributes, "/data/attributes", "profiles")?, at, &["data"])?;
    let rows = shape::array(profiles, at, "data")?;
    if rows.is_empty() || rows.len() > MOST_PROFILES {
        let detail = format!("A job takes 1 to {MOST_PROFILES} profiles, not {}.", rows.len());
        return Err(Refusal::invalid(format!("{at}/data"), detail));
    }
    let list = match data.get("relationships") {
        None => None,
        Some(relationships) => Some(only_list(world, relationships)?),
    };
    let mut changes = Vec::with_capacity(rows.len());
    let mut flaws = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        match profile(row, &format!("{at}/data/{n}")) {
            Ok((attributes, unset)) => {
                changes.push((n, Upsert { attributes: attributes.clone(), clear: false, unset }));
            }
            Err(problem) => flaws.push(problem),
        }
        if flaws.len() == MOST_FLAWS {
            break;
        }
    }
    if !flaws.is_empty() {
        let errors = flaws
            .into_iter()
            .map(|Problem { at, reason }| Flaw {
                code: "invalid",
                title: "Invalid input.",
                detail: reason,
                source: json!({"pointer": at}),
            })
            .collect();
        return Err(Refusal { status: 400, errors, rows: rows.len() });
    }
    let refused = twist.rejected(rows.len());
    let mut rejected = Vec::new();
    changes.retain(|(n, change)| {
        let flaw = flaw(change, refused.contains(n));
        let taken = flaw.is_none();
        if let Some((detail, field)) = flaw {
            rejected.push(json!({"code": "invalid", "title": "Invalid input.", "detail": detail,
                "source": {"pointer": format!("/data/attributes/{field}")}, "original_payload": change.attributes}));
        }
        taken
    });
    let effect =
        Event::Profiles { changes: changes.into_iter().map(|(_, change)| change).collect(), list, at: world.due(now) };
    let job = Job {
        id: world.token(16),
        platform: Platform::Klaviyo,
        made: now,
        due: world.due(now),
        total: rows.len(),
        rejected,
        effect: Some(Box::new(effect)),
        fails: twist.fail_job,
        done: false,
        number: world.number(),
    };
    world.commit(&Event::JobMade { job: job.clone() });
    Ok(jsonapi(202, json!({"data": job_resource(&job, "queued", now)})).carrying(rows.len()))
}

/// Why the job refuses a profile that had the right shape.
fn flaw(change: &Upsert, struck: bool) -> Option<(&'static str, &'static str)> {
    match change.attributes.get("phone_number").and_then(Value::as_str) {
        Some(phone) if !check::is_phone(phone) => Some(("Invalid phone number format.", "phone_number")),
        _ if struck => Some(("The profile was refused by a fault of the sandbox.", "email")),
        _ => None,
    }
}

/// The one list of a job.
fn only_list(world: &World, relationships: &Value) -> Result<String, Refusal> {
    let at = "/data/relationships";
    let relationships = shape::object(relationships, at, &["lists"])?;
    let at = "/data/relationships/lists";
    let lists = shape::object(shape::field(relationships, at, "lists")?, at, &["data"])?;
    let [list] = shape::array(lists, at, "data")? else {
        return Err(Refusal::invalid(format!("{at}/data"), "A job has exactly one list."));
    };
    let at = format!("{at}/data/0");
    let list = shape::object(list, &at, &["type", "id"])?;
    expect_type(list, &at, "list")?;
    let id = shape::text(list, &at, "id")?;
    world.list(Platform::Klaviyo, id).ok_or_else(|| Refusal::not_found("list", id))?;
    Ok(id.to_owned())
}

/// Checks one profile; gives its attributes and the properties to forget.
fn profile<'a>(row: &'a Value, at: &str) -> Result<(&'a Map<String, Value>, Vec<String>), Problem> {
    let row = shape::object(row, at, &["type", "attributes", "meta"])?;
    if shape::text(row, at, "type")? != "profile" {
        return Err(Problem::new(format!("{at}/type"), "The type must be `profile`."));
    }
    let unset = unset(row, at)?;
    let here = format!("{at}/attributes");
    let mut known = TEXTS.to_vec();
    known.extend(["location", "properties"]);
    let attributes = shape::object(shape::field(row, at, "attributes")?, &here, &known)?;
    if Value::Object(attributes.clone()).to_string().len() > MOST_BYTES {
        return Err(Problem::new(at, "The profile is over 100 KB."));
    }
    for name in TEXTS {
        if let Some(value) = attributes.get(name)
            && !(value.is_string() || value.is_null())
        {
            return Err(Problem::new(format!("{here}/{name}"), format!("`{name}` must be a string.")));
        }
    }
    location(attributes, &here)?;
    if attributes.get("properties").is_some_and(|properties| !properties.is_object()) {
        return Err(Problem::new(format!("{here}/properties"), "`properties` must be an object."));
    }
    let identifier = |name: &str| attributes.get(name).and_then(Value::as_str);
    if IDENTIFIERS.iter().all(|name| identifier(name).is_none()) {
        let reason = "One of `email`, `phone_number`, `external_id` is required.";
        return Err(Problem::new(here, reason));
    }
    if identifier("email").is_some_and(|email| !check::is_email(email)) {
        return Err(Problem::new(format!("{here}/email"), "Invalid email address."));
    }
    if identifier("phone_number").is_some_and(|phone| !check::has_phone_shape(phone)) {
        return Err(Problem::new(format!("{here}/phone_number"), "Invalid phone number format (E.164 is required)."));
    }
    if identifier("external_id").is_some_and(|id| id.is_empty() || id.chars().count() > 255) {
        return Err(Problem::new(format!("{here}/external_id"), "`external_id` has 1 to 255 characters."));
    }
    Ok((attributes, unset))
}

fn location(attributes: &Map<String, Value>, at: &str) -> Result<(), Problem> {
    let Some(location) = attributes.get("location") else { return Ok(()) };
    let at = format!("{at}/location");
    let mut known = PLACES.to_vec();
    known.extend(["latitude", "longitude"]);
    for (name, value) in shape::object(location, &at, &known)? {
        let numeric = matches!(name.as_str(), "latitude" | "longitude");
        if !(value.is_string() || value.is_null() || (numeric && value.is_number())) {
            return Err(Problem::new(format!("{at}/{name}"), format!("`{name}` must be a string.")));
        }
    }
    Ok(())
}

/// `meta.patch_properties.unset`: one key or several.
fn unset(row: &Map<String, Value>, at: &str) -> Result<Vec<String>, Problem> {
    let Some(meta) = row.get("meta") else { return Ok(Vec::new()) };
    let at = format!("{at}/meta");
    let meta = shape::object(meta, &at, &["patch_properties"])?;
    let at = format!("{at}/patch_properties");
    let patch = shape::object(shape::field(meta, &at, "patch_properties")?, &at, &["unset"])?;
    match patch.get("unset") {
        None => Ok(Vec::new()),
        Some(Value::String(key)) => Ok(vec![key.clone()]),
        Some(_) => Ok(shape::texts(patch, &at, "unset")?.into_iter().map(str::to_owned).collect()),
    }
}

pub(super) fn poll(world: &World, call: &Call, id: &str, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    page(call, &["fields[profile-bulk-import-job]"], 10, 10)?;
    let job = readable(world, id, now)?;
    let status = match (job.done, job.fails) {
        (true, true) => "cancelled",
        (true, false) => "complete",
        (false, _) if (now - job.made) * 4 < job.due - job.made => "queued",
        (false, _) => "processing",
    };
    Ok(jsonapi(200, json!({"data": job_resource(job, status, now)})))
}

pub(super) fn errors(world: &World, call: &Call, id: &str, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let (size, after) = page(call, &["page[size]", "page[cursor]", "fields[import-error]"], 100, 20)?;
    let job = readable(world, id, now)?;
    let errors: &[Value] = if job.done { &job.rejected } else { &[] };
    let start = usize::try_from(after).unwrap_or(usize::MAX).min(errors.len());
    let end = (start + size).min(errors.len());
    let data: Vec<Value> = errors[start..end]
        .iter()
        .zip(start..)
        .map(|(error, n)| json!({"type": "import-error", "id": format!("{id}-{n}"), "attributes": error}))
        .collect();
    let next = (end < errors.len()).then_some(end as u64);
    Ok(jsonapi(200, json!({"data": data, "links": links(call, next)})))
}

fn readable<'a>(world: &'a World, id: &str, now: DateTime<Utc>) -> Result<&'a Job, Refusal> {
    world
        .jobs
        .get(id)
        .filter(|job| job.platform == Platform::Klaviyo && job.made + KEPT > now)
        .ok_or_else(|| Refusal::not_found("profile-bulk-import-job", id))
}

fn job_resource(job: &Job, status: &str, now: DateTime<Utc>) -> Value {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, false);
    let complete = status == "complete";
    json!({"type": "profile-bulk-import-job", "id": job.id,
        "attributes": {
            "status": status,
            "created_at": time(job.made),
            "total_count": job.total,
            "completed_count": if complete { job.total - job.rejected.len() } else { 0 },
            "failed_count": if complete { job.rejected.len() } else { 0 },
            "started_at": (status != "queued").then(|| time(job.made)),
            "completed_at": complete.then(|| time(job.due.min(now))),
            "expires_at": time(job.made + KEPT)},
        "links": {"self": format!("{HOST}/api/profile-bulk-import-jobs/{}", job.id)}})
}

/// Creates or updates one profile at once; NULL clears.
pub(super) fn single(world: &mut World, call: &Call, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    if call.body.len() > MOST_BYTES {
        return Err(Refusal::new(413, "request_too_large", "Request too large.", "The profile is over 100 KB."));
    }
    let body = shape::parse(&call.body)?;
    let root = shape::object(&body, "", &["data"])?;
    let (attributes, unset) = profile(shape::field(root, "", "data")?, "/data")?;
    if let Some(phone) = attributes.get("phone_number").and_then(Value::as_str)
        && !check::is_phone(phone)
    {
        return Err(Refusal::invalid("/data/attributes/phone_number", "Invalid phone number format."));
    }
    let status = if world.profiles.matching(attributes).is_some() { 200 } else { 201 };
    let change = Upsert { attributes: attributes.clone(), clear: true, unset };
    world.commit(&Event::Profiles { changes: vec![change], list: None, at: now });
    let number = world.profiles.matching(attributes).unwrap_or_default();
    Ok(jsonapi(status, json!({"data": resource(world, number, None)})).carrying(1))
}
