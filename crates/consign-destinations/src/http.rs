//! The one HTTP layer of all platforms. A kind says what a request is (`Call`) and what an answer means
//! (`Protocol`); waiting, trying again, limits, masks and records are here and nowhere else.
//!
//! [`Http`] is made once for the program: it has the pool of connections and the token buckets, one set for each
//! account, so that deliveries to one account share its limits. A `Platform` is one kind's view of it for one
//! delivery, with a budget for waiting.

mod answer;
mod call;
mod clock;
mod connection;
mod find;
mod form;
mod mask;
mod observe;
mod patience;
mod permit;
mod platform;
mod retry;
mod throttle;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub(crate) use answer::{Reply, id_text};
pub(crate) use call::{Call, secret_header};
pub use clock::{Clock, SystemClock};
pub use connection::Timeouts;
pub(crate) use connection::TransportError;
pub(crate) use form::Form;
pub use mask::Mask;
pub use observe::{Exchange, Observer, Unobserved};
pub use patience::Patience;
pub(crate) use patience::Waits;
pub use permit::Permit;
pub(crate) use platform::{Access, Effect, Failure, Platform};
pub use retry::RetryPolicy;
pub(crate) use retry::{Backoff, Protocol, Refusal, Setback};
pub use throttle::{Rate, Throttle};

/// The HTTP layer could not be made.
#[derive(Debug, thiserror::Error)]
#[error("HTTPS cannot be set up: check the certificates of this machine")]
pub struct HttpError(#[from] reqwest::Error);

/// The pool of connections, the limits of each account, the clock and the observer. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    throttles: Arc<Mutex<BTreeMap<String, Arc<Throttle>>>>,
    shared: Arc<Mutex<BTreeMap<String, Arc<dyn Any + Send + Sync>>>>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    permit: Arc<dyn Permit>,
    policy: RetryPolicy,
    /// How long a request may take as a whole.
    total: Duration,
}

impl Http {
    /// With the machine's clock, the usual time-outs and nobody who observes.
    pub fn new() -> Result<Self, HttpError> {
        Self::with(Timeouts::default(), Arc::new(SystemClock))
    }

    /// With those time-outs and that clock. The clock is asked for waits; time-outs run by the machine's.
    pub fn with(timeouts: Timeouts, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        Ok(Self {
            client: connection::client(timeouts)?,
            throttles: Arc::default(),
            shared: Arc::default(),
            clock,
            observer: Arc::new(Unobserved),
            permit: Arc::new(permit::Unlimited),
            total: timeouts.total,
            policy: RetryPolicy::default(),
        })
    }

    /// What time it is.
    pub(crate) fn time(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.time()
    }

    /// The same, with its exchanges shown to that observer.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self.clone() }
    }

    /// The same, whose requests are made by that permit.
    #[must_use]
    pub fn permitted_by(&self, permit: Arc<dyn Permit>) -> Self {
        Self { permit, ..self.clone() }
    }

    /// The same, with that policy of trying again.
    #[must_use]
    pub fn patient(&self, policy: RetryPolicy) -> Self {
        Self { policy, ..self.clone() }
    }

    /// The patience of one delivery that goes another way than by requests.
    pub fn patience(&self) -> Patience {
        Patience::new(Arc::clone(&self.clock), self.policy)
    }

    /// What the deliveries to one account share beside its limits, such as a token; made where nobody has it yet.
    /// `account` may hold secrets; its hash is kept.
    pub(crate) fn shared<T: Any + Send + Sync>(&self, account: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let scope = format!("{} {}", std::any::type_name::<T>(), hex::encode(Sha256::digest(account)));
        let mut shared = self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = shared.get(&scope).and_then(|known| Arc::clone(known).downcast().ok()) {
            return known;
        }
        let made = Arc::new(make());
        shared.insert(scope, Arc::clone(&made) as _);
        made
    }

    /// The limits of one account: shared by all who name the same one. `account` may hold a secret; its hash is kept.
    fn throttle(&self, kind: &str, base_url: &str, account: &str, groups: &[(&'static str, &[Rate])]) -> Arc<Throttle> {
        let scope = format!("{kind} {base_url} {}", hex::encode(Sha256::digest(account)));
        let mut throttles = self.throttles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(throttles.entry(scope).or_insert_with(|| Arc::new(Throttle::new(groups))))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("clock", &self.clock).field("policy", &self.policy).finish_non_exhaustive()
    }
}
