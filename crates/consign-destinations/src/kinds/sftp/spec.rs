//! What `sftp` says of itself.

use consign_model::spec::{KindSpec, SettingType};

use crate::kinds::place;
use crate::kinds::setting::{defaulted, optional, required, secret};

pub(super) fn spec() -> KindSpec {
    let settings = vec![
        required("host", SettingType::Text, "The name or address of the server"),
        defaulted("port", SettingType::Integer { min: 1, max: 65_535 }, 22, "The port of the server"),
        required("username", SettingType::Text, "Who signs in"),
        optional("folder", SettingType::Text, "The folder that files are put in; without it, where the user arrives"),
        required(
            "host_key",
            SettingType::Text,
            "The SHA-256 fingerprint of the server's key, such as `SHA256:` and 43 characters; no other server is sent to",
        ),
        secret("password", "The password of the user; this or `private_key`"),
        secret("private_key", "The private key of the user, in the format of OpenSSH; this or `password`"),
        secret("passphrase", "The passphrase that opens the private key"),
    ];
    place::spec(
        "sftp",
        "SFTP",
        "Uploads each list as a file to an SFTP server, under a temporary name first, so that nobody reads half of it.",
        settings,
    )
}
