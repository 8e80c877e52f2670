//! Columns: null is missing, the empty text is invalid, and hashes are of values alone.

use arrow::array::StringViewArray;
use consign_model::plan::Prehashed;
use consign_model::spec::{Hash, Normalisation};
use consign_normalise::{Cleaner, hash_column, sha256_hex};

use crate::{THIS_YEAR, region};

fn column(values: &[Option<&str>]) -> StringViewArray {
    values.iter().copied().collect()
}

#[test]
fn a_cleaned_column_tells_missing_from_invalid() {
    let raw = column(&[Some(" Jane@Example.com"), None, Some(""), Some(" "), Some("nobody"), Some("john@example.com")]);
    let cleaner = Cleaner::new(Normalisation::Email, Prehashed::No, None, THIS_YEAR);
    let expected = column(&[Some("jane@example.com"), None, None, None, Some(""), Some("john@example.com")]);
    assert_eq!(cleaner.column(&raw, None), expected);
    assert_eq!(cleaner.column(&column(&[]), None), column(&[]));
}

#[test]
fn each_row_is_read_in_its_own_country() {
    let raw = column(&[Some("8448309211"), Some("8448309211"), Some("8448309211"), Some("8448309211"), None]);
    let countries = column(&[Some("India"), None, Some("India"), Some("Narnia"), Some("US")]);
    let cleaner = Cleaner::new(Normalisation::Phone, Prehashed::No, Some(&region("US", false)), THIS_YEAR);
    let expected =
        column(&[Some("+918448309211"), Some("+18448309211"), Some("+918448309211"), Some("+18448309211"), None]);
    assert_eq!(cleaner.column(&raw, Some(&countries)), expected);
}

#[test]
fn a_slice_of_a_column_is_cleaned_as_the_column_is() {
    let raw = column(&[Some("x"), Some("A.long.address.of.jane@example.com"), None, Some("nobody"), Some("y")]);
    let cleaner = Cleaner::new(Normalisation::Email, Prehashed::No, None, THIS_YEAR);
    let sliced = cleaner.column(&raw.slice(1, 3), None);
    assert_eq!(sliced, column(&[Some("a.long.address.of.jane@example.com"), None, Some("")]));
    assert_eq!(hash_column(&sliced.slice(1, 2), Hash::None), column(&[None, None]));
}

#[test]
fn values_are_hashed_hashes_pass_and_nothing_is_never_hashed() {
    let hash = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
    let upper = hash.to_uppercase();
    let cleaned = column(&[Some("jane.doe@example.com"), None, Some(""), Some(&upper), Some(&hash[1..])]);
    let short = sha256_hex(&hash[1..]);
    assert_eq!(
        hash_column(&cleaned, Hash::Sha256),
        column(&[Some(hash), None, None, Some(hash), Some(short.as_str())])
    );
}

#[test]
fn where_nothing_is_hashed_values_pass_and_invalid_ones_are_null() {
    let cleaned = column(&[Some("jane.doe@example.com"), None, Some(""), Some("short")]);
    let passed = column(&[Some("jane.doe@example.com"), None, None, Some("short")]);
    for hash in [Hash::None, Hash::NoneOrPrehashed] {
        assert_eq!(hash_column(&cleaned, hash), passed);
        assert_eq!(hash_column(&passed, hash), passed);
    }
}
