//! The file servers of `tests/servers/all.sh`, as destinations, and another way to look into each.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use uuid::Uuid;

/// A server of files, with a folder on it that is a test's alone.
pub struct Server {
    /// The destination's id.
    pub id: &'static str,
    /// The destination, as YAML.
    pub destination: String,
    eye: Eye,
}

enum Eye {
    Folder(PathBuf),
    Bucket(Arc<dyn ObjectStore>, ObjectPath),
}

impl Server {
    /// The servers that run. Which do not is said.
    pub fn all() -> Vec<Self> {
        let folder = format!("chaos-{}", Uuid::now_v7());
        let mut servers = Vec::new();
        for (name, server) in
            [("S3", s3(&folder)), ("GCS", gcs(&folder)), ("Azure", azure(&folder)), ("SFTP", sftp(&folder))]
        {
            if server.is_none() {
                eprintln!("not tested: {name} (run it by `tests/servers/all.sh run -- cargo test`, or `make chaos`)");
            }
            servers.extend(server);
        }
        servers
    }

    /// Its files, whatever their names.
    pub async fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        match &self.eye {
            Eye::Folder(folder) => {
                for entry in fs::read_dir(folder).expect("a folder") {
                    let entry = entry.expect("read");
                    files
                        .push((entry.file_name().into_string().expect("UTF-8"), fs::read(entry.path()).expect("read")));
                }
            }
            Eye::Bucket(bucket, prefix) => {
                for location in objects(bucket.as_ref(), prefix).await {
                    let bytes = bucket.get(&location).await.expect("found").bytes().await.expect("read");
                    files.push((location.filename().expect("it has a name").to_owned(), bytes.to_vec()));
                }
            }
        }
        files
    }

    /// Removes its files.
    pub async fn clear(&self) {
        match &self.eye {
            Eye::Folder(folder) => {
                for entry in fs::read_dir(folder).expect("a folder") {
                    fs::remove_file(entry.expect("read").path()).expect("removed");
                }
            }
            Eye::Bucket(bucket, prefix) => {
                for location in objects(bucket.as_ref(), prefix).await {
                    bucket.delete(&location).await.expect("removed");
                }
            }
        }
    }
}

async fn objects(bucket: &dyn ObjectStore, prefix: &ObjectPath) -> Vec<ObjectPath> {
    let found = bucket.list_with_delimiter(Some(prefix)).await.expect("listed").objects;
    // Some servers list the folder itself, too.
    found.into_iter().map(|object| object.location).filter(|location| location != prefix).collect()
}

/// What commands need to reach them.
pub fn variables() -> Vec<(String, String)> {
    env::vars().filter(|(name, _)| name.starts_with("CONSIGN_TEST_")).collect()
}

fn variable(name: &str) -> Option<String> {
    env::var(format!("CONSIGN_TEST_{name}")).ok()
}

fn s3(folder: &str) -> Option<Server> {
    let (bucket, region, endpoint) = (variable("S3_BUCKET")?, variable("S3_REGION")?, variable("S3_ENDPOINT")?);
    let store = AmazonS3Builder::new()
        .with_bucket_name(&bucket)
        .with_region(&region)
        .with_endpoint(&endpoint)
        .with_allow_http(true)
        .with_access_key_id(variable("S3_ACCESS_KEY_ID")?)
        .with_secret_access_key(variable("S3_SECRET_ACCESS_KEY")?);
    let destination = format!(
        "{{ id: s3, name: S3, kind: amazon_s3, settings: {{ bucket: {bucket}, prefix: {folder}, region: {region}, endpoint: \
         \"{endpoint}\", allow_http: true }}, credentials: {{ access_key_id: env:CONSIGN_TEST_S3_ACCESS_KEY_ID, \
         secret_access_key: env:CONSIGN_TEST_S3_SECRET_ACCESS_KEY }} }}"
    );
    Some(Server { id: "s3", destination, eye: Eye::Bucket(Arc::new(store.build().expect("S3")), folder.into()) })
}

fn gcs(folder: &str) -> Option<Server> {
    let (bucket, url, key) = (variable("GCS_BUCKET")?, variable("GCS_BASE_URL")?, variable("GCS_KEY_FILE")?);
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&bucket)
        .with_base_url(&url)
        .with_client_options(object_store::ClientOptions::new().with_allow_http(true))
        .with_service_account_key(fs::read_to_string(&key).expect("a key"));
    let destination = format!(
        "{{ id: gcs, name: GCS, kind: google_cloud_storage, settings: {{ bucket: {bucket}, prefix: {folder}, base_url: \
         \"{url}\" }}, credentials: {{ service_account_key: \"file:{key}\" }} }}"
    );
    Some(Server { id: "gcs", destination, eye: Eye::Bucket(Arc::new(store.build().expect("GCS")), folder.into()) })
}

fn azure(folder: &str) -> Option<Server> {
    let (account, container) = (variable("AZURE_ACCOUNT")?, variable("AZURE_CONTAINER")?);
    let endpoint = variable("AZURE_ENDPOINT")?;
    let store = MicrosoftAzureBuilder::new()
        .with_account(&account)
        .with_container_name(&container)
        .with_endpoint(endpoint.clone())
        .with_allow_http(true)
        .with_access_key(variable("AZURE_ACCESS_KEY")?);
    let destination = format!(
        "{{ id: azure, name: Azure, kind: azure_blob, settings: {{ account: {account}, container: {container}, prefix: \
         {folder}, endpoint: \"{endpoint}\" }}, credentials: {{ access_key: env:CONSIGN_TEST_AZURE_ACCESS_KEY }} }}"
    );
    Some(Server { id: "azure", destination, eye: Eye::Bucket(Arc::new(store.build().expect("Azure")), folder.into()) })
}

fn sftp(folder: &str) -> Option<Server> {
    let (host, port, user) = (variable("SFTP_HOST")?, variable("SFTP_PORT")?, variable("SFTP_USERNAME")?);
    let (root, host_key, key) = (variable("SFTP_ROOT")?, variable("SFTP_HOST_KEY")?, variable("SFTP_KEY_FILE")?);
    let local = Path::new(&variable("SFTP_LOCAL_ROOT")?).join("lists").join(folder);
    fs::create_dir(&local).expect("made");
    // It is another user who signs in.
    fs::set_permissions(&local, Permissions::from_mode(0o777)).expect("set");
    let destination = format!(
        "{{ id: sftp, name: SFTP, kind: sftp, settings: {{ host: {host}, port: {port}, username: {user}, folder: \
         \"{root}/lists/{folder}\", host_key: \"{host_key}\" }}, credentials: {{ private_key: \"file:{key}\" }} }}"
    );
    Some(Server { id: "sftp", destination, eye: Eye::Folder(local) })
}
