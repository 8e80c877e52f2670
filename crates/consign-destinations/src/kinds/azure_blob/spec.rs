//! What `azure_blob` says of itself.

use consign_model::spec::{KindSpec, SettingType};

use crate::kinds::place;
use crate::kinds::setting::{optional, required, secret};

pub(super) fn spec() -> KindSpec {
    let settings = vec![
        required("account", SettingType::Text, "The name of the storage account"),
        required("container", SettingType::Text, "The name of the container"),
        optional("prefix", SettingType::Text, "The folder in the container that files are put in"),
        optional("endpoint", SettingType::Url, "Where the account is reached, if not at Azure; for an emulator"),
        secret("access_key", "A key of the account; this or `sas_token`"),
        secret("sas_token", "A shared access signature that may create, write and read; this or `access_key`"),
    ];
    place::spec(
        "azure_blob",
        "Azure Blob Storage",
        "Writes each list as a blob into a container of Azure Blob Storage.",
        settings,
    )
}
