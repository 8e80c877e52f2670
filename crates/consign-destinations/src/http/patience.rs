//! Waiting before something is tried again: how often, how long, and how much of it a delivery is worth.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use rand::rngs::OsRng;

use super::{Backoff, Clock, RetryPolicy, SystemClock};

/// The patience of one delivery.
#[derive(Debug)]
pub struct Patience {
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    budget: Mutex<Duration>,
}

impl Patience {
    pub(crate) fn new(clock: Arc<dyn Clock>, policy: RetryPolicy) -> Self {
        Self { clock, policy, budget: Mutex::new(policy.budget) }
    }

    /// Nothing is waited for: for who wants to know how it stands now.
    pub fn none() -> Self {
        let nothing = RetryPolicy { longest_wait: Duration::ZERO, budget: Duration::ZERO };
        Self::new(Arc::new(SystemClock), nothing)
    }

    /// Takes a wait from the budget; false where it is too long, or nothing is left.
    pub(crate) fn spend(&self, wait: Duration) -> bool {
        if wait > self.policy.longest_wait {
            return false;
        }
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let left = budget.checked_sub(wait);
        if let Some(left) = left {
            *budget = left;
        }
        left.is_some()
    }

    /// Waits before something is tried again that a failure of the network or the server ended; false where it is not to
    /// be tried again.
    pub(crate) async fn wait(&self, waits: &mut Waits) -> bool {
        match waits.next(Backoff::UNAVAILABLE, None) {
            Some(wait) if self.spend(wait) && !self.policy.budget.is_zero() => {
                self.clock.sleep(wait).await;
                true
            }
            _ => false,
        }
    }
}

/// How often each kind of waiting was begun for one thing, and how long it took.
#[derive(Debug, Default)]
pub(crate) struct Waits(Vec<(Backoff, u32, Duration)>);

impl Waits {
    /// The next wait, or `None` where there have been enough. `after`: what the platform says.
    pub(crate) fn next(&mut self, backoff: Backoff, after: Option<Duration>) -> Option<Duration> {
        let at = self.0.iter().position(|(known, ..)| *known == backoff).unwrap_or_else(|| {
            self.0.push((backoff, 0, Duration::ZERO));
            self.0.len() - 1
        });
        let (_, made, total) = &mut self.0[at];
        *made += 1;
        if backoff.tries.is_some_and(|tries| *made >= tries) {
            return None;
        }
        let random = OsRng.gen_range(0.0..=1.0);
        // What the platform says is waited in full, and a little more, so that not all come back at once.
        let wait = match after {
            Some(after) => after.saturating_add(Duration::from_secs(1).min(after / 10).mul_f64(random)),
            None => backoff.wait(*made, random),
        };
        *total = total.saturating_add(wait);
        if backoff.total.is_some_and(|most| *total > most) { None } else { Some(wait) }
    }
}
