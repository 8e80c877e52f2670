//! What `tiktok_ads` says of itself.

use consign_model::definition::Membership;
use consign_model::spec::{
    AttributeSpec, CustomAttributes, Hash, KindSpec, Limits, ListSpec, MappingRule, Normalisation, Requirement, Rules,
    SettingType, UniqueBy,
};

use crate::kinds::setting::{base_url, defaulted, optional, phones, required, required_secret};
use crate::kinds::{NAME_TEMPLATE, names};

/// The ids of a person, in the order in which requests have them.
pub(super) const ID_TYPES: &[&str] = &["EMAIL", "PHONE", "IDFA", "AAID"];

/// Members below which an audience cannot be used, nor be replaced by files.
pub(super) const USABLE: u64 = 1_000;

/// Rows of one request where the destination sets nothing else.
const BATCH_SIZE: usize = 1_000;

pub(super) fn spec() -> KindSpec {
    let mut settings = vec![
        required_secret(
            "access_token",
            "A long-lived access token, granted by an operator or admin of the advertiser, with the scopes of audience \
             management",
        ),
        required(
            "advertiser_id",
            SettingType::Digits,
            "The advertiser that the audiences belong to, 19 digits in quotes",
        ),
        optional(
            "id_types",
            SettingType::Choices(ID_TYPES),
            "The ids that are sent; without it, those that are mapped",
        ),
        defaulted(
            "email_rule",
            SettingType::Choice(&["plain", "strip_alias"]),
            "plain",
            "`plain` is TikTok's present rule; `strip_alias` also cuts `+alias` and dots from the part before `@`, as \
             older tools do: choose it only to match lists that those have loaded",
        ),
        defaulted(
            "require_email_and_phone",
            SettingType::Boolean,
            true,
            "Whether both `EMAIL` and `PHONE` must be mapped; TikTok itself takes any one of the four ids",
        ),
        defaulted(
            "batch_size",
            SettingType::Integer { min: 1, max: 10_000 },
            BATCH_SIZE,
            "The most rows of one request of the streaming calls",
        ),
    ];
    settings.extend(phones());
    settings.push(base_url("https://business-api.tiktok.com"));
    KindSpec {
        kind: "tiktok_ads",
        title: "TikTok Ads",
        description: "Fills a custom audience of one advertiser, to be shown ads or to be left out. Members show up after \
                      10 to 48 hours. `replace` uploads files of 1,000 rows or more, other memberships stream; one audience \
                      takes one of the two.",
        settings,
        list: ListSpec {
            noun: "audience",
            name_template: NAME_TEMPLATE,
            max_name: Some(70),
            name_without_white_space: false,
            name_should_not_contain: None,
            min_useful_rows: Some(USABLE),
        },
        rules: rules(ID_TYPES, Normalisation::EmailWithoutSpace, true),
        memberships: vec![Membership::Mirror, Membership::Append, Membership::Remove, Membership::Replace],
        limits: Limits { request_rows: Some(BATCH_SIZE), request_bytes: Some(1_000_000), row_bytes: None },
        writes_files: false,
        unverified: vec![
            "The most rows and bytes of a request; 1,000 rows and 1 MB are another vendor's choice, and `batch_size` is a \
             setting for that reason",
            "Which rule for e-mail addresses matches more people today; `plain` is TikTok's newest text",
            "What the messages of limits say; a second, a minute and a day are told apart by these words",
            "That a request which TikTok calls a duplicate (40050) was taken the first time",
            "By file: how long TikTok works on one. It is looked at every 5 minutes at first, then every 30, for 48 hours",
            "By file: below 1,000 rows a new audience is made, and is not usable; one that is there already is not replaced",
            "Names over 70 characters are refused, since TikTok would cut them: a choice of ours",
        ],
    }
}

/// The rules with those ids enabled and e-mail addresses cleaned in that way. `both`: `EMAIL` and `PHONE` are required,
/// and so enabled.
pub(super) fn rules(enabled: &[&str], email: Normalisation, both: bool) -> Rules {
    let (contact, device) =
        if both { (Requirement::Required, Requirement::Optional) } else { (Requirement::OneOf, Requirement::OneOf) };
    let hashed = |name: &str, normalisation, requirement, description: &str| {
        AttributeSpec::new(name, normalisation).requirement(requirement).hash(Hash::Sha256).describe(description)
    };
    let is_enabled = |name: &str| enabled.contains(&name) || both && matches!(name, "EMAIL" | "PHONE");
    let mut attributes = vec![
        hashed("EMAIL", email, contact, "E-mail address, sent as `EMAIL_SHA256`").semantic("email"),
        hashed("PHONE", Normalisation::Phone, contact, "Phone number, hashed with its `+`, sent as `PHONE_SHA256`")
            .semantic("phone"),
        hashed("IDFA", Normalisation::MobileAdId, device, "Advertising id of an Apple device, sent as `IDFA_SHA256`"),
        hashed("AAID", Normalisation::MobileAdId, device, "Advertising id of an Android device, sent as `AAID_SHA256`"),
    ];
    attributes.retain(|attribute| is_enabled(&attribute.name));
    let ids: Vec<String> = attributes.iter().map(|attribute| attribute.name.clone()).collect();
    let left_out = ID_TYPES.iter().filter(|name| !is_enabled(name));
    let mut mapping: Vec<MappingRule> = left_out
        .map(|name| MappingRule::Not((*name).to_owned(), "`id_types` of the destination leaves it out".into()))
        .collect();
    mapping.push(if both { MappingRule::AllOf(names(&["EMAIL", "PHONE"])) } else { MappingRule::AnyOf(ids.clone()) });
    Rules {
        attributes,
        custom: CustomAttributes::Forbidden,
        mapping,
        row: ids.iter().map(|id| vec![id.clone()]).collect(),
        unique_by: UniqueBy::WholeRow,
        summary: if both {
            "TikTok needs `EMAIL` and `PHONE` mapped, and may be given `IDFA` and `AAID`; a row needs one of them"
                .into()
        } else {
            format!("TikTok needs at least one of {} mapped, and in each row", consign_model::word::list(&ids))
        },
    }
}
