//! The types of columns of text files, and their values. A column gets a type only if every value of the whole table
//! is written in that type's one way, so that no value is lost and none changes its meaning:
//! a value with a leading zero or plus (`00123`, `+49`) is no number, nor is one with more digits than a number keeps.

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use consign_model::test::parse_date;

/// A value of a text file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    /// No value.
    Null,
    /// A text that may be a number, date, ... (CSV).
    Plain(&'a str),
    /// A text that is text, unless it is a date or timestamp (a JSON string).
    Quoted(&'a str),
    /// A number (JSON).
    Number(&'a str),
    /// A truth value (JSON).
    Boolean(bool),
    /// A list or object, as its JSON.
    Nested(&'a str),
}

/// Most digits of a float that keeps each of them.
const MAX_FLOAT_DIGITS: usize = 17;

/// The types that a column may still have after the values seen so far.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a type that is still possible")]
pub(crate) struct Guess {
    seen: bool,
    boolean: bool,
    integer: bool,
    float: bool,
    date: bool,
    local: bool,
    zoned: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self { seen: false, boolean: true, integer: true, float: true, date: true, local: true, zoned: true }
    }
}

impl Guess {
    /// A guess that is text whatever the values: for customer keys.
    pub fn text() -> Self {
        Self { seen: true, boolean: false, integer: false, float: false, date: false, local: false, zoned: false }
    }

    /// Whether nothing but text is left, so that further values need no look.
    pub fn is_text(self) -> bool {
        !(self.boolean || self.integer || self.float || self.date || self.local || self.zoned)
    }

    /// Takes one more value into account.
    pub fn see(&mut self, cell: Cell<'_>) {
        if self.is_text() {
            return;
        }
        let (text, numbers, booleans) = match cell {
            Cell::Null => return,
            Cell::Nested(_) => return *self = Self::text(),
            Cell::Boolean(_) => {
                *self = Self { seen: true, boolean: self.boolean, ..Self::text() };
                return;
            }
            Cell::Plain(text) => (text, true, true),
            Cell::Quoted(text) => (text, false, false),
            Cell::Number(text) => (text, true, false),
        };
        if numbers && is_nan(text) {
            *self = Self { integer: self.integer, float: self.float, seen: self.seen, ..Self::text() };
            return;
        }
        self.seen = true;
        self.boolean &= booleans && boolean(text).is_some();
        self.integer &= numbers && integer(text).is_some();
        self.float &= numbers && float(text).is_some();
        self.date &= parse_date(text).is_some();
        self.local &= local(text).is_some();
        self.zoned &= zoned(text).is_some();
    }

    /// The type of the column.
    pub fn data_type(self) -> DataType {
        match self {
            Self { seen: false, .. } => DataType::Utf8View,
            Self { boolean: true, .. } => DataType::Boolean,
            Self { integer: true, .. } => DataType::Int64,
            Self { float: true, .. } => DataType::Float64,
            Self { date: true, .. } => DataType::Date32,
            Self { local: true, .. } => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self { zoned: true, .. } => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => DataType::Utf8View,
        }
    }
}

pub(crate) fn is_nan(text: &str) -> bool {
    text.eq_ignore_ascii_case("nan")
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A whole number in its one way: no plus, no leading zero.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// A float: `12`, `-0.5`, `1e-7`; no leading zero, no more digits than it keeps.
pub(crate) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fine = digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    let significant = format!("{whole}{}", fraction.unwrap_or_default());
    if !fine || significant.trim_start_matches('0').len() > MAX_FLOAT_DIGITS {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A date and time without a zone; a date alone is its midnight.
pub(crate) fn local(text: &str) -> Option<NaiveDateTime> {
    if let Some(day) = parse_date(text) {
        return Some(day.and_time(chrono::NaiveTime::MIN));
    }
    let (day, time) = day_and_time(text)?;
    let time = match time.len() {
        5 => chrono::NaiveTime::parse_from_str(time, "%H:%M").ok()?,
        _ if time.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')) => {
            chrono::NaiveTime::parse_from_str(time, "%H:%M:%S%.f").ok()?
        }
        _ => return None,
    };
    Some(day.and_time(time))
}

/// A moment: a date and time with `Z` or an offset.
pub(crate) fn zoned(text: &str) -> Option<DateTime<Utc>> {
    day_and_time(text)?;
    let moment = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"))
        .ok()?;
    Some(moment.with_timezone(&Utc))
}

fn day_and_time(text: &str) -> Option<(NaiveDate, &str)> {
    let day = parse_date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    Some((day, rest.strip_prefix(['T', ' '])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(values: &[&str]) -> DataType {
        let mut guess = Guess::default();
        for value in values {
            guess.see(Cell::Plain(value));
        }
        guess.data_type()
    }

    #[test]
    fn a_column_with_one_leading_zero_is_text() {
        assert_eq!(guessed(&["1", "2"]), DataType::Int64);
        assert_eq!(guessed(&["1", "02"]), DataType::Utf8View);
        assert_eq!(guessed(&["0", "-1"]), DataType::Int64);
        assert_eq!(guessed(&["0.5", "1"]), DataType::Float64);
        assert_eq!(guessed(&["00.5", "1"]), DataType::Utf8View);
        assert_eq!(guessed(&["+491701234567"]), DataType::Utf8View);
        assert_eq!(guessed(&["12345678901234567890"]), DataType::Utf8View);
        assert_eq!(guessed(&["1", "NaN", "2.5"]), DataType::Float64);
        assert_eq!(guessed(&["NaN"]), DataType::Utf8View);
    }

    #[test]
    fn days_and_moments_are_told_apart() {
        let timestamp = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        assert_eq!(guessed(&["2026-01-31"]), DataType::Date32);
        assert_eq!(guessed(&["2026-02-31"]), DataType::Utf8View);
        assert_eq!(guessed(&["2026-01-31", "2026-01-31 10:00"]), timestamp(None));
        assert_eq!(guessed(&["2026-01-31T10:00:00.123456"]), timestamp(None));
        assert_eq!(guessed(&["2026-01-31T10:00:00Z", "2026-01-31 10:00:00+02:00"]), timestamp(Some("UTC")));
        assert_eq!(guessed(&["2026-01-31T10:00:00Z", "2026-01-31T10:00:00"]), DataType::Utf8View);
        assert_eq!(guessed(&["true", "FALSE"]), DataType::Boolean);
        assert_eq!(guessed(&["true", "1"]), DataType::Utf8View);
        assert_eq!(guessed(&[]), DataType::Utf8View);
    }

    #[test]
    fn a_json_string_is_never_a_number() {
        let mut guess = Guess::default();
        guess.see(Cell::Quoted("12"));
        assert_eq!(guess.data_type(), DataType::Utf8View);
    }
}
