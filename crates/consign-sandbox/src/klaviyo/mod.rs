//! Klaviyo's side: JSON:API under `/api`, one list an import job, profiles that outlive their lists.

mod import;
mod lists;
mod profiles;

use axum::http::Method;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::fault::{Twist, What};
use crate::shape::Problem;
use crate::world::World;

/// The newest revision that the sandbox speaks, and the oldest that is not retired.
const REVISIONS: [(i32, u32, u32); 2] = [(2024, 7, 15), (2026, 7, 15)];

/// Where the platform says it is: its links are absolute, whatever address the call came in at.
const HOST: &str = "https://a.klaviyo.com";

const MEDIA_TYPE: &str = "application/vnd.api+json";

/// The name of a call, for faults and the page.
pub(crate) fn name(call: &Call) -> &'static str {
    match (call.method.as_str(), call.parts().as_slice()) {
        ("GET", ["api", "accounts"]) => "accounts",
        ("GET", ["api", "lists"]) => "find",
        ("POST", ["api", "lists"]) => "create",
        ("GET", ["api", "lists", _]) => "get",
        ("DELETE", ["api", "lists", _]) => "delete",
        ("POST", ["api", "profile-bulk-import-jobs"]) => "import",
        ("GET", ["api", "profile-bulk-import-jobs", _]) => "poll",
        ("GET", ["api", "profile-bulk-import-jobs", _, "import-errors"]) => "import-errors",
        ("GET", ["api", "lists", _, "profiles"]) => "members",
        ("GET", ["api", "profiles"]) => "profiles",
        ("POST", ["api", "lists", _, "relationships", "profiles"]) => "add",
        ("DELETE", ["api", "lists", _, "relationships", "profiles"]) => "remove",
        ("POST", ["api", "profile-import"]) => "profile-import",
        _ => "unknown",
    }
}

