//! What `criteo` says of itself.

use consign_model::definition::Membership;
use consign_model::spec::{
    AttributeSpec, CustomAttributes, Hash, KindSpec, Limits, ListSpec, Normalisation, Requirement, Rules, SettingType,
    Settings, UniqueBy,
};

use crate::kinds::setting::{base_url, defaulted, required, required_secret, secret};
use crate::kinds::{NAME_TEMPLATE, names};

/// The one attribute.
pub(super) const EMAIL: &str = "email";

pub(super) fn spec() -> KindSpec {
    KindSpec {
        kind: "criteo",
        title: "Criteo",
        description: "Fills a contact-list segment of one advertiser, which ad sets then use. Criteo computes segments \
                      anew twice a day, so a list is live after about five hours.",
        settings: vec![
            required("client_id", SettingType::Text, "The id of the API application"),
            required_secret("client_secret", "The secret of the API application"),
            secret("refresh_token", "Where the application acts for a user: the refresh token that it was given"),
            required("advertiser_id", SettingType::Digits, "The advertiser that the segments belong to"),
            defaulted(
                "hash_email",
                SettingType::Choice(&["none", "sha256"]),
                "none",
                "Whether e-mail addresses leave as their SHA-256; Criteo hashes plain ones on arrival",
            ),
            defaulted(
                "api_version",
                SettingType::Text,
                "2026-07",
                "The version of the API, the first part of its paths",
            ),
            base_url("https://api.criteo.com"),
        ],
        list: ListSpec {
            noun: "segment",
            name_template: NAME_TEMPLATE,
            max_name: None,
            name_without_white_space: false,
            name_should_not_contain: None,
            min_useful_rows: None,
        },
        rules: rules(Hash::NoneOrPrehashed),
        memberships: vec![Membership::Mirror, Membership::Replace, Membership::Append, Membership::Remove],
        limits: Limits { request_rows: Some(50_000), request_bytes: None, row_bytes: None },
        writes_files: false,
        unverified: vec![
            "That hashed addresses are taken by this version of the API, so plain ones are the default",
            "Whether hashed and plain addresses may be in one list",
            "Whether names of segments are compared with regard to case",
            "The status of a refused application: 400 and 401 are taken for a wrong secret",
            "A limit on the bytes of a request; none is published",
        ],
    }
}

/// How a destination with those settings wants addresses.
pub(super) fn hash(settings: &Settings) -> Hash {
    if settings.text("hash_email") == Some("sha256") { Hash::Sha256 } else { Hash::NoneOrPrehashed }
}

/// The rules with addresses hashed in that way.
pub(super) fn rules(hash: Hash) -> Rules {
    let description = match hash {
        Hash::Sha256 => "The e-mail address, as its SHA-256",
        Hash::None | Hash::NoneOrPrehashed => {
            "The e-mail address, plain; one that already is a SHA-256 or MD5 passes as it is"
        }
    };
    Rules {
        attributes: vec![
            AttributeSpec::new(EMAIL, Normalisation::Email)
                .requirement(Requirement::Required)
                .hash(hash)
                .semantic("email")
                .describe(description),
        ],
        custom: CustomAttributes::Forbidden,
        mapping: Vec::new(),
        row: vec![names(&[EMAIL])],
        unique_by: UniqueBy::Attributes(names(&[EMAIL])),
        summary: "Criteo takes an e-mail address and nothing else".into(),
    }
}
