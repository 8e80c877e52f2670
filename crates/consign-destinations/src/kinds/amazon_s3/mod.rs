//! Files in a bucket of Amazon S3, or of what speaks its protocol.

mod spec;

use consign_model::definition::Destination;
use consign_model::spec::{KindSpec, SettingProblem};

use super::place;
use super::setting::{given, problem, text};
use crate::registry::Kind;

/// The kind `amazon_s3`.
#[derive(Debug)]
pub struct AmazonS3(KindSpec);

impl Default for AmazonS3 {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for AmazonS3 {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let mut found = place::check_folder(destination, "prefix", false);
        found.extend(place::check_bucket(destination, "bucket"));
        let allowed = destination.settings.get("allow_http").and_then(serde_json::Value::as_bool) == Some(true);
        if !allowed && text(destination, "endpoint").is_some_and(|endpoint| endpoint.starts_with("http://")) {
            found.push(problem(
                "endpoint",
                "`endpoint` is not encrypted",
                "begin it with `https://`, or add `allow_http: true` for a server of your own network",
            ));
        }
        let id = given(destination, "access_key_id");
        let key = given(destination, "secret_access_key");
        if id != key {
            let (there, missing) =
                if id { ("access_key_id", "secret_access_key") } else { ("secret_access_key", "access_key_id") };
            found.push(problem(
                missing,
                format!("`{there}` is given without `{missing}`"),
                format!("add `{missing}`, or remove both to use the credentials of the environment"),
            ));
        } else if !id && given(destination, "session_token") {
            found.push(problem(
                "session_token",
                "`session_token` is given without the keys that it belongs to",
                "add `access_key_id` and `secret_access_key`, or remove it",
            ));
        }
        found
    }
}
