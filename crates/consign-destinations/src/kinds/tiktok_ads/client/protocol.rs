//! What answers to `tiktok_ads` mean: the status is 200 for nearly everything, and the `code` of the body decides.

use std::time::Duration;

use chrono::{Days, NaiveTime};

use crate::client::ErrorClass;
use crate::http::{self, Backoff, Call, Rate, Refusal, Reply, Setback};

/// The groups of calls that have limits of their own.
pub(super) const CALLS: &str = "calls";
pub(super) const MAPPINGS: &str = "mappings";

/// A basic application has 10 a second and 600 a minute; we stay below.
pub(super) const RATES: &[(&str, &[Rate])] =
    &[(CALLS, &[Rate::second(8), Rate::minute(600)]), (MAPPINGS, &[Rate::second(8)])];

/// A part was taken.
pub(super) const PARTIAL: i64 = 20_001;
/// A parameter is wrong; an audience that does not exist is one.
pub(super) const BAD_PARAMETER: i64 = 40_002;
/// The same request was taken before.
pub(super) const REPLAYED: i64 = 40_050;
/// A request has too many ids or rows.
pub(super) const TOO_MANY: &[i64] = &[40_006, 40_007, 40_010, 40_011, 40_061];

/// While an audience is being processed: every five minutes, three times more.
const PROCESSING: Backoff = Backoff { tries: Some(4), ..Backoff::fixed(300, 300) };
/// For the limit of a minute.
const MINUTE: Backoff = Backoff::fixed(60, 300);

/// This kind's section of the retry policy.
pub(super) struct Protocol;

/// The code of an answer.
pub(super) fn code(reply: &Reply) -> Option<i64> {
    reply.json().get("code")?.as_i64()
}

impl http::Protocol for Protocol {
    fn kind(&self) -> &'static str {
        "tiktok_ads"
    }

    fn title(&self) -> &'static str {
        "TikTok"
    }

    fn judge(&self, reply: &Reply, _: &Call) -> Result<(), Setback> {
        let said = reply.text("/message").unwrap_or_default();
        let number = code(reply);
        let shown = number.map_or_else(String::new, |number| number.to_string());
        let refusal = |class, what: &str, remedy: &str| Refusal::new(class, what, remedy).said(shown.clone(), said);
        let unavailable = |what: &str| {
            Setback::unavailable(refusal(ErrorClass::Unavailable, what, "run again later; what was taken is not lost"))
        };
        let Some(number) = number else {
            return Err(match reply.status {
                429 => limited(reply, said, refusal),
                413 => Setback::never(refusal(
                    ErrorClass::Config,
                    "TikTok says that the request is too large",
                    "set `batch_size`",
                )),
                300..=399 => {
                    Setback::never(refusal(ErrorClass::Config, "TikTok sends on to another place", "check `base_url`"))
                }
                500..=599 => unavailable(&format!("TikTok fails with status {}", reply.status)),
                _ => unavailable("TikTok answered without a code; check `base_url` and any proxy"),
            });
        };
        Err(match number {
            0 | PARTIAL => return Ok(()),
            40_102 | 40_104 | 40_105 | 40_106 | 40_113 => Setback::never(refusal(
                ErrorClass::Auth,
                &format!("TikTok does not take the access token ({number})"),
                "make a new one for the application, and put it where `access_token` points",
            )),
            40_300 => Setback::never(refusal(
                ErrorClass::Permission,
                "TikTok does not know the advertiser (40300)",
                "check `advertiser_id`, and that the token's user may act for it",
            )),
            40_001 | 40_301 | 40_118 | 41_000 => Setback::never(refusal(
                ErrorClass::Permission,
                &format!("the token may not do this at TikTok ({number})"),
                "grant it as an operator or admin of the advertiser, with the scopes of audience management",
            )),
            40_100 | 40_016 | 40_132 | 40_133 => limited(reply, said, refusal),
            BAD_PARAMETER if is_processing(said) => Setback::again(
                PROCESSING,
                None,
                refusal(
                    ErrorClass::Unavailable,
                    "TikTok still works on the audience",
                    "run again in some hours; what was taken is not lost",
                ),
            ),
            REPLAYED => Setback::never(refusal(ErrorClass::Bug, "TikTok had this request before (40050)", "report it")),
            number if TOO_MANY.contains(&number) => Setback::never(refusal(
                ErrorClass::Config,
                &format!("TikTok says that the request has too many rows ({number})"),
                "set `batch_size` to less",
            )),
            40_907 => Setback::never(refusal(
                ErrorClass::Config,
                "TikTok says that a file is too large (40907)",
                "split the group, or choose `membership: mirror` for a list of another name",
            )),
            40_909 => Setback::never(refusal(
                ErrorClass::Bug,
                "TikTok says that a file does not hold what its type says (40909)",
                "report it with the ids of the request",
            )),
            40_062 => Setback::never(refusal(
                ErrorClass::Bug,
                "TikTok says that a value is not hashed (40062)",
                "look for values of 64 characters in the mapped columns, and report it",
            )),
            50_000..=69_999 => unavailable(&format!("TikTok fails with code {number}")),
            _ => Setback::never(refusal(
                ErrorClass::Config,
                &format!("TikTok refused the request with code {number}"),
                "read what it says, and check the settings and the audience",
            )),
        })
    }

    fn ids(&self, reply: &Reply) -> Vec<(&'static str, String)> {
        let ids = [
            ("request_id", "/request_id"),
            ("audience_id", "/data/audience_id"),
            ("audience_id", "/data/custom_audience_id"),
        ];
        ids.into_iter().filter_map(|(name, pointer)| Some((name, reply.text(pointer)?.to_owned()))).collect()
    }
}

/// Whether the message of a bad parameter speaks of an audience that is empty or at work.
fn is_processing(said: &str) -> bool {
    let said = said.to_lowercase();
    ["process", "empty", "calculating", "in progress"].iter().any(|word| said.contains(word))
}

/// The message names the window: a second, a minute, a day.
fn limited(reply: &Reply, said: &str, refusal: impl Fn(ErrorClass, &str, &str) -> Refusal) -> Setback {
    let words = said.to_lowercase();
    let class = ErrorClass::RateLimited { until: reply.time };
    let refusal = refusal(class, "TikTok takes no more calls for now", "wait; nothing is lost");
    if ["day", "daily"].iter().any(|word| words.contains(word)) {
        let midnight = reply.time.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN));
        let wait = midnight.and_then(|midnight| (midnight.and_utc() - reply.time).to_std().ok());
        Setback::again(MINUTE, wait.or(Some(Duration::from_hours(24))), refusal)
    } else if ["minute", "/min", "per min", "qpm"].iter().any(|word| words.contains(word)) {
        Setback::again(MINUTE, None, refusal)
    } else {
        let first = Backoff::fixed(1, 60);
        Setback::again(first, None, refusal)
    }
}
