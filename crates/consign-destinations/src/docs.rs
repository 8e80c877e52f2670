//! The pages of the documentation that follow from the kinds and the contracts. They are committed under
//! `docs/destinations/`, and a test compares them with what is rendered here.

mod rules;
mod words;

use std::fmt::Write as _;

use consign_model::contract::Contract;
use consign_model::spec::{KindSpec, Limits, SettingSpec, SettingType, Settings};
use consign_model::word;
use serde_json::Value;

use crate::contract;
use crate::registry::{Kind, Registry};

/// What stands above every page.
const GENERATED: &str = "<!-- Generated from the specifications of the kinds. Change those, then run\n     \
                         CONSIGN_UPDATE_DOCS=1 cargo test --workspace --test destinations pages -->\n\n";

/// All pages: the file name of each and its text.
pub fn pages(registry: &Registry) -> Vec<(String, String)> {
    let kinds: Vec<&dyn Kind> = registry.kinds().collect();
    let mut pages =
        vec![("README.md".to_owned(), index(&kinds)), ("contracts.md".to_owned(), contracts(&contract::shipped()))];
    pages.extend(kinds.into_iter().map(|kind| (format!("{}.md", kind.spec().kind), markdown(kind))));
    pages
}

/// The page of a kind: what it does, how it is set up, what it takes and what it demands.
pub fn markdown(kind: &dyn Kind) -> String {
    let spec = kind.spec();
    let mut page = format!("{GENERATED}# {}\n\n{}\n\nKind: `{}`.\n", spec.title, spec.description, spec.kind);
    let (secrets, settings): (Vec<_>, Vec<_>) = spec.settings.iter().partition(|setting| setting.secret);
    page.push_str("\n## Settings\n\nUnder `settings` of the destination.\n\n");
    page.push_str(&setting_table(&settings));
    if !secrets.is_empty() {
        page.push_str(
            "\n## Credentials\n\nUnder `credentials` of the destination, each as a reference to where it is kept, \
             `env:NAME`, `file:PATH` or `stored:NAME`.\n\n",
        );
        page.push_str(&setting_table(&secrets));
    }
    page.push_str("\n## Attributes\n\n");
    page.push_str(&rules::section(&spec.rules));
    page.push_str(&lists(spec));
    page.push_str(&variants(kind));
    if !spec.unverified.is_empty() {
        page.push_str("\n## Not verified, and choices of ours\n\n");
        page.extend(spec.unverified.iter().map(|one| format!("- {one}.\n")));
    }
    page
}

/// The page that leads to those of the kinds.
fn index(kinds: &[&dyn Kind]) -> String {
    let rows = kinds.iter().map(|kind| {
        let spec = kind.spec();
        [format!("[{}]({}.md)", spec.title, spec.kind), format!("`{}`", spec.kind), spec.description.to_owned()]
    });
    let table = table(["Destination", "Kind", "What it does"], rows);
    format!(
        "{GENERATED}# Destinations\n\n{table}\nKinds that write files may be given a [staging contract](contracts.md).\n"
    )
}

/// The page of the contracts that come with the program.
fn contracts(contracts: &[Contract]) -> String {
    let mut page = format!(
        "{GENERATED}# Staging contracts\n\nWhat an application that reads staged files demands of them. A destination that \
         writes files and names one as its `contract` is checked by it exactly as a marketing platform is. These come \
         with the program; a workspace adds its own under `contracts`.\n"
    );
    for one in contracts {
        let _ = write!(page, "\n## {}\n\nContract: `{}`.\n\n", one.name, one.id);
        page.push_str(&rules::section(&contract::rules(one)));
        if let Some(Value::Object(options)) = one.file.as_ref().and_then(|file| serde_json::to_value(file).ok()) {
            let said: Vec<String> =
                options.iter().map(|(name, value)| format!("`{name}: {}`", words::plain(value))).collect();
            let _ = writeln!(page, "\nFile options: {}.", said.join(", "));
        }
    }
    page
}

