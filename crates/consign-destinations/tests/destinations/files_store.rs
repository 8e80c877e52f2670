//! What every place that files are put in does alike: one suite, against real servers where `tests/servers/all.sh` has
//! started them.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use consign_destinations::files::{FileError, FileStore, deliver};
use consign_model::definition::{Compression, FileOptions};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ObjectStore, ObjectStoreExt, path::Path as ObjectPath};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::files_place::{listed, local, place};
use crate::files_rows::{names, numbered, stream};

/// A place under test, and another way to look into it.
struct Subject {
    store: Arc<dyn FileStore>,
    eye: Eye,
}

enum Eye {
    Folder(PathBuf),
    Bucket(Arc<dyn ObjectStore>, ObjectPath),
}

impl Subject {
    /// The content of a file; `None` where there is none of that name.
    async fn read(&self, name: &str) -> Option<Vec<u8>> {
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
    async fn list(&self) -> Vec<String> {
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

    async fn put(&self, name: &str, content: &[u8]) {
        let mut upload = self.store.upload(name).await.unwrap();
        upload.write(Bytes::copy_from_slice(content)).await.unwrap();
        upload.publish().await.unwrap();
    }
}

/// The variable that `tests/servers/all.sh` sets.
fn variable(name: &str) -> Option<String> {
    let value = env::var(format!("CONSIGN_TEST_{name}")).ok();
    if value.is_none() {
        eprintln!("not run: CONSIGN_TEST_{name} is not set; run it by `tests/servers/all.sh run -- cargo test`");
    }
    value
}

fn file(variable_name: &str) -> Option<String> {
    variable(variable_name).map(|path| fs::read_to_string(path).unwrap())
}

/// A folder or prefix of this test alone.
fn own_folder() -> String {
    format!("suite-{}", uuid::Uuid::now_v7())
}

// The places -----------------------------------------------------------------------------------------------------------

fn s3_with(change: &[(&str, Value)], secrets: &[(&str, &str)]) -> Option<Result<Arc<dyn FileStore>, FileError>> {
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

fn s3() -> Option<Subject> {
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

fn gcs_with(change: &[(&str, Value)], key: &str) -> Option<Result<Arc<dyn FileStore>, FileError>> {
    let mut settings = vec![("bucket", variable("GCS_BUCKET")?.into()), ("base_url", variable("GCS_BASE_URL")?.into())];
    settings.extend(change.iter().cloned());
    Some(place("google_cloud_storage", &settings, &[("service_account_key", key.to_owned())]))
}

fn gcs() -> Option<Subject> {
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

fn azure_with(change: &[(&str, Value)], secrets: &[(&str, String)]) -> Option<Result<Arc<dyn FileStore>, FileError>> {
    let mut settings = vec![
        ("account", variable("AZURE_ACCOUNT")?.into()),
        ("container", variable("AZURE_CONTAINER")?.into()),
        ("endpoint", variable("AZURE_ENDPOINT")?.into()),
    ];
    settings.extend(change.iter().cloned());
    Some(place("azure_blob", &settings, secrets))
}

fn azure_by(credential: &'static str, variable_name: &str) -> Option<Subject> {
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

fn sftp_with(change: &[(&str, Value)], secrets: &[(&str, String)]) -> Option<Result<Arc<dyn FileStore>, FileError>> {
    let mut settings = vec![
        ("host", variable("SFTP_HOST")?.into()),
        ("port", variable("SFTP_PORT")?.parse::<u16>().unwrap().into()),
        ("username", variable("SFTP_USERNAME")?.into()),
        ("folder", format!("{}/lists", variable("SFTP_ROOT")?).into()),
        ("host_key", variable("SFTP_HOST_KEY")?.into()),
    ];
    settings.extend(change.iter().cloned());
    Some(place("sftp", &settings, secrets))
}

fn sftp_key() -> Option<[(&'static str, String); 1]> {
    Some([("private_key", file("SFTP_KEY_FILE")?.trim_end().to_owned())])
}

/// Files of the user who signs in, in a folder that is made for this test.
fn sftp() -> Option<Subject> {
    let lists = Path::new(&variable("SFTP_LOCAL_ROOT")?).join("lists");
    let folder = own_folder();
    fs::create_dir(lists.join(&folder)).unwrap();
    open_to_all(&lists.join(&folder));
    let remote = format!("{}/lists/{folder}", variable("SFTP_ROOT")?);
    Some(Subject {
        store: sftp_with(&[("folder", remote.into())], &sftp_key()?)?.unwrap(),
        eye: Eye::Folder(lists.join(folder)),
    })
}

#[cfg(unix)]
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

// The suite ------------------------------------------------------------------------------------------------------------

async fn behaves(subject: Option<Subject>) {
    let Some(subject) = subject else { return };
    is_whole_or_absent(&subject).await;
    takes_files_of_many_parts(&subject).await;
    keeps_nothing_of_what_is_given_up(&subject).await;
    proves_that_it_works(&subject).await;
    takes_a_list(&subject).await;
}

async fn is_whole_or_absent(subject: &Subject) {
    let name = "Zoë & co. 10% #1.csv";
    let mut upload = subject.store.upload(name).await.unwrap();
    upload.write(Bytes::from_static(b"first")).await.unwrap();
    assert_eq!(subject.read(name).await, None);
    upload.publish().await.unwrap();
    assert_eq!(subject.read(name).await.unwrap(), b"first");
    // Another takes its place, whole, and until then it stays.
    let mut upload = subject.store.upload(name).await.unwrap();
    upload.write(Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(subject.read(name).await.unwrap(), b"first");
    upload.publish().await.unwrap();
    assert_eq!(subject.read(name).await.unwrap(), b"second");
    assert_eq!(subject.list().await.len(), 1);
    subject.put("empty", b"").await;
    assert_eq!(subject.read("empty").await.unwrap(), b"");
    for name in [name, "empty", "never there"] {
        subject.store.remove(name).await.unwrap();
    }
    assert_eq!(subject.list().await, [""; 0]);
    assert!(matches!(subject.store.upload("../up").await.err(), Some(FileError::Name { .. })));
}

/// More than two parts of an object, in pieces that fit none.
async fn takes_files_of_many_parts(subject: &Subject) {
    let content: Vec<u8> = (0..19_000_001_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut upload = subject.store.upload("large.bin").await.unwrap();
    for piece in content.chunks(1_234_567) {
        upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(subject.read("large.bin").await, None);
    upload.publish().await.unwrap();
    assert!(subject.read("large.bin").await.unwrap() == content);
    subject.store.remove("large.bin").await.unwrap();
}

async fn keeps_nothing_of_what_is_given_up(subject: &Subject) {
    for bytes in [5, 19_000_000] {
        let mut upload = subject.store.upload("half.bin").await.unwrap();
        upload.write(Bytes::from(vec![7; bytes])).await.unwrap();
        upload.abort().await;
        assert_eq!(subject.list().await, [""; 0]);
    }
}

async fn proves_that_it_works(subject: &Subject) {
    let proved = subject.store.test().await.unwrap();
    assert!(proved.iter().any(|line| line.starts_with("wrote `")), "{proved:?}");
    assert_eq!(proved.last().unwrap(), "removed it");
    assert_eq!(subject.list().await, [""; 0]);
}

async fn takes_a_list(subject: &Subject) {
    let options = FileOptions {
        compression: Compression::Gzip,
        rows_per_file: Some(20_000),
        manifest: true,
        success_file: true,
        ..FileOptions::default()
    };
    let cancel = CancellationToken::new();
    let rows = stream(numbered(30_000));
    let written = deliver(&*subject.store, "list", &options, &names(&["id"]), rows, None, &cancel).await.unwrap();
    assert_eq!(subject.list().await, ["list._SUCCESS", "list.manifest.json", "list_1.csv.gz", "list_2.csv.gz"]);
    for file in written {
        let content = subject.read(&file.name).await.unwrap();
        assert_eq!(hex::encode(Sha256::digest(&content)), file.sha256);
        assert!(file.location.ends_with(&file.name) && file.location.contains("suite-"), "{}", file.location);
    }
}

#[tokio::test]
async fn local_folders_behave() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("suite-local");
    fs::create_dir(&path).unwrap();
    behaves(Some(Subject { store: local(&path), eye: Eye::Folder(path) })).await;
}

#[tokio::test]
async fn s3_behaves() {
    behaves(s3()).await;
}

#[tokio::test]
async fn google_cloud_storage_behaves() {
    behaves(gcs()).await;
}

#[tokio::test]
async fn azure_behaves_with_the_key_of_the_account() {
    behaves(azure_by("access_key", "AZURE_ACCESS_KEY")).await;
}

#[tokio::test]
async fn azure_behaves_with_a_shared_access_signature() {
    behaves(azure_by("sas_token", "AZURE_SAS_TOKEN")).await;
}

#[tokio::test]
async fn sftp_behaves() {
    behaves(sftp()).await;
}

// What is said when it does not work -----------------------------------------------------------------------------------

/// The error of a test of the place, of which no secret is part.
async fn refused(place: Result<Arc<dyn FileStore>, FileError>, secrets: &[&str]) -> FileError {
    let error = match place {
        Ok(store) => store.test().await.expect_err("it should be refused"),
        Err(error) => error,
    };
    let shown = format!("{error} {error:?}");
    eprintln!("{error}");
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    error
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn s3_says_what_is_wrong() {
    let wrong = "wrong-secret-of-nobody";
    let Some(store) = s3_with(&[], &[("secret_access_key", wrong)]) else { return };
    let error = refused(store, &[wrong]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(s3_with(&[], &[("access_key_id", "UNKNOWN")]).unwrap(), &[]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(s3_with(&[("bucket", "no-such-bucket".into())], &[]).unwrap(), &[]).await;
    assert!(matches!(error, FileError::NoBucket { what: "bucket", .. }), "{error}");
    let (Some(id), Some(key)) = (variable("S3_READER_ACCESS_KEY_ID"), variable("S3_READER_SECRET_ACCESS_KEY")) else {
        return;
    };
    let reader = s3_with(&[], &[("access_key_id", &id), ("secret_access_key", &key)]).unwrap();
    let error = refused(reader, &[&key]).await;
    assert!(matches!(error, FileError::Permission { .. }), "{error}");
}

#[tokio::test]
async fn google_cloud_storage_says_what_is_wrong() {
    let (Some(key), Some(wrong)) = (file("GCS_KEY_FILE"), file("GCS_WRONG_KEY_FILE")) else { return };
    let error = refused(gcs_with(&[], &wrong).unwrap(), &["PRIVATE KEY"]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(gcs_with(&[], "{\"private_key\": \"xyzzy\"}").unwrap(), &["xyzzy"]).await;
    assert!(matches!(error, FileError::Setting { name: "service_account_key", .. }), "{error}");
    let error = refused(gcs_with(&[("bucket", "no-such-bucket".into())], &key).unwrap(), &[]).await;
    assert!(matches!(error, FileError::NoBucket { what: "bucket", .. }), "{error}");
}

#[tokio::test]
async fn azure_says_what_is_wrong() {
    let Some(key) = variable("AZURE_ACCESS_KEY") else { return };
    let wrong = "d3Jvbmcga2V5IG9mIG5vYm9keQ==";
    let error = refused(azure_with(&[], &[("access_key", wrong.into())]).unwrap(), &[wrong]).await;
    // The emulator says `AuthorizationFailure`, which at Azure means rights.
    assert!(matches!(error, FileError::Credentials { .. } | FileError::Permission { .. }), "{error}");
    let error = refused(azure_with(&[], &[("access_key", "not base64!".into())]).unwrap(), &["not base64!"]).await;
    assert!(matches!(error, FileError::Setting { name: "access_key", .. }), "{error}");
    let error = refused(azure_with(&[("container", "missing".into())], &[("access_key", key)]).unwrap(), &[]).await;
    assert!(matches!(error, FileError::NoBucket { what: "container", .. }), "{error}");
    let Some(reader) = variable("AZURE_READER_SAS_TOKEN") else { return };
    let (_, signature) = reader.split_once("sig=").unwrap();
    let error = refused(azure_with(&[], &[("sas_token", reader.clone())]).unwrap(), &[signature]).await;
    assert!(matches!(error, FileError::Permission { .. }), "{error}");
}

#[tokio::test]
async fn sftp_signs_in_with_a_password_and_knows_each_of_the_servers_keys() {
    let Some(key) = sftp_key() else { return };
    let Some(rsa) = variable("SFTP_RSA_HOST_KEY") else { return };
    let proved = sftp_with(&[("host_key", rsa.clone().into())], &key).unwrap().unwrap().test().await.unwrap();
    assert!(proved[0].contains(&rsa), "{proved:?}");
    match variable("SFTP_PASSWORD") {
        Some(password) if !password.is_empty() => {
            sftp_with(&[], &[("password", password)]).unwrap().unwrap().test().await.unwrap();
        }
        _ => eprintln!("not run: without root the server checks no passwords"),
    }
}

#[tokio::test]
async fn sftp_says_what_is_wrong() {
    let Some(key) = sftp_key() else { return };
    let wrong = "wrong-password-of-nobody";
    let error = refused(sftp_with(&[], &[("password", wrong.into())]).unwrap(), &[wrong]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(sftp_with(&[("username", "nobody-here".into())], &key).unwrap(), &[]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(sftp_with(&[], &[("private_key", "xyzzy".into())]).unwrap(), &["xyzzy"]).await;
    assert!(matches!(error, FileError::Setting { name: "private_key", .. }), "{error}");

    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let error = refused(sftp_with(&[("host_key", other.into())], &key).unwrap(), &[]).await;
    let found = variable("SFTP_HOST_KEY").unwrap();
    assert!(matches!(&error, FileError::HostKey { found: it, .. } if *it == found), "{error}");

    let root = variable("SFTP_ROOT").unwrap();
    let folder = |name: &str| sftp_with(&[("folder", format!("{root}/{name}").into())], &key).unwrap();
    let error = refused(folder("missing"), &[]).await;
    assert!(matches!(error, FileError::NoFolder(_)), "{error}");
    let error = refused(folder("read_only"), &[]).await;
    assert!(matches!(error, FileError::Permission { .. }), "{error}");
    if Path::new(&variable("SFTP_LOCAL_ROOT").unwrap()).join("full").exists() {
        let store = folder("full").unwrap();
        let mut upload = store.upload("list.csv").await.unwrap();
        let error = upload.write(Bytes::from(vec![1; 2 << 20])).await.unwrap_err();
        assert!(matches!(error, FileError::DiskFull(_)), "{error}");
        upload.abort().await;
        store.test().await.unwrap();
    } else {
        eprintln!("not run: a full disk needs a user who may mount one");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_whose_name_is_wrong() {
    let port = closed_port();
    let url = format!("http://127.0.0.1:{port}");
    let s3 = |url: &str| {
        let settings = [("bucket", "b".into()), ("endpoint", url.into()), ("allow_http", true.into())];
        place("amazon_s3", &settings, &[("access_key_id", "id".into()), ("secret_access_key", "key".into())])
    };
    let azure = [("account", "a".into()), ("container", "c".into()), ("endpoint", format!("{url}/a").into())];
    let sftp = |host: &str| {
        let host_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let settings =
            [("host", host.into()), ("port", port.into()), ("username", "u".into()), ("host_key", host_key.into())];
        place("sftp", &settings, &[("password", "p".into())])
    };
    let azure = place("azure_blob", &azure, &[("access_key", "a2V5".into())]);
    for place in [s3(&url), azure, sftp("127.0.0.1")] {
        let error = refused(place, &[]).await;
        assert!(matches!(&error, FileError::Refused { host } if host.ends_with(&port.to_string())), "{error}");
    }
    for place in [s3("http://no-such-host.invalid"), sftp("no-such-host.invalid")] {
        let error = refused(place, &[]).await;
        assert!(matches!(&error, FileError::Dns { host } if host == "no-such-host.invalid"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_where_tls_is_asked_for_is_said() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.ok();
        }
    });
    let settings = [("bucket", "b".into()), ("endpoint", format!("https://127.0.0.1:{port}").into())];
    let store = place("amazon_s3", &settings, &[("access_key_id", "id".into()), ("secret_access_key", "key".into())]);
    let error = refused(store, &[]).await;
    server.abort();
    assert!(matches!(error, FileError::Tls { .. }), "{error}");
}

#[test]
fn credentials_that_belong_together_are_asked_for_before_anything_is_sent() {
    let message = |kind: &str, settings: &[(&str, Value)], secrets: &[(&str, String)]| {
        place(kind, settings, secrets).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let bucket = [("bucket", "b".into())];
    let half = message("amazon_s3", &bucket, &[("access_key_id", "id".into())]);
    assert!(half.contains("`secret_access_key`"), "{half}");
    let plain = [("bucket", "b".into()), ("endpoint", "http://127.0.0.1".into())];
    let plain = message("amazon_s3", &plain, &[]);
    assert!(plain.contains("allow_http"), "{plain}");
    let none = message("azure_blob", &[("account", "a".into()), ("container", "c".into())], &[]);
    assert!(none.contains("`access_key`") && none.contains("`sas_token`"), "{none}");
    let none = message("sftp", &[("host", "h".into())], &[]);
    assert!(none.contains("`private_key`") && none.contains("`password`"), "{none}");
}
