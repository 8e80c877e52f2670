//! Credentials that a platform has changed: the new one is kept in the data folder, sealed, in place of the one that the
//! definitions refer to, for as long as that one stays the same.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use consign_destinations::client::{Client, Credentials};
use consign_model::definition::Destination;
use consign_secrets::Secrets;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::PlatformError;
use crate::folder::{DataFolder, private_folder, sync_folder};

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// SHA-256 of the credential in whose place it is.
    replaces: String,
    /// The credential.
    secret: String,
}

fn file(data: &DataFolder, destination: &Destination, name: &str) -> PathBuf {
    data.rotated().join(format!("{}.{name}", destination.id))
}

fn hash(secret: &SecretString) -> String {
    hex::encode(Sha256::digest(secret.expose_secret()))
}

/// What is kept in a file of that name is sealed as that.
pub(crate) fn purpose(path: &Path) -> String {
    format!("rotated {}", path.file_name().unwrap_or_default().to_string_lossy())
}

fn read(data: &DataFolder, destination: &Destination, name: &str) -> Result<Option<Kept>, PlatformError> {
    let path = file(data, destination, name);
    match fs::read(&path) {
        // What was sealed with a key that is gone, or is damaged, is as good as nothing: the user's own is tried.
        Ok(sealed) => {
            let plain = data.key().open()?.open(&purpose(&path), &sealed).ok();
            Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(PlatformError::Rotated { path, reason }),
    }
}

/// A destination's credentials, with those that its platform gave in place of the user's. Once the user has changed one,
/// the user's is the newer.
pub(crate) fn with_rotated(
    mut credentials: Credentials,
    destination: &Destination,
    data: &DataFolder,
) -> Result<Credentials, PlatformError> {
    for (name, secret) in &mut credentials {
        if let Some(kept) = read(data, destination, name)?.filter(|kept| kept.replaces == hash(secret)) {
            *secret = SecretString::from(kept.secret);
        }
    }
    Ok(credentials)
}

/// Keeps a credential that the platform has changed, if it has.
pub fn keep_rotated(
    client: &dyn Client,
    destination: &Destination,
    secrets: &Secrets,
    data: &DataFolder,
) -> Result<(), PlatformError> {
    let Some((name, new)) = client.rotated() else { return Ok(()) };
    let Some(reference) = destination.credentials.get(name) else { return Ok(()) };
    let replaces = hash(&secrets.resolve(reference)?);
    let path = file(data, destination, name);
    let known = read(data, destination, name)?;
    if known.is_some_and(|known| known.replaces == replaces && known.secret == new.expose_secret()) {
        return Ok(());
    }
    let key = data.key().open()?;
    let keep = || {
        let plain = serde_json::to_vec(&Kept { replaces: replaces.clone(), secret: new.expose_secret().to_owned() })?;
        let sealed = key.seal(&purpose(&path), &plain).map_err(io::Error::other)?;
        let folder = data.rotated();
        private_folder(&folder)?;
        // Deliveries to one destination may do so at once: each writes a file of its own, and the last name counts.
        let temporary = path.with_extension(format!("{name}.{}.tmp", uuid::Uuid::now_v7()));
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(&sealed).and_then(|()| file.sync_all())?;
        fs::rename(&temporary, &path)?;
        sync_folder(&folder)
    };
    keep().map_err(|reason| PlatformError::Rotated { path: path.clone(), reason })
}
