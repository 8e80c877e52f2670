//! What each platform says of what is mapped to it.

use std::collections::BTreeMap;

use consign_destinations::registry::Registry;
use consign_model::spec::{Hash, Normalisation, Settings, UniqueBy};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::workspace::{complete, definitions, delivery, problems};

/// The problems of mapping those attributes, each from some column that fits.
fn mapped(kind: &str, destination: &str, attributes: &[&str]) -> String {
    let pairs: Vec<(&str, &str)> = attributes
        .iter()
        .map(|name| {
            let column = match name.to_lowercase().as_str() {
                "email" => "email",
                "phone" | "phone_number" => "phone",
                "birth" | "doby" => "birthdate",
                "extern_id" => "customer_id",
                "zip" => "postal",
                _ => "note",
            };
            (*name, column)
        })
        .collect();
    let found = problems(&definitions(kind, destination, &pairs));
    let of = attributes.join(", ");
    if found.is_empty() { format!("{of}\n  clean\n") } else { format!("{of}\n  {}\n", found.join("\n  ")) }
}

fn table(kind: &str, destination: &str, cases: &[&[&str]]) -> String {
    cases.iter().map(|case| mapped(kind, destination, case)).collect()
}

#[test]
fn klaviyo_needs_its_primary_key() {
    let cases: &[&[&str]] = &[
        &["email"],
        &["email", "phone_number", "location.city", "properties.anything goes"],
        &["phone_number"],
        &["Email"],
        &["email", "loyalty_tier"],
        &["email", "properties."],
        &["email", "location.citi"],
    ];
    assert_snapshot!(table("klaviyo", complete("klaviyo"), cases));
}

#[test]
fn klaviyo_takes_another_primary_key_and_identifiers_alone_where_that_is_set() {
    let destination =
        "settings: { primary_key: phone_number, update_contacts: false }, credentials: { api_key: env:K }";
    let cases: &[&[&str]] =
        &[&["phone_number"], &["email"], &["phone_number", "email", "first_name", "properties.tier"]];
    assert_snapshot!(table("klaviyo", destination, cases));
}

#[test]
fn attentive_takes_email_or_phone_and_never_both() {
    let cases: &[&[&str]] = &[&["email"], &["phone"], &["email", "phone"], &["first_name"], &["phone", "first_name"]];
    assert_snapshot!(table("attentive", complete("attentive"), cases));
}

#[test]
fn criteo_takes_an_email_and_nothing_else() {
    let cases: &[&[&str]] = &[&["email"], &["email", "phone"], &["phone"], &["EMAIL"]];
    assert_snapshot!(table("criteo", complete("criteo"), cases));
}

#[test]
fn tiktok_takes_email_and_phone_both() {
    let cases: &[&[&str]] =
        &[&["EMAIL", "PHONE"], &["EMAIL", "PHONE", "IDFA", "AAID"], &["EMAIL"], &["IDFA"], &["email", "PHONE"]];
    assert_snapshot!(table("tiktok_ads", complete("tiktok_ads"), cases));
}

#[test]
fn tiktok_takes_any_one_id_where_that_is_set() {
    let destination = "settings: { advertiser_id: '1', require_email_and_phone: false, id_types: [EMAIL, IDFA] }, \
                       credentials: { access_token: env:T }";
    let cases: &[&[&str]] = &[&["EMAIL"], &["IDFA"], &["PHONE"], &["EMAIL", "PHONE"], &["AAID"]];
    assert_snapshot!(table("tiktok_ads", destination, cases));
}

#[test]
fn meta_takes_strict_names_and_makes_its_own_parts_of_a_birthdate() {
    let cases: &[&[&str]] = &[
        &["EXTERN_ID", "EMAIL"],
        &["EXTERN_ID", "FN", "LN", "ZIP", "BIRTH", "GEN"],
        &["EMAIL"],
        &["EXTERN_ID"],
        &["EXTERN_ID", "FN", "LN"],
        &["EXTERN_ID", "email"],
        &["EXTERN_ID", "EMAIL", "DOBY", "FI"],
        &["EXTERN_ID", "EMAIL", "CUSTOM"],
    ];
    assert_snapshot!(table("meta_ads", complete("meta_ads"), cases));
}

