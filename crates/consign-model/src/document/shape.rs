//! Checks a tree of values against the published JSON Schema and says what is wrong in words that a user can act on:
//! the nearest known name, the branch that was meant, the quotes that are missing.

use serde_json::{Map, Number, Value, json};

use super::alternative::{Alternative, flatten, named};
use super::node::{Entry, Node, Place, Shape};
use super::repair::{Repairs, stand_in};
use crate::definition::{ColumnRef, Percent, SecretRef};
use crate::id::Slug;
use crate::problem::{Path, Problem};
use crate::word;

/// A problem and its place.
#[derive(Debug)]
pub(super) struct Found {
    pub problem: Problem,
    pub place: Place,
}

/// Collects what is wrong, and gives back each value as it was most probably meant.
pub(super) struct Checker<'a> {
    /// The whole schema, for references.
    pub schema: &'a Value,
    pub found: Vec<Found>,
    pub repairs: Repairs,
}

impl<'a> Checker<'a> {
    pub fn new(schema: &'a Value) -> Self {
        Self { schema, found: Vec::new(), repairs: Repairs::default() }
    }

    pub fn report(&mut self, place: Place, path: &Path, reason: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Found { problem: Problem::error(path.clone(), reason, remedy), place });
    }

    /// Checks a value against a schema. Gives the value, mended where it is wrong; `None` where it is past that.
    pub fn check(&mut self, schema: &'a Value, node: &Node, path: &Path) -> Option<Value> {
        if let Shape::Refused { reason, remedy } = &node.shape {
            self.report(node.place, path, reason, remedy);
            return None;
        }
        let mut alternatives = flatten(self.schema, schema);
        if matches!(node.shape, Shape::Null) && alternatives.iter().any(Alternative::takes_null) {
            return Some(Value::Null);
        }
        alternatives.retain(|alternative| !alternative.is_null());
        match alternatives.as_slice() {
            [] => self.anything(node, path),
            [only] => self.check_one(only, node, path),
            several => self.check_several(several, node, path),
        }
    }

    /// The same, with something in the place of a value that is past mending, if anything will do.
    fn check_or_stand_in(&mut self, schema: &'a Value, node: &Node, path: &Path) -> Option<Value> {
        let value = self.check(schema, node, path);
        value.or_else(|| self.stand_in(schema, path))
    }

    fn stand_in(&mut self, schema: &'a Value, path: &Path) -> Option<Value> {
        self.repairs.lost(path);
        stand_in(&flatten(self.schema, schema), path)
    }

    fn check_several(&mut self, several: &[Alternative<'a>], node: &Node, path: &Path) -> Option<Value> {
        let chosen = match &node.shape {
            Shape::Map(entries) => {
                let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
                let best = several.iter().filter_map(|one| Some((one.fit(&keys)?, one)));
                // The first of equals: `max_by_key` would take the last.
                best.rev().max_by_key(|(fit, _)| *fit).map(|(_, one)| one)
            }
            Shape::Text(text) => several
                .iter()
                .find(|one| one.constant() == Some(text))
                .or_else(|| several.iter().find(|one| one.constant().is_none() && one.takes("string"))),
            Shape::Number { value, .. } => several
                .iter()
                .find(|one| one.takes("integer") && (value.is_i64() || value.is_u64()))
                .or_else(|| several.iter().find(|one| one.takes("number")))
                .or_else(|| several.iter().find(|one| one.constant().is_none() && one.takes("string"))),
            Shape::List(_) => several.iter().find(|one| one.takes("array")),
            Shape::Boolean(_) => several.iter().find(|one| one.takes("boolean")),
            Shape::Null | Shape::Refused { .. } => None,
        };
        match (chosen, &node.shape) {
            (Some(one), Shape::Number { value, written }) if leading_zero(written) => {
                self.leading_zero(value, written, node, path);
                let text = one.takes("string") || several.iter().any(|one| one.takes("string"));
                Some(if text { json!(written) } else { json!(value) })
            }
            (Some(one), _) => self.check_one(one, node, path),
            (None, Shape::Text(text)) if several.iter().any(|one| one.word().is_some()) => {
                self.unknown_word(several, text, node, path)
            }
            (None, _) => self.mismatch(several, node, path),
        }
    }

    fn check_one(&mut self, one: &Alternative<'a>, node: &Node, path: &Path) -> Option<Value> {
        match &node.shape {
            Shape::Map(entries) if one.takes("object") => self.check_map(one, entries, node, path),
            Shape::List(items) if one.takes("array") => {
                let items: Vec<Option<Value>> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.check_or_stand_in(one.items(), item, &path.item(i)))
                    .collect();
                items.into_iter().collect()
            }
            Shape::Text(text) if one.takes("string") => self.check_text(one, text, node, path),
            Shape::Number { value, written } if one.takes("number") || one.takes("integer") => {
                if leading_zero(written) {
                    self.leading_zero(value, written, node, path);
                } else if let Err(reason) = number_fits(one, value) {
                    self.report(node.place, path, reason, format!("write {}", one.range()));
                    return None;
                }
                Some(json!(value))
            }
            Shape::Boolean(value) if one.takes("boolean") => Some(json!(value)),
            _ if one.is_anything() => self.anything(node, path),
            _ => self.mismatch(std::slice::from_ref(one), node, path),
        }
    }

    fn leading_zero(&mut self, value: &Number, written: &str, node: &Node, path: &Path) {
        self.report(
            node.place,
            path,
            format!("`{written}` would be read as the number {value}"),
            format!("put it in quotes, `'{written}'`, if it is text, or write the number without the zero"),
        );
    }

    /// A value of any shape: only what no definition takes is wrong with it.
    fn anything(&mut self, node: &Node, path: &Path) -> Option<Value> {
        match &node.shape {
            Shape::Refused { reason, remedy } => {
                self.report(node.place, path, reason, remedy);
                None
            }
            Shape::Number { value, written } if leading_zero(written) => {
                self.leading_zero(value, written, node, path);
                Some(json!(written))
            }
            Shape::List(items) => {
                let items: Vec<Option<Value>> =
                    items.iter().enumerate().map(|(i, item)| self.anything(item, &path.item(i))).collect();
                items.into_iter().collect()
            }
            Shape::Map(entries) => {
                self.repeated(entries, path);
                let fields: Vec<Option<(String, Value)>> = entries
                    .iter()
                    .map(|entry| {
                        let value = self.anything(&entry.node, &path.field(&entry.key))?;
                        Some((entry.key.clone(), value))
                    })
                    .collect();
                Some(Value::Object(fields.into_iter().collect::<Option<_>>()?))
            }
            _ => Some(node.value()),
        }
    }

    fn check_text(&mut self, one: &Alternative<'a>, text: &str, node: &Node, path: &Path) -> Option<Value> {
        if let Some(word) = one.constant() {
            if word != text {
                return self.unknown_word(std::slice::from_ref(one), text, node, path);
            }
            return Some(json!(text));
        }
        let (reason, remedy, meant) = match one.name {
            Some("Slug") if text.parse::<Slug>().is_err() => {
                let made = Slug::from_name(text);
                let such = made.as_ref().map_or_else(String::new, |slug| format!(", such as `{slug}`"));
                (
                    format!("`{}` is not an id", shortened(text)),
                    format!("use a-z, 0-9, `_` and `-`, beginning with a letter or digit, at most 80 characters{such}"),
                    made.map(|slug| json!(slug)),
                )
            }
            Some("ColumnRef") if text.parse::<ColumnRef>().is_err() => (
                format!("`{}` does not name a column", shortened(text)),
                "write the table, a dot and the column, such as `Merged_Customers.email`".into(),
                None,
            ),
            Some("SecretRef") if SecretRef::try_from(text.to_owned()).is_err() => {
                let (reason, remedy) = secret();
                (reason, remedy, None)
            }
            _ => match one.length().filter(|(min, max)| !(*min..=*max).contains(&text.chars().count())) {
                Some((_, max)) => (
                    format!("`{}` is not {}", shortened(text), word::count(max, "character")),
                    "write that many".into(),
                    None,
                ),
                None => return Some(json!(text)),
            },
        };
        self.report(node.place, path, reason, remedy);
        meant
    }

    fn check_map(&mut self, one: &Alternative<'a>, entries: &[Entry], node: &Node, path: &Path) -> Option<Value> {
        self.repeated(entries, path);
        let mut fields = Map::new();
        for entry in entries {
            let inner = path.field(&entry.key);
            let (name, schema) = if let Some(property) = one.property(&entry.key) {
                (entry.key.as_str(), property)
            } else if let Some(schema) = one.values() {
                if one.keys_are_ids() && entry.key.parse::<Slug>().is_err() {
                    self.report(
                        entry.place,
                        &inner,
                        format!("`{}` is not an id", shortened(&entry.key)),
                        "use a-z, 0-9, `_` and `-`, beginning with a letter or digit",
                    );
                    self.check(schema, &entry.node, &inner);
                    continue;
                }
                (entry.key.as_str(), schema)
            } else {
                let free = one.fields().filter(|known| entries.iter().all(|other| other.key != *known));
                let near = word::nearest(&entry.key, free);
                let remedy = match near {
                    Some(near) => format!("write `{near}`"),
                    None => format!("remove it; the fields here are {}", word::list(one.fields())),
                };
                let reason = format!("`{}` is not a field of {}", shortened(&entry.key), one.article());
                self.report(entry.place, &inner, reason, remedy);
                match near.and_then(|near| Some((near, one.property(near)?))) {
                    Some(meant) if !fields.contains_key(meant.0) => meant,
                    _ => continue,
                }
            };
            let required = one.required().any(|required| required == name);
            let value = match self.check(schema, &entry.node, &inner) {
                None if required => Some(self.stand_in(schema, &inner)?),
                None => {
                    self.repairs.lost(&inner);
                    None
                }
                some => some,
            };
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        }
        for required in one.required().filter(|required| !fields.contains_key(*required)).collect::<Vec<_>>() {
            self.report(
                node.place,
                path,
                format!("`{required}` is missing from {}", one.article()),
                format!("add `{required}`{}", one.describe(required)),
            );
            let value = one.property(required).and_then(|schema| self.stand_in(schema, &path.field(required)))?;
            fields.insert(required.to_owned(), value);
        }
        Some(Value::Object(fields))
    }

    /// Reports the repeated keys of a map.
    pub fn repeated(&mut self, entries: &[Entry], path: &Path) {
        for (i, entry) in entries.iter().enumerate() {
            if let Some(first) = entries[..i].iter().find(|earlier| earlier.key == entry.key) {
                self.report(
                    entry.place,
                    &path.field(&entry.key),
                    format!("`{}` is given twice, first on line {}", shortened(&entry.key), first.place.line),
                    "keep one of the two",
                );
            }
        }
    }

    fn unknown_word(&mut self, several: &[Alternative<'a>], text: &str, node: &Node, path: &Path) -> Option<Value> {
        let words: Vec<&str> = several.iter().filter_map(Alternative::word).collect();
        if words.contains(&text) {
            self.report(
                node.place,
                path,
                format!("`{text}` alone does not say enough"),
                format!(
                    "write `{text}:` and what belongs to it below, or choose another of {}",
                    word::list(words.iter().filter(|word| **word != text))
                ),
            );
            return None;
        }
        let what = several.first().and_then(|one| one.owner).map_or_else(|| "value".to_owned(), named);
        let near = word::nearest(text, words.iter().copied());
        self.report(
            node.place,
            path,
            format!("`{}` is not a known {what}", shortened(text)),
            word::use_nearest(text, words.iter().copied()),
        );
        self.repairs.guessed(path);
        several.iter().find_map(|one| one.constant().filter(|word| Some(*word) == near)).map(|word| json!(word))
    }

    fn mismatch(&mut self, several: &[Alternative<'a>], node: &Node, path: &Path) -> Option<Value> {
        if several.iter().any(Alternative::holds_secrets) {
            let (reason, remedy) = secret();
            self.report(node.place, path, reason, remedy);
            return None;
        }
        let expected = Alternative::expected_of(several);
        let takes = |kind: &str| several.iter().any(|one| one.takes(kind));
        let text_wanted = several.iter().any(|one| one.takes("string") && one.constant().is_none());
        let (given, mended) = match &node.shape {
            Shape::Number { written, .. } => (
                format!("the number `{written}`"),
                text_wanted.then(|| (format!("put it in quotes: `'{written}'`"), json!(written))),
            ),
            Shape::Boolean(value) => (
                format!("`{value}`"),
                text_wanted.then(|| (format!("put it in quotes: `'{value}'`"), json!(value.to_string()))),
            ),
            Shape::Text(text) => (format!("the text `{}`", shortened(text)), meant_by(text, &takes)),
            Shape::List(_) => ("a list".into(), None),
            Shape::Map(entries) if entries.is_empty() => ("an empty map".into(), None),
            Shape::Map(entries) => {
                let keys = entries.iter().map(|entry| shortened(&entry.key)).take(5);
                (format!("a map with {}", word::list(keys)), None)
            }
            Shape::Null | Shape::Refused { .. } => ("nothing".into(), None),
        };
        let (remedy, value) = match mended {
            Some((remedy, value)) => (remedy, Some(value)),
            None => (format!("write {expected}"), None),
        };
        self.report(node.place, path, format!("expected {expected} and found {given}"), remedy);
        value
    }
}

/// What to write in place of a text where something else is wanted, and its value.
fn meant_by(text: &str, takes: &impl Fn(&str) -> bool) -> Option<(String, Value)> {
    if takes("number") || takes("integer") {
        let number = text.trim_end_matches(['%', ' ']);
        let float = || number.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| json!(value));
        let value = number.parse::<i64>().ok().map(|value| json!(value)).or_else(float)?;
        return Some((format!("write `{number}`, without quotes and signs"), value));
    }
    if takes("boolean") {
        let value = match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => true,
            "no" | "off" | "n" | "false" => false,
            _ => return None,
        };
        return Some((format!("write `{value}`"), json!(value)));
    }
    takes("array").then(|| (format!("write `[{}]`", shortened(text)), json!([text])))
}

