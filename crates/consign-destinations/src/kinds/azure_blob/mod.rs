//! Files in a container of Azure Blob Storage.

mod spec;

use consign_model::definition::Destination;
use consign_model::spec::{KindSpec, SettingProblem};

use super::place;
use super::setting::{given, problem};
use crate::registry::Kind;

/// The kind `azure_blob`.
#[derive(Debug)]
pub struct AzureBlob(KindSpec);

impl Default for AzureBlob {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for AzureBlob {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let mut found = place::check_folder(destination, "prefix", false);
        found.extend(place::check_bucket(destination, "container"));
        match (given(destination, "access_key"), given(destination, "sas_token")) {
            (true, true) => found.push(problem(
                "sas_token",
                "both `access_key` and `sas_token` are given",
                "keep one of the two; a token with few permissions is the safer one",
            )),
            (false, false) => found.push(problem(
                "access_key",
                "neither `access_key` nor `sas_token` is given",
                "add one of the two, such as `access_key: env:AZURE_STORAGE_KEY`",
            )),
            _ => {}
        }
        found
    }
}
