//! What stops a run, and that it leaves nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use consign_engine::{AssignProgress, AssignRequest, Engine, EngineError, EngineOptions};
use consign_model::plan::AssignPlan;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::workspace::{Workspace, condition, plan};

fn many(customers: usize) -> String {
    std::iter::once("customer_id,name\n".to_owned())
        .chain((0..customers).map(|i| format!("customer {i},somebody with the name {i}\n")))
        .collect()
}

fn left(workspace: &Workspace, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(workspace.path(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_within_a_batch_and_leaves_nothing() {
    let workspace = Workspace::new().table("Customers", "customers.csv", many(60_000));
    fs::create_dir(workspace.path("out")).unwrap();
    let tables = workspace.tables().await;
    let url = workspace.url("out/snapshot.parquet");
    let cancel = CancellationToken::new();
    let written = AtomicU64::new(0);
    let progress = |progress: AssignProgress| {
        if let AssignProgress::Writing { rows } = progress {
            written.store(rows, Ordering::Relaxed);
            cancel.cancel();
        }
    };
    let request = AssignRequest { snapshot: &url, previous: None, progress: &progress, cancel: &cancel };
    let error = tables.assign(&plan(), &request).await.unwrap_err();
    assert!(matches!(error, EngineError::Cancelled), "{error}");
    assert!(written.load(Ordering::Relaxed) <= 2 * 8192);
    assert_eq!(left(&workspace, "out"), Vec::<String>::new());
    drop(tables);
    assert_eq!(left(&workspace, "spill"), Vec::<String>::new());
}

#[test]
fn what_a_killed_engine_left_goes_with_the_next_and_what_another_uses_stays() {
    let workspace = Workspace::new();
    fs::create_dir_all(workspace.path("spill/engine-dead/view-1")).unwrap();
    let first = workspace.engine();
    let own = left(&workspace, "spill");
    assert!(own.len() == 1 && own != ["engine-dead"], "{own:?}");
    let second = workspace.engine();
    let both = left(&workspace, "spill");
    assert!(both.len() == 2 && both.contains(&own[0]), "{both:?}");
    drop((first, second));
    assert_eq!(left(&workspace, "spill"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_named() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id\na\n");
    // A file where a folder should be stops the superuser too.
    fs::write(workspace.path("file"), "").unwrap();
    let error = workspace.assign_to(&plan(), "file/snapshot.parquet", None).await.unwrap_err().to_string();
    let error = error.replace(&workspace.folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(error);
    let spill = workspace.path("file/spill");
    let error = Engine::new(EngineOptions { memory: 0, threads: 1, spill }).unwrap_err().to_string();
    let error = error.replace(&workspace.folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_keeps_the_snapshot_that_was_there() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id\na\n");
    fs::create_dir(workspace.path("out")).unwrap();
    workspace.assign_to(&plan(), "out/snapshot.parquet", None).await.unwrap();
    let before = fs::read(workspace.path("out/snapshot.parquet")).unwrap();
    fs::set_permissions(workspace.path("out"), fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = workspace.assign_to(&plan(), "out/snapshot.parquet", None).await;
    fs::set_permissions(workspace.path("out"), fs::Permissions::from_mode(0o755)).unwrap();
    // Whether it may write depends on who runs the test; that the snapshot is whole does not.
    if let Err(error) = outcome {
        assert!(matches!(error, EngineError::WriteSnapshot { .. }), "{error}");
    }
    assert_eq!(fs::read(workspace.path("out/snapshot.parquet")).unwrap(), before);
    assert_eq!(left(&workspace, "out"), ["snapshot.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_open_is_noticed() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id,age\na,1\n");
    let tables = workspace.tables().await;
    fs::write(workspace.path("customers.csv"), "customer_id,age\na,old\n").unwrap();
    let url = workspace.url("snapshot.parquet");
    let cancel = CancellationToken::new();
    let request = AssignRequest { snapshot: &url, previous: None, progress: &|_| {}, cancel: &cancel };
    let error = tables.assign(&plan(), &request).await.unwrap_err().to_string();
    let folder = workspace.folder.path().canonicalize().unwrap().display().to_string();
    insta::assert_snapshot!(error.replace(&folder, "FOLDER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_validation_would_have_refused_is_an_error_and_no_panic() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id,age\na,1\n");
    let mut shown = String::new();
    for wrong in [
        json!({ "column": "Customers.ag", "operator": "is", "value": 1 }),
        json!({ "column": "Customer.age", "operator": "is", "value": 1 }),
        json!({ "column": "Customers.age", "operator": "contains", "value": "1" }),
        json!({ "aggregate": "sum", "table": "Orders", "of": "n", "operator": "is", "value": 1 }),
        json!({ "segment": "unknown" }),
    ] {
        let plan = AssignPlan { include: vec![condition(wrong)], ..plan() };
        shown.push_str(&format!("{}\n", workspace.assign(&plan).await.unwrap_err()));
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_no_sum_can_hold_is_an_error() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id\na\n").rows(
        "Orders",
        "orders.csv",
        "customer_id,n\na,1e30\na,0.5\n",
    );
    let sum = json!({ "aggregate": "sum", "table": "Orders", "of": "n", "operator": "at_least", "value": 1 });
    let plan = AssignPlan { include: vec![condition(sum)], ..plan() };
    let error = workspace.assign(&plan).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"a condition cannot be evaluated: a `sum` or `avg` meets a number beyond 10^25: correct the number in the table");
}
