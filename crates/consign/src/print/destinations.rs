//! Kinds of destinations, and tests of configured ones.

use std::fmt::Write;

use consign_model::spec::{
    AttributeSpec, CustomAttributes, DefaultSource, Hash, KindSpec, MappingRule, Normalisation, SettingType, UniqueBy,
};
use consign_model::word::{list, word};
use serde::Serialize;

use super::grid::{Column, Grid};
use super::{Shown, Style};
use crate::view::{DestinationList, NotificationTests, TestResult, TestStep};

/// A kind's specification.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Spec<'a>(pub &'a KindSpec);

impl Shown for DestinationList {
    fn text(&self, style: Style) -> String {
        let mut kinds = Grid::new(["Kind", "Title", "Sends", "Description"].map(Column::Text));
        for kind in &self.kinds {
            let sends = if kind.writes_files { "files" } else { "requests" };
            kinds.row([kind.kind, kind.title, sends, kind.description].map(str::to_owned));
        }
        let mut text = kinds.text(style);
        if !self.destinations.is_empty() {
            let mut configured = Grid::new(["Destination", "Name", "Kind"].map(Column::Text));
            for one in &self.destinations {
                configured.row([one.destination.clone(), one.name.clone(), one.kind.clone()]);
            }
            text.push('\n');
            text.push_str(&configured.text(style));
        }
        text
    }
}

impl Shown for TestResult {
    fn text(&self, _style: Style) -> String {
        let mut text = format!("{} ({})\n{}", self.destination, self.kind, steps(&self.steps));
        text.push_str(if self.works { "Lists can be sent there\n" } else { "Lists cannot be sent there\n" });
        text
    }
}

impl Shown for NotificationTests {
    fn text(&self, _style: Style) -> String {
        steps(&self.notifications)
    }
}

/// What was tried, a line each.
fn steps(steps: &[TestStep]) -> String {
    let line = |step: &TestStep| match &step.problem {
        None => format!("  ok    {}\n", step.what),
        Some(problem) => format!("  FAIL  {}: {problem}\n", step.what),
    };
    steps.iter().map(line).collect()
}

impl Shown for Spec<'_> {
    fn text(&self, style: Style) -> String {
        let spec = self.0;
        let mut text = format!("{} ({})\n{}\n", spec.title, spec.kind, spec.description);
        if !spec.settings.is_empty() {
            text.push_str("\nSettings\n");
            text.push_str(&settings(spec, style));
        }
        if !spec.rules.attributes.is_empty() {
            text.push_str("\nAttributes\n");
            text.push_str(&attributes(&spec.rules.attributes, style));
        }
        text.push_str("\nRules\n");
        for rule in rules(spec) {
            let _ = writeln!(text, "- {rule}");
        }
        if !spec.unverified.is_empty() {
            text.push_str("\nNot verified with the platform\n");
        }
        for unverified in &spec.unverified {
            let _ = writeln!(text, "- {unverified}");
        }
        text
    }
}

fn settings(spec: &KindSpec, style: Style) -> String {
    let mut grid = Grid::new(["Setting", "Takes", "", "Description"].map(Column::Text));
    for setting in &spec.settings {
        let need = match (setting.required, &setting.default) {
            (true, _) => "required".to_owned(),
            (false, None) => String::new(),
            (false, Some(default)) => format!("default {default}"),
        };
        let takes = if setting.secret { "secret".to_owned() } else { takes(setting.setting_type) };
        grid.row([setting.name.to_owned(), takes, need, setting.description.to_owned()]);
    }
    grid.text(style)
}

fn takes(setting_type: SettingType) -> String {
    match setting_type {
        SettingType::Text => "text".to_owned(),
        SettingType::Digits => "digits".to_owned(),
        SettingType::Integer { min, max } => format!("{min} to {max}"),
        SettingType::Boolean => "true or false".to_owned(),
        SettingType::Choice(words) => words.join(" | "),
        SettingType::Choices(words) => format!("some of {}", words.join(", ")),
        SettingType::Url => "URL".to_owned(),
        SettingType::Region => "two letters".to_owned(),
        SettingType::Column => "Table.column".to_owned(),
    }
}

fn attributes(attributes: &[AttributeSpec], style: Style) -> String {
    let mut grid = Grid::new(["Attribute", "", "Cleaned as", "Hash", "Default", "Description"].map(Column::Text));
    for attribute in attributes {
        let cleaned = match attribute.normalisation {
            Normalisation::None => String::new(),
            Normalisation::TextUpTo(characters) => format!("text up to {characters}"),
            other => word(&other).replace('_', " "),
        };
        let hash = match attribute.hash {
            Hash::None => "",
            Hash::NoneOrPrehashed => "hashes pass",
            Hash::Sha256 => "SHA-256",
        };
        let default = match &attribute.default {
            None => String::new(),
            Some(DefaultSource::CustomerKey) => "customer key".to_owned(),
            Some(DefaultSource::Semantic(meaning)) => meaning.clone(),
        };
        let requirement = word(&attribute.requirement).replace('_', " ");
        let description = attribute.description.clone();
        grid.row([attribute.name.clone(), requirement, cleaned, hash.to_owned(), default, description]);
    }
    grid.text(style)
}

/// What must hold, one sentence each.
fn rules(spec: &KindSpec) -> Vec<String> {
    let rules = &spec.rules;
    let mut said = Vec::new();
    if !rules.summary.is_empty() {
        said.push(rules.summary.clone());
    }
    said.extend(rules.mapping.iter().map(|rule| match rule {
        MappingRule::AllOf(names) => format!("map all of {}", list(names)),
        MappingRule::AnyOf(names) => format!("map at least one of {}", list(names)),
        MappingRule::ExactlyOneOf(names) => format!("map exactly one of {}", list(names)),
        MappingRule::Not(name, reason) => format!("do not map `{name}`: {reason}"),
    }));
    said.push(match rules.custom {
        CustomAttributes::Forbidden => "no other attributes".to_owned(),
        CustomAttributes::WithPrefix(prefix) => format!("other attributes begin with `{prefix}`"),
        CustomAttributes::Any => "other attributes have any name".to_owned(),
    });
    said.extend(match &rules.unique_by {
        UniqueBy::Nothing => None,
        UniqueBy::Attributes(names) => Some(format!("rows with the same {} are duplicates", list(names))),
        UniqueBy::WholeRow => Some("rows that are the same throughout are duplicates".to_owned()),
    });
    if !spec.memberships.is_empty() {
        let offered: Vec<String> = spec.memberships.iter().map(word).collect();
        said.push(format!("membership: {}, the first by default", list(offered)));
    }
    let limits = [
        (spec.limits.request_rows, "rows a request"),
        (spec.limits.request_bytes, "bytes a request"),
        (spec.limits.row_bytes, "bytes a row"),
    ];
    said.extend(limits.iter().filter_map(|(limit, what)| Some(format!("at most {} {what}", (*limit)?))));
    said
}
