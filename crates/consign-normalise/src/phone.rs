//! Rule P: E.164, of the row's region where a number does not say its country.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, Region};
use unicode_general_category::{GeneralCategory, get_general_category};

use crate::{Cleaned, text};

/// Longer texts, in bytes, are no phone numbers, and are not worth a parse.
const LONGEST: usize = 250;

/// Shortest and longest number, in digits, country code included.
const DIGITS: RangeInclusive<usize> = 8..=15;

/// How a phone is read and written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PhoneRule {
    /// Where a national number is from; `None` reads international numbers alone.
    pub region: Option<Region>,
    /// Whether it must be in an assigned range.
    pub strict: bool,
    /// Whether `+` is kept.
    pub plus: bool,
}

pub(crate) fn clean<'a>(raw: &str, rule: PhoneRule, scratch: &'a mut String) -> Cleaned<'a> {
    let text = text::composed(raw);
    if text.is_empty() {
        return Cleaned::Missing;
    }
    let valid = text.len() <= LONGEST && plain(&text, rule, scratch).unwrap_or_else(|| any(&text, rule, scratch));
    if !valid {
        return Cleaned::Invalid;
    }
    Cleaned::Value(if rule.plus { scratch } else { &scratch[1..] })
}

/// The fast path: digits and separators alone, of a country whose numbers are told by their lengths. Whether they are a
/// number, which is then written; `None` where that takes more than their length.
fn plain(text: &str, rule: PhoneRule, scratch: &mut String) -> Option<bool> {
    if rule.strict {
        return None;
    }
    let plus = text.starts_with('+');
    scratch.clear();
    scratch.push('+');
    for byte in text[usize::from(plus)..].bytes() {
        match byte {
            b'0'..=b'9' if scratch.len() <= *DIGITS.end() => scratch.push(char::from(byte)),
            b' ' | b'-' | b'.' | b'(' | b')' => {}
            _ => return None,
        }
    }
    if plus {
        return international(&scratch.as_bytes()[1..]).then_some(true);
    }
    match rule.region? {
        Region::US | Region::CA => {
            match scratch.len() - 1 {
                // Too few, also for another country's number after `00`.
                ..10 => return Some(false),
                10 => scratch.insert(1, '1'),
                _ => {}
            }
            let national = scratch[1..].strip_prefix('1');
            national.is_some_and(|national| american(national.as_bytes())).then_some(true)
        }
        region => {
            let (country, lengths) = countries().find(|(country, _)| country.region == region)?;
            let digits = &scratch.as_bytes()[1..];
            if digits.len() + country.code.len() < *DIGITS.start() {
                return Some(false);
            }
            if digits[0] == b'0' {
                if !country.takes(&digits[1..], lengths) {
                    return None;
                }
                scratch.replace_range(1..2, country.code);
                return Some(true);
            }
            // The first digits may be the country's calling code.
            if !country.bare.contains(&digits[0]) || digits.starts_with(country.code.as_bytes()) {
                return None;
            }
            let valid = country.takes(digits, lengths);
            scratch.insert_str(1, country.code);
            Some(valid)
        }
    }
}

/// Whether these are the digits of a number with its calling code, as far as their length tells.
fn international(digits: &[u8]) -> bool {
    if let [b'1', national @ ..] = digits {
        return american(national);
    }
    countries().any(|(country, lengths)| {
        let national = digits.strip_prefix(country.code.as_bytes());
        national.is_some_and(|national| country.takes(national, lengths))
    })
}

fn american(national: &[u8]) -> bool {
    matches!(national, [b'2'..=b'9', ..] if national.len() == 10)
}

/// A country where people dial one zero before a number at home, no number begins with a zero, and nothing but the
/// length of a number decides how the library reads it. The tests compare the two.
struct TrunkZero {
    region: Region,
    /// Its calling code.
    code: &'static str,
    /// With which digit numbers begin of which that is true.
    first: RangeInclusive<u8>,
    /// The same of numbers that are written without their zero: no prefix that is dialled begins with these.
    bare: RangeInclusive<u8>,
}

const fn trunk_zero(region: Region, code: &'static str) -> TrunkZero {
    TrunkZero { region, code, first: b'1'..=b'9', bare: b'1'..=b'9' }
}

