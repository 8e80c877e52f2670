//! What Meta's answers mean: `code` and `error_subcode` decide, not the status.

use std::time::Duration;

use serde_json::Value;

use crate::client::ErrorClass;
use crate::http::{self, Backoff, Call, Failure, Rate, Refusal, Reply, Setback};

/// The groups of calls: about audiences and their users, and about the account.
pub(super) const AUDIENCES: &str = "audiences";
pub(super) const ACCOUNT: &str = "account";

/// An account with limited access has 5,000 calls an hour; what it really has shows in the percentages of its answers.
pub(super) const RATES: &[(&str, &[Rate])] = &[
    (AUDIENCES, &[Rate { calls: 5_000, per: Duration::from_hours(1) }]),
    (ACCOUNT, &[Rate { calls: 5_000, per: Duration::from_hours(1) }]),
];

/// Codes of sessions: code and subcode.
pub(super) const FIRST_MISSING: &str = "2650/1870147";
pub(super) const TIMED_OUT: &str = "2650/1870158";
pub(super) const FINISHED: &str = "2650/1870159";
/// Not found, or no access.
const NOT_FOUND: &str = "100/33";

/// Waits where Meta names none.
const LIMITED: Backoff = Backoff::fixed(30, 600);
const TRANSIENT: Backoff = Backoff { longest: Duration::from_secs(32), ..Backoff::UNAVAILABLE };
const OTHER_REPLACE: Backoff = Backoff { total: Some(Duration::from_mins(90)), ..Backoff::fixed(60, 600) };

/// Meta's section of the retry policy.
pub(super) struct Protocol;

/// Whether what failed is that the audience is not there.
pub(super) fn is_gone(failure: &Failure) -> bool {
    failure.code == NOT_FOUND
}

