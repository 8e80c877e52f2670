//! What `attentive` says of itself.

use consign_model::definition::Membership;
use consign_model::spec::{
    AttributeSpec, CustomAttributes, KindSpec, Limits, ListSpec, MappingRule, Normalisation, Requirement, Rules,
    SettingType, UniqueBy,
};

use crate::kinds::names;
use crate::kinds::setting::{base_url, defaulted, optional, phones, secret};

/// The settings without which files cannot be put on Attentive's server.
pub(super) const NEEDED_BY_FILE: &[&str] = &["sftp_username", "sftp_password", "sftp_host_key", "client_domain"];

/// Under which heading one of those stands.
pub(super) fn heading(setting: &str) -> &'static str {
    if setting == "sftp_password" { "credentials" } else { "settings" }
}

/// Members of one request.
const BATCH_SIZE: usize = 10_000;

/// The most rows of a file.
pub(super) const FILE_ROWS: usize = 500_000;

/// What a file can hold.
pub(super) const FILE_LIMITS: Limits = Limits { request_rows: Some(FILE_ROWS), request_bytes: None, row_bytes: None };

pub(super) fn spec() -> KindSpec {
    let mut settings = vec![
        defaulted(
            "transport",
            SettingType::Choice(&["api", "sftp"]),
            "api",
            "How lists go: by the API, or as files to Attentive's SFTP server, which reads them once in 24 hours and reports \
             nothing, so a list is delivered when its file is there. A file cannot empty a segment",
        ),
        secret("api_key", "The API key of a private app that may write segments; needed by `transport: api`"),
        defaulted(
            "batch_size",
            SettingType::Integer { min: 1, max: 10_000 },
            BATCH_SIZE,
            "The most members of one request of the API",
        ),
        base_url("https://api.attentivemobile.com"),
        defaulted("sftp_host", SettingType::Text, "sftp.attentivemobile.com", "The SFTP server, for `transport: sftp`"),
        defaulted("sftp_port", SettingType::Integer { min: 1, max: 65_535 }, 22, "The port of the SFTP server"),
        optional("sftp_username", SettingType::Text, "Who signs in at the SFTP server; needed by `transport: sftp`"),
        secret("sftp_password", "The password that Attentive has issued; needed by `transport: sftp`"),
        optional(
            "sftp_host_key",
            SettingType::Text,
            "The SHA-256 fingerprint of the server's key, such as `SHA256:` and 43 characters; needed by \
             `transport: sftp`",
        ),
        optional("remote_folder", SettingType::Text, "The folder that Attentive has named, for `transport: sftp`"),
        optional(
            "client_domain",
            SettingType::Text,
            "The brand's sub-domain at Attentive, which file names begin with; needed by `transport: sftp`",
        ),
    ];
    settings.extend(phones());
    KindSpec {
        kind: "attentive",
        title: "Attentive",
        description: "Fills a manual segment of Attentive, which messages then go to. Attentive keeps who has opted in: \
                      members who have not are taken and never written to. A new segment is usable within 24 hours.",
        settings,
        list: ListSpec {
            noun: "segment",
            name_template: "{{ campaign_name }}{{ group_name }}",
            max_name: Some(240),
            name_without_white_space: true,
            name_should_not_contain: None,
            min_useful_rows: None,
        },
        rules: rules(),
        memberships: vec![Membership::Mirror, Membership::Append, Membership::Remove],
        limits: Limits { request_rows: Some(BATCH_SIZE), request_bytes: Some(1_000_000), row_bytes: None },
        writes_files: false,
        unverified: vec![
            "By file: the order and quoting of its two columns, identifier and segment name, from a sample",
            "By file: whether a second file of a day for one segment replaces the first. A file holds 500,000 rows; a \
             delivery of more goes in several, and says so",
            "By file: the number at the end of a file's name counts the files of a day at the destination; a list that goes \
             again on the day keeps its number",
            "Whether segments of e-mail addresses are switched on for every client of Attentive",
            "The lines of a job's result, and where they are: `url` or `resultUrl`, fetched without the key. Where they cannot be \
             read, what became of the members is unknown",
            "The host of the API, whose segments are labelled beta; `base_url` can have a path",
            "How often a job is looked at: every 5 minutes at first, then every 30, for 24 hours",
            "Requests are kept below 1 MB: a choice of ours, as no limit is published",
        ],
    }
}

/// The rules; no setting changes them.
fn rules() -> Rules {
    let one_of = |name, normalisation, semantic, description: &str| {
        AttributeSpec::new(name, normalisation).requirement(Requirement::OneOf).semantic(semantic).describe(description)
    };
    Rules {
        attributes: vec![
            one_of("phone", Normalisation::Phone, "phone", "Phone number, E.164 with `+`"),
            one_of("email", Normalisation::Email, "email", "E-mail address"),
        ],
        custom: CustomAttributes::Forbidden,
        mapping: vec![MappingRule::ExactlyOneOf(names(&["phone", "email"]))],
        row: vec![names(&["phone"]), names(&["email"])],
        unique_by: UniqueBy::WholeRow,
        summary: "Attentive takes email or phone, never both, and nothing else".into(),
    }
}
