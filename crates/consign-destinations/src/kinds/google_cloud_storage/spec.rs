//! What `google_cloud_storage` says of itself.

use consign_model::spec::{KindSpec, SettingType};

use crate::kinds::place;
use crate::kinds::setting::{optional, required, secret};

pub(super) fn spec() -> KindSpec {
    let settings = vec![
        required("bucket", SettingType::Text, "The name of the bucket"),
        optional("prefix", SettingType::Text, "The folder in the bucket that files are put in"),
        optional("base_url", SettingType::Url, "Where the service is reached, if not at Google; for an emulator"),
        optional("endpoint", SettingType::Url, "Another name of `base_url`"),
        secret(
            "service_account_key",
            "The key of a service account, the JSON text as downloaded; without it, the credentials of the environment \
             are used",
        ),
    ];
    place::spec(
        "google_cloud_storage",
        "Google Cloud Storage",
        "Writes each list as an object into a bucket of Google Cloud Storage.",
        settings,
    )
}
