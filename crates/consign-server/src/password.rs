//! Passwords, and the secrets that stand in for them: how they are made, hashed and compared.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rand::RngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

/// Fewest characters of a password.
const SHORTEST: usize = 12;
/// Most bytes of a password: hashing takes time by length.
const LONGEST: usize = 1_000;
/// Longest name of a user, in characters.
const LONGEST_NAME: usize = 100;

/// Why a name or a password will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// A name as users are known by it: the same however it is typed.
pub fn name(text: &str) -> Result<String, Unfit> {
    let name = text.trim().to_lowercase();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    if fits && !name.chars().any(|one| one.is_control() || one.is_whitespace()) {
        return Ok(name);
    }
    Err(Unfit(format!("the name of a user has 1 to {LONGEST_NAME} characters and no spaces: write another")))
}

/// The hash of a password that is to be kept (Argon2id, with a salt of its own). It takes a while, and 19 MiB.
pub fn hash(password: &str) -> Result<String, Unfit> {
    if password.chars().count() < SHORTEST {
        return Err(Unfit(format!("the password has fewer than {SHORTEST} characters: choose a longer one")));
    }
    if password.len() > LONGEST {
        return Err(Unfit(format!("the password has more than {LONGEST} bytes: choose a shorter one")));
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Unfit(format!("the password cannot be hashed ({error}): try again")))
}

/// Whether it is the password of a hash. Without a hash, as where nobody has the name, it takes as long and is not.
pub fn is(password: &str, hash: Option<&str>) -> bool {
    static NOBODYS: LazyLock<String> = LazyLock::new(|| self::hash("the password of nobody").unwrap_or_default());
    if password.len() > LONGEST {
        return false;
    }
    let parsed = PasswordHash::new(hash.unwrap_or(&NOBODYS));
    let same = parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
    same && hash.is_some()
}

/// What API tokens begin with, so that they are known for what they are where they should not be.
const TOKEN: &str = "consign_";

/// A new secret of 32 random bytes: a token, or what a link has in it.
pub fn secret() -> String {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    format!("{TOKEN}{}", hex::encode(bytes))
}

/// The hash of a secret that is kept. One that nobody can guess needs no salt and no work.
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let hashed = hash("correct horse battery").expect("long enough");
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert_ne!(hashed, hash("correct horse battery").expect("long enough"), "each has a salt of its own");
        assert!(is("correct horse battery", Some(&hashed)));
        assert!(!is("correct horse batterz", Some(&hashed)));
        assert!(!is("the password of nobody", None));
        assert!(!is("anything", Some("no hash")));
    }

    #[test]
    fn passwords_that_are_too_short_or_too_long_are_refused() {
        assert!(hash("elevenchars").is_err());
        assert!(hash("zwölf Zeiche").is_ok());
        assert!(hash(&"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        assert_eq!(name(" Ada@Example.com "), Ok("ada@example.com".to_owned()));
        for unfit in ["", "  ", "two words", "a\u{7}", &"x".repeat(101)] {
            assert!(name(unfit).is_err(), "{unfit:?}");
        }
    }
}
