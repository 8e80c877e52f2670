//! What holds of every rule for any text.

use arrow::array::{Array, StringViewArray};
use consign_model::plan::Prehashed;
use consign_model::spec::{Hash, Normalisation};
use consign_normalise::{Cleaned, Cleaner, hash_column, sha256_hex};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{MISSING, THIS_YEAR, clean, clean_in, region, shown};

/// Every rule; one that is added to the enum does not compile until it stands here.
fn all() -> Vec<Normalisation> {
    use Normalisation as N;

    let mut rules = vec![N::None];
    while let Some(next) = match rules[rules.len() - 1] {
        N::None => Some(N::Text),
        N::Text => Some(N::TextUpTo(8)),
        N::TextUpTo(_) => Some(N::Email),
        N::Email => Some(N::EmailWithoutSpace),
        N::EmailWithoutSpace => Some(N::EmailStripAlias),
        N::EmailStripAlias => Some(N::Phone),
        N::Phone => Some(N::PhoneDigits),
        N::PhoneDigits => Some(N::PersonName),
        N::PersonName => Some(N::FirstInitial),
        N::FirstInitial => Some(N::State),
        N::State => Some(N::City),
        N::City => Some(N::PostalCode),
        N::PostalCode => Some(N::Country),
        N::Country => Some(N::Birthdate),
        N::Birthdate => Some(N::BirthYear),
        N::BirthYear => Some(N::BirthMonth),
        N::BirthMonth => Some(N::BirthDay),
        N::BirthDay => Some(N::Gender),
        N::Gender => Some(N::MobileAdId),
        N::MobileAdId => Some(N::Latitude),
        N::Latitude => Some(N::Longitude),
        N::Longitude => None,
    } {
        rules.push(next);
    }
    rules
}

/// Any text, and texts near to what the rules take.
fn raw() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,12}",
        "[ \u{a0}\u{200b}]?[A-Za-zéΣİǅ.+ ]{1,6}@[A-Za-zß. ]{1,6}[.][A-Za-z]{1,3}[ \u{feff}]?",
        r"(\+|00|\+0|011|0)?[0-9٠-٩０-９ ().x-]{5,16}",
        r"(tel:|;phone-context=|;isub=|;ext=|[+*#0-9A-Za-z]){0,8}",
        r"[ÀİΣs\u{301}\u{327}' .-]{0,8}",
        r"[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}(T[0-9:]{0,8})?",
        "[0-9]{3,5}(-[0-9]{4})?",
        r"-?[0-9]{1,3}(\.[0-9]{0,6})?",
        "[0-9a-fA-F]{32}([0-9a-fA-F]{32})?",
        select(vec!["United States", "U.S.", "GB", "Korea", "California", "F", "Gírl", "New York"])
            .prop_map(str::to_owned),
    ]
}

