//! Customers who were forgotten. What stays of one is a hash of the key, so that nobody brings the customer back.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is kept of a customer key: SHA-256(`forgotten`, the byte 0x1F, the key), both UTF-8; as text in lower-case hex.
/// Without a secret, which somebody may lose: a customer would be sent again then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

/// A text that is no [`KeyHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hash of a customer key is 64 hexadecimal digits")]
pub struct InvalidKeyHash;

impl KeyHash {
    /// The hash of a customer key.
    pub fn of(customer_key: &str) -> Self {
        Self(Sha256::new().chain_update(b"forgotten\x1F").chain_update(customer_key).finalize().into())
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({self})")
    }
}

impl FromStr for KeyHash {
    type Err = InvalidKeyHash;

    fn from_str(text: &str) -> Result<Self, InvalidKeyHash> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidKeyHash);
        }
        for (byte, digits) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[digits..digits + 2], 16).map_err(|_| InvalidKeyHash)?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for KeyHash {
    type Error = InvalidKeyHash;

    fn try_from(text: String) -> Result<Self, InvalidKeyHash> {
        text.parse()
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.to_string()
    }
}

/// All customers who were forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten(HashSet<KeyHash>);

impl Forgotten {
    /// Whether a customer was forgotten. Costs nothing where nobody was.
    pub fn holds(&self, customer_key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&KeyHash::of(customer_key))
    }

    /// Whether nobody was forgotten.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<KeyHash> for Forgotten {
    fn from_iter<I: IntoIterator<Item = KeyHash>>(hashes: I) -> Self {
        Self(hashes.into_iter().collect())
    }
}
