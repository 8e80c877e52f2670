//! Strict reading of JSON bodies: what is not known is refused, with the place and the reason.

use serde_json::{Map, Value};

/// What is wrong with a body, and where: a JSON pointer.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) at: String,
    pub(crate) reason: String,
}

impl Problem {
    pub(crate) fn new(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { at: at.into(), reason: reason.into() }
    }
}

/// The body as JSON.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new("", format!("the body is not JSON (line {}, column {})", error.line(), error.column()))
    })
}

/// An object that has none but the known fields.
pub(crate) fn object<'a>(value: &'a Value, at: &str, known: &[&str]) -> Result<&'a Map<String, Value>, Problem> {
    let Value::Object(map) = value else { return Err(Problem::new(at, "must be an object")) };
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Problem::new(format!("{at}/{key}"), format!("`{key}` is not a valid field"))),
        None => Ok(map),
    }
}

/// A field that must be there.
pub(crate) fn field<'a>(map: &'a Map<String, Value>, at: &str, key: &str) -> Result<&'a Value, Problem> {
    map.get(key).ok_or_else(|| Problem::new(format!("{at}/{key}"), format!("`{key}` is required")))
}

/// A field that must be there and be a string; a number is not one.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, at: &str, key: &str) -> Result<&'a str, Problem> {
    field(map, at, key)?
        .as_str()
        .ok_or_else(|| Problem::new(format!("{at}/{key}"), format!("`{key}` must be a string")))
}

/// A string that may be absent.
pub(crate) fn optional<'a>(map: &'a Map<String, Value>, at: &str, key: &str) -> Result<Option<&'a str>, Problem> {
    if map.contains_key(key) { text(map, at, key).map(Some) } else { Ok(None) }
}

/// A field that must be there and be an array.
pub(crate) fn array<'a>(map: &'a Map<String, Value>, at: &str, key: &str) -> Result<&'a [Value], Problem> {
    match field(map, at, key)? {
        Value::Array(items) => Ok(items),
        _ => Err(Problem::new(format!("{at}/{key}"), format!("`{key}` must be an array"))),
    }
}

/// An array of strings.
pub(crate) fn texts<'a>(map: &'a Map<String, Value>, at: &str, key: &str) -> Result<Vec<&'a str>, Problem> {
    array(map, at, key)?
        .iter()
        .enumerate()
        .map(|(n, item)| {
            item.as_str().ok_or_else(|| Problem::new(format!("{at}/{key}/{n}"), format!("`{key}` holds strings only")))
        })
        .collect()
}
