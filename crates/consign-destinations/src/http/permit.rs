//! Whether a request may be made at all.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

/// Whoever makes requests for work that another process may take over asks before each.
#[async_trait]
pub trait Permit: fmt::Debug + Send + Sync {
    /// Waits until a request may be made, and says how long it may take at most. It waits for ever where the work was taken
    /// over: whoever does it is stopped then.
    async fn granted(&self) -> Duration;
}

/// Nobody takes the work over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unlimited;

#[async_trait]
impl Permit for Unlimited {
    async fn granted(&self) -> Duration {
        Duration::MAX
    }
}
