//! Definitions as YAML text.

use std::fmt::Write;

use saphyr::Scalar;
use serde_json::Value;

use crate::definition::Definitions;

/// Definitions as the text of one file, which [`read`](super::read) reads back to the same.
pub fn write(definitions: &Definitions) -> String {
    let mut text = String::new();
    let value = serde_json::to_value(definitions).unwrap_or_default();
    if let Value::Object(fields) = &value {
        for (name, value) in fields {
            let empty = value.as_array().is_some_and(Vec::is_empty);
            if !empty {
                text.push_str(&scalar(name));
                text.push(':');
                put(&mut text, value, 1, false);
            }
        }
    }
    text
}

/// Writes a value behind `key:` or `-`, with its line break.
fn put(text: &mut String, value: &Value, indent: usize, in_list: bool) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Array(items) if items.is_empty() => text.push_str(" []\n"),
        Value::Object(fields) if fields.is_empty() => text.push_str(" {}\n"),
        Value::Array(items) => {
            text.push('\n');
            for item in items {
                text.push_str(&pad);
                text.push('-');
                put(text, item, indent + 1, true);
            }
        }
        Value::Object(fields) => {
            for (i, (name, value)) in fields.iter().enumerate() {
                match (i, in_list) {
                    (0, true) => text.push(' '),
                    (0, false) => {
                        text.push('\n');
                        text.push_str(&pad);
                    }
                    _ => text.push_str(&pad),
                }
                text.push_str(&scalar(name));
                text.push(':');
                put(text, value, indent + 1, false);
            }
        }
        Value::String(string) => {
            let _ = writeln!(text, " {}", scalar(string));
        }
        other => {
            let _ = writeln!(text, " {other}");
        }
    }
}

/// A text as a YAML scalar: plain where no reader could take it for anything else, else in double quotes.
fn scalar(text: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '(' | ')');
    let plain = text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(harmless)
        && !text.ends_with(' ')
        && text.len() < 200
        && matches!(Scalar::parse_from_cow(text.into()), Scalar::String(_))
        && !matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off");
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
