//! What is sealed in memberships: what taking a member off a list needs may be plain personal data.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;

/// A key in the data directory, readable by its owner alone; made when it is first needed. AES-256-GCM.
pub(super) struct Seal(RandomizedNonceKey);

const KEY_BYTES: usize = 32;

impl Seal {
    /// The key in that file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let key = match fs::read(path) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(error),
        };
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key);
        key.map(Self).map_err(|_| io::Error::other("it does not hold a key of 32 bytes: restore it from a backup"))
    }

    /// Nonce, ciphertext and tag.
    pub fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = plain.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut bytes).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Some(sealed)
    }

    /// What was sealed; `None` where it was sealed with another key, or changed.
    pub fn open_sealed(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = bytes.to_vec();
        let length = self.0.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

/// Writes a new key. Two processes that do so at once end with one key.
fn make(path: &Path) -> io::Result<Vec<u8>> {
    let mut key = vec![0; KEY_BYTES];
    rand::fill(&mut key).map_err(|_| io::Error::other("this machine gives no random numbers"))?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file.write_all(&key).and_then(|()| file.sync_all()).map(|()| key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let seal = Seal::open(&one).unwrap();
        let sealed = seal.seal(b"jane@example.com").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"jane"));
        assert_eq!(Seal::open(&one).unwrap().open_sealed(&sealed).unwrap(), b"jane@example.com");
        assert_eq!(Seal::open(&other).unwrap().open_sealed(&sealed), None);
        assert_eq!(seal.open_sealed(&sealed[..20]), None);
    }
}
