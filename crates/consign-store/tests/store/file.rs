//! The store in a file.

use std::fs;
use std::path::Path;

use consign_store::{DeliveryChange, DeliveryState, Outcome, RunState, SqliteStore, Store, StoreError};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::schedules::occurrence;
use crate::suite::{FOLDER, begun, definitions, new_run, on_every_store};

on_every_store! { suite on empty();
    nothing_is_current_before_the_first_apply
    applying_the_same_twice_keeps_the_version
    another_folder_is_another_version
    the_order_of_campaigns_says_nothing
    every_version_stays_readable
    a_campaign_has_a_version_of_its_own
    a_run_is_kept_as_it_was_made
    a_second_run_of_a_campaign_is_refused_until_the_first_ends
    a_run_needs_definitions_and_an_id_of_its_own
    what_does_not_exist_is_named
    a_whole_run_leaves_counts_targets_and_events
    a_run_does_not_succeed_before_its_deliveries_are_done
    a_run_that_ends_early_takes_its_open_deliveries_with_it
    a_refused_transition_changes_nothing
    what_a_platform_works_on_is_counted_until_it_has_ended
    a_wait_holds_until_its_time_has_passed_or_the_delivery_goes_on
    a_list_is_remembered_until_another_takes_its_place
}

on_every_store! { credentials on empty();
    a_credential_is_kept_as_it_was_set_last
    sealing_again_leaves_alone_what_was_set_since
}

on_every_store! { schedules on empty();
    editing_a_schedule_begins_it_anew_and_editing_anything_else_does_not
    a_time_is_taken_on_once_and_none_before_it_afterwards
    what_becomes_of_a_time_is_kept
    staged_data_is_kept_until_it_is_noted_as_deleted
}

on_every_store! { audit on empty();
    what_was_done_is_kept_in_order
    applying_says_so_once
}

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

on_every_store! { drafts on empty();
    a_draft_is_kept_as_it_was_sent
    of_two_edits_of_one_version_of_a_draft_one_is_kept
    only_the_version_that_was_seen_of_a_draft_is_discarded
}

/// A store in a folder that goes with it.
async fn empty() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("consign.db")).await.expect("opened");
    (store, folder)
}

async fn refused(path: &Path) -> StoreError {
    match SqliteStore::open(path).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

/// Changes a store behind its back.
async fn tamper(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("opened");
    sqlx::query(statement).execute(&pool).await.expect("changed");
    pool.close().await;
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let (store, folder) = empty().await;
    let path = folder.path().join("consign.db");
    begun(&store, "r1", &["a", "b"]).await;
    let before = (
        store.current().await.expect("read"),
        store.run("r1").await.expect("read"),
        store.deliveries("r1").await.expect("read"),
        store.events("r1").await.expect("read"),
    );
    store.close().await;
    let store = SqliteStore::open(&path).await.expect("opened");
    let after = (
        store.current().await.expect("read"),
        store.run("r1").await.expect("read"),
        store.deliveries("r1").await.expect("read"),
        store.events("r1").await.expect("read"),
    );
    assert_eq!(before, after);
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
    let again = SqliteStore::open(crashed.path().join("consign.db")).await.expect("opened");
    assert_eq!(again.run("r1").await.expect("read"), store.run("r1").await.expect("read"));
    assert_eq!(again.deliveries("r1").await.expect("read").len(), 1);
}

#[tokio::test]
async fn openers_of_a_new_file_wait_for_each_other() {
    for _ in 0..200 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("consign.db");
        let open = || SqliteStore::open(&path);
        let (one, two, three, four) = tokio::join!(open(), open(), open(), open());
        for opened in [one, two, three, four] {
            opened.expect("opened");
        }
    }
}

#[tokio::test]
async fn two_openers_at_once_make_one_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data").join("consign.db");
    let (one, two) = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path));
    let (one, two) = (one.expect("opened"), two.expect("opened"));
    one.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let (first, second) = (new_run("r1", "churn"), new_run("r2", "churn"));
    let (first, second) = tokio::join!(one.create_run(&first), two.create_run(&second));
    assert!(first.is_ok() != second.is_ok(), "one of the two wins");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_processes_that_take_a_time_on_one_gets_it() {
    let (first, folder) = empty().await;
    first.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let mut claiming = tokio::task::JoinSet::new();
    for process in 0..6 {
        let store = SqliteStore::open(folder.path().join("consign.db")).await.expect("opened");
        claiming.spawn(async move {
            let mut got = Vec::new();
            for hour in 0..10 {
                let claim = occurrence(&format!("r{process}-{hour}"), 1, hour);
                got.extend(store.claim(&claim).await.expect("asked").then_some(hour));
            }
            got
        });
    }
    let mut got: Vec<_> = claiming.join_all().await.into_iter().flatten().collect();
    got.sort_unstable();
    let claimed = first.claimed().await.expect("read");
    let start = occurrence("", 1, 0).due;
    let kept: Vec<_> = claimed.iter().map(|one| (one.due - start).num_hours()).collect();
    assert_eq!(got, kept, "what somebody was told to have got is there, once");
    assert_eq!(got.last(), Some(&9));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    SqliteStore::open(data.join("consign.db")).await.expect("opened");
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
            "the store {} has schema 4711 and this program knows schemas up to 8: use the newer program, or another \
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

fn run_state() -> impl Strategy<Value = RunState> {
    prop::sample::select(RunState::ALL.to_vec())
}

fn delivery_state() -> impl Strategy<Value = DeliveryState> {
    prop::sample::select(DeliveryState::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is asked in whatever order: the store does what the pure functions allow, and nothing else.
    #[test]
    fn the_store_agrees_with_the_rule_of_transitions(
        asked in prop::collection::vec(prop_oneof![run_state().prop_map(Ok), delivery_state().prop_map(Err)], 1..20),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let (store, _folder) = empty().await;
            begun(&store, "r1", &["a"]).await;
            let (mut run, mut delivery) = (RunState::Assigning, DeliveryState::Staging);
            for asked in asked {
                match asked {
                    Ok(to) => {
                        let held = to.is_finished() && delivery.holds_run();
                        let ends = match to.outcome() {
                            Some(Outcome::Failed) if held => Some(DeliveryState::Failed),
                            Some(Outcome::Cancelled) if held => Some(DeliveryState::Cancelled),
                            _ => None,
                        };
                        let allowed = run.may_become(to) && (!held || ends.is_some());
                        assert_eq!(store.move_run("r1", to, None).await.is_ok(), allowed, "{run} -> {to}");
                        if allowed {
                            run = to;
                            delivery = ends.unwrap_or(delivery);
                        }
                    }
                    Err(to) => {
                        let allowed = delivery.may_become(to);
                        let change = DeliveryChange::to(to);
                        let done = store.move_delivery("r1/active.a.mail", &change).await;
                        assert_eq!(done.is_ok(), allowed, "{delivery} -> {to}");
                        if allowed {
                            delivery = to;
                        }
                    }
                }
                assert_eq!(store.run("r1").await.expect("read").state, run);
                assert_eq!(store.deliveries("r1").await.expect("read")[0].state, delivery);
            }
        });
    }
}
