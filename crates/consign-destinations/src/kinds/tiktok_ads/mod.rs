//! Custom audiences of `tiktok_ads`, by the streaming calls; by files where they are replaced.

mod client;
mod encode;
mod encode_file;
mod spec;

use consign_model::definition::{AttributeMapping, Destination};
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, Normalisation, Rules, SettingProblem, Settings};
use serde_json::Value;

use super::setting::problem;
use crate::client::{Client, ClientError, Credentials};
use crate::encode::RequestEncoder;
use crate::http::Http;
use crate::registry::Kind;
use spec::ID_TYPES;

/// The kind `tiktok_ads`.
#[derive(Debug)]
pub struct TiktokAds(KindSpec);

impl Default for TiktokAds {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for TiktokAds {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn rules(&self, settings: &Settings, _: &[AttributeMapping]) -> Rules {
        let mut enabled = settings.words("id_types").unwrap_or_default();
        enabled.retain(|id_type| ID_TYPES.contains(id_type));
        // None set means all; none of those set is a problem of the setting, and of nothing else.
        if enabled.is_empty() {
            enabled = ID_TYPES.to_vec();
        }
        let email = match settings.text("email_rule") {
            Some("strip_alias") => Normalisation::EmailStripAlias,
            _ => Normalisation::EmailWithoutSpace,
        };
        spec::rules(&enabled, email, settings.flag("require_email_and_phone"))
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let Some(enabled) = destination.settings.get("id_types").and_then(Value::as_array) else { return Vec::new() };
        let has = |id_type: &str| enabled.iter().any(|one| one == id_type);
        let required = destination.settings.get("require_email_and_phone").and_then(Value::as_bool) != Some(false);
        if enabled.is_empty() {
            let remedy = "name at least one of them, or remove it to send those that are mapped";
            vec![problem("id_types", "`id_types` lists nothing", remedy)]
        } else if required && !(has("EMAIL") && has("PHONE")) {
            vec![problem(
                "id_types",
                "`id_types` leaves out `EMAIL` or `PHONE`, which `require_email_and_phone` demands",
                "add it, or set `require_email_and_phone: false`",
            )]
        } else {
            Vec::new()
        }
    }

    fn removes_single_identifiers(&self) -> bool {
        true
    }

    fn encoder(&self, settings: &Settings, attributes: &[PlannedAttribute]) -> Option<Box<dyn RequestEncoder>> {
        Some(Box::new(encode::Encoder::new(settings, attributes, self.0.limits)))
    }

    fn client(
        &self,
        settings: &Settings,
        credentials: &Credentials,
        http: &Http,
    ) -> Option<Result<Box<dyn Client>, ClientError>> {
        Some(client::TiktokClient::new(settings, credentials, http).map(|client| Box::new(client) as _))
    }
}
