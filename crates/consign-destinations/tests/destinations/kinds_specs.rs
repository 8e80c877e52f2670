//! Every specification holds together, whatever the settings.

use std::collections::{BTreeMap, BTreeSet};

use consign_destinations::registry::{Kind, Registry};
use consign_model::definition::{AttributeMapping, ColumnAttribute, ColumnRef};
use consign_model::document::write;
use consign_model::schema;
use consign_model::spec::{
    AttributeSpec, CustomAttributes, DefaultSource, Hash, Kinds, MappingRule, Normalisation, Requirement, Rules,
    SettingSpec, SettingType, Settings, UniqueBy,
};
use consign_model::template::{NameParts, render};
use serde_json::Value;

use crate::workspace::{COMPLETE, complete, definitions, problems};

/// Every combination of what a kind's settings may be, where those are few words.
fn all_settings(kind: &dyn Kind) -> Vec<Settings> {
    let spec = kind.spec();
    let mut all: Vec<BTreeMap<String, Value>> = vec![BTreeMap::new()];
    for setting in &spec.settings {
        let values: Vec<Value> = match setting.setting_type {
            SettingType::Choice(words) => words.iter().map(|word| Value::from(*word)).collect(),
            SettingType::Boolean => vec![true.into(), false.into()],
            SettingType::Choices(words) => {
                (1..=words.len()).map(|most| words[..most].iter().copied().collect::<Value>()).collect()
            }
            _ => continue,
        };
        let with = |one: &BTreeMap<String, Value>| {
            let mut more = vec![one.clone()];
            more.extend(values.iter().map(|value| {
                let mut one = one.clone();
                one.insert(setting.name.to_owned(), value.clone());
                one
            }));
            more
        };
        all = all.iter().flat_map(with).collect();
    }
    all.iter().map(|given| Settings::new(spec, given)).collect()
}

#[test]
fn the_registry_has_the_ten_kinds_platforms_first() {
    let registry = Registry::new();
    let kinds: Vec<&str> = registry.specs().into_iter().map(|spec| spec.kind).collect();
    assert_eq!(
        kinds,
        [
            "attentive",
            "criteo",
            "klaviyo",
            "meta_ads",
            "tiktok_ads",
            "amazon_s3",
            "azure_blob",
            "google_cloud_storage",
            "local_files",
            "sftp",
        ]
    );
    assert_eq!(kinds.len(), COMPLETE.len());
}

#[test]
fn a_complete_destination_of_each_kind_is_clean() {
    for (kind, destination) in COMPLETE {
        let attributes: &[(&str, &str)] = if *kind == "attentive" { &[("phone", "phone")] } else { &[] };
        let found = problems(&definitions(kind, destination, attributes));
        // One group named without `treatment`, few rows: nothing is worth a word.
        assert!(found.is_empty(), "{kind}: {found:#?}");
    }
}

#[test]
fn settings_are_named_once_and_their_defaults_fit() {
    for kind in Registry::new().kinds() {
        let spec = kind.spec();
        let names: BTreeSet<&str> = spec.settings.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), spec.settings.len(), "{} names a setting twice", spec.kind);
        for setting in &spec.settings {
            let at = format!("{}.{}", spec.kind, setting.name);
            assert!(!setting.secret || setting.default.is_none(), "{at} is a secret with a default");
            assert!(!setting.required || setting.default.is_none(), "{at} is required and has a default");
            assert!(!setting.description.ends_with('.') && !setting.description.is_empty(), "{at} is described");
        }
        let written = |setting: &&SettingSpec| setting.default.is_some();
        let given: BTreeMap<&str, &Value> = spec
            .settings
            .iter()
            .filter(written)
            .map(|setting| (setting.name, setting.default.as_ref().expect("filtered")))
            .collect();
        // Validation is what says whether a value fits.
        let mut reading = definitions(spec.kind, complete(spec.kind), &[]);
        for (name, value) in given {
            reading.definitions.destinations[0].settings.entry(name.to_owned()).or_insert_with(|| value.clone());
        }
        let text = write(&reading.definitions);
        let wrong: Vec<String> = problems(&consign_model::document::read(&[("a.yaml".into(), text)]))
            .into_iter()
            .filter(|found| found.contains(".settings"))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", spec.kind);
    }
}

#[test]
fn attentive_knows_each_group_of_each_campaign_by_an_id_of_its_own() {
    let registry = Registry::new();
    let id = |campaign: &str, group: &str| {
        let kind = registry.kind("attentive").expect("it is a kind");
        kind.list_id(&campaign.parse().expect("a slug"), &group.parse().expect("a slug")).expect("we choose it")
    };
    assert_eq!(id("spring", "group_a"), "consign-spring-group_a");
    assert_ne!(id("spring-a", "b"), id("spring", "a-b"));
    assert!(id(&"a".repeat(80), &"b".repeat(80)).len() <= 255);
}

#[test]
fn templates_of_names_render() {
    let parts = NameParts {
        campaign_id: "spring".into(),
        campaign_name: "Spring Promo".into(),
        sub_audience_id: "active".into(),
        sub_audience_name: "Active".into(),
        group_id: "a".into(),
        group_name: "Group A".into(),
        date: "2026-12-01".into(),
        datetime: "2026-12-01T09-00-00".into(),
        date_compact: "20261201".into(),
        run_id: "run-1".into(),
    };
    for spec in Registry::new().specs() {
        let parts = if spec.list.name_without_white_space { parts.without_white_space() } else { parts.clone() };
        let name = render(spec.list.name_template, &parts).expect("the template is well-formed");
        let expected = if spec.kind == "attentive" { "SpringPromoGroupA" } else { "Spring Promo_Group A" };
        assert_eq!(name, expected, "{}", spec.kind);
    }
}

