//! Criteo contact lists.

mod client;
mod encode;
mod spec;

use consign_model::definition::AttributeMapping;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, Rules, Settings};

use crate::client::{Client, ClientError, Credentials};
use crate::encode::RequestEncoder;
use crate::http::Http;
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

    fn client(
        &self,
        settings: &Settings,
        credentials: &Credentials,
        http: &Http,
    ) -> Option<Result<Box<dyn Client>, ClientError>> {
        Some(client::CriteoClient::new(settings, credentials, http).map(|client| Box::new(client) as _))
    }
}
