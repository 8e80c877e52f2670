//! Places that files are put in: a folder, a bucket, a server. A file appears under its name whole, or not at all.

mod local;
mod name;
mod object;
mod sftp;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use consign_model::spec::Settings;
use secrecy::SecretString;

use self::local::LocalFiles;
use super::FileError;
use crate::http::Patience;

/// A place that files are put in.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Where a file of that name is, for people: `s3://bucket/prefix/name`.
    fn location(&self, name: &str) -> String;

    /// Begins a file. It replaces one of that name when it is published.
    async fn upload(&self, name: &str) -> Result<Box<dyn Upload>, FileError>;

    /// Removes a file; one that is not there is no error.
    async fn remove(&self, name: &str) -> Result<(), FileError>;

    /// Reaches the place, signs in, writes a small file and removes it. What was proved, a sentence each, within about
    /// 30 s.
    async fn test(&self) -> Result<Vec<String>, FileError>;
}

/// A file that is being written. Dropped without [`publish`](Self::publish) it never appears; [`abort`](Self::abort)
/// also removes what was written of it.
#[async_trait]
pub trait Upload: Send {
    /// Adds bytes at its end.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FileError>;

    /// Makes the file appear under its name, whole and durable. After an error it has not appeared, or it has appeared
    /// whole and the answer was lost.
    async fn publish(self: Box<Self>) -> Result<(), FileError>;

    /// Removes what was written.
    async fn abort(self: Box<Self>);
}

/// Opens the place that a destination's settings and credentials name, without reaching for it yet. A relative folder of
/// `local_files` begins at `base`. A connection to a server that is lost is made again as long as there is `patience`;
/// the libraries of object stores see to that themselves.
pub fn open(
    kind: &str,
    settings: &Settings,
    credentials: &BTreeMap<String, SecretString>,
    base: &Path,
    patience: Patience,
) -> Result<Arc<dyn FileStore>, FileError> {
    Ok(match kind {
        "local_files" => Arc::new(LocalFiles::new(&base.join(required(settings, "folder")?))),
        "amazon_s3" => Arc::new(object::amazon_s3(settings, credentials)?),
        "google_cloud_storage" => Arc::new(object::google_cloud_storage(settings, credentials)?),
        "azure_blob" => Arc::new(object::azure_blob(settings, credentials)?),
        "sftp" => Arc::new(sftp::sftp(settings, credentials, patience)?),
        _ => return Err(FileError::Kind(kind.to_owned())),
    })
}

/// Files in a folder of this machine, which must be there.
pub fn folder(path: &Path) -> Arc<dyn FileStore> {
    Arc::new(LocalFiles::new(path))
}

/// A setting that must be there.
fn required<'s>(settings: &'s Settings, name: &'static str) -> Result<&'s str, FileError> {
    settings
        .text(name)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| FileError::Setting { name, reason: "is not set: add it to the settings".into() })
}

/// The name of the small file that proves that a place can be written to.
fn probe_name() -> String {
    format!("consign-test-{}.txt", uuid::Uuid::now_v7())
}

/// What stands in it.
const PROBE: &[u8] = b"Written by `consign destinations test`, which removes it again.\n";

/// Writes the small file and removes it.
async fn probe(store: &dyn FileStore) -> Result<Vec<String>, FileError> {
    let name = probe_name();
    let mut upload = store.upload(&name).await?;
    if let Err(error) = upload.write(Bytes::from_static(PROBE)).await {
        upload.abort().await;
        return Err(error);
    }
    upload.publish().await?;
    let location = store.location(&name);
    let removed = match store.remove(&name).await {
        Ok(()) => "removed it".into(),
        // Who may only write can be delivered to.
        Err(FileError::Permission { .. } | FileError::NotWritable(_)) => "may not remove it: do that by hand".into(),
        Err(error) => return Err(error),
    };
    Ok(vec![format!("wrote `{location}`"), removed])
}