#[test]
fn a_birthdate_is_planned_as_its_parts() {
    let attributes = [("EXTERN_ID", "customer_id"), ("EMAIL", "email"), ("BIRTH", "birthdate")];
    let delivery = delivery("meta_ads", complete("meta_ads"), &attributes);
    let names: Vec<&str> = delivery.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names, ["EXTERN_ID", "EMAIL", "DOBY", "DOBM", "DOBD"]);
    let hashed = delivery.attributes.iter().filter(|attribute| attribute.hash == Hash::Sha256).count();
    assert_eq!(hashed, 4, "all but `EXTERN_ID`");
}

/// The row rule and the key of duplicates of a kind with those settings.
fn rows(kind: &str, settings: &Value) -> (Vec<Vec<String>>, UniqueBy) {
    let registry = Registry::new();
    let kind = registry.kind(kind).expect("it is a kind");
    let given: BTreeMap<String, Value> =
        settings.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    let rules = kind.rules(&Settings::new(kind.spec(), &given), &[]);
    (rules.row, rules.unique_by)
}

#[test]
fn rows_need_what_each_platform_can_match() {
    let sets = |sets: &[&[&str]]| -> Vec<Vec<String>> {
        sets.iter().map(|set| set.iter().map(|name| (*name).to_owned()).collect()).collect()
    };
    let by = |name: &str| UniqueBy::Attributes(vec![name.to_owned()]);
    let none = json!({});
    assert_eq!(rows("klaviyo", &none), (sets(&[&["email"]]), by("email")));
    assert_eq!(
        rows("klaviyo", &json!({ "primary_key": "external_id" })),
        (sets(&[&["external_id"]]), by("external_id"))
    );
    assert_eq!(rows("attentive", &none), (sets(&[&["phone"], &["email"]]), UniqueBy::WholeRow));
    assert_eq!(rows("criteo", &none), (sets(&[&["email"]]), by("email")));
    assert_eq!(rows("tiktok_ads", &none), (sets(&[&["EMAIL"], &["PHONE"], &["IDFA"], &["AAID"]]), UniqueBy::WholeRow));
    assert_eq!(
        rows("tiktok_ads", &json!({ "require_email_and_phone": false, "id_types": ["IDFA", "EMAIL"] })),
        (sets(&[&["EMAIL"], &["IDFA"]]), UniqueBy::WholeRow)
    );
    assert_eq!(
        rows("meta_ads", &none),
        (sets(&[&["EMAIL"], &["PHONE"], &["MADID"], &["FN", "LN", "ZIP"]]), UniqueBy::WholeRow)
    );
    for kind in ["local_files", "amazon_s3", "google_cloud_storage", "azure_blob", "sftp"] {
        assert_eq!(rows(kind, &none), (Vec::new(), UniqueBy::Nothing));
    }
}

#[test]
fn tiktok_cleans_addresses_by_the_rule_that_is_set() {
    let registry = Registry::new();
    let kind = registry.kind("tiktok_ads").expect("it is a kind");
    let email = |rule: &str| {
        let settings = Settings::new(kind.spec(), &[("email_rule".to_owned(), Value::from(rule))].into());
        kind.rules(&settings, &[]).attribute("EMAIL").expect("it is known").normalisation
    };
    assert_eq!(email("plain"), Normalisation::EmailWithoutSpace);
    assert_eq!(email("strip_alias"), Normalisation::EmailStripAlias);
}

#[test]
fn names_of_lists_are_held_to_the_platforms_limits() {
    let long = "x".repeat(71);
    let named = |kind: &str, group: &str| {
        let mut reading = definitions(kind, complete(kind), &[]);
        let attributes = if kind == "attentive" { vec![("phone", "phone")] } else { Vec::new() };
        if !attributes.is_empty() {
            reading = definitions(kind, complete(kind), &attributes);
        }
        reading.definitions.campaigns[0].sub_audiences[0].groups[0].name = group.into();
        problems(&reading).join("\n")
    };
    assert!(named("tiktok_ads", &long).contains("70"), "{}", named("tiktok_ads", &long));
    assert!(named("meta_ads", "My Treatment").starts_with("warning"), "{}", named("meta_ads", "My Treatment"));
    assert_eq!(named("criteo", "My Treatment"), "");
}
