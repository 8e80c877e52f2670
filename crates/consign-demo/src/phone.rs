//! Telephone numbers as people write them, from ranges that are set aside for fiction.

use std::fmt::Write;

use crate::areas::{AMERICAN_AREAS, CANADIAN_AREAS};
use crate::country::Country;
use crate::draw::Draw;

/// Which numbers people have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// From ranges set aside for fiction; there are few, so large sets of people share them.
    Fictional,
    /// For measuring alone: a number of its own for each of 8 million people, which may be somebody's.
    Distinct,
}

/// What some people give in place of a number.
const NOT_A_NUMBER: &[&str] = &["n/a", "unknown", "555-0100", "0000000000", "12345", "ask at the desk"];

/// The number of a customer, as written down by somebody.
pub(crate) fn phone(number: u64, country: &Country, numbers: Numbers, draw: &mut Draw) -> String {
    if draw.chance(25) {
        return draw.pick(NOT_A_NUMBER).to_owned();
    }
    match (numbers, country.calling_code) {
        (Numbers::Distinct, _) => {
            let (area, line) = (200 + number % 800, number / 800 % 10_000);
            written_american(&format!("{area}555{line:04}"), draw)
        }
        (Numbers::Fictional, "1") => {
            let areas = if country.code == "CA" { CANADIAN_AREAS } else { AMERICAN_AREAS };
            let area = areas[nth(number / 100, areas.len())];
            written_american(&format!("{area}55501{:02}", number % 100), draw)
        }
        (Numbers::Fictional, code) => {
            let range = country.phones[nth(number / 1_000, country.phones.len())];
            written(&fill(range, number), code, draw)
        }
    }
}

fn nth(number: u64, length: usize) -> usize {
    usize::try_from(number % length.max(1) as u64).unwrap_or(0)
}

/// Puts the digits of a number in place of each `#`, the last digit in the last place.
fn fill(range: &str, number: u64) -> String {
    let mut rest = number;
    let filled: Vec<char> = range
        .chars()
        .rev()
        .map(|c| {
            if c != '#' {
                return c;
            }
            let digit = rest % 10;
            rest /= 10;
            char::from_digit(u32::try_from(digit).unwrap_or(0), 10).unwrap_or('0')
        })
        .collect();
    filled.into_iter().rev().collect()
}

/// Ten digits the American way.
fn written_american(digits: &str, draw: &mut Draw) -> String {
    let (area, rest) = digits.split_at(3);
    let (exchange, line) = rest.split_at(3);
    match draw.below(100) {
        0..34 => format!("({area}) {exchange}-{line}"),
        34..56 => format!("{area}-{exchange}-{line}"),
        56..70 => digits.to_owned(),
        70..78 => format!("{area}.{exchange}.{line}"),
        78..86 => format!("+1 {area} {exchange} {line}"),
        86..94 => format!("+1{digits}"),
        94..97 => format!("1-{area}-{exchange}-{line}"),
        _ => format!("({area}) {exchange}-{line} x{}", 10 + draw.below(90)),
    }
}

/// A national number with its leading zero, as its country writes it.
fn written(national: &str, calling_code: &str, draw: &mut Draw) -> String {
    let without_zero = national.strip_prefix('0').unwrap_or(national);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = match draw.below(100) {
        0..46 => write!(text, "{national}"),
        46..60 => write!(text, "{}", digits(national)),
        60..82 => write!(text, "+{calling_code} {without_zero}"),
        82..92 => write!(text, "+{calling_code}{}", digits(without_zero)),
        92..97 => write!(text, "00{calling_code} {without_zero}"),
        _ => write!(text, "{national} ext. {}", 10 + draw.below(90)),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::country::COUNTRIES;
    use crate::draw::Purpose;

    #[test]
    fn digits_fill_a_range_from_its_end() {
        assert_eq!(fill("07700 900###", 12_345), "07700 900345");
        assert_eq!(fill("06 39 98 ## ##", 7), "06 39 98 00 07");
    }

    #[test]
    fn american_numbers_are_of_the_range_for_fiction() {
        for number in 0..3_000 {
            let text = phone(number, &COUNTRIES[0], Numbers::Fictional, &mut Draw::of(number, Purpose::Phone));
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let fictional = digits.contains("55501");
            assert!(fictional || NOT_A_NUMBER.contains(&text.as_str()), "{text}");
        }
    }
}
