//! Criteo's side: a token of fifteen minutes, contact-list segments, errors inside a 200.

mod segments;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::call::{Answer, Call};
use crate::fault::{Twist, What};
use crate::shape::Problem;
use crate::world::World;

/// Seconds that a token lives.
const TOKEN: i64 = 900;
/// The oldest and the newest version that is served.
const VERSIONS: [&str; 2] = ["2025-01", "2026-07"];

/// The name of a call, for faults and the page.
pub(crate) fn name(call: &Call) -> &'static str {
    match (call.method.as_str(), call.parts().as_slice()) {
        ("POST", ["oauth2", "token"]) => "token",
        ("GET", [_, "advertisers", "me"]) => "advertisers",
        ("POST", [_, "marketing-solutions", "audience-segments", "search"]) => "find",
        ("POST", [_, "marketing-solutions", "audience-segments", "create"]) => "create",
        ("POST", [_, "marketing-solutions", "audience-segments", "delete"]) => "delete",
        ("PATCH", [_, "marketing-solutions", "audience-segments", _, "contact-list"]) => "amend",
        ("DELETE", [_, "marketing-solutions", "audience-segments", _, "contact-list"]) => "clear",
        ("GET", [_, "marketing-solutions", "audience-segments", _, "contact-list", "statistics"]) => "statistics",
        _ => "unknown",
    }
}

/// Handles a call.
pub(crate) fn handle(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Answer {
    let name = name(call);
    if name == "token" {
        return token(world, call, now);
    }
    let answer = authenticate(world, call, now)
        .and_then(|application| check_call(call, &application, name).map(|()| application))
        .and_then(|application| dispatch(world, call, name, &application, twist, now))
        .unwrap_or_else(|refusal| refusal.answer(world));
    answer
        .with("x-ratelimit-limit", "250")
        .with("x-ratelimit-remaining", "249")
        .with("x-ratelimit-reset", (now.timestamp() + 60).to_string())
}

fn dispatch(
    world: &mut World,
    call: &Call,
    name: &str,
    application: &Application,
    twist: Twist,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let id = call.path.get(3).cloned().unwrap_or_default();
    match name {
        "advertisers" => {
            let data: Vec<Value> = application
                .advertisers()
                .iter()
                .map(|id| json!({"type": "advertiser", "id": id, "attributes": {"advertiserName": "Acme FR"}}))
                .collect();
            Ok(enveloped(json!(data), None))
        }
        "find" => segments::find(world, call, application),
        "create" => segments::create(world, call, application, now),
        "delete" => segments::delete(world, call, application),
        "amend" => segments::amend(world, call, application, &id, twist, now),
        "clear" => segments::clear(world, application, &id, now),
        "statistics" => segments::statistics(world, application, &id),
        _ => Err(Refusal::new(404, "validation", "route-not-found", "No such route.")),
    }
}

fn enveloped(data: Value, meta: Option<Value>) -> Answer {
    let mut body = Map::new();
    body.insert("data".to_owned(), data);
    if let Some(meta) = meta {
        body.insert("meta".to_owned(), meta);
    }
    body.insert("errors".to_owned(), json!([]));
    body.insert("warnings".to_owned(), json!([]));
    Answer::json(200, Value::Object(body))
}

/// A refusal in Criteo's envelope.
#[derive(Debug)]
struct Refusal {
    status: u16,
    kind: &'static str,
    code: &'static str,
    detail: String,
    at: String,
}

impl Refusal {
    fn new(status: u16, kind: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, code, detail: detail.into(), at: String::new() }
    }

    fn answer(self, world: &mut World) -> Answer {
        let title = self.code.replace('-', " ");
        let error = json!({"traceId": world.token(16), "type": self.kind, "code": self.code, "instance": self.at,
            "title": title, "detail": self.detail, "source": {}});
        let mut body = Map::new();
        if self.status == 200 {
            body.insert("data".to_owned(), json!([]));
        }
        body.insert("errors".to_owned(), json!([error]));
        body.insert("warnings".to_owned(), json!([]));
        Answer::json(self.status, Value::Object(body)).because(format!("{}: {}", self.code, self.detail))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let mut refusal = Self::new(400, "validation", "invalid-request", problem.reason);
        refusal.at = problem.at;
        refusal
    }
}

/// An application that has a token.
#[derive(Debug)]
struct Application {
    client: String,
}

impl Application {
    /// Whom it may act for: the digits at the end of its id (`acme-12345`), else 12345.
    fn advertisers(&self) -> Vec<String> {
        let digits = self.client.rsplit('-').next().unwrap_or_default();
        let own = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if self.client.starts_with("no-consent") {
            Vec::new()
        } else if own {
            vec![digits.to_owned()]
        } else {
            vec!["12345".to_owned()]
        }
    }

    fn may_act_for(&self, advertiser: &str) -> Result<(), Refusal> {
        if self.advertisers().iter().any(|own| own == advertiser) {
            return Ok(());
        }
        let detail = "The application has no access to this advertiser.";
        Err(Refusal::new(403, "authorization", "authorization-advertiser-forbidden", detail))
    }
}