/// A number that Meta writes as a number or as text.
fn number(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The usages that the headers name: each of the objects of the business use case, and that of the ad account.
fn usages(reply: &Reply) -> Vec<Value> {
    let header = |name: &str| serde_json::from_str::<Value>(reply.header(name)?).ok();
    let mut usages: Vec<Value> = Vec::new();
    if let Some(Value::Object(accounts)) = header("x-business-use-case-usage") {
        usages.extend(accounts.into_iter().filter_map(|(_, usages)| usages.as_array().cloned()).flatten());
    }
    usages.extend(header("x-ad-account-usage"));
    usages
}

/// How long until calls are taken again.
fn regain(reply: &Reply) -> Option<Duration> {
    let minutes =
        usages(reply).iter().filter_map(|usage| number(usage.get("estimated_time_to_regain_access"))).max()?;
    let minutes = u64::try_from(minutes).ok().filter(|minutes| *minutes > 0)?;
    Some(Duration::from_secs(minutes.saturating_mul(60)))
}

impl http::Protocol for Protocol {
    fn kind(&self) -> &'static str {
        "meta_ads"
    }

    fn title(&self) -> &'static str {
        "Meta"
    }

    fn judge(&self, reply: &Reply, _: &Call) -> Result<(), Setback> {
        let error = reply.json().get("error").filter(|error| error.is_object());
        let said = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str).unwrap_or_default();
        let words = if said("error_user_msg").is_empty() { said("message") } else { said("error_user_msg") };
        let (code, subcode) =
            (number(error.and_then(|e| e.get("code"))), number(error.and_then(|e| e.get("error_subcode"))));
        let shown = match (code, subcode) {
            (Some(code), Some(subcode)) => format!("{code}/{subcode}"),
            (Some(code), None) => code.to_string(),
            _ => String::new(),
        };
        let refusal = |class, what: &str, remedy: &str| Refusal::new(class, what, remedy).said(shown.clone(), words);
        let never = |class, what: &str, remedy: &str| Setback::never(refusal(class, what, remedy));
        let transient = |what: &str| {
            Setback::again(
                TRANSIENT,
                None,
                refusal(ErrorClass::Unavailable, what, "run again later; what was taken is not lost").uncertain(),
            )
        };
        let is_transient = error.and_then(|error| error.get("is_transient")).and_then(Value::as_bool) == Some(true);
        let Some(code) = code else {
            return Err(match reply.status {
                200..=299 if reply.is_json() && error.is_none() => return Ok(()),
                200..=299 => transient("Meta answered with something else than JSON; check `base_url` and any proxy"),
                429 => limited(reply, &refusal),
                401 => never(ErrorClass::Auth, "Meta does not take the access token", NEW_TOKEN),
                403 => never(ErrorClass::Permission, "Meta refuses access", PERMISSION),
                408 | 425 | 500..=599 => transient(&format!("Meta fails with status {}", reply.status)),
                status => never(
                    ErrorClass::Config,
                    &format!("Meta refused the request with status {status}"),
                    "check `base_url` and `api_version`",
                ),
            });
        };
        let and_code = |what: &str| format!("{what} ({shown})");
        Err(match (code, subcode.unwrap_or_default()) {
            (190 | 102, _) => never(ErrorClass::Auth, &and_code("Meta does not take the access token"), NEW_TOKEN),
            (200, 1_870_090) | (2_655, _) => never(
                ErrorClass::Permission,
                &and_code("the terms of custom audiences are not accepted for the ad account"),
                "accept them in Meta's Ads Manager, under Audiences",
            ),
            (200, 1_870_050) => never(
                ErrorClass::Permission,
                &and_code("the ad account does not belong to a business"),
                "add it to a business in Meta's Business Manager",
            ),
            (10 | 200..=299, _) => {
                never(ErrorClass::Permission, &and_code("the token may not do this at Meta"), PERMISSION)
            }
            (368, _) | (100, 1_713_230) => never(
                ErrorClass::Permission,
                &and_code("Meta has blocked this for reasons of its policies"),
                "look at the account and the audience in Meta's Ads Manager",
            ),
            (100, 33) => never(
                ErrorClass::Config,
                &and_code("Meta does not find it, or gives no access to it"),
                "check `ad_account_id` and the id of the audience, and that the token's user is assigned to the account",
            ),
            (2_635, _) => never(
                ErrorClass::Config,
                &and_code("Meta has retired this version of its API"),
                "set `api_version` to a later one",
            ),
            (2_650, 1_870_145) => Setback::again(
                OTHER_REPLACE,
                None,
                refusal(
                    ErrorClass::Unavailable,
                    &and_code("another replacement of the audience goes on at Meta"),
                    "wait until it has ended, and run again",
                ),
            ),
            (2_650, 1_870_144) => never(
                ErrorClass::Config,
                &and_code("the audience is too large to be replaced"),
                "set `membership: mirror` for the destination in the campaign",
            ),
            (2_650, 1_870_148) => never(
                ErrorClass::Config,
                &and_code("the last replacement of the audience was not ended"),
                "set `membership: mirror` for the destination in the campaign, or run again later",
            ),
            (4 | 17 | 32 | 613 | 80_003, _) => limited(reply, &refusal),
            (1 | 2, _) => transient(&and_code("Meta fails")),
            _ if is_transient || reply.status >= 500 => transient(&and_code("Meta fails")),
            _ => never(
                ErrorClass::Config,
                &and_code("Meta refused the request"),
                "read what it says, and check the settings and the audience",
            ),
        })
    }

    fn ids(&self, reply: &Reply) -> Vec<(&'static str, String)> {
        let trace = reply.text("/error/fbtrace_id").or_else(|| reply.header("x-fb-trace-id"));
        let text = |name: &str| http::id_text(reply.json().get(name));
        let ids = [
            ("fbtrace_id", trace.map(ToOwned::to_owned)),
            ("session_id", text("session_id")),
            ("audience_id", text("audience_id")),
            ("id", text("id")),
        ];
        ids.into_iter().filter_map(|(name, id)| Some((name, id?))).collect()
    }

    /// Slower above three quarters of a limit, and much slower above nine tenths.
    fn ease(&self, reply: &Reply) -> Option<Duration> {
        const PERCENTAGES: [&str; 4] = ["call_count", "total_cputime", "total_time", "acc_id_util_pct"];
        let used = usages(reply)
            .iter()
            .flat_map(|usage| PERCENTAGES.into_iter().filter_map(|name| usage.get(name)?.as_f64()).collect::<Vec<_>>())
            .fold(0.0, f64::max);
        if used > 90.0 {
            Some(Duration::from_mins(1))
        } else if used > 75.0 {
            Some(Duration::from_secs(5))
        } else {
            None
        }
    }
}

const NEW_TOKEN: &str =
    "make a new one for a system user with `ads_management`, and put it where `access_token` points";
const PERMISSION: &str = "give the token's user the permission `ads_management` and assign the ad account to it";

/// Too many calls.
fn limited(reply: &Reply, refusal: &impl Fn(ErrorClass, &str, &str) -> Refusal) -> Setback {
    let class = ErrorClass::RateLimited { until: reply.time };
    let refusal = refusal(class, "Meta takes no more calls for now", "wait; nothing is lost");
    Setback::again(LIMITED, regain(reply), refusal)
}
