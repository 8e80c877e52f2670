//! Writing a workspace: its tables, and what is refused.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use consign_demo::{DemoError, Options, write};
use tempfile::TempDir;

use crate::table::{DEMO, Table};

fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let written = write(folder, Options::default()).expect("the demo is written");
    let paths = written.tables.into_iter().map(|(path, _)| path).chain(written.definitions);
    paths
        .map(|path| {
            let name = path.strip_prefix(folder).expect("the file is in the folder").to_owned();
            (name, fs::read(path).expect("the file is there"))
        })
        .collect()
}

#[test]
fn writing_twice_gives_the_same_bytes() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = bytes(one.path());
    assert_eq!(first.len(), 7);
    assert!(first == bytes(two.path()), "two folders differ");
    assert!(first == bytes(one.path()), "a demo written over differs");
}

#[test]
fn the_orders_are_those_of_the_research_data() {
    let orders = Table::demo("Orders");
    assert_eq!(orders.rows(), 69_659);
    assert_eq!(orders.cents("amount").iter().sum::<i128>(), 250_031_563);
    insta::assert_snapshot!(orders.columns().join("\n"), @r"
    order_id Utf8
    customer_id Utf8
    ordered_on Date32
    quantity Int32
    amount Decimal128(12, 2)
    ");
}

#[test]
fn the_packaged_orders_are_small() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cdnow/orders.parquet");
    assert!(fs::metadata(path).unwrap().len() < 1 << 20);
}

#[test]
fn profiles_agree_with_a_plain_recomputation_from_the_orders() {
    let orders = Table::demo("Orders");
    let mut plain: HashMap<&str, (i64, i128, i32, i32)> = HashMap::new();
    let rows = orders.texts("customer_id").into_iter().zip(orders.days("ordered_on")).zip(orders.cents("amount"));
    for ((customer, day), cents) in rows {
        let found = plain.entry(customer).or_insert((0, 0, day, day));
        *found = (found.0 + 1, found.1 + cents, found.2.min(day), found.3.max(day));
    }
    let profiles = Table::demo("Customer_360");
    assert_eq!(profiles.rows(), plain.len());
    let as_of = chrono::NaiveDate::from_ymd_opt(1998, 6, 30).unwrap().to_epoch_days();
    let mut statuses: HashMap<&str, usize> = HashMap::new();
    let (counts, values) = (profiles.integers("order_count"), profiles.cents("lifetime_value"));
    let (firsts, lasts) = (profiles.days("first_order"), profiles.days("last_order"));
    let (recency, status) = (profiles.integers("days_since_last_order"), profiles.texts("lifecycle_status"));
    for (row, customer) in profiles.texts("customer_id").into_iter().enumerate() {
        assert_eq!((counts[row], values[row], firsts[row], lasts[row]), plain[customer], "{customer}");
        let days = i64::from(as_of - lasts[row]);
        assert_eq!(recency[row], days, "{customer}");
        let expected = [(90, "active"), (180, "cooling_down"), (365, "at_risk"), (i64::MAX, "lapsed")];
        assert_eq!(status[row], expected.iter().find(|(end, _)| days <= *end).unwrap().1, "{customer}");
        *statuses.entry(status[row]).or_default() += 1;
    }
    // Counted once with another program from the research data itself.
    assert_eq!(
        statuses,
        HashMap::from([("active", 3_317), ("cooling_down", 2_057), ("at_risk", 2_976), ("lapsed", 15_220)])
    );
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let refused = write(folder.path(), Options { force: true, later: false }).unwrap_err();
    assert!(matches!(&refused, DemoError::NotEmpty { found, .. } if found == "notes.txt"), "{refused}");
    assert!(
        refused.to_string().ends_with("already holds `notes.txt` and is no demo workspace: name a new or empty folder")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_workspace_of_somebodys_own_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("workspace.yaml"), "workspace: {}\n").unwrap();
    assert!(matches!(write(folder.path(), Options { force: true, later: false }), Err(DemoError::NotEmpty { .. })));
}

#[test]
fn a_changed_definition_is_kept_unless_forced() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), Options::default()).unwrap();
    let segments = folder.path().join("segments.yaml");
    fs::write(&segments, "segments: []\n").unwrap();
    let refused = write(folder.path(), Options::default()).unwrap_err();
    assert!(matches!(&refused, DemoError::Changed(path) if *path == segments), "{refused}");
    assert_eq!(fs::read_to_string(&segments).unwrap(), "segments: []\n");
    write(folder.path(), Options { force: true, later: false }).unwrap();
    assert_eq!(fs::read(&segments).unwrap(), fs::read(DEMO.path().join("segments.yaml")).unwrap());
}

#[test]
fn what_runs_left_in_a_demo_stays() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), Options::default()).unwrap();
    // The folder that the demo's destination of files names is made with the workspace.
    let list = folder.path().join("out/staging/list.csv");
    fs::write(&list, "a\n").unwrap();
    write(folder.path(), Options::default()).unwrap();
    assert_eq!(fs::read_to_string(list).unwrap(), "a\n");
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_with_a_remedy() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("demo");
    fs::write(&file, "").unwrap();
    let refused = write(&file, Options::default()).unwrap_err();
    assert!(matches!(refused, DemoError::Io { .. }), "{refused}");
    assert!(refused.to_string().contains("check that it is a folder that you may write to"));
}

#[test]
fn nothing_unfinished_is_left() {
    let left: Vec<_> =
        walk(DEMO.path()).into_iter().filter(|path| path.extension().is_some_and(|e| e == "tmp")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("the folder is readable").path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
