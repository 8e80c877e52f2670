//! What `amazon_s3` says of itself.

use consign_model::spec::{KindSpec, SettingType};

use crate::kinds::place;
use crate::kinds::setting::{defaulted, optional, required, secret};

pub(super) fn spec() -> KindSpec {
    let settings = vec![
        required("bucket", SettingType::Text, "The name of the bucket"),
        optional("prefix", SettingType::Text, "The folder in the bucket that files are put in"),
        defaulted("region", SettingType::Text, "us-east-1", "The region of the bucket"),
        optional("endpoint", SettingType::Url, "Where a server is reached that speaks the protocol of S3"),
        defaulted("allow_http", SettingType::Boolean, false, "Whether the endpoint may be reached unencrypted"),
        secret("access_key_id", "The id of the access key; without it, the credentials of the environment are used"),
        secret("secret_access_key", "The access key"),
        secret("session_token", "The token of temporary credentials"),
    ];
    place::spec(
        "amazon_s3",
        "Amazon S3",
        "Writes each list as an object into a bucket of Amazon S3, or of a server that speaks its protocol.",
        settings,
    )
}
