//! Files in a folder of an SFTP server.

mod spec;

use consign_model::definition::Destination;
use consign_model::spec::{KindSpec, SettingProblem};

use super::place;
use super::setting::{given, problem, text};
use crate::registry::Kind;

/// The kind `sftp`.
#[derive(Debug)]
pub struct Sftp(KindSpec);

impl Default for Sftp {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for Sftp {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let mut found = place::check_folder(destination, "folder", true);
        found.extend(check_host_key(destination, "host_key"));
        if !given(destination, "password") && !given(destination, "private_key") {
            found.push(problem(
                "private_key",
                "neither `password` nor `private_key` is given",
                "add one of the two, such as `private_key: file:keys/sftp`",
            ));
        }
        if given(destination, "passphrase") && !given(destination, "private_key") {
            found.push(problem(
                "passphrase",
                "`passphrase` is given without the key that it opens",
                "add `private_key`, or remove it",
            ));
        }
        found
    }
}

/// What is wrong with a pinned host key: it is not the fingerprint of one.
pub(super) fn check_host_key(destination: &Destination, setting: &'static str) -> Option<SettingProblem> {
    let key = text(destination, setting)?;
    // 32 bytes are 43 characters of base64 without padding.
    let fingerprint = key.strip_prefix("SHA256:").is_some_and(|hash| {
        hash.len() == 43 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    });
    (!fingerprint).then(|| {
        problem(
            setting,
            format!("`{setting}` is not the SHA-256 fingerprint of a key"),
            "write it as `ssh-keygen -l` shows it for the server's public key: `SHA256:` and 43 characters",
        )
    })
}
