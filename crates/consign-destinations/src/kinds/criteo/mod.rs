//! Criteo contact lists.

mod encode;
mod spec;

use consign_model::definition::AttributeMapping;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, Rules, Settings};

use crate::encode::RequestEncoder;
use crate::registry::Kind;

/// The kind `criteo`.
#[derive(Debug)]
pub struct Criteo(KindSpec);

impl Default for Criteo {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for Criteo {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn rules(&self, settings: &Settings, _: &[AttributeMapping]) -> Rules {
        spec::rules(spec::hash(settings))
    }

    fn encoder(&self, settings: &Settings, _: &[PlannedAttribute]) -> Option<Box<dyn RequestEncoder>> {
        Some(Box::new(encode::Encoder::new(settings, self.0.limits)))
    }
}
