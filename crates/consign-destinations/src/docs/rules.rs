//! The rules of a destination in words.

use std::fmt::Write as _;

use consign_model::spec::{
    AttributeSpec, CustomAttributes, DefaultSource, Hash, MappingRule, Requirement, Rules, UniqueBy,
};
use consign_model::word;

use super::{table, words};

/// The attributes, what must be mapped and what a row must hold.
pub(super) fn section(rules: &Rules) -> String {
    let mut section = String::new();
    if !rules.summary.is_empty() {
        let _ = writeln!(section, "{}.", rules.summary.trim().trim_end_matches('.'));
    }
    if !rules.attributes.is_empty() {
        let rows = rules.attributes.iter().map(attribute);
        section.push('\n');
        section.push_str(&table(["Attribute", "Need", "From, unless mapped", "Cleaned", "Hashed", "What it is"], rows));
    }
    let lines: Vec<String> = [custom(rules.custom, rules.attributes.is_empty())]
        .into_iter()
        .chain(rules.mapping.iter().map(mapping))
        .chain(row(&rules.row))
        .chain([unique(&rules.unique_by)])
        .map(|line| format!("- {line}.\n"))
        .collect();
    section.push('\n');
    section.push_str(&lines.concat());
    section
}

fn attribute(spec: &AttributeSpec) -> [String; 6] {
    let need = match spec.requirement {
        Requirement::Required => "required",
        Requirement::Optional => "optional",
        Requirement::OneOf => "one of several",
    };
    let source = match &spec.default {
        Some(DefaultSource::Semantic(semantic)) => format!("the column that means `{semantic}`"),
        Some(DefaultSource::CustomerKey) => "the customer key".into(),
        None => "–".into(),
    };
    let hash = match spec.hash {
        Hash::None => "no",
        Hash::NoneOrPrehashed => "no; a SHA-256 or MD5 passes",
        Hash::Sha256 => "SHA-256",
    };
    let mut what = format!("{}.", spec.description);
    if !spec.sent_as.is_empty() {
        let parts = word::list(spec.sent_as.iter().map(|part| part.name.as_str()));
        let _ = write!(what, " Sent as {parts}.");
    }
    [format!("`{}`", spec.name), need.into(), source, words::normalisation(spec.normalisation), hash.into(), what]
}

fn custom(custom: CustomAttributes, nothing_known: bool) -> String {
    match custom {
        CustomAttributes::Forbidden => "Other attributes are an error".into(),
        CustomAttributes::WithPrefix(prefix) => {
            format!("Attributes of your own begin with `{prefix}`; what follows is free, and case is kept")
        }
        CustomAttributes::Any if nothing_known => {
            "Attributes have any name; without any mapped, all columns of the customer table are sent".into()
        }
        CustomAttributes::Any => "Other attributes may follow, under any name".into(),
    }
}

fn mapping(rule: &MappingRule) -> String {
    match rule {
        MappingRule::AllOf(names) => format!("Must be mapped: {}", word::list(names)),
        MappingRule::AnyOf(names) => format!("At least one must be mapped of {}", word::list(names)),
        MappingRule::ExactlyOneOf(names) => format!("Exactly one must be mapped of {}", word::list(names)),
        MappingRule::Not(name, why) => format!("`{name}` must not be mapped: {why}"),
    }
}

fn row(sets: &[Vec<String>]) -> Option<String> {
    let sets: Vec<String> = sets.iter().map(word::list).collect();
    match sets.as_slice() {
        [] => None,
        [one] => Some(format!("A row must hold {one}; one that does not is dropped")),
        several => Some(format!("A row must hold one of these, else it is dropped: {}", several.join("; "))),
    }
}

fn unique(unique_by: &UniqueBy) -> String {
    match unique_by {
        UniqueBy::Nothing => "Duplicates are kept".into(),
        UniqueBy::Attributes(names) => format!("Of rows with the same {} the first is kept", word::list(names)),
        UniqueBy::WholeRow => "Of rows with the same values throughout the first is kept".into(),
    }
}
