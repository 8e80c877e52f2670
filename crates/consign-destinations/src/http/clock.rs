//! Time, from outside, so that a test waits an hour in no time.
//!
//! Not the paused clock of tokio: that one runs ahead whenever all tasks wait, which they also do for a real socket.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// What time it is, and waiting.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// For measuring what has passed.
    fn now(&self) -> Instant;

    /// For telling a time to people, and for the times that platforms tell us.
    fn time(&self) -> DateTime<Utc>;

    /// Returns once so much time has passed.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn time(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
