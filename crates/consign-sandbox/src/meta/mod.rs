//! Meta's side of the Graph API: custom audiences, their users, and the sessions that replace them.

mod audiences;
mod payload;
mod users;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::call::{Answer, Call};
use crate::fault::{Twist, What};
use crate::shape::Problem;
use crate::world::World;

/// The oldest and the newest version that is served.
const VERSIONS: [u32; 2] = [22, 26];

/// The name of a call, for faults and the page.
pub(crate) fn name(call: &Call) -> &'static str {
    let parts = call.parts();
    let [_, path @ ..] = parts.as_slice() else { return "unknown" };
    match (call.method.as_str(), path) {
        ("GET", [account]) if account.starts_with("act_") => "account",
        ("GET", [account, "customaudiences"]) if account.starts_with("act_") => "find",
        ("POST", [account, "customaudiences"]) if account.starts_with("act_") => "create",
        ("DELETE", [account, "usersofanyaudience"]) if account.starts_with("act_") => "remove-everywhere",
        ("GET", [_]) => "get",
        ("DELETE", [_]) => "delete",
        ("POST", [_, "users"]) => "add",
        ("DELETE", [_, "users"]) => "remove",
        ("POST", [_, "usersreplace"]) => "replace",
        ("GET", [_, "sessions"]) => "sessions",
        _ => "unknown",
    }
}

/// Handles a call.
pub(crate) fn handle(world: &mut World, call: &Call, twist: Twist, now: DateTime<Utc>) -> Answer {
    let name = name(call);
    let version = call.path.first().cloned().unwrap_or_default();
    let done = parameters(call)
        .and_then(|parameters| check_call(call, &version, &parameters, name).map(|()| parameters))
        .and_then(|parameters| dispatch(world, call, name, &parameters, twist, now));
    let account = call.path.get(1).and_then(|node| node.strip_prefix("act_")).unwrap_or("123456789");
    done.unwrap_or_else(|refusal| refusal.answer(world))
        .with("facebook-api-version", version)
        .with("x-business-use-case-usage", usage(account, 1, 0))
        .with(
            "x-ad-account-usage",
            json!({"acc_id_util_pct": 1.0, "reset_time_duration": 100,
            "ads_api_access_tier": "standard_access"})
            .to_string(),
        )
}

fn usage(account: &str, percent: u32, minutes: u64) -> String {
    json!({account: [{"type": "custom_audience", "call_count": percent, "total_cputime": 1, "total_time": 1,
        "estimated_time_to_regain_access": minutes, "ads_api_access_tier": "standard_access"}]})
    .to_string()
}

fn dispatch(
    world: &mut World,
    call: &Call,
    name: &str,
    parameters: &Map<String, Value>,
    twist: Twist,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let node = call.path.get(1).map(String::as_str).unwrap_or_default();
    match name {
        "account" => audiences::account(node, parameters),
        "find" => audiences::find(world, call, node, parameters, now),
        "create" => audiences::create(world, node, parameters, now),
        "get" => audiences::get(world, node, parameters, now),
        "delete" => audiences::delete(world, node),
        "sessions" => audiences::sessions(world, node, parameters),
        "add" | "remove" => users::change(world, node, name, parameters, twist, now),
        "replace" => users::replace(world, node, parameters, twist, now),
        "remove-everywhere" => users::remove_everywhere(world, node, parameters, now),
        _ => Err(Refusal::new(2500, None, "Unknown path components.")),
    }
}

/// A refusal by code and subcode.
#[derive(Debug)]
struct Refusal {
    code: u32,
    subcode: Option<u32>,
    message: String,
}

impl Refusal {
    fn new(code: u32, subcode: Option<u32>, message: impl Into<String>) -> Self {
        Self { code, subcode, message: message.into() }
    }

    /// 100, the code of most mistakes.
    fn parameter(message: impl Into<String>) -> Self {
        Self::new(100, None, format!("(#100) {}", message.into()))
    }

    /// 100/33: not there, or not for you.
    fn not_found(node: &str) -> Self {
        let message = format!(
            "Unsupported request. Object with ID '{node}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation"
        );
        Self::new(100, Some(33), message)
    }

    fn answer(self, world: &mut World) -> Answer {
        let transient = matches!(self.code, 1 | 2);
        let status = match self.code {
            1 | 2 => 500,
            10 | 200..=299 => 403,
            _ => 400,
        };
        let kind = match self.code {
            190 | 102 | 10 | 200..=299 | 1 | 2 => "OAuthException",
            _ => "GraphMethodException",
        };
        let reason = match self.subcode {
            Some(subcode) => format!("{}/{subcode}: {}", self.code, self.message),
            None => format!("{}: {}", self.code, self.message),
        };
        let mut error = json!({"message": self.message, "type": kind, "code": self.code,
            "is_transient": transient, "fbtrace_id": world.token(11)});
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
            error["error_user_title"] = json!("Refused");
            error["error_user_msg"] = json!(self.message);
        }
        Answer::json(status, json!({"error": error})).because(reason)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::parameter(format!("Invalid parameter {}: {}", problem.at.trim_start_matches('/'), problem.reason))
    }
}

