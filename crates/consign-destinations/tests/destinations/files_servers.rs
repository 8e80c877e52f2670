//! The places of `tests/servers/all.sh`, and another way to look into each.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use consign_destinations::files::{FileError, FileStore};
use consign_destinations::http::Patience;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ObjectStore, ObjectStoreExt, path::Path as ObjectPath};
use serde_json::Value;

use crate::files_place::{listed, place, place_with};

/// A place, or why there is none.
pub type Opened = Result<Arc<dyn FileStore>, FileError>;

/// A place under test, and another way to look into it.
pub struct Subject {
    pub store: Arc<dyn FileStore>,
    pub eye: Eye,
}

pub enum Eye {
    Folder(PathBuf),
    Bucket(Arc<dyn ObjectStore>, ObjectPath),
}

impl Subject {
    /// The content of a file; `None` where there is none of that name.
    pub async fn read(&self, name: &str) -> Option<Vec<u8>> {
        match &self.eye {
            Eye::Folder(folder) => fs::read(folder.join(name)).ok(),
            Eye::Bucket(bucket, prefix) => {
                let path = ObjectPath::parse(format!("{prefix}/{name}")).unwrap();
                match bucket.get(&path).await {
                    Ok(found) => Some(found.bytes().await.unwrap().to_vec()),
                    Err(object_store::Error::NotFound { .. }) => None,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    /// The names of all files.
    pub async fn list(&self) -> Vec<String> {
        match &self.eye {
            Eye::Folder(folder) => listed(folder),
            Eye::Bucket(bucket, prefix) => {
                let found = bucket.list_with_delimiter(Some(prefix)).await.unwrap().objects;
                // Some servers list the folder itself, too.
                let files = found.iter().map(|object| &object.location).filter(|location| *location != prefix);
                let mut names: Vec<_> = files.map(|location| location.filename().unwrap().to_owned()).collect();
                names.sort();
                names
            }
        }
    }

    pub async fn put(&self, name: &str, content: &[u8]) {
        let mut upload = self.store.upload(name).await.unwrap();
        upload.write(Bytes::copy_from_slice(content)).await.unwrap();
        upload.publish().await.unwrap();
    }
}

/// The variable that `tests/servers/all.sh` sets.
pub fn variable(name: &str) -> Option<String> {
    let value = env::var(format!("CONSIGN_TEST_{name}")).ok();
    if value.is_none() {
        eprintln!("not run: CONSIGN_TEST_{name} is not set; run it by `tests/servers/all.sh run -- cargo test`");
    }
    value
}

pub fn file(variable_name: &str) -> Option<String> {
    variable(variable_name).map(|path| fs::read_to_string(path).unwrap())
}

/// A folder or prefix of this test alone.
fn own_folder() -> String {
    format!("suite-{}", uuid::Uuid::now_v7())
}

pub fn s3_with(change: &[(&str, Value)], secrets: &[(&str, &str)]) -> Option<Opened> {
    let mut settings = vec![
        ("bucket", variable("S3_BUCKET")?.into()),
        ("region", variable("S3_REGION")?.into()),
        ("endpoint", variable("S3_ENDPOINT")?.into()),
        ("allow_http", true.into()),
    ];
    settings.extend(change.iter().cloned());
    let mut credentials = vec![
        ("access_key_id", variable("S3_ACCESS_KEY_ID")?),
        ("secret_access_key", variable("S3_SECRET_ACCESS_KEY")?),
    ];
    credentials.extend(secrets.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Some(place("amazon_s3", &settings, &credentials))
}

pub fn s3() -> Option<Subject> {
    let folder = own_folder();
    let bucket = AmazonS3Builder::new()
        .with_bucket_name(variable("S3_BUCKET")?)
        .with_region(variable("S3_REGION")?)
        .with_endpoint(variable("S3_ENDPOINT")?)
        .with_allow_http(true)
        .with_access_key_id(variable("S3_ACCESS_KEY_ID")?)
        .with_secret_access_key(variable("S3_SECRET_ACCESS_KEY")?);
    Some(Subject {
        store: s3_with(&[("prefix", format!("/{folder}/").into())], &[])?.unwrap(),
        eye: Eye::Bucket(Arc::new(bucket.build().unwrap()), folder.into()),
    })
}

pub fn gcs_with(change: &[(&str, Value)], key: &str) -> Option<Opened> {
    let mut settings = vec![("bucket", variable("GCS_BUCKET")?.into()), ("base_url", variable("GCS_BASE_URL")?.into())];
    settings.extend(change.iter().cloned());
    Some(place("google_cloud_storage", &settings, &[("service_account_key", key.to_owned())]))
}

pub fn gcs() -> Option<Subject> {
    let folder = own_folder();
    let key = file("GCS_KEY_FILE")?;
    let bucket = GoogleCloudStorageBuilder::new()
        .with_bucket_name(variable("GCS_BUCKET")?)
        .with_base_url(&variable("GCS_BASE_URL")?)
        .with_client_options(object_store::ClientOptions::new().with_allow_http(true))
        .with_service_account_key(&key);
    Some(Subject {
        store: gcs_with(&[("prefix", folder.clone().into())], &key)?.unwrap(),
        eye: Eye::Bucket(Arc::new(bucket.build().unwrap()), folder.into()),
    })
}

pub fn azure_with(change: &[(&str, Value)], secrets: &[(&str, String)]) -> Option<Opened> {
    let mut settings = vec![
        ("account", variable("AZURE_ACCOUNT")?.into()),
        ("container", variable("AZURE_CONTAINER")?.into()),
        ("endpoint", variable("AZURE_ENDPOINT")?.into()),
    ];
    settings.extend(change.iter().cloned());
    Some(place("azure_blob", &settings, secrets))
}

pub fn azure_by(credential: &'static str, variable_name: &str) -> Option<Subject> {
    let folder = own_folder();
    let container = MicrosoftAzureBuilder::new()
        .with_account(variable("AZURE_ACCOUNT")?)
        .with_container_name(variable("AZURE_CONTAINER")?)
        .with_endpoint(variable("AZURE_ENDPOINT")?)
        .with_allow_http(true)
        .with_access_key(variable("AZURE_ACCESS_KEY")?);
    let secret = variable(variable_name)?;
    Some(Subject {
        store: azure_with(&[("prefix", folder.clone().into())], &[(credential, secret)])?.unwrap(),
        eye: Eye::Bucket(Arc::new(container.build().unwrap()), folder.into()),
    })
}

pub fn sftp_with(change: &[(&str, Value)], secrets: &[(&str, String)]) -> Option<Opened> {
    sftp_patiently(change, secrets, Patience::none())
}

/// The same, with that patience.
pub fn sftp_patiently(change: &[(&str, Value)], secrets: &[(&str, String)], patience: Patience) -> Option<Opened> {
    let mut settings = vec![
        ("host", variable("SFTP_HOST")?.into()),
        ("port", variable("SFTP_PORT")?.parse::<u16>().unwrap().into()),
        ("username", variable("SFTP_USERNAME")?.into()),
        ("folder", format!("{}/lists", variable("SFTP_ROOT")?).into()),
        ("host_key", variable("SFTP_HOST_KEY")?.into()),
    ];
    settings.extend(change.iter().cloned());
    Some(place_with("sftp", &settings, secrets, patience))
}

pub fn sftp_key() -> Option<[(&'static str, String); 1]> {
    Some([("private_key", file("SFTP_KEY_FILE")?.trim_end().to_owned())])
}

/// Files of the user who signs in, in a folder that is made for this test.
pub fn sftp(port: &str) -> Option<Subject> {
    let port = variable(port)?.parse::<u16>().unwrap();
    let (local, remote) = own_folder_of_sftp()?;
    Some(Subject {
        store: sftp_with(&[("folder", remote.into()), ("port", port.into())], &sftp_key()?)?.unwrap(),
        eye: Eye::Folder(local),
    })
}

/// A folder that is made for this test, as this machine and as the server names it.
pub fn own_folder_of_sftp() -> Option<(PathBuf, String)> {
    let folder = own_folder();
    let local = Path::new(&variable("SFTP_LOCAL_ROOT")?).join("lists").join(&folder);
    fs::create_dir(&local).unwrap();
    open_to_all(&local);
    Some((local, format!("{}/lists/{folder}", variable("SFTP_ROOT")?)))
}

#[cfg(unix)]
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}
