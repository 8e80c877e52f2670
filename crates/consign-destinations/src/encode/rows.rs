//! Encoded rows, cut into requests and put into bodies.

use std::ops::Range;

use consign_model::spec::Limits;

use super::Envelope;

/// Rows as parts of a body: contiguous bytes, with the end of each. Each row is followed by the separator, so that any
/// range of rows is one slice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedRows {
    bytes: Vec<u8>,
    /// Where the row after this one begins.
    ends: Vec<usize>,
}

impl EncodedRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a row that `write` appends; nothing else of the buffer may be touched.
    pub(crate) fn push(&mut self, separator: u8, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.bytes.push(separator);
        self.ends.push(self.bytes.len());
    }

    fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] }
    }

    /// The bytes of a row, without the separator.
    ///
    /// # Panics
    ///
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> &[u8] {
        &self.bytes[self.start(row)..self.ends[row] - 1]
    }

    /// The rows, separated, that a range holds.
    fn slice(&self, rows: Range<usize>) -> &[u8] {
        if rows.is_empty() { &[] } else { &self.bytes[self.start(rows.start)..self.ends[rows.end - 1] - 1] }
    }

    /// The rows whose part of a body is larger than a platform takes (`row_too_large`).
    pub fn too_large(&self, limits: &Limits) -> impl Iterator<Item = usize> {
        let limit = limits.row_bytes.or(limits.request_bytes).unwrap_or(usize::MAX);
        (0..self.len()).filter(move |&row| self.row(row).len() > limit)
    }
}

impl<'a> FromIterator<&'a [u8]> for EncodedRows {
    /// Rows that were encoded before, each as [`EncodedRows::row`] gave it.
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(rows: I) -> Self {
        let mut encoded = Self::new();
        for row in rows {
            encoded.push(b'\n', |bytes| bytes.extend_from_slice(row));
        }
        encoded
    }
}

/// Cuts rows into requests, each as full as rows and bytes allow. `overhead` is what a body has besides its rows
/// ([`Envelope::overhead`]). No rows, no request. A row that is alone above the limit is a request of its own: it should
/// have been dropped before ([`EncodedRows::too_large`]).
pub fn split_requests(rows: &EncodedRows, limits: &Limits, overhead: usize) -> Vec<Range<usize>> {
    let most_rows = limits.request_rows.unwrap_or(usize::MAX).max(1);
    let most_bytes = limits.request_bytes.unwrap_or(usize::MAX).saturating_sub(overhead);
    let mut requests = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        let from = rows.start(start);
        // The row at `end` fits while what ends with it, less its separator, does. Ends only grow.
        let fitting = rows.ends[start..].partition_point(|&end| end - 1 - from <= most_bytes);
        let end = start + fitting.clamp(1, most_rows);
        requests.push(start..end);
        start = end;
    }
    requests
}

/// The body of a request: a range of rows within its envelope.
///
/// # Panics
///
/// Where the range is not one of rows.
pub fn body(envelope: &Envelope, rows: &EncodedRows, range: Range<usize>) -> Vec<u8> {
    let slice = rows.slice(range);
    let mut body = Vec::with_capacity(envelope.overhead() + slice.len());
    body.extend_from_slice(&envelope.prefix);
    body.extend_from_slice(slice);
    body.extend_from_slice(&envelope.suffix);
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::Method;

    fn encoded(rows: &[Vec<u8>]) -> EncodedRows {
        let mut encoded = EncodedRows::new();
        for row in rows {
            encoded.push(b',', |bytes| bytes.extend_from_slice(row));
        }
        encoded
    }

    fn envelope(prefix: &[u8], suffix: &[u8]) -> Envelope {
        Envelope {
            method: Method::Post,
            path: String::new(),
            headers: Vec::new(),
            prefix: prefix.to_vec(),
            separator: b',',
            suffix: suffix.to_vec(),
        }
    }

    proptest! {
        #[test]
        fn requests_hold_every_row_once_in_order_within_the_limits(
            rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..200),
            request_rows in 1_usize..50,
            request_bytes in 44_usize..300,
        ) {
            let encoded = encoded(&rows);
            let envelope = envelope(b"[[", b"]]");
            let limits = Limits { request_rows: Some(request_rows), request_bytes: Some(request_bytes), row_bytes: None };
            let requests = split_requests(&encoded, &limits, envelope.overhead());
            let mut next = 0;
            for (i, range) in requests.iter().enumerate() {
                prop_assert_eq!(range.start, next);
                prop_assert!(!range.is_empty() && range.len() <= request_rows);
                let body = body(&envelope, &encoded, range.clone());
                prop_assert!(body.len() <= request_bytes);
                prop_assert_eq!(&body[2..body.len() - 2], rows[range.clone()].join(&b','));
                // As full as can be: the next row would not have fitted.
                if i + 1 < requests.len() {
                    prop_assert!(range.len() == request_rows || body.len() + 1 + rows[range.end].len() > request_bytes);
                }
                next = range.end;
            }
            prop_assert_eq!(next, rows.len());
        }
    }

    #[test]
    fn a_row_above_the_limit_is_named_and_never_lost() {
        let encoded = encoded(&[b"a".to_vec(), vec![b'b'; 50], b"c".to_vec()]);
        let limits = Limits { request_rows: None, request_bytes: Some(20), row_bytes: Some(10) };
        assert_eq!(encoded.too_large(&limits).collect::<Vec<_>>(), [1]);
        assert_eq!(split_requests(&encoded, &limits, 4), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn without_limits_all_rows_are_one_request() {
        let encoded = encoded(&[b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(split_requests(&encoded, &Limits::default(), 0), std::iter::once(0..2).collect::<Vec<_>>());
        assert!(split_requests(&EncodedRows::new(), &Limits::default(), 0).is_empty());
    }
}
