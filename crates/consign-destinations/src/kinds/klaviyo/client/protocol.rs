//! What Klaviyo's answers mean.

use std::time::Duration;

use serde_json::Value;

use crate::client::ErrorClass;
use crate::http::{self, Backoff, Call, Rate, Refusal, Reply, Setback};

/// The groups of calls that have limits of their own.
pub(super) const LISTS: &str = "lists";
pub(super) const NEW_LISTS: &str = "new lists";
pub(super) const IMPORTS: &str = "imports";
pub(super) const JOBS: &str = "jobs";
pub(super) const MEMBERS: &str = "members";
pub(super) const PROFILES: &str = "profiles";
pub(super) const ONE_PROFILE: &str = "one profile";

/// Limits of an account: a burst in a second, a steady rate in a minute.
pub(super) const RATES: &[(&str, &[Rate])] = &[
    (LISTS, &[Rate::second(75), Rate::minute(750)]),
    (NEW_LISTS, &[Rate::second(10), Rate::minute(150)]),
    (IMPORTS, &[Rate::second(10), Rate::minute(150)]),
    (JOBS, &[Rate::second(10), Rate::minute(150)]),
    (MEMBERS, &[Rate::second(10), Rate::minute(150)]),
    (PROFILES, &[Rate::second(75), Rate::minute(750)]),
    (ONE_PROFILE, &[Rate::second(75), Rate::minute(750)]),
];

const SCOPES: &str = "create a private key with the scopes lists:read, lists:write, profiles:read and profiles:write, \
                      and put it where `api_key` points";

/// Klaviyo's section of the retry policy.
pub(super) struct Protocol;

impl http::Protocol for Protocol {
    fn kind(&self) -> &'static str {
        "klaviyo"
    }

    fn title(&self) -> &'static str {
        "Klaviyo"
    }

    fn judge(&self, reply: &Reply, _: &Call) -> Result<(), Setback> {
        let error = reply.json().pointer("/errors/0").unwrap_or(&Value::Null);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = text("code");
        let detail = if text("detail").is_empty() { text("title") } else { text("detail") };
        let refusal = |class, what: &str, remedy: &str| Refusal::new(class, what, remedy).said(code, detail);
        let unavailable = |what: &str| {
            Setback::unavailable(refusal(ErrorClass::Unavailable, what, "run again later; what was taken is not lost"))
        };
        Err(match reply.status {
            200..=299 if reply.is_json() || reply.body.is_empty() => return Ok(()),
            200..=299 => unavailable("Klaviyo answered with something else than JSON; check `base_url` and any proxy"),
            401 => Setback::never(refusal(ErrorClass::Auth, "Klaviyo does not know the API key", SCOPES)),
            403 if reply.is_page() || !reply.is_json() || reply.header("cf-mitigated").is_some() => {
                unavailable("a challenge stands before Klaviyo (403 and a web page)")
            }
            403 => Setback::never(refusal(ErrorClass::Permission, "the API key lacks a permission", SCOPES)),
            429 => Setback::again(
                Backoff::LIMITED,
                retry_after(reply, detail),
                refusal(
                    ErrorClass::RateLimited { until: reply.time },
                    "Klaviyo takes no more calls for now",
                    "wait; nothing is lost",
                ),
            ),
            408 | 425 | 500..=599 => unavailable(&format!("Klaviyo fails with status {}", reply.status)),
            404 => Setback::never(refusal(
                ErrorClass::Config,
                "Klaviyo does not find what was asked for (404)",
                "check `list_id` and `base_url`",
            )),
            410 => Setback::never(refusal(
                ErrorClass::Config,
                "Klaviyo has retired this revision of its API",
                "set `api_revision` to a later date",
            )),
            300..=399 => {
                Setback::never(refusal(ErrorClass::Config, "Klaviyo sends on to another place", "check `base_url`"))
            }
            status => Setback::never(refusal(
                ErrorClass::Bug,
                &format!("Klaviyo refused the request with status {status}"),
                "read what it says, and report it with the ids of the request",
            )),
        })
    }

    fn ids(&self, reply: &Reply) -> Vec<(&'static str, String)> {
        let text = |pointer: &str| reply.text(pointer).map(ToOwned::to_owned);
        let header = |name: &str| reply.header(name).map(ToOwned::to_owned);
        let ids = [("error", text("/errors/0/id")), ("data", text("/data/id")), ("cf-ray", header("cf-ray"))];
        ids.into_iter().filter_map(|(name, id)| Some((name, id?))).collect()
    }

    fn ease(&self, reply: &Reply) -> Option<Duration> {
        let remaining = reply.header_number("ratelimit-remaining")?;
        let reset = reply.header_number("ratelimit-reset")?;
        (remaining < 1.0).then(|| Duration::from_secs_f64(reset.min(60.0)))
    }
}

/// How long to wait: by the header, else by what the text says.
fn retry_after(reply: &Reply, detail: &str) -> Option<Duration> {
    let said = || -> Option<f64> { detail.split_once("available in ")?.1.split_whitespace().next()?.parse().ok() };
    let seconds = reply.header_number("retry-after").or_else(said)?;
    Duration::try_from_secs_f64(seconds).ok()
}
