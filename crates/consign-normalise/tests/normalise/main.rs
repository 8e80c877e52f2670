//! The rules through the public face: every example and hash of the destinations' specifications, the traps beside
//! them, and what holds for any text.

mod attentive;
mod columns;
mod criteo;
mod klaviyo;
mod meta_ads;
mod phones;
mod properties;
mod rules;
mod tiktok_ads;

use consign_model::plan::{Prehashed, RegionRule};
use consign_model::spec::Normalisation;
use consign_normalise::{Cleaned, Cleaner, sha256_hex};

/// The year of all tests.
const THIS_YEAR: i32 = 2026;
/// How the tables write a missing value.
const MISSING: &str = "<missing>";
/// How the tables write an invalid value.
const INVALID: &str = "<invalid>";

/// Raw, default region, row's country, normalised, SHA-256 of that (empty where the specification has none).
type InRegion = (&'static str, &'static str, Option<&'static str>, &'static str, &'static str);

/// A region rule without a column: the tests give the row's country themselves.
fn region(default_region: &str, strict: bool) -> RegionRule {
    RegionRule { column: None, default_region: default_region.to_owned(), strict }
}

/// A cleaned value as the tables write it.
fn shown(cleaned: Cleaned<'_>) -> String {
    match cleaned {
        Cleaned::Value(value) => value.to_owned(),
        Cleaned::Missing => MISSING.to_owned(),
        Cleaned::Invalid => INVALID.to_owned(),
    }
}

/// A value cleaned with that default region, in a row with that country.
fn clean_in(normalisation: Normalisation, raw: &str, default_region: &str, country: Option<&str>) -> String {
    let cleaner = Cleaner::new(normalisation, Prehashed::No, Some(&region(default_region, false)), THIS_YEAR);
    shown(cleaner.value(raw, country, &mut String::from("left over")))
}

/// A value cleaned by a rule that looks at no country.
fn clean(normalisation: Normalisation, raw: &str) -> String {
    let cleaner = Cleaner::new(normalisation, Prehashed::No, None, THIS_YEAR);
    shown(cleaner.value(raw, None, &mut String::from("left over")))
}

/// Checks (raw, normalised, SHA-256 of that; empty where the specification has none).
#[track_caller]
fn check(normalisation: Normalisation, vectors: &[(&str, &str, &str)]) {
    for (raw, normalised, hash) in vectors {
        assert_eq!(clean(normalisation, raw), *normalised, "{normalisation:?} of {raw:?}");
        check_hash(normalised, hash);
    }
}

/// Checks a rule that looks at the region.
#[track_caller]
fn check_in(normalisation: Normalisation, vectors: &[InRegion]) {
    for (raw, default_region, country, normalised, hash) in vectors {
        let cleaned = clean_in(normalisation, raw, default_region, *country);
        assert_eq!(cleaned, *normalised, "{normalisation:?} of {raw:?} in {country:?}, else {default_region}");
        check_hash(normalised, hash);
    }
}

#[track_caller]
fn check_hash(normalised: &str, hash: &str) {
    if !hash.is_empty() {
        assert_eq!(sha256_hex(normalised), hash, "SHA-256 of {normalised:?}");
    }
}
