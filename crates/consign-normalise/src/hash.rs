//! Hashes of cleaned values: lower-case hex SHA-256, no salt.

use std::borrow::Cow;

use arrow::array::{Array, StringViewArray, StringViewBuilder};
use consign_model::spec::Hash;
use sha2::{Digest, Sha256};

/// Characters of a SHA-256 in hex.
pub(crate) const SHA256_HEX: usize = 64;
/// Characters of an MD5 in hex.
pub(crate) const MD5_HEX: usize = 32;

/// Whether a text is so many hex digits.
pub(crate) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The SHA-256 of a text's UTF-8 bytes, in lower-case hex.
pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// A cleaned column as it leaves: hashed, or as it is where it is not to be. Missing and invalid values are null in it,
/// so it holds no empty text, and no hash of one. A value that already is 64 hex characters passes lower-cased.
pub fn hash_column(cleaned: &StringViewArray, hash: Hash) -> StringViewArray {
    match hash {
        Hash::None | Hash::NoneOrPrehashed => without_invalid(cleaned).into_owned(),
        Hash::Sha256 => sha256_column(cleaned),
    }
}

fn without_invalid(cleaned: &StringViewArray) -> Cow<'_, StringViewArray> {
    // An empty text is the only one whose view has the length 0; nulls may have it too.
    let invalid = |(row, view): (usize, &u128)| view & u128::from(u32::MAX) == 0 && cleaned.is_valid(row);
    if cleaned.views().iter().enumerate().any(invalid) {
        Cow::Owned(cleaned.iter().map(|value| value.filter(|value| !value.is_empty())).collect())
    } else {
        Cow::Borrowed(cleaned)
    }
}

fn sha256_column(cleaned: &StringViewArray) -> StringViewArray {
    let mut hashes = StringViewBuilder::with_capacity(cleaned.len());
    let mut hex = [0; SHA256_HEX];
    for value in cleaned {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            hashes.append_null();
            continue;
        };
        if is_hex(value, SHA256_HEX) {
            hex.copy_from_slice(value.as_bytes());
            hex.make_ascii_lowercase();
        } else {
            hex::encode_to_slice(Sha256::digest(value.as_bytes()), &mut hex).expect("32 bytes are 64 digits");
        }
        hashes.append_value(std::str::from_utf8(&hex).expect("hex digits are ASCII"));
    }
    hashes.finish()
}