/// Handles a call.
pub(crate) fn handle(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Answer {
    let name = name(call);
    let refused = authenticate(call).or_else(|| check_headers(call)).or_else(|| check_scopes(call, name));
    let answer = match refused {
        Some(refusal) => Err(refusal),
        None => dispatch(world, call, name, twist, now),
    };
    let answer = answer.unwrap_or_else(|refusal| refusal.answer(world));
    let limit = if matches!(name, "find" | "members" | "profiles" | "profile-import") { 750 } else { 150 };
    answer
        .with("RateLimit-Limit", limit.to_string())
        .with("RateLimit-Remaining", (limit - 1).to_string())
        .with("RateLimit-Reset", "60")
}

fn dispatch(world: &mut World, call: &Call, name: &str, twist: Twist, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let parts = call.parts();
    let id = parts.get(2).copied().unwrap_or_default();
    match name {
        "accounts" => Ok(accounts()),
        "find" => lists::find(world, call),
        "create" => lists::create(world, call, now),
        "get" => lists::get(world, call, id),
        "delete" => lists::delete(world, id),
        "import" => import::start(world, call, twist, now),
        "poll" => import::poll(world, call, id, now),
        "import-errors" => import::errors(world, call, id, now),
        "members" => profiles::members(world, call, id),
        "profiles" => profiles::find(world, call),
        "add" | "remove" => profiles::relate(world, call, id, name == "add", now),
        "profile-import" => import::single(world, call, now),
        _ => Err(unknown_path(call)),
    }
}

fn unknown_path(call: &Call) -> Refusal {
    let others = [Method::GET, Method::POST, Method::DELETE];
    let known = others.iter().any(|method| {
        let headers = axum::http::HeaderMap::new();
        let other = Call::new(method.clone(), &call.path.join("/"), "", headers, bytes::Bytes::new());
        self::name(&other) != "unknown"
    });
    if known {
        Refusal::new(405, "method_not_allowed", "Method not allowed.", format!("Method `{}` not allowed.", call.method))
    } else {
        Refusal::new(404, "not_found", "Not found.", "The requested endpoint does not exist.")
    }
}

fn accounts() -> Answer {
    jsonapi(
        200,
        json!({
            "data": [{"type": "account", "id": "Sndbx1", "attributes": {
                "test_account": true,
                "contact_information": {"organization_name": "Acme", "default_sender_email": "dev@acme.example"},
                "timezone": "UTC", "public_api_key": "Sndbx1"
            }, "links": {"self": format!("{HOST}/api/accounts/Sndbx1")}}],
            "links": {"self": format!("{HOST}/api/accounts"), "next": null, "prev": null}
        }),
    )
}

/// An answer in JSON:API's media type.
fn jsonapi(status: u16, body: Value) -> Answer {
    Answer::json(status, body).with("content-type", MEDIA_TYPE)
}

/// A refusal in Klaviyo's shape: one or more errors under one status.
#[derive(Debug)]
struct Refusal {
    status: u16,
    errors: Vec<Flaw>,
    rows: usize,
}

#[derive(Debug)]
struct Flaw {
    code: &'static str,
    title: &'static str,
    detail: String,
    source: Value,
}

impl Refusal {
    fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, errors: vec![Flaw { code, title, detail: detail.into(), source: json!({}) }], rows: 0 }
    }

    /// A 400 that points into the body.
    fn invalid(at: impl Into<String>, detail: impl Into<String>) -> Self {
        let at: String = at.into();
        let mut refusal = Self::new(400, "invalid", "Invalid input.", detail);
        refusal.errors[0].source = json!({"pointer": if at.is_empty() { "/data".to_owned() } else { at }});
        refusal
    }

    /// A 400 that names a query parameter.
    fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let mut refusal = Self::new(400, "invalid", "Invalid input.", detail);
        refusal.errors[0].source = json!({"parameter": name});
        refusal
    }

    fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "not_found", "Not found.", format!("A {what} with id {id} does not exist."))
    }

    fn answer(self, world: &mut World) -> Answer {
        let reason = self.errors.iter().map(|flaw| flaw.detail.as_str()).collect::<Vec<_>>().join(" ");
        let errors: Vec<Value> = self
            .errors
            .iter()
            .map(|flaw| {
                json!({"id": world.uuid(), "status": self.status, "code": flaw.code, "title": flaw.title,
                    "detail": flaw.detail, "source": flaw.source, "links": {}, "meta": {}})
            })
            .collect();
        jsonapi(self.status, json!({"errors": errors})).because(reason).carrying(self.rows)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::invalid(problem.at, problem.reason)
    }
}

/// The key of a call, or why there is none that counts.
fn authenticate(call: &Call) -> Option<Refusal> {
    let wrong = || {
        Some(Refusal::new(401, "authentication_failed", "Incorrect authentication credentials.", "Invalid API key."))
    };
    let Some(header) = call.header("authorization") else {
        let detail = "Missing or invalid authorization header.";
        return Some(Refusal::new(401, "not_authenticated", "Authentication credentials were not provided.", detail));
    };
    let key = match (header.strip_prefix("Klaviyo-API-Key "), call.bearer()) {
        (Some(key), _) => key.strip_prefix("pk_").unwrap_or_default(),
        (None, Some(token)) => token,
        (None, None) => return wrong(),
    };
    if key.is_empty() || key.starts_with("wrong") || key.starts_with("expired") { wrong() } else { None }
}

/// `pk_no_lists_write...` lacks the scope `lists:write`, and so for every scope.
fn check_scopes(call: &Call, name: &str) -> Option<Refusal> {
    let needed: &[&str] = match name {
        "accounts" => &["accounts_read"],
        "find" | "get" => &["lists_read"],
        "create" | "delete" => &["lists_write"],
        "profiles" => &["profiles_read"],
        "profile-import" => &["profiles_write"],
        "members" | "poll" | "import-errors" => &["lists_read", "profiles_read"],
        _ => &["lists_write", "profiles_write"],
    };
    let lacking = call.header("authorization")?.rsplit(' ').next()?.trim_start_matches("pk_").strip_prefix("no_")?;
    let scope = needed.iter().find(|scope| lacking.starts_with(**scope))?.replace('_', ":");
    let title = "You do not have permission to perform this action.";
    Some(Refusal::new(403, "permission_denied", title, format!("The API key lacks the scope {scope}.")))
}

