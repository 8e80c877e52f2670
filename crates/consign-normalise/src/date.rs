//! Meta BIRTH and what it is sent as: DOBY, DOBM, DOBD.

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};

use crate::{Cleaned, text};

/// The first year that anybody is born in.
const FIRST_YEAR: i32 = 1900;

/// What is taken of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `YYYY-MM-DD`.
    Whole,
    /// `YYYY`.
    Year,
    /// `MM`.
    Month,
    /// `DD`.
    Day,
}

/// A part of a date of birth. A date that is none, or none to be born on, is missing as a whole.
pub(crate) fn clean<'a>(raw: &str, part: Part, this_year: i32, scratch: &'a mut String) -> Cleaned<'a> {
    let Some(date) = read(text::trim(raw)).filter(|date| (FIRST_YEAR..=this_year).contains(&date.year())) else {
        return Cleaned::Missing;
    };
    let (year, month, day) = (date.year(), date.month(), date.day());
    scratch.clear();
    let written = match part {
        Part::Whole => write!(scratch, "{year:04}-{month:02}-{day:02}"),
        Part::Year => write!(scratch, "{year:04}"),
        Part::Month => write!(scratch, "{month:02}"),
        Part::Day => write!(scratch, "{day:02}"),
    };
    if written.is_ok() { text::value(scratch) } else { Cleaned::Missing }
}

/// Reads `YYYY-MM-DD`, that with a time behind it, or `MM/DD/YYYY`. The day is the one written, whatever the zone.
fn read(text: &str) -> Option<NaiveDate> {
    if let Some((month, rest)) = text.split_once('/') {
        let (day, year) = rest.split_once('/')?;
        return date(digits(year, 4..=4)?, digits(month, 1..=2)?, digits(day, 1..=2)?);
    }
    let (day, time) = text.split_at_checked(10)?;
    if !(time.is_empty() || is_time(time)) {
        return None;
    }
    let (year, rest) = day.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    date(digits(year, 4..=4)?, digits(month, 2..=2)?, digits(day, 2..=2)?)
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let fits = count.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// `T` or a space, then an hour, then what times are made of.
fn is_time(text: &str) -> bool {
    let time = text.strip_prefix(['T', 't', ' ']).unwrap_or_default();
    let hour = time.get(..2).is_some_and(|hour| digits(hour, 2..=2).is_some_and(|hour| hour <= 24));
    hour && time.bytes().all(|byte| byte.is_ascii_digit() || b":.,+- ZzUTC".contains(&byte))
}
