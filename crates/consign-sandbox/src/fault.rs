//! Faults on demand: which call goes wrong, when, and how.
//!
//! Written as `PLATFORM:CALL:WHEN:WHAT`, with `*` for every platform, call or time:
//! `klaviyo:import:3:rate-limit`, `meta:*:10%:unavailable`, `*:*:*:slow:2s`. A single call is
//! disturbed by the request header `x-sandbox-fault: WHAT`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::SandboxError;
use crate::platform::Platform;

/// The request header that disturbs one call.
pub(crate) const HEADER: &str = "x-sandbox-fault";

/// Calls to disturb.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Only this platform; `None` for all.
    pub platform: Option<Platform>,
    /// Only this call (`find`, `create`, `add`, ...; the page lists them); `None` for all.
    pub call: Option<String>,
    /// Which of the calls that match.
    pub when: When,
    /// What happens.
    pub what: What,
}

/// Which of the matching calls a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// Each of them.
    Always,
    /// The `n`th since the start or the last reset, from 1.
    Nth(u64),
    /// Each with this probability (0 to 1), drawn from the seed, so the same calls at each start.
    Chance(f64),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Refused by the platform's own signal of a limit; comes back after so many seconds.
    RateLimit(u64),
    /// A server error; nothing was done.
    Unavailable,
    /// A server error, although the call took effect.
    UnavailableAfterEffect,
    /// The call takes effect at once; the answer comes late.
    Slow(Duration),
    /// The connection closes without an answer; nothing was done.
    Drop,
    /// The connection closes without an answer, although the call took effect.
    DropAfterEffect,
    /// The call takes effect; the connection closes in the middle of the answer.
    HalfAnswer,
    /// The credential has expired.
    ExpiredToken,
    /// The platform refuses so many rows of the batch, chosen by the seed, and takes the others.
    RejectRows(usize),
    /// A page for people in place of JSON.
    Html,
    /// A redirect to another host.
    Redirect,
    /// The call takes effect; the answer has 3 GiB.
    Huge,
    /// The call takes effect; ids in its answer are no texts.
    OddIds,
    /// The job that the call starts does not succeed (Klaviyo `cancelled`, Attentive `FAILED`).
    FailJob,
    /// Meta: the window of the replace session closes before this batch.
    SessionExpired,
    /// An error code of the platform: a status (`413`), `TikTok`'s code (`40050`), Meta's code and
    /// subcode (`2650/1870148`).
    Code(u32, Option<u32>),
}

impl FromStr for Fault {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<Self, SandboxError> {
        let wrong = |reason: &str| SandboxError::Fault { text: text.to_owned(), reason: reason.to_owned() };
        let mut parts = text.splitn(4, ':');
        let (Some(platform), Some(call), Some(when), Some(what)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("a fault has four parts"));
        };
        let when = match when {
            "*" => When::Always,
            _ => match when.strip_suffix('%') {
                Some(percent) => match percent.parse::<f64>() {
                    Ok(percent) if (0.0..=100.0).contains(&percent) => When::Chance(percent / 100.0),
                    _ => return Err(wrong("a percentage is from 0% to 100%")),
                },
                None => match when.parse() {
                    Ok(nth) if nth > 0 => When::Nth(nth),
                    _ => return Err(wrong("the third part is `*`, the number of a call from 1, or a percentage")),
                },
            },
        };
        Ok(Self {
            platform: match platform {
                "*" => None,
                _ => Some(platform.parse().map_err(|_| wrong("no such platform"))?),
            },
            call: (call != "*").then(|| call.to_owned()),
            when,
            what: what.parse().map_err(|error| match error {
                SandboxError::Fault { reason, .. } => wrong(&reason),
                other => other,
            })?,
        })
    }
}

