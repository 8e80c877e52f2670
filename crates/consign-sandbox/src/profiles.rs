//! Klaviyo's profiles: one account-wide record a person, found by e-mail, phone or external id.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The fields by which a profile is found, in the order in which they are tried.
pub(crate) const IDENTIFIERS: [&str; 3] = ["email", "phone_number", "external_id"];

/// A change of one profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upsert {
    pub(crate) attributes: Map<String, Value>,
    /// Whether NULL clears a field (the single import) or leaves it (the bulk import).
    #[serde(default)]
    pub(crate) clear: bool,
    /// Properties to forget.
    #[serde(default)]
    pub(crate) unset: Vec<String>,
}

/// All profiles, numbered in order of arrival; none is ever deleted.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    rows: Vec<Box<str>>,
    index: HashMap<String, u32>,
}

impl Profiles {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The attributes of a profile.
    pub(crate) fn attributes(&self, number: u32) -> Map<String, Value> {
        self.rows.get(number as usize).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The profile that has this identifier.
    pub(crate) fn find(&self, field: &str, value: &str) -> Option<u32> {
        self.index.get(&key(field, value)).copied()
    }

    /// The profile that these attributes would change.
    pub(crate) fn matching(&self, attributes: &Map<String, Value>) -> Option<u32> {
        let (field, value) = IDENTIFIERS.iter().find_map(|field| Some((*field, attributes.get(*field)?.as_str()?)))?;
        self.find(field, value)
    }

    /// Makes or changes a profile.
    pub(crate) fn upsert(&mut self, change: &Upsert) -> u32 {
        let number = self.matching(&change.attributes).unwrap_or_else(|| {
            self.rows.push("{}".into());
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        let mut attributes = self.attributes(number);
        for field in IDENTIFIERS {
            if let (Some(old), Some(new)) = (text(&attributes, field), text(&change.attributes, field))
                && old != new
                && self.find(field, old) == Some(number)
            {
                self.index.remove(&key(field, old));
            }
        }
        merge(&mut attributes, &change.attributes, change.clear);
        if let Some(Value::Object(properties)) = attributes.get_mut("properties") {
            properties.retain(|name, _| !change.unset.contains(name));
        }
        for field in IDENTIFIERS {
            if let Some(value) = text(&attributes, field) {
                self.index.entry(key(field, value)).or_insert(number);
            }
        }
        if let Some(row) = self.rows.get_mut(number as usize) {
            *row = Value::Object(attributes).to_string().into_boxed_str();
        }
        number
    }
}

fn text<'a>(attributes: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    attributes.get(field).and_then(Value::as_str)
}

fn key(field: &str, value: &str) -> String {
    if field == "email" { format!("{field}\u{1f}{}", value.to_lowercase()) } else { format!("{field}\u{1f}{value}") }
}

/// Fields over fields; objects are merged; NULL clears or is passed over, and never clears an identifier.
fn merge(old: &mut Map<String, Value>, new: &Map<String, Value>, clear: bool) {
    for (name, value) in new {
        match (old.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(values)) => merge(inner, values, clear),
            (_, Value::Null) if clear && !IDENTIFIERS.contains(&name.as_str()) => {
                old.shift_remove(name);
            }
            (_, Value::Null) => {}
            _ => {
                old.insert(name.clone(), value.clone());
            }
        }
    }
}
