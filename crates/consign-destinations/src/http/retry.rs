//! When a request is made again: a policy over what a kind says an answer means.

use std::time::Duration;

use crate::client::ErrorClass;

use super::{Call, Reply};

/// What a kind says of its platform's answers. It decides nothing else about trying again.
pub(crate) trait Protocol: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;

    /// The platform's name, as it stands in messages.
    fn title(&self) -> &'static str;

    /// Whether an answer means that what was asked for was done.
    fn judge(&self, reply: &Reply, call: &Call) -> Result<(), Setback>;

    /// The ids that an answer has, for whoever asks the platform about it.
    fn ids(&self, reply: &Reply) -> Vec<(&'static str, String)>;

    /// How long to wait before the next call of the same group, where the answer says that the limit is near.
    fn ease(&self, _reply: &Reply) -> Option<Duration> {
        None
    }
}

/// What was asked for was not done.
#[derive(Debug, Clone)]
pub(crate) enum Setback {
    /// It may be later.
    Again {
        /// How long to wait.
        backoff: Backoff,
        /// What the platform says about that; never waited shorter.
        after: Option<Duration>,
        /// Why not now.
        refusal: Box<Refusal>,
    },
    /// Waiting does not help.
    Never(Box<Refusal>),
}

impl Setback {
    /// Not now: for so long.
    pub(crate) fn again(backoff: Backoff, after: Option<Duration>, refusal: Refusal) -> Self {
        Self::Again { backoff, after, refusal: Box::new(refusal) }
    }

    /// No, and waiting does not help.
    pub(crate) fn never(refusal: Refusal) -> Self {
        Self::Never(Box::new(refusal))
    }

    /// The server or the network fails: again, soon.
    pub(crate) fn unavailable(refusal: Refusal) -> Self {
        Self::Again { backoff: Backoff::UNAVAILABLE, after: None, refusal: Box::new(refusal.uncertain()) }
    }
}

/// Why something was not done.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The class. For one that is tried again, the class when patience ends; the time of a limit is filled in then.
    pub(crate) class: ErrorClass,
    /// The platform's code, for the kind's own decisions.
    pub(crate) code: String,
    /// What went wrong: a sentence without a full stop.
    pub(crate) what: String,
    /// What to do about it: a clause without a full stop.
    pub(crate) remedy: String,
    /// The platform's own words. Masked before anybody sees them.
    pub(crate) said: String,
    /// Whether it may have been done all the same.
    pub(crate) uncertain: bool,
}

impl Refusal {
    pub(crate) fn new(class: ErrorClass, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            class,
            code: String::new(),
            what: what.into(),
            remedy: remedy.into(),
            said: String::new(),
            uncertain: false,
        }
    }

    /// The same with the platform's code and words.
    pub(crate) fn said(self, code: impl Into<String>, said: impl Into<String>) -> Self {
        Self { code: code.into(), said: said.into(), ..self }
    }

    /// The same, of something that may have been done all the same: servers fail before and after their work.
    pub(crate) fn uncertain(self) -> Self {
        Self { uncertain: true, ..self }
    }
}

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The first wait at most; each next one is at most twice as long.
    pub(crate) first: Duration,
    /// No wait is longer.
    pub(crate) longest: Duration,
    /// Requests in all; `None` is as many as the budget pays for.
    pub(crate) tries: Option<u32>,
    /// Waiting in all, where there is a limit besides the budget.
    pub(crate) total: Option<Duration>,
    /// Whether waits are drawn from zero to those lengths, so that many who failed at once do not come back at once.
    /// Else they are those lengths.
    pub(crate) jitter: bool,
}

impl Backoff {
    /// For failures of the network or the server.
    pub(crate) const UNAVAILABLE: Self = Self {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(16),
        tries: Some(6),
        total: None,
        jitter: true,
    };

    /// For limits of the platform where it does not say how long.
    pub(crate) const LIMITED: Self =
        Self { first: Duration::from_secs(1), longest: Duration::from_mins(1), tries: None, total: None, jitter: true };

    /// Waits of exactly those lengths.
    pub(crate) const fn fixed(first: u64, longest: u64) -> Self {
        let (first, longest) = (Duration::from_secs(first), Duration::from_secs(longest));
        Self { first, longest, tries: None, total: None, jitter: false }
    }

    /// The wait after so many requests of which none succeeded; `random` is from 0 to 1.
    pub(crate) fn wait(&self, made: u32, random: f64) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(made.saturating_sub(1)).unwrap_or(u32::MAX));
        let most = doubled.min(self.longest);
        if self.jitter { most.mul_f64(random.clamp(0.0, 1.0)) } else { most }
    }
}

/// How much waiting is worth a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// A longer wait is not made here: it ends the request as rate limited until then, for the delivery to take note of.
    pub longest_wait: Duration,
    /// The waiting of all requests of a delivery together.
    pub budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { longest_wait: Duration::from_mins(10), budget: Duration::from_hours(3) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = |backoff: Backoff| (1..=8).map(|made| backoff.wait(made, 1.0).as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(Backoff::UNAVAILABLE), [1, 2, 4, 8, 16, 16, 16, 16]);
        assert_eq!(waits(Backoff::fixed(60, 300)), [60, 120, 240, 300, 300, 300, 300, 300]);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(made in any::<u32>(), random in 0.0..=1.0_f64) {
            prop_assert!(Backoff::LIMITED.wait(made, random) <= Backoff::LIMITED.longest);
        }
    }
}
