//! The demo's definitions, read and validated as `consign validate` does.

use std::fs;

use consign_destinations::registry::Registry;
use consign_model::definition::RowsPerCustomer;
use consign_model::document::read;
use consign_model::problem::Severity;
use consign_model::schema::Catalog;

use crate::table::{DEMO, Table};

fn files() -> Vec<(String, String)> {
    ["workspace.yaml", "segments.yaml", "destinations.yaml", "campaigns.yaml"]
        .map(|name| (name.to_owned(), fs::read_to_string(DEMO.path().join(name)).expect("the file is there")))
        .to_vec()
}

#[test]
fn the_definitions_are_well_formed() {
    let reading = read(&files());
    assert_eq!(reading.problems, []);
    assert_eq!(reading.definitions.segments.len(), 8);
    assert_eq!(reading.definitions.campaigns.len(), 1);
}

#[test]
fn ten_percent_of_each_sub_audience_are_held_out() {
    let reading = read(&files());
    let campaign = &reading.definitions.campaigns[0];
    let groups = campaign.sub_audiences.iter().map(|one| &one.groups).chain([&campaign.remaining]);
    let held_out: Vec<u32> = groups
        .map(|groups| groups.iter().filter(|group| group.control).map(|group| group.percent.hundredths()).sum())
        .collect();
    assert_eq!(held_out, [1_000; 4]);
}

#[test]
fn the_definitions_have_no_errors_and_these_warnings() {
    let catalog: Catalog = [
        ("Merged_Customers", RowsPerCustomer::One),
        ("Customer_360", RowsPerCustomer::One),
        ("Orders", RowsPerCustomer::Many),
    ]
    .into_iter()
    .map(|(name, rows)| Table::demo(name).schema(name, rows))
    .collect();
    let problems = read(&files()).validate(Some(&catalog), &Registry::new());
    let shown: Vec<String> = problems
        .iter()
        .map(|found| format!("{}: {}\n-> {}", found.problem.path, found.problem.reason, found.problem.remedy))
        .collect();
    assert!(problems.iter().all(|found| found.problem.severity == Severity::Warning), "{}", shown.join("\n"));
    insta::assert_snapshot!(shown.join("\n"), @"");
}
