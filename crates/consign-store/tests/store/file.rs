//! The store in a file.

use std::fs;
use std::future::{Ready, ready};
use std::path::Path;

use consign_store::{Location, SqlStore, Store, StoreError};
use tempfile::TempDir;

use crate::suite::{begun, on_every_store};

on_every_store! { new }

#[tokio::test]
async fn nobody_changes_what_the_audit_log_says() {
    let (store, folder) = empty().await;
    store.audit("ada", "cancel", "r1", "").await.expect("kept");
    let before = store.audited(None).await.expect("read");
    let path = folder.path().join("consign.db");
    let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&path));
    let pool = pool.await.expect("opened");
    for statement in
        ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "INSERT OR REPLACE INTO audit SELECT * FROM audit"]
    {
        let refused = sqlx::query(statement).execute(&pool).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.audited(None).await.expect("read"), before);
}

/// Where a store is to be, and its folder.
fn new() -> Ready<Option<(Location, TempDir)>> {
    let folder = tempfile::tempdir().expect("a folder");
    ready(Some((folder.path().join("data").join("consign.db").into(), folder)))
}

/// A store in a folder that goes with it.
async fn empty() -> (SqlStore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqlStore::open(folder.path().join("consign.db")).await.expect("opened");
    (store, folder)
}

async fn refused(path: &Path) -> StoreError {
    match SqlStore::open(path).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

/// Changes a store behind its back.
async fn tamper(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("opened");
    sqlx::raw_sql(statement).execute(&pool).await.expect("changed");
    pool.close().await;
}

#[tokio::test]
async fn migrations_that_later_ones_overtook_are_caught_up_with() {
    let (store, folder) = empty().await;
    let path = folder.path().join("consign.db");
    begun(&store, "r1", &[]).await;
    store.close().await;
    tamper(&path, "DELETE FROM _sqlx_migrations WHERE version = 2; DROP TABLE lists").await;
    let store = SqlStore::open(&path).await.expect("opened");
    assert_eq!(store.remembered_lists().await.expect("there again"), []);
    store.run("r1").await.expect("kept");
}

#[tokio::test]
async fn a_path_is_taken_as_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("100% Zoë? #1 &").join("a b.db");
    let store = SqlStore::open(&path).await.expect("opened");
    begun(&store, "r1", &[]).await;
    store.close().await;
    assert!(path.is_file());
    let named = format!("sqlite:{}", path.display()).parse::<Location>().expect("read");
    SqlStore::open(named).await.expect("opened").run("r1").await.expect("kept");
}

#[tokio::test]
async fn what_was_reported_done_survives_a_crash() {
    let (store, folder) = empty().await;
    begun(&store, "r1", &["a"]).await;
    // The files as a crash leaves them: the log written, and not yet put into the main file.
    let crashed = tempfile::tempdir().expect("a folder");
    for name in ["consign.db", "consign.db-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).expect("copied");
    }
    let again = SqlStore::open(crashed.path().join("consign.db")).await.expect("opened");
    assert_eq!(again.run("r1").await.expect("read"), store.run("r1").await.expect("read"));
    assert_eq!(again.deliveries("r1").await.expect("read").len(), 1);
}

#[tokio::test]
async fn openers_of_a_new_file_wait_for_each_other() {
    for _ in 0..200 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("consign.db");
        let open = || SqlStore::open(&path);
        let (one, two, three, four) = tokio::join!(open(), open(), open(), open());
        for opened in [one, two, three, four] {
            opened.expect("opened");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    SqlStore::open(data.join("consign.db")).await.expect("opened");
    assert_eq!(fs::metadata(&data).expect("made").permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_store_of_a_later_program_is_refused_and_left_alone() {
    let (store, folder) = empty().await;
    let path = folder.path().join("consign.db");
    store.close().await;
    tamper(
        &path,
        "UPDATE _sqlx_migrations SET version = 4711 WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)",
    )
    .await;
    let before = fs::read(&path).expect("read");
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 4711, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "the store {} has schema 4711 and this program knows schemas up to 13: use the newer program, or another \
             data folder",
            path.display()
        )
    );
    assert!(fs::read(&path).expect("read") == before, "the file was altered");
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("consign.db");
    fs::write(&path, "customer_id,email\n00001,ada@example.com\n".repeat(100)).expect("written");
    let before = fs::read(&path).expect("read");
    let error = refused(&path).await;
    assert_eq!(
        error.to_string(),
        format!(
            "the store {} is damaged or is not a store: file is not a database; put back a copy, or move it away to \
             begin anew",
            path.display()
        )
    );
    assert!(fs::read(&path).expect("read") == before, "the file was altered");
}

#[tokio::test]
async fn a_damaged_store_is_refused_and_left_alone() {
    let (store, folder) = empty().await;
    let path = folder.path().join("consign.db");
    begun(&store, "r1", &["a"]).await;
    store.close().await;
    let mut bytes = fs::read(&path).expect("read");
    for byte in &mut bytes[4096..] {
        *byte = 0xA5;
    }
    fs::write(&path, &bytes).expect("written");
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(fs::read(&path).expect("read") == bytes, "the file was altered");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    fs::write(&path, "").expect("written");
    tamper(&path, "CREATE TABLE customers (id TEXT)").await;
    let error = refused(&path).await;
    assert!(error.to_string().contains("it is a database of another program"), "{error}");
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = refused(folder.path()).await;
    assert_eq!(
        error.to_string(),
        format!("the store {} cannot be opened: it is a folder; choose another data folder", folder.path().display())
    );
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("written");
    let error = refused(&file.join("consign.db")).await;
    assert!(matches!(error, StoreError::CannotOpen(_)), "{error}");
}

#[tokio::test]
async fn a_word_that_no_program_wrote_is_said_to_be_damage() {
    let (store, folder) = empty().await;
    begun(&store, "r1", &[]).await;
    tamper(&folder.path().join("consign.db"), "UPDATE runs SET state = 'dreaming'").await;
    let error = store.run("r1").await.expect_err("it makes no sense");
    assert!(error.to_string().contains("the state of a run `dreaming` cannot be read"), "{error}");
}