/// `POST /oauth2/token`, with a form.
fn token(world: &mut World, call: &Call, now: DateTime<Utc>) -> Answer {
    let refuse = |status: u16, error: &str, description: &str| {
        Answer::json(status, json!({"error": error, "error_description": description})).because(description)
    };
    if call.media_type() != "application/x-www-form-urlencoded" {
        return refuse(400, "invalid_request", "the body must be a form");
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().collect();
    let value = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let known = ["grant_type", "client_id", "client_secret", "refresh_token"];
    if let Some((name, _)) = form.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return refuse(400, "invalid_request", &format!("unknown parameter `{name}`"));
    }
    let (client, secret) = (value("client_id"), value("client_secret"));
    if client.is_empty() || secret.is_empty() {
        return refuse(400, "invalid_request", "client_id and client_secret are required");
    }
    if client.starts_with("wrong") || secret.starts_with("wrong") {
        return refuse(401, "invalid_client", "client id or secret is wrong");
    }
    let refresh = match value("grant_type") {
        "client_credentials" => None,
        "refresh_token" => match value("refresh_token") {
            "" => return refuse(400, "invalid_request", "refresh_token is required"),
            wrong if wrong.starts_with("wrong") => return refuse(400, "invalid_grant", "the refresh token is wrong"),
            spent if spent.starts_with("once") && !world.spent.insert(spent.to_owned()) => {
                return refuse(400, "invalid_grant", "the refresh token was used before");
            }
            // It rotates: each use gives the next one.
            old => Some(format!("{}~{}", old.split('~').next().unwrap_or(old), now.timestamp_micros())),
        },
        _ => return refuse(400, "unsupported_grant_type", "grant_type is client_credentials or refresh_token"),
    };
    // Without a refresh token it is null; Criteo's SDK reads it in any case.
    let token = issue(world, client, now.timestamp() + TOKEN);
    Answer::json(
        200,
        json!({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN, "refresh_token": refresh}),
    )
}

/// A token says for whom and until when, with a seal, so that it need not be remembered.
fn issue(world: &World, client: &str, until: i64) -> String {
    format!("{}.{until}.{}", hex::encode(client), seal(world, client, until))
}

fn seal(world: &World, client: &str, until: i64) -> String {
    hex::encode(Sha256::digest(format!("{}|{client}|{until}", world.seed)))
}

fn authenticate(world: &World, call: &Call, now: DateTime<Utc>) -> Result<Application, Refusal> {
    let refuse = |code, detail: &str| Refusal::new(401, "authentication", code, detail);
    let Some(token) = call.bearer() else {
        return Err(refuse("authorization-token-missing", "The authorization header is missing."));
    };
    let parts: Vec<&str> = token.split('.').collect();
    let [client, until, sealed] = parts.as_slice() else {
        return Err(refuse("authorization-token-invalid", "The token is invalid."));
    };
    let client = hex::decode(client).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let until = until.parse::<i64>().unwrap_or_default();
    if seal(world, &client, until) != *sealed {
        return Err(refuse("authorization-token-invalid", "The token is invalid."));
    }
    if until <= now.timestamp() || client.starts_with("expired") {
        return Err(refuse("authorization-token-expired", "The token has expired."));
    }
    Ok(Application { client })
}

/// Version, media type, size, permission.
fn check_call(call: &Call, application: &Application, name: &str) -> Result<(), Refusal> {
    let version = call.path.first().map(String::as_str).unwrap_or_default();
    let formed = version.len() == 7 && chrono::NaiveDate::parse_from_str(&format!("{version}-01"), "%Y-%m-%d").is_ok();
    if !formed || version > VERSIONS[1] {
        return Err(Refusal::new(404, "validation", "version-not-found", "No such version."));
    }
    if version < VERSIONS[0] {
        return Err(Refusal::new(410, "deprecation", "version-retired", "This version is no longer served."));
    }
    if !call.body.is_empty() && call.media_type() != "application/json" {
        return Err(Refusal::new(415, "validation", "unsupported-media-type", "The body must be application/json."));
    }
    if call.body.len() > 10_000_000 {
        return Err(Refusal::new(413, "validation", "request-too-large", "The body is over 10 MB."));
    }
    let writes = matches!(name, "create" | "delete" | "amend" | "clear");
    if application.client.starts_with("no-permission") || (writes && application.client.starts_with("read-only")) {
        let detail = "The application lacks the permission MarketingSolutions_Audience_Manage.";
        return Err(Refusal::new(403, "authorization", "authorization-permission-missing", detail));
    }
    Ok(())
}

/// What Criteo says when a fault strikes.
pub(crate) fn signal(world: &mut World, what: &What, name: &str, now: DateTime<Utc>) -> Option<Answer> {
    let refusal = match what {
        What::RateLimit(seconds) => {
            let reset = now.timestamp() + i64::try_from(*seconds).unwrap_or(i64::MAX / 2);
            let refusal = Refusal::new(429, "quota", "quota-exceeded", "The quota of the application is used up.");
            let answer = refusal.answer(world).with("x-ratelimit-limit", "250").with("x-ratelimit-remaining", "0");
            return Some(answer.with("x-ratelimit-reset", reset.to_string()));
        }
        What::ExpiredToken if name == "token" => {
            let body = json!({"error": "invalid_client", "error_description": "the secret has expired"});
            return Some(Answer::json(401, body).because("fault: the secret has expired"));
        }
        What::ExpiredToken => {
            Refusal::new(401, "authentication", "authorization-token-expired", "The token has expired.")
        }
        What::Unavailable | What::UnavailableAfterEffect => {
            Refusal::new(503, "availability", "service-unavailable", "The service is unavailable.")
        }
        What::Code(status, _) => {
            let status = u16::try_from(*status).unwrap_or(500);
            let kind = match status {
                401 => "authentication",
                403 => "authorization",
                410 => "deprecation",
                429 => "quota",
                500.. => "availability",
                _ => "validation",
            };
            Refusal::new(status, kind, "fault", format!("The fault code:{status}."))
        }
        _ => return None,
    };
    Some(refusal.answer(world))
}
