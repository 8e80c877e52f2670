//! How fast a platform may be asked: token buckets, one or several at once, by the kind's limits.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::Clock;

/// So many calls in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls.
    pub calls: u32,
    /// In this time.
    pub per: Duration,
}

impl Rate {
    /// So many calls a second.
    pub const fn second(calls: u32) -> Self {
        Self { calls, per: Duration::from_secs(1) }
    }

    /// So many calls a minute.
    pub const fn minute(calls: u32) -> Self {
        Self { calls, per: Duration::from_mins(1) }
    }
}

/// The limits of one account at a platform: for each group of calls the rates that hold together. Calls of a group that
/// has none are free.
#[derive(Debug)]
pub struct Throttle {
    groups: BTreeMap<&'static str, Mutex<Group>>,
}

#[derive(Debug)]
struct Group {
    buckets: Vec<Bucket>,
    /// Before this no call is made, since the platform said so.
    held: Option<Instant>,
}

/// A bucket that is full at first and fills evenly. It may be in debt: whoever took the last token waits for its own.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    filled: Option<Instant>,
}

impl Bucket {
    /// Takes a token, and says how long to wait for it.
    fn take(&mut self, now: Instant) -> Duration {
        let seconds_for_one = self.rate.per.as_secs_f64() / f64::from(self.rate.calls.max(1));
        let passed = self.filled.map_or(0.0, |filled| now.saturating_duration_since(filled).as_secs_f64());
        self.tokens = (self.tokens + passed / seconds_for_one).min(f64::from(self.rate.calls.max(1)));
        self.filled = Some(now);
        self.tokens -= 1.0;
        if self.tokens < 0.0 { Duration::from_secs_f64(-self.tokens * seconds_for_one) } else { Duration::ZERO }
    }
}

impl Throttle {
    /// The groups of calls and their rates.
    pub fn new(groups: &[(&'static str, &[Rate])]) -> Self {
        let group = |rates: &[Rate]| {
            let bucket = |rate: &Rate| Bucket { rate: *rate, tokens: f64::from(rate.calls.max(1)), filled: None };
            Mutex::new(Group { buckets: rates.iter().map(bucket).collect(), held: None })
        };
        Self { groups: groups.iter().map(|(name, rates)| (*name, group(rates))).collect() }
    }

    fn with<T>(&self, group: &str, then: impl FnOnce(&mut Group) -> T) -> Option<T> {
        // A panic between taking and giving back cannot leave a bucket that does harm.
        let mut group = self.groups.get(group)?.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(then(&mut group))
    }

    /// How long to wait until a call of that group may be made, which has its place from now on.
    pub fn take(&self, group: &str, clock: &dyn Clock) -> Duration {
        let now = clock.now();
        let wait = self.with(group, |group| {
            let held = group.held.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            group.buckets.iter_mut().map(|bucket| bucket.take(now)).fold(held, Duration::max)
        });
        wait.unwrap_or_default()
    }

    /// Makes all calls of that group wait so long.
    pub fn hold(&self, group: &str, wait: Duration, clock: &dyn Clock) {
        let until = clock.now() + wait;
        self.with(group, |group| group.held = Some(group.held.map_or(until, |held| held.max(until))));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_sees_more_calls_than_twice_its_rate_and_the_long_run_no_more_than_it(
            calls in 1_u32..20,
            gaps in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let rate = Rate::second(calls);
            let mut bucket = Bucket { rate, tokens: f64::from(calls), filled: None };
            let start = Instant::now();
            let mut now = start;
            let mut made: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                let at = now + bucket.take(now);
                made.push(at);
                now = at;
            }
            for (i, first) in made.iter().enumerate() {
                let within = made[i..].iter().take_while(|at| **at < *first + rate.per).count();
                prop_assert!(within <= 2 * calls as usize, "{within} calls in a second");
            }
            let last = made.last().expect("there is one").duration_since(start).as_secs_f64();
            prop_assert!(made.len() as f64 <= f64::from(calls) * (last + 1.0) + 1.0);
        }
    }
}
