//! Workspaces for measuring: of any size, and of the demo's form.

use std::collections::HashSet;
use std::fs;

use consign_demo::bench;
use tempfile::TempDir;

use crate::table::Table;

#[test]
fn a_workspace_for_measuring_has_the_demos_tables() {
    let folder = TempDir::new().unwrap();
    // More than one batch.
    let written = bench::write(folder.path(), 40_000).unwrap();
    assert_eq!((written.tables[0].1, written.tables[1].1), (40_000, 40_000));
    for name in ["Merged_Customers", "Customer_360", "Orders"] {
        assert_eq!(Table::of(folder.path(), name).columns(), Table::demo(name).columns(), "{name}");
    }
    let people = Table::of(folder.path(), "Merged_Customers");
    let keys: HashSet<&str> = people.texts("customer_id").into_iter().collect();
    assert_eq!(keys.len(), 40_000);
    let orders = Table::of(folder.path(), "Orders");
    assert!(orders.rows() > 80_000, "{} orders", orders.rows());
    assert!(orders.texts("customer_id").into_iter().all(|key| keys.contains(key)));
    let statuses: HashSet<&str> = Table::of(folder.path(), "Customer_360")
        .texts("lifecycle_status")
        .into_iter()
        .map(|s| match s {
            "active" => "active",
            "cooling_down" => "cooling_down",
            "at_risk" => "at_risk",
            _ => "lapsed",
        })
        .collect();
    assert_eq!(statuses.len(), 4);
}

#[test]
fn the_same_number_of_customers_gives_the_same_bytes() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    bench::write(one.path(), 1_000).unwrap();
    bench::write(two.path(), 1_000).unwrap();
    for name in ["Merged_Customers", "Customer_360", "Orders"] {
        let read = |folder: &TempDir| fs::read(folder.path().join(format!("data/{name}.parquet"))).unwrap();
        assert!(read(&one) == read(&two), "{name} differs");
    }
}

#[test]
fn nobody_is_a_workspace_as_well() {
    let folder = TempDir::new().unwrap();
    let written = bench::write(folder.path(), 0).unwrap();
    assert_eq!(written.tables.iter().map(|(_, rows)| rows).sum::<u64>(), 0);
}
