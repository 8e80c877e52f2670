//! Customers of whom there are traces still.

use std::collections::HashMap;

use consign_model::forgotten::KeyHash;
use consign_store::Tombstone;

/// The customers whose traces are to be removed, and what stands for their keys in recipients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending(HashMap<KeyHash, String>);

impl Pending {
    /// Those of tombstones.
    pub fn of(tombstones: Vec<Tombstone>) -> Self {
        Self(tombstones.into_iter().filter_map(|one| Some((one.hash, one.token?))).collect())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands for the key of a customer who is one of them.
    pub fn token(&self, customer_key: &str) -> Option<&str> {
        self.0.get(&KeyHash::of(customer_key)).map(String::as_str)
    }

    /// Whether a customer is one of them.
    pub fn holds(&self, customer_key: &str) -> bool {
        self.token(customer_key).is_some()
    }

    /// The hashes of their keys.
    pub fn hashes(&self) -> Vec<KeyHash> {
        self.0.keys().copied().collect()
    }
}