fn check_headers(call: &Call) -> Option<Refusal> {
    let [oldest, newest] = REVISIONS.map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day));
    let revision = call.header("revision").and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    match revision {
        None => {
            let detail = "The `revision` header is missing or is not a date.";
            return Some(Refusal::new(400, "invalid", "Invalid revision.", detail));
        }
        Some(date) if Some(date) > newest => {
            let detail = format!("The revision {date} does not exist.");
            return Some(Refusal::new(400, "invalid", "Invalid revision.", detail));
        }
        Some(date) if Some(date) < oldest => {
            let detail = format!("The revision {date} is retired.");
            return Some(Refusal::new(410, "gone", "Gone.", detail));
        }
        Some(_) => {}
    }
    if call.raw_query.contains(['[', ']', '"']) {
        return Some(Refusal::parameter("query", "Query values must be percent-encoded."));
    }
    if !call.body.is_empty() && !matches!(call.media_type(), MEDIA_TYPE | "application/json") {
        let detail = format!("Unsupported media type `{}` in request.", call.media_type());
        return Some(Refusal::new(415, "unsupported_media_type", "Unsupported media type.", detail));
    }
    if call.body.len() > 5_000_000 {
        return Some(Refusal::new(413, "request_too_large", "Request too large.", "The body is over 5 MB."));
    }
    None
}

/// Checks the query against what a call takes, and reads its page: size and the position after
/// which it begins.
fn page(call: &Call, known: &[&str], most: usize, default: usize) -> Result<(usize, u64), Refusal> {
    if let Some(name) = call.unknown_parameter(known) {
        return Err(Refusal::parameter(name, format!("`{name}` is not a valid query parameter.")));
    }
    let size = call
        .number("page[size]", 1..=most, default)
        .ok_or_else(|| Refusal::parameter("page[size]", format!("Page size must be from 1 to {most}.")))?;
    let after = match call.parameter("page[cursor]") {
        None => 0,
        Some(cursor) => hex::decode(cursor)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.strip_prefix("after=")?.parse().ok())
            .ok_or_else(|| Refusal::parameter("page[cursor]", "Invalid cursor."))?,
    };
    Ok((size, after))
}

/// The links of a page: `next` begins after this position, where there is more.
fn links(call: &Call, next: Option<u64>) -> Value {
    let path = format!("{HOST}/{}", call.path.join("/"));
    let query = |cursor: Option<String>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(call.query.iter().filter(|(name, _)| name != "page[cursor]"));
        if let Some(cursor) = cursor {
            query.append_pair("page[cursor]", &cursor);
        }
        let query = query.finish();
        if query.is_empty() { path.clone() } else { format!("{path}?{query}") }
    };
    let next = next.map(|after| query(Some(hex::encode(format!("after={after}")))));
    json!({"self": query(None), "prev": null, "next": next})
}

/// What Klaviyo says when a fault strikes.
pub(crate) fn signal(world: &mut World, what: &What) -> Option<Answer> {
    let refusal = match what {
        What::RateLimit(seconds) => {
            let detail = format!("Request was throttled. Expected available in {seconds} second.");
            let refusal = Refusal::new(429, "throttled", "Request was throttled.", detail);
            return Some(refusal.answer(world).with("Retry-After", seconds.to_string()));
        }
        What::ExpiredToken => {
            let title = "Incorrect authentication credentials.";
            Refusal::new(401, "authentication_failed", title, "The access token has expired.")
        }
        What::Unavailable | What::UnavailableAfterEffect => {
            Refusal::new(503, "service_unavailable", "Service unavailable.", "Try again later.")
        }
        What::Html => {
            let page = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>";
            let answer = Answer::text(403, "text/html; charset=UTF-8", page).because("fault: a challenge");
            return Some(answer.with("cf-mitigated", "challenge"));
        }
        What::Code(status, _) => {
            let status = u16::try_from(*status).unwrap_or(500);
            let code = if status == 409 { "duplicate_profile" } else { "error" };
            Refusal::new(status, code, "An error.", format!("The fault code:{status}."))
        }
        _ => return None,
    };
    Some(refusal.answer(world))
}
