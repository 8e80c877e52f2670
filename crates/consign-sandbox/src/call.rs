//! A call as a platform sees it, and its answer.

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

/// A request, its path taken apart below the platform's prefix.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The decoded parts of the path, without a trailing empty one.
    pub(crate) path: Vec<String>,
    pub(crate) trailing_slash: bool,
    /// The query as it was sent.
    pub(crate) raw_query: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// Takes a request apart; `path` is what follows the platform's prefix.
    pub(crate) fn new(method: Method, path: &str, query: &str, headers: HeaderMap, body: Bytes) -> Self {
        let trailing_slash = path.ends_with('/');
        let path = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { method, path, trailing_slash, raw_query: query.to_owned(), query: pairs, headers, body }
    }

    /// The parts of the path, to match on.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The last value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first query parameter that is none of these.
    pub(crate) fn unknown_parameter(&self, known: &[&str]) -> Option<&str> {
        self.query.iter().map(|(key, _)| key.as_str()).find(|key| !known.contains(key))
    }

    /// A whole number among the query parameters, within bounds, or the default where it is absent.
    pub(crate) fn number(&self, name: &str, bounds: std::ops::RangeInclusive<usize>, default: usize) -> Option<usize> {
        match self.parameter(name) {
            Some(text) => text.parse().ok().filter(|number| bounds.contains(number)),
            None => Some(default),
        }
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> &str {
        self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default().trim()
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").map(str::trim).filter(|token| !token.is_empty())
    }
}

/// A part of a path without its percent signs. (`+` means itself there.)
fn decode(part: &str) -> String {
    let kept = part.replace('+', "%2B");
    form_urlencoded::parse(kept.as_bytes()).map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

/// What a platform answers, and why, if it is a refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content: Content,
    /// For the page: why the platform did not do what was asked.
    pub(crate) refusal: Option<String>,
    /// For the page: how many rows the call carried.
    pub(crate) rows: usize,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    Text(&'static str, String),
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(body), refusal: None, rows: 0 }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty, refusal: None, rows: 0 }
    }

    pub(crate) fn text(status: u16, media_type: &'static str, body: impl Into<String>) -> Self {
        let content = Content::Text(media_type, body.into());
        Self { status, headers: Vec::new(), content, refusal: None, rows: 0 }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn because(mut self, reason: impl Into<String>) -> Self {
        self.refusal = Some(reason.into());
        self
    }

    pub(crate) fn carrying(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }
}
