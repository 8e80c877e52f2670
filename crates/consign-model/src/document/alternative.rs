//! One way in which a value may be written, by the JSON Schema; and which of several was meant.

use serde_json::Value;

use crate::word;

/// A schema without choices left in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alternative<'a> {
    /// The definition that it is, where it is one.
    pub name: Option<&'a str>,
    /// The definition that it is a choice of, where it is one.
    pub owner: Option<&'a str>,
    schema: &'a Value,
}

/// All ways that a schema allows: references followed, choices within choices laid out flat.
pub(super) fn flatten<'a>(root: &'a Value, schema: &'a Value) -> Vec<Alternative<'a>> {
    let mut found = Vec::new();
    lay_out(root, schema, None, None, &mut found);
    found
}

fn lay_out<'a>(
    root: &'a Value,
    schema: &'a Value,
    name: Option<&'a str>,
    owner: Option<&'a str>,
    found: &mut Vec<Alternative<'a>>,
) {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        lay_out(root, &root["$defs"][name], Some(name), owner, found);
    } else if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        for choice in choices {
            lay_out(root, choice, None, name.or(owner), found);
        }
    } else {
        found.push(Alternative { name, owner, schema });
    }
}

impl<'a> Alternative<'a> {
    /// Whether it takes a value of that JSON type.
    pub fn takes(&self, kind: &str) -> bool {
        match &self.schema["type"] {
            Value::String(own) => own == kind,
            Value::Array(kinds) => kinds.iter().any(|own| own == kind),
            _ => false,
        }
    }

    /// Whether it takes null.
    pub fn takes_null(&self) -> bool {
        self.takes("null") || self.is_anything()
    }

    /// Whether it takes nothing but null.
    pub fn is_null(&self) -> bool {
        self.schema["type"] == "null"
    }

    /// Whether it takes whatever there is.
    pub fn is_anything(&self) -> bool {
        self.schema.get("type").is_none() && self.schema.get("const").is_none()
    }

