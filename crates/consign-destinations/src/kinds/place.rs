//! What all kinds that write files have in common: their specification, and checks of where files are put.

use consign_model::definition::Destination;
use consign_model::spec::{CustomAttributes, KindSpec, Limits, ListSpec, Rules, SettingProblem, SettingSpec, UniqueBy};

use super::NAME_TEMPLATE;
use super::setting::{problem, text};

/// The specification of a kind that writes files there.
pub(super) fn spec(
    kind: &'static str,
    title: &'static str,
    description: &'static str,
    settings: Vec<SettingSpec>,
) -> KindSpec {
    KindSpec {
        kind,
        title,
        description,
        settings,
        list: ListSpec {
            noun: "file",
            name_template: NAME_TEMPLATE,
            max_name: None,
            name_without_white_space: false,
            name_should_not_contain: None,
            min_useful_rows: None,
        },
        rules: Rules {
            custom: CustomAttributes::Any,
            unique_by: UniqueBy::Nothing,
            summary:
                "Any attributes under any names, in the order mapped; a contract may demand more. Duplicates are kept"
                    .into(),
            ..Rules::default()
        },
        memberships: Vec::new(),
        limits: Limits::default(),
        writes_files: true,
        unverified: Vec::new(),
    }
}

/// What is wrong with a folder of a server or bucket: it leaves where it begins. `absolute` where it may begin with `/`.
pub(super) fn check_folder(destination: &Destination, setting: &'static str, absolute: bool) -> Vec<SettingProblem> {
    let Some(folder) = text(destination, setting) else { return Vec::new() };
    let mut found = Vec::new();
    if folder.split(['/', '\\']).any(|part| part == "..") {
        found.push(problem(setting, format!("`{setting}` has `..` in it"), "write the folder itself"));
    }
    if folder.chars().any(char::is_control) {
        found.push(problem(setting, format!("`{setting}` has a control character in it"), "remove it"));
    }
    if !absolute && folder.starts_with('/') {
        found.push(problem(setting, format!("`{setting}` begins with `/`"), "remove the `/` at its beginning"));
    }
    found
}

/// What is wrong with the name of a bucket or container: it is a URL or a path.
pub(super) fn check_bucket(destination: &Destination, setting: &'static str) -> Option<SettingProblem> {
    let bucket = text(destination, setting)?;
    bucket.contains(['/', ':']).then(|| {
        problem(
            setting,
            format!("`{setting}` is not a name alone"),
            format!("write the name of the {setting} there, and folders in it as `prefix`"),
        )
    })
}
