//! What Attentive's answers mean. It documents no body of errors, so the status alone decides.

use std::time::Duration;

use serde_json::Value;

use crate::client::ErrorClass;
use crate::http::{self, Backoff, Call, Rate, Refusal, Reply, Setback};

/// The groups of calls that have limits of their own.
pub(super) const SEGMENTS: &str = "segments";
pub(super) const OTHER: &str = "other";

pub(super) const RATES: &[(&str, &[Rate])] = &[(SEGMENTS, &[Rate::second(100)]), (OTHER, &[Rate::second(150)])];

/// What an answer says: its message where it has one, else its body, unless that is a web page.
fn words(reply: &Reply) -> String {
    match reply.json().get("message").and_then(Value::as_str) {
        Some(message) => message.to_owned(),
        None if reply.is_page() => String::new(),
        None => String::from_utf8_lossy(&reply.body).into_owned(),
    }
}

/// Attentive's section of the retry policy.
pub(super) struct Protocol;

impl http::Protocol for Protocol {
    fn kind(&self) -> &'static str {
        "attentive"
    }

    fn title(&self) -> &'static str {
        "Attentive"
    }

    fn judge(&self, reply: &Reply, call: &Call) -> Result<(), Setback> {
        // The lines of a result are not one JSON document.
        let readable = reply.is_json() || reply.body.is_empty() || call.is_elsewhere() && !reply.is_page();
        let refusal = |class, what: &str, remedy: &str| Refusal::new(class, what, remedy).said("", words(reply));
        let unavailable = |what: &str| {
            Setback::unavailable(refusal(ErrorClass::Unavailable, what, "run again later; what was taken is not lost"))
        };
        Err(match reply.status {
            200..=299 if readable => return Ok(()),
            200..=299 => {
                unavailable("Attentive answered with something else than JSON; check `base_url` and any proxy")
            }
            401 => Setback::never(refusal(
                ErrorClass::Auth,
                "Attentive does not know the key",
                "put the key of a private app where `api_key` points",
            )),
            403 => Setback::never(refusal(
                ErrorClass::Permission,
                "the key may not do this",
                "give its app the segments permission (all or write) in Attentive, or ask Attentive to switch segments \
                 on for the account",
            )),
            404 => Setback::never(refusal(
                ErrorClass::Config,
                "Attentive does not find what was asked for (404)",
                "check `base_url` and the id of the segment",
            )),
            429 => Setback::again(
                Backoff::LIMITED,
                reply.header_number("retry-after").and_then(|s| Duration::try_from_secs_f64(s).ok()),
                refusal(
                    ErrorClass::RateLimited { until: reply.time },
                    "Attentive takes no more calls for now",
                    "wait; nothing is lost",
                ),
            ),
            408 | 425 | 500..=599 => unavailable(&format!("Attentive fails with status {}", reply.status)),
            status => Setback::never(refusal(
                ErrorClass::Config,
                &format!("Attentive refused the request with status {status}"),
                "read what it says, and check the name of the segment",
            )),
        })
    }

    fn ids(&self, reply: &Reply) -> Vec<(&'static str, String)> {
        let ids = ["batchJobId", "bulkJobId", "externalId"].into_iter();
        ids.filter_map(|name| Some((name, reply.json().get(name)?.as_str()?.to_owned()))).collect()
    }

    /// Windows are of a second.
    fn ease(&self, reply: &Reply) -> Option<Duration> {
        let remaining = reply.header_number("x-ratelimit-remaining")?;
        (remaining < 1.0).then_some(Duration::from_secs(1))
    }
}
