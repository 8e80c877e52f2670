//! Credentials in the store: sealed before they get there, opened when something asks for them.

use std::path::PathBuf;

use consign_model::id::Slug;
use consign_secrets::{KeyError, SealError, Secrets, credential_purpose};
use consign_store::{Store, StoreError};
use secrecy::{ExposeSecret, SecretString};

use crate::folder::DataFolder;

/// A credential cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The workspace key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The secrets that definitions in that folder may refer to, those in the store among them.
pub async fn secrets(store: &dyn Store, data: &DataFolder, folder: impl Into<PathBuf>) -> Result<Secrets, StoreError> {
    let stored = store.credentials().await?.into_iter().map(|one| (one.name.into(), one.sealed));
    Ok(Secrets::of(folder).with_stored(data.key().clone(), stored.collect()))
}

/// Keeps a credential under a name, in place of an earlier one.
pub async fn set_credential(
    store: &dyn Store,
    data: &DataFolder,
    name: &Slug,
    secret: &SecretString,
    by: &str,
) -> Result<(), CredentialError> {
    let key = data.key().open()?;
    let sealed = key.seal(&credential_purpose(name.as_str()), secret.expose_secret().as_bytes())?;
    Ok(store.set_credential(name, &sealed, by).await?)
}