    /// The one word that it takes.
    pub fn constant(&self) -> Option<&'a str> {
        self.schema["const"].as_str()
    }

    /// The word by which it is chosen: itself, or the only field that it must have.
    pub fn word(&self) -> Option<&'a str> {
        self.constant().or_else(|| match self.required().collect::<Vec<_>>().as_slice() {
            [only] if self.fields().count() == 1 => Some(only),
            _ => None,
        })
    }

    /// The schema of a list's items.
    pub fn items(&self) -> &'a Value {
        &self.schema["items"]
    }

    /// The schema of a field.
    pub fn property(&self, name: &str) -> Option<&'a Value> {
        self.schema["properties"].as_object()?.get(name)
    }

    /// The names of its fields.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys().map(String::as_str))
    }

    /// The names of the fields that it must have.
    pub fn required(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// The schema of values under keys of any name.
    pub fn values(&self) -> Option<&'a Value> {
        match self.schema["patternProperties"].as_object() {
            Some(patterns) => patterns.values().next(),
            None => self.schema.get("additionalProperties").filter(|more| **more != Value::Bool(false)),
        }
    }

    /// Whether it is a reference to a secret, or a map of them: what stands there instead may be a secret.
    pub fn holds_secrets(&self) -> bool {
        self.name == Some("SecretRef") || self.values().is_some_and(|values| values["$ref"] == "#/$defs/SecretRef")
    }

    /// Whether keys of any name must be ids.
    pub fn keys_are_ids(&self) -> bool {
        self.schema.get("patternProperties").is_some()
    }

    /// The fewest and most characters of a text, where they are bounded.
    pub fn length(&self) -> Option<(usize, usize)> {
        let bound = |name: &str| self.schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        bound("maxLength").map(|max| (bound("minLength").unwrap_or(0), max))
    }

    /// The smallest and largest number.
    pub fn bounds(&self) -> (Option<f64>, Option<f64>) {
        let format = match self.schema["format"].as_str() {
            Some("uint32") => Some(f64::from(u32::MAX)),
            _ => None,
        };
        (self.schema["minimum"].as_f64(), self.schema["maximum"].as_f64().or(format))
    }

    /// Its numbers, for a message.
    pub fn range(&self) -> String {
        if self.name == Some("Percent") {
            return "a percentage from 0 to 100 with up to two decimals".into();
        }
        let what = if self.takes("number") { "a number" } else { "a whole number" };
        match self.bounds() {
            (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
            (Some(min), None) => format!("{what} of at least {min}"),
            (None, Some(max)) => format!("{what} of at most {max}"),
            (None, None) => what.into(),
        }
    }

    /// How well a map with these keys fits: `None` where no key is known or nearly so.
    pub fn fit(&self, keys: &[&str]) -> Option<i32> {
        if !self.takes("object") {
            return None;
        }
        if self.values().is_some() {
            return Some(0);
        }
        let mut fit = 0;
        let mut met = Vec::new();
        for key in keys {
            if let Some(field) = self.fields().find(|field| field == key) {
                fit += 3;
                met.push(field);
            } else if let Some(field) = word::nearest(key, self.fields()) {
                fit += 2;
                met.push(field);
            }
        }
        if met.is_empty() {
            return None;
        }
        let missing = self.required().filter(|field| !met.contains(field)).count();
        Some(fit - i32::try_from(missing).unwrap_or(i32::MAX))
    }

    /// What a field is, as an addition to a sentence that names it.
    pub fn describe(&self, field: &str) -> String {
        let description = self.property(field).and_then(|schema| schema["description"].as_str()).unwrap_or_default();
        let first = description.split_inclusive(". ").next().unwrap_or_default().trim().trim_end_matches('.');
        if first.is_empty() {
            return String::new();
        }
        let mut chars = first.chars();
        let begin: String = chars.next().into_iter().flat_map(char::to_lowercase).collect();
        format!(": {begin}{}", chars.as_str())
    }

    /// `a treatment group`, `an operand`.
    pub fn article(&self) -> String {
        match self.name.or(self.owner) {
            Some("Definitions") => "the definitions".into(),
            Some(name) => with_article(&named(name)),
            None => "this".into(),
        }
    }

    /// What any of several takes, for a message.
    pub fn expected_of(several: &[Self]) -> String {
        let (maps, others): (Vec<&Self>, Vec<&Self>) = several.iter().partition(|one| one.takes("object"));
        let mut expected: Vec<String> = match maps.as_slice() {
            [] | [_] => maps.iter().map(|one| one.expected()).collect(),
            several => {
                let leading = several.iter().filter_map(|one| one.required().next());
                let fields: Vec<String> = leading.map(|field| format!("`{field}`")).collect();
                vec![format!("a map with {}", fields.join(" or "))]
            }
        };
        for said in others.into_iter().filter(|one| one.constant().is_none()).map(Self::expected) {
            // Whoever may write any number need not hear of whole ones.
            let included = said == "a whole number" && several.iter().any(|one| one.takes("number"));
            let said_already = included || expected.contains(&said);
            if !said_already {
                expected.push(said);
            }
        }
        expected.join(", or ")
    }

    /// What it takes, for a message.
    pub fn expected(&self) -> String {
        match (self.name, self.constant()) {
            (_, Some(word)) => return format!("`{word}`"),
            (Some("Slug"), _) => return "an id".into(),
            (Some("ColumnRef"), _) => return "a `Table.column`".into(),
            (Some("Percent"), _) => return "a percentage".into(),
            _ => {}
        }
        if self.takes("object") {
            let required: Vec<&str> = self.required().collect();
            return match required.as_slice() {
                [] => "a map".into(),
                fields => format!("a map with {}", word::list(fields)),
            };
        }
        let kinds = [
            ("string", "a text"),
            ("integer", "a whole number"),
            ("number", "a number"),
            ("boolean", "`true` or `false`"),
            ("array", "a list"),
        ];
        kinds.iter().find(|(kind, _)| self.takes(kind)).map_or("a value", |(_, said)| said).into()
    }
}

/// The words of a type's name: `TreatmentGroup` is `treatment group`.
pub(super) fn named(name: &str) -> String {
    match name {
        "All" | "Any" | "Not" | "InSegment" | "ColumnTest" | "AggregateTest" => return "condition".into(),
        "GroupList" => return "destination of a group".into(),
        "GroupDestination" => return "destination".into(),
        "ColumnAttribute" | "FactAttribute" => return "attribute".into(),
        "WebhookNotification" | "EmailNotification" => return "notification".into(),
        "MailTls" => return "encryption".into(),
        "DestinationUse" => return "campaign's use of a destination".into(),
        "SegmentBody" => return "segment's `customers`".into(),
        "Operand" => return "value".into(),
        "End" => return "schedule's end".into(),
        "At" | "Recurring" => return "schedule".into(),
        "FileOptions" => return "`file`".into(),
        _ => {}
    }
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
