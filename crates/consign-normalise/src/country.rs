//! Meta COUNTRY, by which the country of a row is read for every destination.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::{Cleaned, text};

/// No name of a country is longer, in bytes.
const LONGEST: usize = 200;

/// What people write where ISO 3166 has another English name.
const OTHER_NAMES: [(&str, &str); 59] = [
    ("America", "US"),
    ("Britain", "GB"),
    ("British Virgin Islands", "VG"),
    ("Brunei", "BN"),
    ("Burma", "MM"),
    ("Cape Verde", "CV"),
    ("Cocos Islands", "CC"),
    ("Congo-Brazzaville", "CG"),
    ("Congo-Kinshasa", "CD"),
    ("Czech Republic", "CZ"),
    ("DR Congo", "CD"),
    ("Democratic People's Republic of Korea", "KP"),
    ("Democratic Republic of the Congo", "CD"),
    ("East Timor", "TL"),
    ("Eire", "IE"),
    ("England", "GB"),
    ("Federal Republic of Germany", "DE"),
    ("Great Britain", "GB"),
    ("Holland", "NL"),
    ("Hong Kong SAR", "HK"),
    ("Islamic Republic of Iran", "IR"),
    ("Ivory Coast", "CI"),
    ("Keeling Islands", "CC"),
    ("Kingdom of the Netherlands", "NL"),
    ("Laos", "LA"),
    ("Macau", "MO"),
    ("Macedonia", "MK"),
    ("Malvinas", "FK"),
    ("North Korea", "KP"),
    ("Northern Ireland", "GB"),
    ("People's Republic of China", "CN"),
    ("Pitcairn Islands", "PN"),
    ("Republic of China", "TW"),
    ("Republic of Ireland", "IE"),
    ("Republic of Korea", "KR"),
    ("Republic of Moldova", "MD"),
    ("Republic of the Congo", "CG"),
    ("Russia", "RU"),
    ("Saint Barts", "BL"),
    ("Saint Helena", "SH"),
    ("Scotland", "GB"),
    ("South Korea", "KR"),
    ("State of Palestine", "PS"),
    ("Svalbard", "SJ"),
    ("Swaziland", "SZ"),
    ("Syria", "SY"),
    ("Turkey", "TR"),
    ("UAE", "AE"),
    ("UK", "GB"),
    ("US Virgin Islands", "VI"),
    ("United Kingdom", "GB"),
    ("United Republic of Tanzania", "TZ"),
    ("United States Virgin Islands", "VI"),
    ("United States", "US"),
    ("Vatican City State", "VA"),
    ("Vatican City", "VA"),
    ("Vatican", "VA"),
    ("Virgin Islands of the United States", "VI"),
    ("Wales", "GB"),
];

/// Codes by the key of a name. Of ISO's `Moldova (Republic of)` also the part before the bracket, unless two countries
/// share it (`Korea`, `Virgin Islands`).
static NAMES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut short: HashMap<String, Option<&'static str>> = HashMap::new();
    for country in rust_iso3166::ALL {
        if let Some((name, _)) = country.name.split_once(" (") {
            short.entry(key(name)).and_modify(|code| *code = None).or_insert(Some(country.alpha2));
        }
    }
    let short = short.into_iter().filter_map(|(name, code)| Some((name, code?)));
    let other = OTHER_NAMES.iter().map(|(name, code)| (key(name), *code));
    // The later of two stands: a country's own name.
    short.chain(other).chain(rust_iso3166::ALL.iter().map(|country| (key(country.name), country.alpha2))).collect()
});

/// ISO 3166 alpha-2 in lower case; what is no country is missing.
pub(crate) fn clean<'a>(raw: &str, scratch: &'a mut String) -> Cleaned<'a> {
    scratch.clear();
    scratch.push_str(alpha2(raw).unwrap_or_default());
    scratch.make_ascii_lowercase();
    text::value(scratch)
}

/// ISO 3166 alpha-2 in upper case of a country given as alpha-2, alpha-3 or English name, full stops dropped.
pub(crate) fn alpha2(raw: &str) -> Option<&'static str> {
    let raw = text::trim(raw);
    if raw.is_empty() || raw.len() > LONGEST {
        return None;
    }
    let mut letters = [0; 3];
    let mut count = 0;
    for byte in raw.bytes().filter(|byte| *byte != b'.') {
        match letters.get_mut(count) {
            Some(letter) if byte.is_ascii_alphabetic() => *letter = byte.to_ascii_uppercase(),
            _ => return by_name(raw),
        }
        count += 1;
    }
    let code = std::str::from_utf8(&letters[..count]).ok()?;
    let country = if count == 2 { rust_iso3166::from_alpha2(code) } else { rust_iso3166::from_alpha3(code) };
    country.map_or_else(|| by_name(raw), |country| Some(country.alpha2))
}

fn by_name(raw: &str) -> Option<&'static str> {
    NAMES.get(&key(&raw.replace('.', ""))).copied()
}

/// What two spellings of a name have in common: its words without accents, case, `and`, `&` and `the`, `St` as
/// `Saint`.
fn key(name: &str) -> String {
    let plain: String = name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !matches!(*word, "and" | "the"));
    words.map(|word| if word == "st" { "saint" } else { word }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_country_is_known_by_code_and_by_name() {
        for country in rust_iso3166::ALL {
            for text in [country.alpha2, country.alpha3, country.name] {
                assert_eq!(alpha2(text), Some(country.alpha2), "{text}");
                assert_eq!(alpha2(&format!(" {} ", text.to_lowercase())), Some(country.alpha2), "{text}");
            }
        }
    }

    #[test]
    fn every_other_name_is_of_one_country() {
        let known: HashSet<_> = rust_iso3166::ALL.iter().map(|country| key(country.name)).collect();
        for (name, code) in OTHER_NAMES {
            assert_eq!(alpha2(name), Some(code), "{name}");
            assert!(rust_iso3166::from_alpha2(code).is_some(), "{code}");
            assert!(!known.contains(&key(name)), "{name} is a country's own name");
        }
    }
}