#[test]
fn rules_speak_of_attributes_that_there_are_whatever_the_settings() {
    for kind in Registry::new().kinds() {
        for settings in all_settings(kind) {
            let rules = kind.rules(&settings, &[]);
            let at = format!("{} {settings:?}", kind.spec().kind);
            consistent(&rules, &at);
        }
    }
}

fn consistent(rules: &Rules, at: &str) {
    let names: BTreeSet<&str> = rules.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names.len(), rules.attributes.len(), "{at}: an attribute is named twice");
    let known = |name: &String| assert!(names.contains(name.as_str()), "{at}: `{name}` is not an attribute");
    rules.row.iter().for_each(|set| {
        assert!(!set.is_empty(), "{at}: an empty set of a row");
        set.iter().for_each(known);
    });
    for rule in &rules.mapping {
        match rule {
            MappingRule::AllOf(all) | MappingRule::AnyOf(all) | MappingRule::ExactlyOneOf(all) => {
                all.iter().for_each(known);
            }
            MappingRule::Not(name, why) => {
                assert!(!names.contains(name.as_str()), "{at}: `{name}` is taken and refused");
                assert!(!why.is_empty());
            }
        }
    }
    if let UniqueBy::Attributes(all) = &rules.unique_by {
        all.iter().for_each(known);
    }
    assert!(!rules.summary.is_empty() && !rules.summary.ends_with('.'), "{at}: {}", rules.summary);
    for attribute in &rules.attributes {
        assert!(!attribute.description.is_empty(), "{at}: `{}` is not described", attribute.name);
        if let Some(DefaultSource::Semantic(semantic)) = &attribute.default {
            assert!(schema::semantics().any(|known| known == semantic), "{at}: `{semantic}` is no meaning");
        }
        // Hashed from a cleaned value, or not at all: a hash of an uncleaned one matches nobody.
        for sent in attribute.sent() {
            assert!(sent.hash == Hash::None || sent.normalisation != Normalisation::None, "{at}: `{}`", sent.name);
        }
        if attribute.requirement == Requirement::Required {
            assert!(
                !rules.mapping.iter().any(|rule| matches!(rule, MappingRule::Not(name, _) if *name == attribute.name))
            );
        }
    }
}

#[test]
fn what_the_platforms_want_hashed_is_hashed() {
    let registry = Registry::new();
    let hashed = |kind: &str, setting: Option<(&str, &str)>| -> Vec<(String, Hash)> {
        let kind = registry.kind(kind).expect("it is a kind");
        let given = setting.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect();
        let rules = kind.rules(&Settings::new(kind.spec(), &given), &[]);
        let sent = rules.attributes.iter().flat_map(AttributeSpec::sent);
        sent.map(|sent| (sent.name.clone(), sent.hash)).collect()
    };
    for (name, hash) in hashed("meta_ads", None) {
        let plain = matches!(name.as_str(), "EXTERN_ID" | "MADID");
        assert_eq!(hash, if plain { Hash::None } else { Hash::Sha256 }, "Meta `{name}`");
    }
    assert!(hashed("tiktok_ads", None).iter().all(|(_, hash)| *hash == Hash::Sha256));
    assert_eq!(hashed("criteo", None), [("email".into(), Hash::NoneOrPrehashed)]);
    assert_eq!(hashed("criteo", Some(("hash_email", "sha256"))), [("email".into(), Hash::Sha256)]);
    for kind in ["klaviyo", "attentive"] {
        assert!(hashed(kind, None).iter().all(|(_, hash)| *hash == Hash::None), "{kind}");
    }
}

#[test]
fn kinds_of_files_take_anything_and_platforms_do_not() {
    for kind in Registry::new().kinds() {
        let spec = kind.spec();
        assert_eq!(spec.writes_files, spec.rules.custom == CustomAttributes::Any, "{}", spec.kind);
        assert_eq!(spec.writes_files, spec.memberships.is_empty(), "{}", spec.kind);
        let settings = Settings::new(spec, &BTreeMap::new());
        assert_eq!(spec.writes_files, kind.encoder(&settings, &[]).is_none(), "{}", spec.kind);
    }
}

#[test]
fn the_default_mapping_of_each_platform_follows_the_meanings_of_columns() {
    let registry = Registry::new();
    let mut shown = String::new();
    for kind in registry.kinds().filter(|kind| !kind.spec().writes_files) {
        let rules = kind.rules(&Settings::new(kind.spec(), &BTreeMap::new()), &[]);
        let defaults = rules.defaults_from(|source| {
            let column = match source {
                DefaultSource::CustomerKey => "KEY",
                DefaultSource::Semantic(semantic) => semantic.as_str(),
            };
            Some(ColumnRef::new("T", column))
        });
        let pairs: Vec<String> = defaults
            .iter()
            .map(|one| match one {
                AttributeMapping::Column(ColumnAttribute { attribute, column }) => {
                    format!("{attribute} <- {}", column.column)
                }
                AttributeMapping::Fact(_) => unreachable!("defaults are columns"),
            })
            .collect();
        shown.extend([kind.spec().kind, ": ", &pairs.join(", "), "\n"]);
    }
    insta::assert_snapshot!(shown);
}
