//! What `klaviyo` says of itself.

use consign_model::definition::{AttributeMapping, Membership};
use consign_model::spec::{
    AttributeSpec, CustomAttributes, KindSpec, Limits, ListSpec, MappingRule, Normalisation, Requirement, Rules,
    SettingType, UniqueBy,
};
use consign_model::word;

use crate::kinds::setting::{base_url, defaulted, phones, required_secret};
use crate::kinds::{NAME_TEMPLATE, names};

/// What the names of custom properties begin with.
pub(super) const PROPERTIES: &str = "properties.";
/// What the names of the parts of an address begin with.
pub(super) const LOCATION: &str = "location.";
/// What Klaviyo knows a profile by.
pub(super) const IDENTIFIERS: &[&str] = &["email", "phone_number", "external_id"];

pub(super) fn spec() -> KindSpec {
    let mut settings = vec![
        required_secret(
            "api_key",
            "A private API key; it begins with `pk_` and needs the scopes lists:read, lists:write, profiles:read and \
             profiles:write",
        ),
        defaulted(
            "primary_key",
            SettingType::Choice(IDENTIFIERS),
            "email",
            "The identifier that every row must have; rows with the same one are duplicates",
        ),
        defaulted(
            "update_contacts",
            SettingType::Boolean,
            true,
            "Off: only identifiers are sent, so that the other fields of existing profiles stay as they are",
        ),
        defaulted(
            "clear_nulls",
            SettingType::Boolean,
            false,
            "On: a mapped field that is missing is cleared on the profile, by one more call for each such profile (750 a \
             minute); off: it stays as it is",
        ),
    ];
    settings.extend(phones());
    settings.extend([
        base_url("https://a.klaviyo.com"),
        defaulted("api_revision", SettingType::Text, "2026-07-15", "The revision of the API, a date"),
    ]);
    KindSpec {
        kind: "klaviyo",
        title: "Klaviyo",
        description: "Puts the group on a Klaviyo list, which campaigns and flows then use. Consent is never changed: \
                      who has not subscribed in Klaviyo is not written to.",
        settings,
        list: ListSpec {
            noun: "list",
            name_template: NAME_TEMPLATE,
            max_name: None,
            name_without_white_space: false,
            name_should_not_contain: None,
            min_useful_rows: None,
        },
        rules: rules("email"),
        memberships: vec![Membership::Mirror, Membership::Append, Membership::Remove],
        limits: Limits { request_rows: Some(10_000), request_bytes: Some(4_500_000), row_bytes: Some(100_000) },
        writes_files: false,
        unverified: vec![
            "How Klaviyo judges phone numbers; `phone_validation: strict` saves rounds where it refuses many",
            "Whether names of lists are looked up with regard to case; they are compared exactly on our side",
            "The longest name that a list may have",
            "Whether one refusal names every bad row; a request is sent again up to five times without what was named, then in \
             halves",
            "Whether removing who is not on the list is an error; it is taken for done",
            "Requests are kept at 4.5 MB, below the limit of 5 MB: a choice of ours",
        ],
    }
}

/// The rules with that identifier as the one that every row must have.
pub(super) fn rules(primary_key: &str) -> Rules {
    let mut attributes = vec![
        AttributeSpec::new("email", Normalisation::Email).semantic("email").describe("E-mail address"),
        AttributeSpec::new("phone_number", Normalisation::Phone)
            .semantic("phone")
            .describe("Phone number, E.164 with `+`"),
        AttributeSpec::new("external_id", Normalisation::TextUpTo(255))
            .describe("An id of your own, such as the customer key; at most 255 characters"),
    ];
    for attribute in &mut attributes {
        if attribute.name == primary_key {
            attribute.requirement = Requirement::Required;
        }
    }
    let text = |name: &str, semantic: Option<&str>, description: &str| {
        let attribute = AttributeSpec::new(name, Normalisation::Text).describe(description);
        match semantic {
            Some(semantic) => attribute.semantic(semantic),
            None => attribute,
        }
    };
    attributes.extend([
        text("first_name", Some("given-name"), "First name"),
        text("last_name", Some("surname"), "Last name"),
        text("organization", Some("company"), "Company"),
        text("title", Some("title"), "Title"),
        text("image", None, "URL of a picture"),
        text("locale", None, "Language and region, BCP 47, such as `en-US`"),
        text("location.address1", Some("address"), "Street and number"),
        text("location.address2", Some("address2"), "Second line of the address"),
        text("location.city", Some("city"), "City"),
        text("location.region", Some("state"), "State or region"),
        text("location.zip", Some("postal"), "Postal code, as text, so that leading zeros stay"),
        text("location.country", Some("country"), "Country"),
        AttributeSpec::new("location.latitude", Normalisation::Latitude).describe("Degrees north, up to 4 decimals"),
        AttributeSpec::new("location.longitude", Normalisation::Longitude).describe("Degrees east, up to 4 decimals"),
        text("location.timezone", None, "Time zone, an IANA name such as `Europe/Berlin`"),
        text("location.ip", None, "IP address"),
    ]);
    Rules {
        attributes,
        custom: CustomAttributes::WithPrefix(PROPERTIES),
        mapping: Vec::new(),
        row: vec![names(&[primary_key])],
        unique_by: UniqueBy::Attributes(names(&[primary_key])),
        summary: format!(
            "Klaviyo needs `{primary_key}`; everything else is optional, and attributes of your own are named \
             `properties.` and what you like"
        ),
    }
}

/// Those rules with nothing but identifiers to map.
pub(super) fn identifiers_only(rules: Rules, mapped: &[AttributeMapping]) -> Rules {
    let is_identifier = |name: &str| IDENTIFIERS.contains(&name);
    let (identifiers, others): (Vec<_>, Vec<_>) =
        rules.attributes.into_iter().partition(|attribute| is_identifier(&attribute.name));
    let custom = mapped.iter().map(AttributeMapping::attribute).filter(|name| name.starts_with(PROPERTIES));
    let why = "`update_contacts` is off, so only identifiers are sent";
    let mapping = others.iter().map(|attribute| attribute.name.as_str()).chain(custom);
    Rules {
        mapping: mapping.map(|name| MappingRule::Not(name.to_owned(), why.to_owned())).collect(),
        attributes: identifiers,
        custom: CustomAttributes::Forbidden,
        summary: format!(
            "Klaviyo needs {}, and takes {} alone, since `update_contacts` is off",
            word::list(rules.row.iter().flatten()),
            word::list(IDENTIFIERS)
        ),
        ..rules
    }
}
