//! Sealing and opening with the workspace key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, rand};

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a key's id.
const ID_BYTES: usize = 8;

/// Tells keys apart: the beginning of a hash of the key, and no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_BYTES]);

impl KeyId {
    fn of_key(key: &[u8]) -> Self {
        let mut hashed = digest::Context::new(&digest::SHA256);
        hashed.update(b"consign key id\x1f");
        hashed.update(key);
        let hash = hashed.finish();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash.as_ref()[..ID_BYTES]);
        Self(id)
    }

    /// The id of the key that something was sealed with.
    pub fn of_sealed(sealed: &[u8]) -> Option<Self> {
        sealed.first_chunk().copied().map(Self)
    }

    /// The id of that text, as it is displayed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::decode(text.trim()).ok()?.try_into().ok()?))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why something that is sealed does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed with a key that we do not have.
    #[error(
        "it is sealed with the key {0}, which is not among the workspace's keys: put that key behind the present one"
    )]
    OtherKey(KeyId),
    /// It is not as it was when it was sealed, or was sealed as something else.
    #[error("what is sealed was altered, or is another thing's: set it again")]
    Altered,
}

/// A key cannot seal: the machine gives no random numbers, or the value is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be sealed: this machine gives no random numbers, or it is too large")]
pub struct SealError;

/// The workspace's keys: the newest seals, every one of them opens.
///
/// AES-256-GCM-SIV, since one key seals millions of members with random nonces: should one come up twice, nothing is
/// given away but whether two values are equal. What is sealed is bound to the key's id and to what it is for, so that
/// it does not open as anything else. Layout: key id, nonce, ciphertext and tag.
pub struct KeyRing {
    newest: (KeyId, RandomizedNonceKey),
    older: Vec<(KeyId, RandomizedNonceKey)>,
}

impl KeyRing {
    /// The keys in a text, the newest first; what is wrong with it otherwise, without repeating it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        let mut keys = words.map(|word| {
            let key = hex::decode(word).ok().filter(|key| key.len() == KEY_BYTES);
            let key = key.ok_or("a key has 64 hexadecimal digits: `consign keys new` prints one")?;
            let sealing = RandomizedNonceKey::new(&AES_256_GCM_SIV, &key);
            Ok((KeyId::of_key(&key), sealing.map_err(|_| "the key cannot be used")?))
        });
        let newest = keys.next().ok_or("it holds no key: `consign keys new` prints one")??;
        Ok(Self { older: keys.collect::<Result<_, &'static str>>()?, newest })
    }

    /// The id of the key that seals.
    pub fn newest(&self) -> KeyId {
        self.newest.0
    }

    /// Whether there are others that open only.
    pub fn has_older(&self) -> bool {
        !self.older.is_empty()
    }

    /// Whether a key is among them.
    pub fn has(&self, id: KeyId) -> bool {
        self.key(id).is_some()
    }

    fn key(&self, id: KeyId) -> Option<&RandomizedNonceKey> {
        std::iter::once(&self.newest).chain(&self.older).find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// Seals a value for a purpose.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, key) = &self.newest;
        let mut bytes = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(bound(*id, purpose), &mut bytes).map_err(|_| SealError)?;
        Ok([id.0.as_slice(), nonce.as_ref(), &bytes].concat())
    }

    /// What was sealed for a purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let id = KeyId::of_sealed(sealed).ok_or(OpenError::Altered)?;
        let key = self.key(id).ok_or(OpenError::OtherKey(id))?;
        let (nonce, bytes) = sealed[ID_BYTES..].split_at_checked(NONCE_LEN).ok_or(OpenError::Altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Altered)?;
        let mut bytes = bytes.to_vec();
        let opened = key.open_in_place(nonce, bound(id, purpose), &mut bytes).map_err(|_| OpenError::Altered)?;
        let length = opened.len();
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The same value sealed with the newest key; `None` where it is already.
    pub fn reseal(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, ResealError> {
        if KeyId::of_sealed(sealed) == Some(self.newest()) {
            return Ok(None);
        }
        let plain = self.open(purpose, sealed)?;
        Ok(Some(self.seal(purpose, &plain)?))
    }
}

/// Why something cannot be sealed with the newest key in place of the one that it is sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResealError {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

fn bound(id: KeyId, purpose: &str) -> Aad<Vec<u8>> {
    Aad::from([id.0.as_slice(), b"\x1f", purpose.as_bytes()].concat())
}

/// The text of a new key.
pub fn new_key() -> Result<secrecy::SecretString, SealError> {
    let mut key = [0; KEY_BYTES];
    rand::fill(&mut key).map_err(|_| SealError)?;
    Ok(secrecy::SecretString::from(hex::encode(key)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn key() -> String {
        new_key().unwrap().expose_secret().to_owned()
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_and_with_its_key_alone() {
        let (one, other) = (key(), key());
        let ring = KeyRing::parse(&one).unwrap();
        let sealed = ring.seal("credential mail", b"jane@example.com").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"jane"));
        assert_eq!(KeyRing::parse(&one).unwrap().open("credential mail", &sealed).unwrap(), b"jane@example.com");
        assert_eq!(ring.open("credential other", &sealed), Err(OpenError::Altered));
        assert_eq!(ring.open("credential mail", &sealed[..20]), Err(OpenError::Altered));
        assert_eq!(ring.open("credential mail", &sealed[..4]), Err(OpenError::Altered));
        let mut altered = sealed.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(ring.open("credential mail", &altered), Err(OpenError::Altered));
        let stranger = KeyRing::parse(&other).unwrap();
        assert_eq!(stranger.open("credential mail", &sealed), Err(OpenError::OtherKey(ring.newest())));
    }

    #[test]
    fn an_older_key_opens_and_the_newest_seals() {
        let (old, new) = (key(), key());
        let sealed = KeyRing::parse(&old).unwrap().seal("one", b"secret").unwrap();
        let both = KeyRing::parse(&format!("{new}\n{old}\n")).unwrap();
        let resealed = both.reseal("one", &sealed).unwrap().unwrap();
        assert_eq!(both.reseal("one", &resealed).unwrap(), None);
        assert_eq!(KeyRing::parse(&new).unwrap().open("one", &resealed).unwrap(), b"secret");
    }

    #[test]
    fn a_text_that_is_no_key_is_not_repeated() {
        for text in ["", " , \n", "hunter2", &"ab".repeat(31)] {
            let refused = KeyRing::parse(text).err().unwrap();
            assert!(refused.contains("consign keys new") && !refused.contains("hunter2"), "{refused}");
        }
    }
}
