//! What specifications of settings are made with, and the settings that several kinds have.

use consign_model::definition::Destination;
use consign_model::spec::{SettingProblem, SettingSpec, SettingType};
use serde_json::Value;

/// A setting that a destination may have.
pub(super) fn optional(name: &'static str, setting_type: SettingType, description: &'static str) -> SettingSpec {
    SettingSpec { name, setting_type, required: false, secret: false, default: None, description }
}

/// A setting that a destination must have.
pub(super) fn required(name: &'static str, setting_type: SettingType, description: &'static str) -> SettingSpec {
    SettingSpec { required: true, ..optional(name, setting_type, description) }
}

/// A setting with what holds without it.
pub(super) fn defaulted(
    name: &'static str,
    setting_type: SettingType,
    default: impl Into<Value>,
    description: &'static str,
) -> SettingSpec {
    SettingSpec { default: Some(default.into()), ..optional(name, setting_type, description) }
}

/// A secret that a destination may have.
pub(super) fn secret(name: &'static str, description: &'static str) -> SettingSpec {
    SettingSpec { secret: true, ..optional(name, SettingType::Text, description) }
}

/// A secret that a destination must have.
pub(super) fn required_secret(name: &'static str, description: &'static str) -> SettingSpec {
    SettingSpec { required: true, ..secret(name, description) }
}

/// Where the platform is reached.
pub(super) fn base_url(default: &'static str) -> SettingSpec {
    defaulted("base_url", SettingType::Url, default, "Where the platform is reached; another for a proxy or a sandbox")
}

/// How national phone numbers are read.
pub(super) fn phones() -> [SettingSpec; 3] {
    [
        defaulted(
            "default_region",
            SettingType::Region,
            "US",
            "The region of national phone numbers of customers whose country is not known",
        ),
        optional(
            "region_column",
            SettingType::Column,
            "The column that holds the country of each customer; without it, the one that means `country`",
        ),
        defaulted(
            "phone_validation",
            SettingType::Choice(&["possible", "strict"]),
            "possible",
            "`possible` takes numbers of a possible length, `strict` only those in a range that is assigned",
        ),
    ]
}

/// A problem with settings taken together.
pub(super) fn problem(setting: &'static str, reason: impl Into<String>, remedy: impl Into<String>) -> SettingProblem {
    SettingProblem { setting, reason: reason.into(), remedy: remedy.into() }
}

/// Whether the destination gives that setting or credential.
pub(super) fn given(destination: &Destination, name: &str) -> bool {
    destination.settings.contains_key(name) || destination.credentials.contains_key(name)
}

/// A setting that the destination gives as text.
pub(super) fn text<'d>(destination: &'d Destination, name: &str) -> Option<&'d str> {
    destination.settings.get(name)?.as_str()
}