/// All parameters of a call: of the query and of the body, which is JSON or a form with JSON in it.
fn parameters(call: &Call) -> Result<Map<String, Value>, Refusal> {
    let mut all: Map<String, Value> = call.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    if !call.body.is_empty() {
        match call.media_type() {
            "application/json" => match crate::shape::parse(&call.body)? {
                Value::Object(body) => all.extend(body),
                _ => return Err(Refusal::parameter("The body must be an object")),
            },
            "application/x-www-form-urlencoded" => {
                all.extend(form_urlencoded::parse(&call.body).map(|(name, value)| (name.into_owned(), json!(value))));
            }
            other => return Err(Refusal::parameter(format!("Unsupported content type `{other}`"))),
        }
    }
    for name in ["session", "payload"] {
        if let Some(Value::String(text)) = all.get(name) {
            let inner: Value = serde_json::from_str(text)
                .map_err(|_| Refusal::parameter(format!("Invalid parameter {name}: not JSON")))?;
            all.insert(name.to_owned(), inner);
        }
    }
    Ok(all)
}

fn check_call(call: &Call, version: &str, parameters: &Map<String, Value>, name: &str) -> Result<(), Refusal> {
    let major = version.strip_prefix('v').and_then(|number| number.strip_suffix(".0")?.parse::<u32>().ok());
    match major {
        Some(major) if major < VERSIONS[0] => {
            return Err(Refusal::new(2635, None, "(#2635) You are calling a deprecated version of the Ads API."));
        }
        Some(major) if major <= VERSIONS[1] => {}
        _ => return Err(Refusal::new(2500, None, "Unknown path components.")),
    }
    let given = parameters.get("access_token").and_then(Value::as_str);
    let Some(token) = call.bearer().or(given) else {
        let message = "An active access token must be used to query information about the current user.";
        return Err(Refusal::new(2500, None, message));
    };
    if token.starts_with("expired") {
        let message = "Error validating access token: Session has expired.";
        return Err(Refusal::new(190, Some(463), message));
    }
    if token.starts_with("wrong") {
        return Err(Refusal::new(190, None, "Invalid OAuth access token."));
    }
    let writes = !matches!(name, "account" | "find" | "get" | "sessions");
    if token.starts_with("no-permission") {
        return Err(Refusal::new(10, None, "(#10) Application does not have permission for this action"));
    }
    if token.starts_with("no-management") && writes {
        return Err(Refusal::new(200, None, "(#200) Requires ads_management permission"));
    }
    if token.starts_with("no-terms") && writes {
        return Err(Refusal::new(200, Some(1_870_090), "The custom audience terms have not been accepted."));
    }
    if token.starts_with("no-business") && writes {
        return Err(Refusal::new(200, Some(1_870_050), "The ad account does not belong to a business."));
    }
    if token.starts_with("blocked") && writes {
        return Err(Refusal::new(368, None, "The action attempted has been deemed abusive or is otherwise disallowed"));
    }
    check_proof(token, parameters.get("appsecret_proof").and_then(Value::as_str))
}

/// A token `proof.SECRET....` demands a proof made with that secret; any proof must look like one.
fn check_proof(token: &str, proof: Option<&str>) -> Result<(), Refusal> {
    let secret = token.strip_prefix("proof.").and_then(|rest| rest.split('.').next());
    let right = match (secret, proof) {
        (None, None) => true,
        (None, Some(proof)) => crate::check::is_hex(proof, 64),
        (Some(_), None) => {
            return Err(Refusal::parameter("API calls from the server require an appsecret_proof argument"));
        }
        (Some(secret), Some(proof)) => hmac(secret.as_bytes(), token.as_bytes()) == proof,
    };
    if right { Ok(()) } else { Err(Refusal::parameter("Invalid appsecret_proof provided in the API argument")) }
}

/// HMAC-SHA256 (RFC 2104) in hex; keys here are shorter than a block.
fn hmac(key: &[u8], message: &[u8]) -> String {
    let pad = |byte: u8| -> Vec<u8> { (0..64).map(|n| key.get(n).copied().unwrap_or(0) ^ byte).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    hex::encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

/// What Meta says when a fault strikes.
pub(crate) fn signal(world: &mut World, call: &Call, what: &What) -> Option<Answer> {
    let refusal = match what {
        What::RateLimit(seconds) => {
            let account = call.path.get(1).and_then(|node| node.strip_prefix("act_")).unwrap_or("123456789");
            let message = "(#80003) There have been too many calls to this ad-account. Wait a bit and try again.";
            let answer = Refusal::new(80003, Some(2_446_079), message).answer(world);
            // The header counts minutes, so less than one is none.
            return Some(answer.with("x-business-use-case-usage", usage(account, 100, seconds / 60)));
        }
        What::ExpiredToken => Refusal::new(190, Some(463), "Error validating access token: Session has expired."),
        What::Unavailable | What::UnavailableAfterEffect => {
            Refusal::new(2, None, "An unexpected error has occurred. Please retry your request later.")
        }
        What::Code(code, subcode) => Refusal::new(*code, *subcode, format!("(#{code}) The fault {what}.")),
        _ => return None,
    };
    Some(refusal.answer(world))
}
