//! Degrees of latitude and longitude, for Klaviyo's `location`.

use std::fmt::Write as _;

use crate::{Cleaned, text};

/// A number within `±limit` to four decimals, without zeros at its end; what is none is missing.
pub(crate) fn clean<'a>(raw: &str, limit: f64, scratch: &'a mut String) -> Cleaned<'a> {
    let degrees = text::trim(raw).parse::<f64>().ok().filter(|degrees| degrees.abs() <= limit);
    scratch.clear();
    if degrees.is_none_or(|degrees| write!(scratch, "{degrees:.4}").is_err()) {
        return Cleaned::Missing;
    }
    scratch.truncate(scratch.trim_end_matches('0').trim_end_matches('.').len());
    if scratch == "-0" { Cleaned::Value("0") } else { text::value(scratch) }
}