fn setting_table(settings: &[&SettingSpec]) -> String {
    let rows = settings.iter().map(|setting| {
        let need = match (&setting.default, setting.required) {
            (Some(default), _) => format!("default `{}`", words::plain(default)),
            (None, true) => "required".into(),
            (None, false) => "optional".into(),
        };
        let takes = words::setting_type(setting.setting_type);
        [format!("`{}`", setting.name), takes, need, format!("{}.", setting.description)]
    });
    table(["Name", "Takes", "Need", "Meaning"], rows)
}

/// The lists, what is done to them, and what a request holds.
fn lists(spec: &KindSpec) -> String {
    let list = &spec.list;
    let noun = list.noun;
    let mut section = format!(
        "\n## The {noun}\n\n- One {noun} for each treatment group, named `{}` unless a campaign says otherwise.\n",
        list.name_template
    );
    let mut say = |line: String| {
        let _ = writeln!(section, "- {line}.");
    };
    if list.name_without_white_space {
        say("White space is removed from the parts of the name".into());
    }
    if let Some(max) = list.max_name {
        say(format!("A name has at most {max} characters"));
    }
    if let Some(word) = list.name_should_not_contain {
        say(format!("A name that contains `{word}` is worth a warning"));
    }
    if let Some(rows) = list.min_useful_rows {
        say(format!(
            "Below {} matched members it is not usable, so fewer rows are worth a warning",
            words::number(rows)
        ));
    }
    match spec.memberships.split_first() {
        None => say(format!("A {noun} of the same name is overwritten")),
        Some((default, others)) => {
            let others = word::list(others.iter().map(word::word));
            say(format!(
                "Membership: `{}` unless a campaign says {}",
                word::word(default),
                others.replace(" and ", " or ")
            ));
        }
    }
    if let Some(limits) = limits(spec.limits, "request") {
        say(limits);
    }
    section
}

fn limits(limits: Limits, unit: &str) -> Option<String> {
    let said: Vec<String> = [
        limits.request_rows.map(|rows| format!("{} rows a {unit}", words::number(rows as u64))),
        limits.request_bytes.map(|bytes| format!("{} bytes a {unit}", words::number(bytes as u64))),
        limits.row_bytes.map(|bytes| format!("{} bytes a row (a larger one is dropped)", words::number(bytes as u64))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!said.is_empty()).then(|| format!("At most {}", said.join(", ")))
}

/// What a setting other than its default changes of the rules, the memberships and the limits.
fn variants(kind: &dyn Kind) -> String {
    let spec = kind.spec();
    let usual = Settings::new(spec, &std::collections::BTreeMap::new());
    let mut lines = Vec::new();
    for setting in &spec.settings {
        let values: Vec<Value> = match setting.setting_type {
            SettingType::Choice(words) => words.iter().map(|word| Value::from(*word)).collect(),
            SettingType::Boolean => vec![true.into(), false.into()],
            _ => Vec::new(),
        };
        for value in values.into_iter().filter(|value| setting.default.as_ref() != Some(value)) {
            let said = format!("`{}: {}`", setting.name, words::plain(&value));
            let settings = Settings::new(spec, &[(setting.name.to_owned(), value)].into());
            let summary = kind.rules(&settings, &[]).summary;
            if summary != kind.rules(&usual, &[]).summary {
                lines.push(format!("- With {said}: {summary}.\n"));
            }
            let memberships = kind.memberships(&settings);
            if memberships != kind.memberships(&usual) {
                let all = word::list(memberships.iter().map(word::word));
                lines.push(format!("- With {said} the membership is {all}.\n"));
            }
            let of = |settings| kind.encoder(settings, &[]).map(|encoder| encoder.limits());
            if of(&settings) != of(&usual)
                && let Some(limits) = of(&settings).and_then(|of| limits(of, "request or file"))
            {
                lines.push(format!("- With {said}: {}.\n", limits.replacen("At", "at", 1)));
            }
        }
    }
    if lines.is_empty() { String::new() } else { format!("\n## What settings change\n\n{}", lines.concat()) }
}

/// A table in Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&head.map(ToOwned::to_owned));
    table.push_str(&line(&head.map(|_| "---".to_owned())));
    table.extend(rows.into_iter().map(|row| line(&row.map(|cell| cell.replace('|', "\\|")))));
    table
}
