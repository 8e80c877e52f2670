//! What Criteo's answers mean: an envelope with `errors`, on a status of success too.

use std::time::Duration;

use serde_json::Value;

use crate::client::ErrorClass;
use crate::http::{self, Backoff, Call, Rate, Refusal, Reply, Setback};

/// The group of all calls with a token.
pub(super) const CALLS: &str = "calls";

/// With the application's own credentials; acting for a user.
pub(super) const RATES: &[(&str, &[Rate])] = &[(CALLS, &[Rate::minute(250)]), (CALLS, &[Rate::minute(10)])];

/// The longest wait that a limit's header may ask for.
const LONGEST_WAIT: f64 = 300.0;

/// Criteo's section of the retry policy.
pub(super) struct Protocol;

/// An error or a warning of an answer; empty where there is none.
#[derive(Debug, Default)]
pub(super) struct Problem {
    pub(super) code: String,
    pub(super) class: String,
    title: String,
    detail: String,
}

impl Problem {
    fn of(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { code: text("code"), class: text("type"), title: text("title"), detail: text("detail") }
    }

    /// Its words.
    pub(super) fn said(&self) -> String {
        if self.detail.is_empty() { self.title.clone() } else { format!("{}: {}", self.title, self.detail) }
    }
}

/// The first error of an answer, else its first warning.
pub(super) fn first_problem(reply: &Reply) -> Problem {
    let first = |pointer: &str| reply.list(pointer).first().map(Problem::of);
    first("/errors").or_else(|| first("/warnings")).unwrap_or_default()
}

/// How long a limit lasts, by the header that says when it ends.
fn until_reset(reply: &Reply) -> Option<Duration> {
    let reset = reply.header_number("x-ratelimit-reset")?;
    let now = reply.time.timestamp_millis() as f64 / 1_000.0;
    Some(Duration::from_secs_f64((reset - now).clamp(0.0, LONGEST_WAIT)))
}

impl http::Protocol for Protocol {
    fn kind(&self) -> &'static str {
        "criteo"
    }

    fn title(&self) -> &'static str {
        "Criteo"
    }

    fn judge(&self, reply: &Reply, _: &Call) -> Result<(), Setback> {
        let failed = !reply.list("/errors").is_empty();
        let problem = first_problem(reply);
        let oauth = reply.text("/error").unwrap_or_default();
        let code = if problem.code.is_empty() { oauth } else { &problem.code };
        let refusal = |class, what: &str, remedy: &str| Refusal::new(class, what, remedy).said(code, problem.said());
        let unavailable = |what: &str| {
            Setback::unavailable(refusal(ErrorClass::Unavailable, what, "run again later; what was taken is not lost"))
        };
        let limited = || {
            Setback::again(
                Backoff::LIMITED,
                until_reset(reply),
                refusal(
                    ErrorClass::RateLimited { until: reply.time },
                    "Criteo takes no more calls for now",
                    "wait; nothing is lost",
                ),
            )
        };
        let forbidden = || {
            Setback::never(refusal(
                ErrorClass::Permission,
                "the application may not do this at Criteo",
                "give it the permission to manage audiences (`MarketingSolutions_Audience_Manage`), and let the \
                 advertiser consent to it",
            ))
        };
        let unknown_token = || {
            Setback::never(refusal(
                ErrorClass::Auth,
                "Criteo does not take the token of the application",
                "check `client_id` and `client_secret`",
            ))
        };
        let refused = |what: &str| {
            Setback::never(refusal(
                ErrorClass::Bug,
                what,
                "read what it says, and report it with the ids of the request",
            ))
        };
        Err(match reply.status {
            200..=299 if failed => match problem.class.as_str() {
                "quota" => limited(),
                "availability" => unavailable("Criteo is not available"),
                "authentication" => unknown_token(),
                "authorization" | "access-control" => forbidden(),
                // A segment that cannot be made says so in this way; who made the call looks at the code.
                _ => refused(&format!("Criteo refused the request ({code})")),
            },
            200..=299 if reply.is_json() => return Ok(()),
            200..=299 => unavailable("Criteo answered with something else than JSON; check `base_url` and any proxy"),
            401 => unknown_token(),
            403 => forbidden(),
            404 => Setback::never(refusal(
                ErrorClass::Config,
                "Criteo does not find what was asked for (404)",
                "check `api_version`, `base_url` and the id of the segment",
            )),
            410 => Setback::never(refusal(
                ErrorClass::Config,
                "Criteo has retired this version of its API",
                "set `api_version` to a later one",
            )),
            429 => limited(),
            408 | 425 | 500..=599 => unavailable(&format!("Criteo fails with status {}", reply.status)),
            status => refused(&format!("Criteo refused the request with status {status}")),
        })
    }

    fn ids(&self, reply: &Reply) -> Vec<(&'static str, String)> {
        let first = |pointer: &str| reply.text(pointer).map(ToOwned::to_owned);
        let trace = first("/errors/0/traceId").or_else(|| first("/warnings/0/traceId"));
        let ids = [("traceId", trace), ("data", first("/data/id").or_else(|| first("/data/0/id")))];
        ids.into_iter().filter_map(|(name, id)| Some((name, id?))).collect()
    }

    fn ease(&self, reply: &Reply) -> Option<Duration> {
        let remaining = reply.header_number("x-ratelimit-remaining")?;
        if remaining < 1.0 { until_reset(reply) } else { None }
    }
}
