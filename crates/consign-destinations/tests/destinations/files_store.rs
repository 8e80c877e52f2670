//! What every place that files are put in does alike: one suite, against real servers where `tests/servers/all.sh` has
//! started them.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::fs;

use bytes::Bytes;
use consign_destinations::files::{FileError, deliver};
use consign_model::definition::{Compression, FileOptions};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::files_place::local;
use crate::files_rows::{names, numbered, stream};
use crate::files_servers::{Eye, Subject, azure_by, gcs, s3, sftp, sftp_key, sftp_with, variable};

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
    behaves(sftp("SFTP_PORT")).await;
}

#[tokio::test]
async fn sftp_behaves_where_the_server_knows_no_extensions() {
    let Some(subject) = sftp("SFTP_BASIC_PORT") else { return };
    let proved = subject.store.test().await.unwrap();
    assert!(proved.iter().any(|line| line.contains("cannot replace a file in one step")), "{proved:?}");
    behaves(Some(subject)).await;
}

#[tokio::test]
async fn what_a_process_that_died_left_on_a_server_goes_with_the_next_file_of_that_name() {
    let Some(subject) = sftp("SFTP_PORT") else { return };
    let Eye::Folder(folder) = &subject.eye else { panic!("it is seen as a folder") };
    let id = uuid::Uuid::now_v7();
    let stays = [".list.csv.part".to_owned(), format!(".list.csv.zip.{id}.part"), format!(".other.csv.{id}.part")];
    for left in stays.iter().chain([&format!(".list.csv.{id}.part")]) {
        std::fs::write(folder.join(left), "half").unwrap();
    }
    subject.put("list.csv", b"whole").await;
    subject.put("list.csv", b"another").await;
    let mut expected = stays.to_vec();
    expected.push("list.csv".to_owned());
    assert_eq!(subject.list().await, expected);
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