impl TrunkZero {
    /// Whether these are the digits of a number without its zero, as far as their length tells. `lengths` are the possible.
    fn takes(&self, national: &[u8], lengths: u32) -> bool {
        national.first().is_some_and(|first| self.first.contains(first))
            && DIGITS.contains(&(self.code.len() + national.len()))
            && lengths & (1 << national.len()) != 0
    }
}

const TRUNK_ZERO: &[TrunkZero] = &[
    trunk_zero(Region::GB, "44"),
    trunk_zero(Region::DE, "49"),
    trunk_zero(Region::FR, "33"),
    // After 1831 and 1832, which hide and show the caller's number, another number follows.
    TrunkZero { first: b'2'..=b'9', bare: b'2'..=b'9', ..trunk_zero(Region::AU, "61") },
    trunk_zero(Region::IN, "91"),
    trunk_zero(Region::NL, "31"),
    trunk_zero(Region::BE, "32"),
    trunk_zero(Region::CH, "41"),
    trunk_zero(Region::AT, "43"),
    trunk_zero(Region::SE, "46"),
    trunk_zero(Region::IE, "353"),
    // 99 and 990 to 999 lead abroad.
    TrunkZero { bare: b'1'..=b'8', ..trunk_zero(Region::FI, "358") },
    trunk_zero(Region::RO, "40"),
    trunk_zero(Region::UA, "380"),
    trunk_zero(Region::TR, "90"),
    trunk_zero(Region::ZA, "27"),
    trunk_zero(Region::ID, "62"),
    trunk_zero(Region::PH, "63"),
    trunk_zero(Region::TH, "66"),
    trunk_zero(Region::MY, "60"),
    trunk_zero(Region::AE, "971"),
    trunk_zero(Region::SA, "966"),
    trunk_zero(Region::EG, "20"),
];

/// Each of [`TRUNK_ZERO`] with the lengths of national numbers that are possible there, a bit each.
fn countries() -> impl Iterator<Item = (&'static TrunkZero, u32)> {
    TRUNK_ZERO.iter().zip(LENGTHS.iter().copied())
}

static LENGTHS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let possible = |country: &TrunkZero, length: u32| {
        let number = PhoneNumber {
            country_code: country.code.parse().unwrap_or_default(),
            national_number: 2 * 10_u64.pow(length - 1),
            ..PhoneNumber::default()
        };
        number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible)
    };
    let bits =
        |country| (2..=15).filter(|length| possible(country, *length)).fold(0, |bits, length| bits | 1 << length);
    TRUNK_ZERO.iter().map(bits).collect()
});

/// The general path: the region's reading, and where that gives nothing, `00…` and `+0…` as `+…`.
fn any(text: &str, rule: PhoneRule, scratch: &mut String) -> bool {
    let text = dialled(text);
    read(&text, rule, scratch) || without_zeros(&text).is_some_and(|text| read(&text, rule, scratch))
}

/// The text with ASCII digits, `+` and spaces in place of their kin in other scripts and widths.
fn dialled(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.contains(|c: char| c.is_ascii_whitespace() && c != ' ') {
        return Cow::Borrowed(text);
    }
    let plain = |c: char| match c {
        '\u{FF0B}' => '+',
        c if c.is_whitespace() => ' ',
        c => ascii_digit(c),
    };
    Cow::Owned(text.chars().map(plain).collect())
}

/// The ASCII digit of a decimal digit of any script; another character as it is.
fn ascii_digit(c: char) -> char {
    let decimal = |c: char| get_general_category(c) == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !decimal(c) {
        return c;
    }
    // Unicode encodes the digits of a script as a run from 0 to 9; runs may follow each other.
    let digit = (1..=u32::from(c)).take_while(|back| char::from_u32(u32::from(c) - back).is_some_and(decimal)).last();
    char::from_digit(digit.unwrap_or(0) % 10, 10).unwrap_or(c)
}

/// `+` and what follows the zeros of a number that begins with `00` or `+0`.
fn without_zeros(text: &str) -> Option<String> {
    let number = &text[text.find(|c: char| c == '+' || c.is_ascii_digit())?..];
    let rest = number.trim_start_matches(|c: char| c == '0' || !c.is_ascii_alphanumeric());
    let zeros = number[..number.len() - rest.len()].matches('0').count();
    let enough = if number.starts_with('+') { 1 } else { 2 };
    (zeros >= enough).then(|| format!("+{rest}"))
}

