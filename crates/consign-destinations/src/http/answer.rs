//! An answer, read whole and within limits.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body where it is JSON.
    json: Option<Value>,
    /// When it came.
    pub(crate) time: DateTime<Utc>,
}

impl Reply {
    pub(crate) fn new(status: u16, headers: HeaderMap, body: Bytes, time: DateTime<Utc>) -> Self {
        let json = serde_json::from_slice(&body).ok();
        Self { status, headers, body, json, time }
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> &Value {
        self.json.as_ref().unwrap_or(&Value::Null)
    }

    /// Whether the body is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// Whether the body is a web page, as proxies and challenges answer.
    pub(crate) fn is_page(&self) -> bool {
        let html = self.header("content-type").is_some_and(|media| media.contains("html"));
        html || !self.is_json() && self.body.trim_ascii_start().starts_with(b"<")
    }

    /// A header, where it is readable text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that holds a number that is not negative.
    pub(crate) fn header_number(&self, name: &str) -> Option<f64> {
        let number: f64 = self.header(name)?.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    /// A text of the body, by JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.json().pointer(pointer)?.as_str()
    }

    /// The elements of an array of the body, by JSON pointer; none where there is no array.
    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        self.json().pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// An id, which platforms give as text or as a whole number; anything else is none.
pub(crate) fn id_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) if id.is_u64() => Some(id.to_string()),
        _ => None,
    }
}
