//! `TikTok`'s side: `/open_api/v1.3/.../`, the code in the body, the status always 200.

mod audiences;
mod files;
mod mapping;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::fault::{Twist, What};
use crate::shape::Problem;
use crate::world::World;

/// The name of a call, for faults and the page.
pub(crate) fn name(call: &Call) -> &'static str {
    let parts = call.parts();
    let ["open_api", _, path @ ..] = parts.as_slice() else { return "unknown" };
    match (call.method.as_str(), path) {
        ("GET", ["advertiser", "info"]) => "advertisers",
        ("GET", ["dmp", "custom_audience", "list"]) => "find",
        ("GET", ["dmp", "custom_audience", "get"]) => "get",
        ("POST", ["segment", "audience"]) => "create",
        ("POST", ["segment", "mapping"]) => "mapping",
        ("POST", ["dmp", "custom_audience", "file", "upload"]) => "upload",
        ("POST", ["dmp", "custom_audience", "create"]) => "file-create",
        ("POST", ["dmp", "custom_audience", "update"]) => "file-update",
        _ => "unknown",
    }
}

/// Handles a call. `parts` are the parts of a form, which the server has taken apart.
pub(crate) fn handle(world: &mut World, call: &Call, parts: &[Part], twist: Twist, now: DateTime<Utc>) -> Answer {
    let name = name(call);
    if name == "unknown" || !call.trailing_slash {
        let reason = if name == "unknown" { "no such path" } else { "the trailing slash is missing" };
        return Answer::text(404, "text/plain; charset=utf-8", "404 page not found").because(reason);
    }
    let done = check_call(call, name).and_then(|()| match name {
        "advertisers" => audiences::advertisers(world, call),
        "find" => audiences::find(world, call, now),
        "get" => audiences::get(world, call, now),
        "create" => audiences::create(world, call, now),
        "mapping" => mapping::map(world, call, twist, now),
        "upload" => files::upload(world, call, parts),
        "file-create" => files::create(world, call, now),
        _ => files::update(world, call, now),
    });
    done.unwrap_or_else(|refusal| refusal.answer(world))
}

/// A part of a multipart form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content: bytes::Bytes,
}

fn enveloped(world: &mut World, code: u32, message: &str, data: &Value) -> Answer {
    let request = format!("{}{}", Utc::now().format("%Y%m%d%H%M%S"), world.token(18).to_uppercase());
    Answer::json(200, json!({"code": code, "message": message, "request_id": request, "data": data}))
}

/// A code that is not 0.
#[derive(Debug)]
struct Refusal {
    code: u32,
    message: String,
}

impl Refusal {
    fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// 40002, the code of most mistakes.
    fn parameter(message: impl Into<String>) -> Self {
        Self::new(40002, message)
    }

    fn answer(self, world: &mut World) -> Answer {
        let reason = format!("{}: {}", self.code, self.message);
        enveloped(world, self.code, &self.message, &json!({})).because(reason)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::parameter(format!("{}: {}", problem.at.trim_start_matches('/').replace('/', "."), problem.reason))
    }
}

fn check_call(call: &Call, name: &str) -> Result<(), Refusal> {
    if call.path.get(1).map(String::as_str) != Some("v1.3") {
        return Err(Refusal::parameter("This version of the API is not supported."));
    }
    if call.raw_query.contains(['[', ']', '"']) {
        return Err(Refusal::parameter("Query values must be percent-encoded."));
    }
    let token = call.header("access-token").unwrap_or_default();
    let writes = !matches!(name, "advertisers" | "find" | "get");
    if token.is_empty() {
        return Err(Refusal::new(40104, "Access token is missing."));
    }
    if token.starts_with("expired") {
        return Err(Refusal::new(40102, "Access token has expired."));
    }
    if token.starts_with("wrong") {
        return Err(Refusal::new(40105, "Access token is incorrect or has been revoked."));
    }
    if token.starts_with("no-application") {
        return Err(Refusal::new(40106, "The application does not exist."));
    }
    if token.starts_with("blocked") {
        return Err(Refusal::new(41000, "The advertiser is not on the allow-list of this API."));
    }
    if (token.starts_with("analyst") && writes) || (token.starts_with("no-advertiser-info") && name == "advertisers") {
        return Err(Refusal::new(40001, "No permission to operate the advertiser."));
    }
    if token.starts_with("no-audiences") && name != "advertisers" {
        return Err(Refusal::new(40001, "The application lacks the scope of audience management."));
    }
    let wanted = if name == "upload" { "multipart/form-data" } else { "application/json" };
    if writes && call.media_type() != wanted {
        return Err(Refusal::parameter(format!("The content type must be {wanted}.")));
    }
    if !matches!(name, "upload") && call.body.len() > 1_000_000 {
        return Err(Refusal::new(40061, "The request is over 1 MB."));
    }
    Ok(())
}

/// An advertiser: digits in a string; those that begin with 9999 are nobody's.
fn check_advertiser(id: &str) -> Result<(), Refusal> {
    if !(10..=20).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::parameter("advertiser_id must be a string of digits."));
    }
    if id.starts_with("9999") {
        return Err(Refusal::new(40300, "The advertiser does not exist."));
    }
    Ok(())
}

/// What `TikTok` says when a fault strikes.
pub(crate) fn signal(world: &mut World, what: &What) -> Option<Answer> {
    let refusal = match what {
        What::RateLimit(seconds) => {
            let window = if *seconds < 60 { "second" } else { "minute" };
            Refusal::new(40100, format!("Too many requests per {window}. Please retry in some time."))
        }
        What::ExpiredToken => Refusal::new(40102, "Access token has expired."),
        What::Unavailable | What::UnavailableAfterEffect => Refusal::new(50000, "System error."),
        What::Code(code, _) => Refusal::new(*code, format!("The fault code:{code}.")),
        _ => return None,
    };
    Some(refusal.answer(world))
}