/// Reads a number and writes it as E.164; whether it is acceptable.
fn read(text: &str, rule: PhoneRule, scratch: &mut String) -> bool {
    // The parser takes `tel:` after a phone context for a programming error.
    if text.find(";phone-context=").is_some_and(|context| text[context..].contains("tel:")) {
        return false;
    }
    let Ok(number) = PHONE_NUMBER_UTIL.parse(text, rule.region) else {
        return false;
    };
    scratch.clear();
    write_e164(&number, scratch) && acceptable(&number, scratch) && (!rule.strict || number.is_valid())
}

fn write_e164(number: &PhoneNumber, scratch: &mut String) -> bool {
    let zeros = if number.italian_leading_zero() { number.number_of_leading_zeros() } else { 0 };
    let written = write!(scratch, "+{}", number.country_code);
    scratch.extend((0..zeros).map(|_| '0'));
    written.and_then(|()| write!(scratch, "{}", number.national_number)).is_ok()
}

/// Country code 1: ten national digits, the first 2 to 9. Others: a length that is possible and not local only. The
/// whole of 8 to 15 digits, not all zeros.
fn acceptable(number: &PhoneNumber, e164: &str) -> bool {
    if number.country_code == 1 {
        return matches!(e164.as_bytes(), [b'+', b'1', b'2'..=b'9', rest @ ..] if rest.len() == 9);
    }
    DIGITS.contains(&(e164.len() - 1))
        && number.national_number != 0
        && number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, prop_oneof, proptest};
    use proptest::sample::select;

    use super::*;

    #[test]
    fn digits_of_every_script_are_read() {
        for (script, expected) in [("０１２９", "0129"), ("٠٩", "09"), ("۱۲", "12"), ("०९", "09"), ("𝟎𝟗𝟘𝟡𝟿", "09099")]
        {
            assert_eq!(script.chars().map(ascii_digit).collect::<String>(), expected);
        }
        assert_eq!("+ x²½Ⅷ".chars().map(ascii_digit).collect::<String>(), "+ x²½Ⅷ");
    }

    #[test]
    fn numbers_after_one_zero_or_none_are_read_as_the_library_reads_them() {
        let (mut fast, mut general, mut read) = (String::new(), String::new(), 0);
        for country in TRUNK_ZERO {
            let rule = PhoneRule { region: Some(country.region), strict: false, plus: true };
            for lead in 100..1000 {
                for rest in 1..=12 {
                    let national = format!("{lead}{}", &"735192640852"[..rest]);
                    for text in [format!("+{}{national}", country.code), format!("0{national}"), national] {
                        if let Some(valid) = plain(&text, rule, &mut fast) {
                            assert_eq!(valid, any(&text, rule, &mut general), "{text} of {:?}", country.region);
                            assert!(!valid || fast == general, "{text} of {:?}", country.region);
                            read += usize::from(valid);
                        }
                    }
                }
            }
        }
        assert!(read > 90_000, "{read}");
    }

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_general_path(
            text in prop_oneof![
                r"\+?[-. ()]{0,2}1?[-. ()]{0,2}([0-9][-. ()]{0,2}){9,11}",
                r"\+?1?[0-9]{10}",
                r"(\+?[1-9][0-9]{0,2}|0)([-. ()]{0,2}[0-9]){2,14}[-. ()]{0,2}",
            ],
            region in select(
                [Region::US, Region::CA, Region::JP].into_iter().chain(TRUNK_ZERO.iter().map(|country| country.region))
                    .map(Some).chain([None]).collect::<Vec<_>>()
            ),
        ) {
            let rule = PhoneRule { region, strict: false, plus: true };
            let (mut fast, mut general) = (String::new(), String::new());
            if let Some(valid) = plain(&text, rule, &mut fast) {
                prop_assert_eq!(valid, any(&text, rule, &mut general), "{:?}", text);
                prop_assert!(!valid || fast == general, "{fast} is not {general}");
            }
        }
    }
}
