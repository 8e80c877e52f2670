//! Meta custom audiences (Facebook, Instagram).

mod encode;
mod spec;

use consign_model::definition::Destination;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, SettingProblem, Settings};

use super::setting::{problem, text};
use crate::encode::RequestEncoder;
use crate::registry::Kind;

/// The kind `meta_ads`.
#[derive(Debug)]
pub struct MetaAds(KindSpec);

impl Default for MetaAds {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for MetaAds {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let account = text(destination, "ad_account_id").unwrap_or_default();
        let digits = account.strip_prefix("act_").unwrap_or(account);
        let good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = || {
            problem(
                "ad_account_id",
                "`ad_account_id` is not the id of an ad account",
                "write its digits in quotes, with or without `act_` before them",
            )
        };
        (!good).then(wrong).into_iter().collect()
    }

    fn encoder(&self, settings: &Settings, attributes: &[PlannedAttribute]) -> Option<Box<dyn RequestEncoder>> {
        Some(Box::new(encode::Encoder::new(settings, attributes, self.0.limits)))
    }
}
