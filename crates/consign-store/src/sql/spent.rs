//! How long callers have been in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nanoseconds in all.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent(Arc<AtomicU64>);

impl Spent {
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Counts from now on until it is dropped.
    pub fn count(&self) -> Counting {
        Counting { spent: self.clone(), began: Instant::now() }
    }
}

pub(super) struct Counting {
    spent: Spent,
    began: Instant,
}

impl Drop for Counting {
    fn drop(&mut self) {
        let took = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.spent.0.fetch_add(took, Ordering::Relaxed);
    }
}
