//! Templates of list and file names: `{{ campaign_name }}_{{ group_name }}`.

use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// What a name template may use. Dates are those of `as_of` in the workspace's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NameParts {
    /// The campaign's id.
    pub campaign_id: String,
    /// The campaign's name.
    pub campaign_name: String,
    /// The sub-audience's id.
    pub sub_audience_id: String,
    /// The sub-audience's name.
    pub sub_audience_name: String,
    /// The treatment group's id.
    pub group_id: String,
    /// The treatment group's name.
    pub group_name: String,
    /// `2026-12-01`.
    pub date: String,
    /// `2026-12-01T09-00-00`.
    pub datetime: String,
    /// `20261201`.
    pub date_compact: String,
    /// The run's id.
    pub run_id: String,
}

/// The names of [`NameParts`], for messages. `recipient_group_name` is another name of `group_name`.
pub const VARIABLES: &[&str] = &[
    "campaign_id",
    "campaign_name",
    "sub_audience_id",
    "sub_audience_name",
    "group_id",
    "group_name",
    "recipient_group_name",
    "date",
    "datetime",
    "date_compact",
    "run_id",
];

impl NameParts {
    /// The parts with all white space removed (the rule of Attentive's names).
    #[must_use]
    pub fn without_white_space(&self) -> Self {
        let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        Self {
            campaign_name: squeeze(&self.campaign_name),
            group_name: squeeze(&self.group_name),
            sub_audience_name: squeeze(&self.sub_audience_name),
            ..self.clone()
        }
    }
}

/// A template that cannot be rendered: its syntax is wrong, or it names an unknown variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template `{template}` cannot be rendered: {reason}")]
pub struct InvalidTemplate {
    /// The template.
    pub template: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Renders a name. An unknown variable is an error.
pub fn render(template: &str, parts: &NameParts) -> Result<String, InvalidTemplate> {
    let context = Value::from_pairs(
        [
            ("campaign_id", &parts.campaign_id),
            ("campaign_name", &parts.campaign_name),
            ("sub_audience_id", &parts.sub_audience_id),
            ("sub_audience_name", &parts.sub_audience_name),
            ("group_id", &parts.group_id),
            ("group_name", &parts.group_name),
            ("recipient_group_name", &parts.group_name),
            ("date", &parts.date),
            ("datetime", &parts.datetime),
            ("date_compact", &parts.date_compact),
            ("run_id", &parts.run_id),
        ]
        .map(|(name, value)| (name, value.as_str())),
    );
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_str(template, context).map_err(|error| InvalidTemplate {
        template: template.to_owned(),
        reason: error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned),
    })
}
