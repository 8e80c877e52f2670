//! Which values may occur more than once, found in one pass and memory that does not grow with the values.
//!
//! De-duplication and suppression both ask whether a value was seen before. A set of all values would grow with the
//! audience. So a first pass marks each value's hash in a table of bits; a value whose bit is marked already *may* recur
//! and is remembered. Few do, and only those need an exact set in the passes that follow. The filter has false
//! positives, which cost memory, and no false negatives, so the result does not depend on it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// Bits for each expected value: about one in thirty is remembered although it does not recur.
const BITS_A_VALUE: u64 = 16;
/// At most 128 MiB.
const MOST_BITS: u64 = 1 << 30;

/// Marks values while they are first seen.
pub(super) struct Marks {
    hasher: RandomState,
    bits: Vec<AtomicU64>,
}

/// Values that may recur, as far as one worker saw them.
pub(super) type Candidates = HashSet<u64>;

impl Marks {
    pub(super) fn new(expected: u64) -> Self {
        let bits = expected.saturating_mul(BITS_A_VALUE).clamp(1 << 10, MOST_BITS).next_power_of_two();
        let words = usize::try_from(bits / 64).unwrap_or(usize::MAX);
        Self { hasher: RandomState::new(), bits: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Marks a value of a domain (values of different domains are different).
    pub(super) fn mark(&self, domain: usize, value: &[u8], candidates: &mut Candidates) {
        let hash = self.hasher.hash_one((domain, value));
        let bit = 1_u64 << (hash & 63);
        let words = self.bits.len() as u64;
        let word = usize::try_from((hash >> 6) & (words - 1)).unwrap_or(0);
        if self.bits[word].fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            candidates.insert(hash);
        }
    }
}

/// Answers whether a value may recur.
pub(super) struct Recurring {
    hasher: RandomState,
    candidates: Candidates,
}

impl Recurring {
    /// What all workers found, together.
    pub(super) fn new(marks: &Marks, found: impl IntoIterator<Item = Candidates>) -> Self {
        Self { hasher: marks.hasher.clone(), candidates: found.into_iter().flatten().collect() }
    }

    /// `false` only where the value was marked at most once.
    pub(super) fn may_recur(&self, domain: usize, value: &[u8]) -> bool {
        self.candidates.contains(&self.hasher.hash_one((domain, value)))
    }
}

/// What stands for a value in exact sets: half a SHA-256, which nobody can make collide.
pub(super) type Fingerprint = [u8; 16];

pub(super) fn fingerprint(value: &[u8]) -> Fingerprint {
    let mut half = Fingerprint::default();
    half.copy_from_slice(&Sha256::digest(value)[..16]);
    half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_that_recurs_is_found(values in prop::collection::vec(0_u16..500, 0..2_000), workers in 1_usize..4) {
            let marks = Marks::new(10);
            let found: Vec<_> = (0..workers).map(|worker| {
                let mut candidates = Candidates::new();
                for value in values.iter().skip(worker).step_by(workers) {
                    marks.mark(0, &value.to_be_bytes(), &mut candidates);
                }
                candidates
            }).collect();
            let recurring = Recurring::new(&marks, found);
            for value in &values {
                if values.iter().filter(|other| *other == value).count() > 1 {
                    prop_assert!(recurring.may_recur(0, &value.to_be_bytes()));
                }
            }
        }
    }

    #[test]
    fn few_values_that_do_not_recur_are_remembered() {
        let marks = Marks::new(100_000);
        let mut candidates = Candidates::new();
        for value in 0_u32..100_000 {
            marks.mark(0, &value.to_be_bytes(), &mut candidates);
        }
        assert!(candidates.len() < 10_000, "{}", candidates.len());
    }
}
