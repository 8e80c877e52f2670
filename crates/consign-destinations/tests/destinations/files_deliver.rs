//! Lists to files in places.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::fs;
use std::io::Read;

use arrow::array::RecordBatch;
use consign_destinations::files::{FileError, deliver};
use consign_model::definition::{Compression, FileFormat, FileOptions, SecretRef};
use futures::StreamExt;
use pgp::composed::Message;
use pgp::types::Password;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::files_format::{armored, throw_away_key};
use crate::files_place::{listed, local};
use crate::files_rows::{attributes, names, numbered, people, stream};

async fn delivered(
    folder: &std::path::Path,
    options: &FileOptions,
    columns: &[String],
    batches: Vec<RecordBatch>,
) -> Vec<consign_destinations::files::WrittenFile> {
    let store = local(folder);
    let never = CancellationToken::new();
    movable(deliver(&*store, "list", options, columns, stream(batches), None, &never)).await.unwrap()
}

/// Deliveries run as tasks, which move between threads.
fn movable<T: Send>(delivery: T) -> T {
    delivery
}

#[tokio::test]
async fn a_list_is_one_file_with_its_hash_then_a_manifest_and_a_marker() {
    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions { manifest: true, success_file: true, ..FileOptions::default() };
    let written = delivered(folder.path(), &options, &names(&["email", "orders"]), vec![people(), people()]).await;
    assert_eq!(listed(folder.path()), ["list._SUCCESS", "list.csv", "list.manifest.json"]);
    let bytes = fs::read(folder.path().join("list.csv")).unwrap();
    assert_eq!(
        bytes,
        "email,orders\n"
            .to_owned()
            .into_bytes()
            .into_iter()
            .chain("zoe@example.com,3\nann@example.com,-1\n,\n".repeat(2).into_bytes())
            .collect::<Vec<_>>()
    );
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].name.as_str(), written[0].rows), ("list.csv", 6));
    assert_eq!(written[0].bytes, bytes.len() as u64);
    assert_eq!(written[0].sha256, hex::encode(Sha256::digest(&bytes)));
    assert_eq!(written[0].location, folder.path().join("list.csv").display().to_string());
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("list.manifest.json")).unwrap());
    assert!(fs::read(folder.path().join("list._SUCCESS")).unwrap().is_empty());
}

#[tokio::test]
async fn lists_are_split_by_rows_wherever_batches_end() {
    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions { rows_per_file: Some(10_000), ..FileOptions::default() };
    let rows = numbered(20_001);
    let written = delivered(folder.path(), &options, &names(&["id"]), rows.clone()).await;
    let rows_of: Vec<_> = written.iter().map(|file| (file.name.as_str(), file.rows)).collect();
    assert_eq!(rows_of, [("list_1.csv", 10_000), ("list_2.csv", 10_000), ("list_3.csv", 1)]);
    let mut lines = Vec::new();
    for file in &written {
        let text = fs::read_to_string(folder.path().join(&file.name)).unwrap();
        lines.extend(text.strip_prefix("id\n").unwrap().lines().map(str::to_owned));
    }
    let whole = crate::files_rows::written_text(&FileOptions::default(), &names(&["id"]), &rows);
    assert_eq!(lines, whole.lines().skip(1).collect::<Vec<_>>());
    // Files that are full to the last row are not followed by an empty one.
    let even = tempfile::tempdir().unwrap();
    let options = FileOptions { rows_per_file: Some(3), ..FileOptions::default() };
    delivered(even.path(), &options, &names(&["email"]), vec![people(), people()]).await;
    assert_eq!(listed(even.path()), ["list_1.csv", "list_2.csv"]);
}

#[tokio::test]
async fn an_empty_list_is_a_file_with_a_header() {
    for batches in [vec![], vec![people().slice(0, 0)]] {
        let folder = tempfile::tempdir().unwrap();
        let written =
            delivered(folder.path(), &FileOptions::default(), &names(&["email", "name"]), batches.clone()).await;
        assert_eq!(written[0].rows, 0);
        assert_eq!(fs::read_to_string(folder.path().join("list.csv")).unwrap(), "email,name\n");
        let options = FileOptions { rows_per_file: Some(5), format: FileFormat::Parquet, ..FileOptions::default() };
        delivered(folder.path(), &options, &attributes(), batches).await;
        assert_eq!(listed(folder.path()), ["list.csv", "list_1.parquet"]);
    }
}

