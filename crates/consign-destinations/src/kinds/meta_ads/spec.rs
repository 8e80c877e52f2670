//! What `meta_ads` says of itself.

use consign_model::definition::Membership;
use consign_model::spec::{
    AttributeSpec, CustomAttributes, Hash, KindSpec, Limits, ListSpec, MappingRule, Normalisation, Requirement, Rules,
    SettingType, UniqueBy, ValueType,
};

use crate::kinds::setting::{base_url, defaulted, phones, required, required_secret, secret};
use crate::kinds::{NAME_TEMPLATE, names};

/// The most rows of one request.
const BATCH_SIZE: usize = 10_000;

pub(super) fn spec() -> KindSpec {
    let mut settings = vec![
        required_secret(
            "access_token",
            "The token of a system user, or a long-lived one of a user, with the permission `ads_management`",
        ),
        secret("app_secret", "The secret of the app; with it each call proves that it comes from the app"),
        required(
            "ad_account_id",
            SettingType::Text,
            "The ad account, digits in quotes; `act_` before them is taken too",
        ),
        defaulted(
            "customer_file_source",
            SettingType::Choice(&["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"]),
            "USER_PROVIDED_ONLY",
            "Where the customers' data come from: themselves, partners, or both; said when an audience is made",
        ),
        defaulted(
            "data_processing_options",
            SettingType::Choice(&["none", "ldu"]),
            "none",
            "`ldu` marks every row for limited data use, with the place left for Meta to find",
        ),
        defaulted(
            "batch_size",
            SettingType::Integer { min: 1, max: 10_000 },
            BATCH_SIZE,
            "The most rows of one request",
        ),
    ];
    settings.extend(phones());
    settings.extend([
        defaulted("api_version", SettingType::Text, "v25.0", "The version of the API, the first part of its paths"),
        base_url("https://graph.facebook.com"),
    ]);
    KindSpec {
        kind: "meta_ads",
        title: "Meta Ads",
        description: "Fills a custom audience of one ad account, for Facebook and Instagram: to be shown ads, to be left \
                      out, or as the seed of a lookalike. Matching takes up to 24 hours.",
        settings,
        list: ListSpec {
            noun: "audience",
            name_template: NAME_TEMPLATE,
            max_name: None,
            name_without_white_space: false,
            name_should_not_contain: Some("treatment"),
            min_useful_rows: Some(100),
        },
        rules: rules(),
        memberships: vec![Membership::Replace, Membership::Mirror, Membership::Append, Membership::Remove],
        limits: Limits { request_rows: Some(BATCH_SIZE), request_bytes: None, row_bytes: None },
        writes_files: false,
        unverified: vec![
            "That postcodes of Great Britain are sent whole; Meta's text asks for area, district and sector, all \
             connectors send the whole",
            "That accents are removed from cities and kept in names",
            "The values of limited data use as columns of the rows",
            "The reason for Meta's warning of `treatment` in names",
            "What an audience's status is while Meta works on it; all but 200 is taken for work",
            "How samples of invalid entries name rows; what cannot be read is counted",
            "A row needs an e-mail address, a phone number, a device id, or names with a postal code: a choice of ours",
        ],
    }
}

/// The rules; no setting changes them.
fn rules() -> Rules {
    Rules {
        attributes: attributes(),
        custom: CustomAttributes::Forbidden,
        mapping: vec![
            MappingRule::AllOf(names(&["EXTERN_ID"])),
            made_from("DOBY", "BIRTH"),
            made_from("DOBM", "BIRTH"),
            made_from("DOBD", "BIRTH"),
            made_from("FI", "FN"),
        ],
        row: vec![names(&["EMAIL"]), names(&["PHONE"]), names(&["MADID"]), names(&["FN", "LN", "ZIP"])],
        unique_by: UniqueBy::WholeRow,
        summary: "Meta needs `EXTERN_ID` mapped, and in each row `EMAIL`, `PHONE`, `MADID`, or all of `FN`, `LN` and \
                  `ZIP`. Names are upper case"
            .into(),
    }
}

fn made_from(name: &str, source: &str) -> MappingRule {
    MappingRule::Not(name.into(), format!("it is made from `{source}`, which is mapped instead"))
}

fn attributes() -> Vec<AttributeSpec> {
    let hashed = |name: &str, normalisation, description: &str| {
        AttributeSpec::new(name, normalisation).hash(Hash::Sha256).describe(description)
    };
    vec![
        AttributeSpec::new("EXTERN_ID", Normalisation::Text)
            .requirement(Requirement::Required)
            .customer_key()
            .describe("Your own id of the customer, not hashed"),
        hashed("EMAIL", Normalisation::Email, "E-mail address").requirement(Requirement::OneOf).semantic("email"),
        hashed("PHONE", Normalisation::PhoneDigits, "Phone number with its country code, hashed as digits alone")
            .requirement(Requirement::OneOf)
            .semantic("phone"),
        hashed("FN", Normalisation::PersonName, "First name, without punctuation")
            .requirement(Requirement::OneOf)
            .semantic("given-name"),
        hashed("LN", Normalisation::PersonName, "Last name, without punctuation")
            .requirement(Requirement::OneOf)
            .semantic("surname"),
        hashed("ZIP", Normalisation::PostalCode, "Postal code; of the United States its first five digits")
            .requirement(Requirement::OneOf)
            .semantic("postal"),
        hashed("CT", Normalisation::City, "City, letters only, without accents").semantic("city"),
        hashed("ST", Normalisation::State, "State or region; of the United States its two letters").semantic("state"),
        hashed("COUNTRY", Normalisation::Country, "Country, its two letters").semantic("country"),
        hashed("BIRTH", Normalisation::Birthdate, "Date of birth; leaves as year, month and day")
            .value(ValueType::Date)
            .semantic("birthdate")
            .sent_as(vec![
                hashed("DOBY", Normalisation::BirthYear, "Year of birth, `YYYY`"),
                hashed("DOBM", Normalisation::BirthMonth, "Month of birth, `MM`"),
                hashed("DOBD", Normalisation::BirthDay, "Day of birth, `DD`"),
            ]),
        hashed("GEN", Normalisation::Gender, "Gender, `m` or `f`").semantic("gender"),
        AttributeSpec::new("MADID", Normalisation::MobileAdId)
            .requirement(Requirement::OneOf)
            .describe("Advertising id of a device, not hashed"),
    ]
}