fn cleaners() -> Vec<Cleaner> {
    let prehashed = [Prehashed::No, Prehashed::Sha256, Prehashed::Sha256OrMd5];
    let regions = [None, Some(region("GB", false)), Some(region("US", true))];
    let both = prehashed.iter().zip(&regions);
    both.flat_map(|(prehashed, region)| {
        all().into_iter().map(|rule| Cleaner::new(rule, *prehashed, region.as_ref(), THIS_YEAR))
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_value_is_never_empty_and_does_not_depend_on_what_was_cleaned_before(
        raw in raw(),
        country in option::of(select(vec!["US", "GB", "Italy", "IND", ""])),
    ) {
        for cleaner in cleaners() {
            let (mut new, mut used) = (String::new(), String::from("left over"));
            let cleaned = cleaner.value(&raw, country, &mut new);
            prop_assert!(cleaned != Cleaned::Value(""), "{cleaner:?} of {raw:?}");
            prop_assert!(cleaned == cleaner.value(&raw, country, &mut used), "{cleaner:?} of {raw:?}");
        }
    }

    #[test]
    fn what_is_clean_stays_as_it_is(raw in raw()) {
        use Normalisation as N;
        let once_is_enough = [
            N::None, N::Text, N::TextUpTo(8), N::Email, N::EmailWithoutSpace, N::EmailStripAlias, N::PersonName,
            N::FirstInitial, N::State, N::City, N::PostalCode, N::Country, N::Birthdate, N::Gender, N::MobileAdId,
            N::Latitude, N::Longitude,
        ];
        for rule in once_is_enough {
            let cleaned = clean(rule, &raw);
            if !cleaned.starts_with('<') {
                prop_assert_eq!(clean(rule, &cleaned), cleaned.as_str(), "{:?} of {:?}", rule, raw);
            }
        }
    }

    #[test]
    fn phones_are_e164_and_digits_are_the_same_without_plus(
        raw in raw(),
        default_region in select(vec!["US", "GB", "IT", "DE", "AR", "BR", "IN", "MX", "RU", "AQ"]),
    ) {
        let phone = clean_in(Normalisation::Phone, &raw, default_region, None);
        let digits = clean_in(Normalisation::PhoneDigits, &raw, default_region, None);
        if phone.starts_with('<') {
            prop_assert_eq!(digits, phone);
        } else {
            prop_assert_eq!(Some(digits.as_str()), phone.strip_prefix('+'));
            prop_assert!((8..=15).contains(&digits.len()), "{}", phone);
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'), "{}", phone);
        }
    }

    #[test]
    fn valid_phones_stay_as_they_are(
        raw in r"(\+(1|44|33|39|49|61|91)|0)?[0-9]{9,10}",
        default_region in select(vec!["US", "GB", "FR", "IT", "DE", "AU", "IN"]),
    ) {
        let strict = Cleaner::new(Normalisation::Phone, Prehashed::No, Some(&region(default_region, true)), THIS_YEAR);
        let strict = |raw: &str| shown(strict.value(raw, None, &mut String::new()));
        let cleaned = strict(&raw);
        if !cleaned.starts_with('<') {
            prop_assert_eq!(strict(&cleaned), cleaned.as_str());
            prop_assert_eq!(clean_in(Normalisation::Phone, &cleaned, "US", None), cleaned);
        }
    }

    #[test]
    fn a_column_agrees_with_its_values_row_by_row(
        rows in vec((option::weighted(0.9, raw()), option::of(select(vec!["US", "GB", "IN", "U.S.", "?"]))), 0..12),
    ) {
        let values: StringViewArray = rows.iter().map(|(value, _)| value.as_deref()).collect();
        let countries: StringViewArray = rows.iter().map(|(_, country)| *country).collect();
        for cleaner in cleaners() {
            let column = cleaner.column(&values, Some(&countries));
            let alone = rows.iter().map(|(value, country)| {
                let value = value.as_deref()?;
                match cleaner.value(value, *country, &mut String::new()) {
                    Cleaned::Value(value) => Some(value.to_owned()),
                    Cleaned::Missing => None,
                    Cleaned::Invalid => Some(String::new()),
                }
            });
            prop_assert_eq!(&column, &alone.collect::<StringViewArray>(), "{:?}", cleaner);
        }
    }

    #[test]
    fn hashes_are_64_hex_digits_of_values_alone(values in vec(option::of("\\PC{0,20}"), 0..12)) {
        let cleaned: StringViewArray = values.iter().map(Option::as_deref).collect();
        let hashes = hash_column(&cleaned, Hash::Sha256);
        prop_assert_eq!(hashes.len(), values.len());
        for (value, hash) in values.iter().zip(&hashes) {
            let expected = value.as_deref().filter(|value| !value.is_empty()).map(sha256_hex);
            prop_assert_eq!(hash, expected.as_deref());
        }
    }

    #[test]
    fn white_space_around_a_value_changes_nothing(raw in raw(), space in "[ \t\u{a0}\u{200b}\u{feff}\u{3000}]{1,3}") {
        let around = format!("{space}{raw}{space}");
        for rule in all().into_iter().filter(|rule| *rule != Normalisation::None) {
            prop_assert_eq!(clean(rule, &around), clean(rule, &raw), "{:?} of {:?}", rule, raw);
        }
        prop_assert_eq!(clean(Normalisation::Text, &space), MISSING);
    }
}
