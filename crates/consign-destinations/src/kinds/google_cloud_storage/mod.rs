//! Files in a bucket of Google Cloud Storage.

mod spec;

use consign_model::definition::Destination;
use consign_model::spec::{KindSpec, SettingProblem};

use super::place;
use super::setting::{given, problem};
use crate::registry::Kind;

/// The kind `google_cloud_storage`.
#[derive(Debug)]
pub struct GoogleCloudStorage(KindSpec);

impl Default for GoogleCloudStorage {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for GoogleCloudStorage {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let mut found = place::check_folder(destination, "prefix", false);
        found.extend(place::check_bucket(destination, "bucket"));
        if given(destination, "base_url") && given(destination, "endpoint") {
            found.push(problem("endpoint", "`endpoint` and `base_url` are the same setting", "keep one of the two"));
        }
        found
    }
}
