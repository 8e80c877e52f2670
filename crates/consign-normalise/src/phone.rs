//! Rule P: E.164, of the row's region where a number does not say its country.

use std::borrow::Cow;
use std::fmt::Write as _;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, Region};
use unicode_general_category::{GeneralCategory, get_general_category};

use crate::{Cleaned, text};

/// Longer texts, in bytes, are no phone numbers, and are not worth a parse.
const LONGEST: usize = 250;

/// Shortest and longest number, in digits, country code included.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

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
    if text.len() > LONGEST || !(north_american(&text, rule, scratch) || any(&text, rule, scratch)) {
        return Cleaned::Invalid;
    }
    Cleaned::Value(if rule.plus { scratch } else { &scratch[1..] })
}

/// The fast path: what is plainly ten digits of the United States or Canada, or eleven that begin with `1`.
fn north_american(text: &str, rule: PhoneRule, scratch: &mut String) -> bool {
    let home = matches!(rule.region, Some(Region::US | Region::CA));
    let plus = text.starts_with('+');
    if rule.strict || !(home || plus) {
        return false;
    }
    scratch.clear();
    scratch.push('+');
    for byte in text[usize::from(plus)..].bytes() {
        match byte {
            b'0'..=b'9' if scratch.len() < 12 => scratch.push(char::from(byte)),
            b' ' | b'-' | b'.' | b'(' | b')' => {}
            _ => return false,
        }
    }
    if scratch.len() == 11 && !plus {
        scratch.insert(1, '1');
    }
    matches!(scratch.as_bytes(), [b'+', b'1', b'2'..=b'9', rest @ ..] if rest.len() == 9)
}

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

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_general_path(
            text in prop_oneof![r"\+?[-. ()]{0,2}1?[-. ()]{0,2}([0-9][-. ()]{0,2}){9,11}", r"\+?1?[0-9]{10}"],
            region in select(vec![Region::US, Region::CA, Region::GB]),
        ) {
            let rule = PhoneRule { region: Some(region), strict: false, plus: true };
            let (mut fast, mut general) = (String::new(), String::new());
            if north_american(&text, rule, &mut fast) {
                prop_assert!(any(&text, rule, &mut general), "{text:?}");
                prop_assert_eq!(fast, general);
            }
        }
    }
}
