//! Klaviyo lists.

mod encode;
mod spec;

use consign_model::definition::AttributeMapping;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, Rules, Settings};

use crate::encode::RequestEncoder;
use crate::registry::Kind;

/// The kind `klaviyo`.
#[derive(Debug)]
pub struct Klaviyo(KindSpec);

impl Default for Klaviyo {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for Klaviyo {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn rules(&self, settings: &Settings, mapped: &[AttributeMapping]) -> Rules {
        let rules = spec::rules(settings.text("primary_key").unwrap_or("email"));
        if settings.flag("update_contacts") { rules } else { spec::identifiers_only(rules, mapped) }
    }

    fn encoder(&self, settings: &Settings, attributes: &[PlannedAttribute]) -> Option<Box<dyn RequestEncoder>> {
        Some(Box::new(encode::Encoder::new(settings, attributes, self.0.limits)))
    }
}
