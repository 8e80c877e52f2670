//! A destination's settings and credentials against what its kind asks for. Values of settings are not repeated in
//! messages, since a secret may stand there by mistake.

use serde_json::Value;

use super::Validator;
use crate::definition::{ColumnRef, Destination};
use crate::problem::Path;
use crate::spec::{KindSpec, SettingSpec, SettingType};
use crate::word;

impl Validator<'_> {
    pub(super) fn settings(&mut self, spec: &KindSpec, destination: &Destination, path: &Path) {
        let settings = path.field("settings");
        let credentials = path.field("credentials");
        for (name, value) in &destination.settings {
            let place = settings.field(name);
            match spec.settings.iter().find(|setting| setting.name == name) {
                Some(setting) if setting.secret => self.error(
                    &place,
                    format!("`{name}` is a secret and stands under `settings`"),
                    format!("move it to `credentials` as a reference, such as `{name}: env:{}`", name.to_uppercase()),
                ),
                Some(setting) => self.setting(setting, value, &place),
                None => self.unknown_setting(spec, false, name, &place),
            }
        }
        for name in destination.credentials.keys() {
            let place = credentials.field(name);
            match spec.settings.iter().find(|setting| setting.name == name) {
                Some(setting) if !setting.secret => self.error(
                    &place,
                    format!("`{name}` is no secret and stands under `credentials`"),
                    "move it to `settings`, as it is",
                ),
                Some(_) => {}
                None => self.unknown_setting(spec, true, name, &place),
            }
        }
        let needed = |setting: &&SettingSpec| {
            // The sandbox asks for no secrets.
            setting.required && setting.default.is_none() && !(destination.sandbox && setting.secret)
        };
        if destination.sandbox && spec.writes_files {
            self.error(
                &path.field("sandbox"),
                format!("{} writes files, and the sandbox stands for platforms", spec.title),
                "remove it, or put the files into another folder to rehearse",
            );
        }
        for setting in spec.settings.iter().filter(needed) {
            let name = setting.name;
            // What stands under the wrong heading or is misspelt is reported above.
            let required = |given: &&String| {
                let known = spec.settings.iter().any(|setting| setting.name == given.as_str());
                given.as_str() == name || !known && word::nearest(given, [name]).is_some()
            };
            if destination.settings.keys().chain(destination.credentials.keys()).any(|given| required(&given)) {
                continue;
            }
            let (place, example) = if setting.secret {
                (&credentials, format!("`{name}: env:{}`", name.to_uppercase()))
            } else {
                (&settings, format!("`{name}`"))
            };
            let heading = if setting.secret { "credentials" } else { "settings" };
            self.error(
                &place.field(name),
                format!("{} needs `{name}`", spec.title),
                format!("add {example} under `{heading}`: {}", setting.description.trim_end_matches('.')),
            );
        }
    }

    fn unknown_setting(&mut self, spec: &KindSpec, secret: bool, name: &str, path: &Path) {
        let known = spec.settings.iter().filter(|setting| setting.secret == secret).map(|setting| setting.name);
        let elsewhere = spec.settings.iter().filter(|setting| setting.secret != secret).map(|setting| setting.name);
        let what = if secret { "credential" } else { "setting" };
        let other = if secret { "settings" } else { "credentials" };
        let remedy = match (word::nearest(name, known.clone()), word::nearest(name, elsewhere)) {
            (None, Some(near)) => format!("write `{near}` under `{other}`"),
            _ if known.clone().next().is_none() => "remove it".into(),
            _ => word::use_nearest(name, known),
        };
        self.error(path, format!("`{name}` is not a {what} of {}", spec.title), remedy);
    }

    fn setting(&mut self, setting: &SettingSpec, value: &Value, path: &Path) {
        let name = setting.name;
        let expected = expected(setting.setting_type);
        let wrong = match (setting.setting_type, value) {
            (SettingType::Text, Value::String(text)) if !text.trim().is_empty() => None,
            (SettingType::Digits, Value::String(text))
                if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                None
            }
            (SettingType::Text | SettingType::Digits, Value::Number(_)) => {
                Some(("is a number and must be text".to_owned(), "put it in quotes".to_owned()))
            }
            (SettingType::Integer { min, max }, Value::Number(number))
                if number.as_i64().is_some_and(|number| (min..=max).contains(&number)) =>
            {
                None
            }
            (SettingType::Integer { min, max }, Value::Number(number)) => {
                Some((format!("is {number}"), format!("write a whole number from {min} to {max}")))
            }
            (SettingType::Boolean, Value::Bool(_)) => None,
            (SettingType::Choice(words), Value::String(text)) => (!words.contains(&text.as_str()))
                .then(|| (format!("is not one of {}", word::list(words)), choose(text, words))),
            (SettingType::Choices(words), Value::Array(chosen)) => {
                let unknown = chosen.iter().find(|one| one.as_str().is_none_or(|one| !words.contains(&one)));
                unknown.map(|one| {
                    let remedy = one.as_str().map_or_else(|| format!("write {expected}"), |one| choose(one, words));
                    (format!("lists something else than {}", word::list(words)), remedy)
                })
            }
            (SettingType::Url, Value::String(text)) => url(text).err().map(|(why, remedy)| (why.into(), remedy.into())),
            (SettingType::Region, Value::String(text))
                if rust_iso3166::from_alpha2(&text.to_ascii_uppercase()).is_some() =>
            {
                None
            }
            (SettingType::Column, Value::String(text)) => match text.parse::<ColumnRef>() {
                Ok(column) => {
                    self.column_type(&column, path);
                    None
                }
                Err(_) => Some(("does not name a column".into(), format!("write {expected}"))),
            },
            _ => Some((format!("is not {expected}"), format!("write {expected}"))),
        };
        if let Some((why, remedy)) = wrong {
            self.error(path, format!("`{name}` {why}"), remedy);
        }
    }
}

fn choose(text: &str, words: &[&str]) -> String {
    word::use_nearest(text, words.iter().copied())
}

fn expected(setting_type: SettingType) -> String {
    match setting_type {
        SettingType::Text => "a text".into(),
        SettingType::Digits => "a text of digits, in quotes".into(),
        SettingType::Integer { min, max } => format!("a whole number from {min} to {max}"),
        SettingType::Boolean => "`true` or `false`".into(),
        SettingType::Choice(words) => format!("one of {}", word::list(words)),
        SettingType::Choices(words) => format!("a list of some of {}", word::list(words)),
        SettingType::Url => "a URL such as `https://example.com`".into(),
        SettingType::Region => "a region, ISO 3166 alpha-2, such as `US` or `GB`".into(),
        SettingType::Column => "a `Table.column`, such as `Merged_Customers.country`".into(),
    }
}

fn url(text: &str) -> Result<(), (&'static str, &'static str)> {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return Err(("is not an http or https URL", "begin it with `https://`"));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(("is not a URL", "write one such as `https://example.com`"));
    }
    if host.contains('@') {
        return Err(("holds a user or password", "move them to `credentials`"));
    }
    if rest.contains(['?', '#']) {
        return Err(("has a query or fragment", "remove what follows `?` or `#`"));
    }
    if rest.ends_with('/') {
        return Err(("ends with a slash", "remove the slash"));
    }
    Ok(())
}
