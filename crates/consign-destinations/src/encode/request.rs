//! What the requests of several kinds have in common.

use consign_model::spec::Limits;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// Those limits with at most so many rows a request, where a destination's setting says so.
pub(crate) fn rows_at_most(limits: Limits, batch_size: Option<i64>) -> Limits {
    let rows = batch_size.and_then(|rows| usize::try_from(rows).ok()).filter(|rows| *rows > 0);
    Limits { request_rows: rows.or(limits.request_rows), ..limits }
}

/// A text as one segment of a path: everything but unreserved characters is percent-encoded, so that an id that a user
/// wrote cannot lead elsewhere.
pub(crate) fn path_segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            segment.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        assert_eq!(path_segment("778899"), "778899");
        assert_eq!(path_segment("v25.0"), "v25.0");
        assert_eq!(path_segment("a/../b?c=é"), "a%2F..%2Fb%3Fc%3D%C3%A9");
    }
}
