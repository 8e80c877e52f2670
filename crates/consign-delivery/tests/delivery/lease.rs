//! What is done under a lease, and what becomes of it when another process takes that.

use std::time::{Duration, Instant};

use consign_delivery::folder::DataFolder;
use consign_delivery::{HeldByUs, RunError, Under};
use consign_store::{LeaseOn, LeaseOwner, SqlStore, Store, StoreError, Taking};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::memory::slug;

/// Short enough to be waited for.
const TERM: Duration = Duration::from_millis(400);

fn churn() -> LeaseOn {
    LeaseOn::Campaign(slug("churn"))
}

/// Another process on another machine.
fn other() -> LeaseOwner {
    LeaseOwner { id: "other".to_owned(), machine: Some("another".to_owned()) }
}

async fn workspace() -> (SqlStore, DataFolder, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let store = SqlStore::open(&data.store()).await.unwrap().with_lease_term(TERM);
    (store, data, folder)
}

async fn take(store: &SqlStore, data: &DataFolder) -> Option<HeldByUs> {
    HeldByUs::take(store, data, &churn()).await.unwrap()
}

/// Takes a lease as one who knows that its owner is gone, though it is not.
async fn taken_over(store: &SqlStore) {
    let held = store.held_lease(&churn()).await.unwrap().expect("somebody has it");
    let taking = store.take_lease(&churn(), &other(), Some(held.token)).await.unwrap();
    assert!(matches!(taking, Taking::Taken(..)), "{taking:?}");
}

#[tokio::test]
async fn a_lease_is_renewed_as_long_as_work_goes_on() {
    let (store, data, _folder) = workspace().await;
    let begun = Instant::now();
    let working = async |_: &Under| {
        while begun.elapsed() < TERM * 3 {
            let taking = store.take_lease(&churn(), &other(), None).await?;
            assert!(matches!(taking, Taking::Held(_)), "{taking:?}");
        }
        Ok::<_, StoreError>("done")
    };
    assert_eq!(take(&store, &data).await.expect("nobody has it").during(working).await.unwrap(), "done");
    // It is given back, and not merely over.
    assert_eq!(store.held_lease(&churn()).await.unwrap(), None);
    let names: Vec<_> = data.path().join("locks").read_dir().unwrap().collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn work_ends_where_it_stands_when_another_process_takes_the_lease() {
    let (store, data, _folder) = workspace().await;
    let (begun, begins) = oneshot::channel();
    let mut held_open = None;
    let working = async |under: &Under| {
        begun.send(()).unwrap();
        // Such as a request that is not answered.
        let (sender, never) = oneshot::channel::<()>();
        held_open = Some(sender);
        let _ = never.await;
        under.store.audit("ada", "run", "r1", "").await?;
        Ok::<(), RunError>(())
    };
    let held = take(&store, &data).await.expect("nobody has it");
    let (ended, ()) = tokio::join!(held.during(working), async {
        begins.await.unwrap();
        taken_over(&store).await;
    });
    let error = ended.unwrap_err();
    assert!(matches!(error, RunError::Store(StoreError::LeaseLost(_))), "{error}");
    assert!(error.to_string().contains("has taken over the campaign `churn`"), "{error}");
    assert_eq!(store.held_lease(&churn()).await.unwrap().expect("it stays").owner, other());
    assert!(store.audited(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_let_go_of_a_lease_without_a_word_is_known_to_be_gone() {
    let (store, data, _folder) = workspace().await;
    let store = store.with_lease_term(Duration::from_hours(1));
    let held = take(&store, &data).await.expect("nobody has it");
    assert!(take(&store, &data).await.is_none(), "one has it");
    drop(held);
    assert!(store.held_lease(&churn()).await.unwrap().is_some(), "it is not over");
    assert!(take(&store, &data).await.is_some(), "who had it is gone");
}

#[tokio::test]
async fn of_another_machine_nobody_knows_whether_a_process_is_gone() {
    let (store, data, _folder) = workspace().await;
    let store = store.with_lease_term(Duration::from_hours(1));
    store.take_lease(&churn(), &other(), None).await.unwrap();
    assert!(take(&store, &data).await.is_none());
    let brief = store.clone().with_lease_term(Duration::ZERO);
    taken_over(&brief).await;
    assert!(take(&store, &data).await.is_some(), "it is over");
}