impl FromStr for What {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<Self, SandboxError> {
        let wrong = |reason: &str| SandboxError::Fault { text: text.to_owned(), reason: reason.to_owned() };
        let (word, argument) = match text.split_once(':') {
            Some((word, argument)) => (word.trim(), Some(argument.trim())),
            None => (text.trim(), None),
        };
        let what = match (word, argument) {
            ("rate-limit", None) => Self::RateLimit(1),
            ("rate-limit", Some(seconds)) => {
                Self::RateLimit(seconds.parse().map_err(|_| wrong("`rate-limit` takes seconds"))?)
            }
            ("unavailable", None) => Self::Unavailable,
            ("unavailable-after-effect", None) => Self::UnavailableAfterEffect,
            ("slow", Some(time)) => Self::Slow(duration(time).ok_or_else(|| wrong("`slow` takes `2s` or `200ms`"))?),
            ("drop", None) => Self::Drop,
            ("drop-after-effect", None) => Self::DropAfterEffect,
            ("half-answer", None) => Self::HalfAnswer,
            ("expired-token", None) => Self::ExpiredToken,
            ("reject-rows", Some(rows)) => {
                Self::RejectRows(rows.parse().map_err(|_| wrong("`reject-rows` takes a number of rows"))?)
            }
            ("html", None) => Self::Html,
            ("redirect", None) => Self::Redirect,
            ("huge", None) => Self::Huge,
            ("odd-ids", None) => Self::OddIds,
            ("fail-job", None) => Self::FailJob,
            ("session-expired", None) => Self::SessionExpired,
            ("code", Some(code)) => {
                let (code, subcode) = match code.split_once('/') {
                    Some((code, subcode)) => (code, Some(subcode)),
                    None => (code, None),
                };
                let number = |text: &str| text.parse().map_err(|_| wrong("`code` takes `413` or `2650/1870148`"));
                Self::Code(number(code)?, subcode.map(number).transpose()?)
            }
            _ => return Err(wrong("no such fault; the page of the sandbox lists them")),
        };
        Ok(what)
    }
}

/// `2s`, `1.5s` or `200ms`.
fn duration(text: &str) -> Option<Duration> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * scale).ok()
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimit(seconds) => write!(f, "rate-limit:{seconds}"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::UnavailableAfterEffect => f.write_str("unavailable-after-effect"),
            Self::Slow(time) => write!(f, "slow:{}ms", time.as_millis()),
            Self::Drop => f.write_str("drop"),
            Self::DropAfterEffect => f.write_str("drop-after-effect"),
            Self::HalfAnswer => f.write_str("half-answer"),
            Self::ExpiredToken => f.write_str("expired-token"),
            Self::RejectRows(rows) => write!(f, "reject-rows:{rows}"),
            Self::Html => f.write_str("html"),
            Self::Redirect => f.write_str("redirect"),
            Self::Huge => f.write_str("huge"),
            Self::OddIds => f.write_str("odd-ids"),
            Self::FailJob => f.write_str("fail-job"),
            Self::SessionExpired => f.write_str("session-expired"),
            Self::Code(code, None) => write!(f, "code:{code}"),
            Self::Code(code, Some(subcode)) => write!(f, "code:{code}/{subcode}"),
        }
    }
}

/// The faults that were configured, with how often each has been considered.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    faults: Vec<(Fault, u64)>,
}

impl Faults {
    pub(crate) fn new(seed: u64, faults: Vec<Fault>) -> Self {
        Self { seed, faults: faults.into_iter().map(|fault| (fault, 0)).collect() }
    }

    /// Begins to count again.
    pub(crate) fn reset(&mut self) {
        for (_, seen) in &mut self.faults {
            *seen = 0;
        }
    }

    /// The fault that strikes this call: the first that does, though each counts it.
    pub(crate) fn strike(&mut self, platform: Platform, call: &str) -> Option<What> {
        let mut struck = None;
        for (number, (fault, seen)) in self.faults.iter_mut().enumerate() {
            if fault.platform.is_some_and(|only| only != platform)
                || fault.call.as_deref().is_some_and(|only| only != call)
            {
                continue;
            }
            *seen += 1;
            let strikes = match fault.when {
                When::Always => true,
                When::Nth(nth) => *seen == nth,
                When::Chance(chance) => {
                    let drawn = mix(self.seed ^ mix(number as u64) ^ mix(*seen << 8));
                    ((drawn >> 11) as f64 / (1_u64 << 53) as f64) < chance
                }
            };
            if strikes && struck.is_none() {
                struck = Some(fault.what.clone());
            }
        }
        struck
    }
}

/// The finaliser of `SplitMix64`: neighbouring numbers become unlike ones.
pub(crate) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// What a fault changes in how a platform handles a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Twist {
    seed: u64,
    reject: usize,
    pub(crate) fail_job: bool,
    pub(crate) session_expired: bool,
}

impl Twist {
    /// The part of a fault that the platform itself plays.
    pub(crate) fn of(what: Option<&What>, seed: u64) -> Self {
        let reject = if let Some(What::RejectRows(rows)) = what { *rows } else { 0 };
        Self {
            seed,
            reject,
            fail_job: what == Some(&What::FailJob),
            session_expired: what == Some(&What::SessionExpired),
        }
    }

    /// Which of so many rows the platform refuses without a fault of their own: the same for the
    /// same seed, spread over the batch.
    pub(crate) fn rejected(self, rows: usize) -> std::collections::BTreeSet<usize> {
        let mut order: Vec<usize> = if self.reject == 0 { Vec::new() } else { (0..rows).collect() };
        order.sort_by_key(|row| mix(self.seed ^ mix(*row as u64)));
        order.into_iter().take(self.reject).collect()
    }
}