#[tokio::test]
async fn an_encrypted_list_is_compressed_first_and_named_for_both() {
    let folder = tempfile::tempdir().unwrap();
    let key = throw_away_key(true);
    let options = FileOptions {
        compression: Compression::Zip,
        pgp_public_key: Some(SecretRef::try_from("env:LIST_KEY".to_owned()).unwrap()),
        ..FileOptions::default()
    };
    let secret = SecretString::from(armored(&key));
    let store = local(folder.path());
    let list = |key| deliver(&*store, "list", &options, &[], stream(vec![]), key, cancel());
    assert!(matches!(list(None).await, Err(FileError::PgpKeyMissing)));
    let wrong = SecretString::from("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    assert!(matches!(list(Some(&wrong)).await, Err(FileError::PgpKey(_))));
    let columns = names(&["email"]);
    deliver(&*store, "list", &options, &columns, stream(vec![people()]), Some(&secret), cancel()).await.unwrap();
    assert_eq!(listed(folder.path()), ["list.csv.zip.pgp"]);
    let encrypted = fs::read(folder.path().join("list.csv.zip.pgp")).unwrap();
    let mut message = Message::from_bytes(&encrypted[..]).unwrap().decrypt(&Password::empty(), &key).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(message.as_data_vec().unwrap())).unwrap();
    let mut csv = String::new();
    archive.by_name("list.csv").unwrap().read_to_string(&mut csv).unwrap();
    assert_eq!(csv, "email\nzoe@example.com\nann@example.com\n\"\"\n");
}

fn cancel() -> &'static CancellationToken {
    static NEVER: std::sync::LazyLock<CancellationToken> = std::sync::LazyLock::new(CancellationToken::new);
    &NEVER
}

#[tokio::test]
async fn an_error_midway_leaves_whole_files_only_and_no_marker() {
    let folder = tempfile::tempdir().unwrap();
    // The marker of a list of yesterday must not speak for that of today.
    fs::write(folder.path().join("list._SUCCESS"), "").unwrap();
    let options = FileOptions { rows_per_file: Some(4), success_file: true, manifest: true, ..FileOptions::default() };
    let batches = futures::stream::iter([Ok(people()), Ok(people()), Err("the disk of the snapshot broke")]);
    let store = local(folder.path());
    let error = deliver(&*store, "list", &options, &names(&["email"]), batches, None, cancel()).await.unwrap_err();
    assert!(error.to_string().contains("the disk of the snapshot broke"), "{error}");
    assert_eq!(listed(folder.path()), ["list_1.csv"]);
    assert_eq!(fs::read_to_string(folder.path().join("list_1.csv")).unwrap().lines().count(), 5);
}

#[tokio::test]
async fn who_cancels_finds_nothing_and_need_not_wait_for_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = local(folder.path());
    let cancel = CancellationToken::new();
    let inside = cancel.clone();
    // Cancelled while rows are waited for that never come.
    let batches = futures::stream::iter([Ok::<_, String>(people())]).chain(futures::stream::once(async move {
        inside.cancel();
        std::future::pending().await
    }));
    let error = deliver(&*store, "list", &FileOptions::default(), &names(&["email"]), batches, None, &cancel).await;
    assert!(matches!(error, Err(FileError::Cancelled)));
    assert!(listed(folder.path()).is_empty());
}

#[tokio::test]
async fn a_name_that_leaves_its_folder_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let store = local(&inside);
    let options = FileOptions::default();
    let error = deliver(&*store, "../list", &options, &names(&["email"]), stream(vec![people()]), None, cancel()).await;
    assert!(matches!(error, Err(FileError::Name { .. })));
    assert_eq!(listed(folder.path()), ["inside"]);
}