/// What is said of anything that is no reference to a secret. It may be one, so it is not repeated.
fn secret() -> (String, String) {
    (
        "this is not a reference to a secret".into(),
        "write `env:NAME` for an environment variable, `file:PATH` for a file, or `stored:NAME` for what `consign credentials \
         set NAME` keeps; never the secret itself".into(),
    )
}

fn leading_zero(written: &str) -> bool {
    let digits = written.trim_start_matches(['-', '+']).as_bytes();
    matches!(digits, [b'0', next, ..] if next.is_ascii_alphanumeric() && !matches!(next, b'e' | b'E'))
}

fn number_fits(one: &Alternative<'_>, value: &Number) -> Result<(), String> {
    if one.name == Some("Percent") {
        return Percent::try_from(value.as_f64().unwrap_or(f64::NAN)).map(|_| ());
    }
    let whole = value.is_i64() || value.is_u64();
    if !whole && !one.takes("number") {
        return Err(format!("{value} is not a whole number"));
    }
    let number = value.as_f64().unwrap_or(f64::NAN);
    let (min, max) = one.bounds();
    if min.is_some_and(|min| number < min) {
        return Err(format!("{value} is below {}", min.unwrap_or_default()));
    }
    if max.is_some_and(|max| number > max) {
        return Err(format!("{value} is above {}", max.unwrap_or_default()));
    }
    Ok(())
}

/// A text as messages repeat it: what is too long is cut.
pub(super) fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(61).collect();
    if line.chars().count() > 60 { format!("{}…", line.chars().take(60).collect::<String>()) } else { line }
}
