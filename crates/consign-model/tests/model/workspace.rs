//! The fixtures as files, the tables that they are about, and problems as text.

use std::fs;
use std::path::Path;

use consign_model::definition::RowsPerCustomer;
use consign_model::document::{Located, Reading, read};
use consign_model::problem::Severity;
use consign_model::schema::{Catalog, Column, ColumnType, TableSchema, semantic_of};

use crate::kinds::TestKinds;

/// The files of a fixture, by name.
pub fn files(fixture: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    let entries = fs::read_dir(folder).expect("the fixture is there");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let path = entry.expect("the folder is readable").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("the file is readable"))
        })
        .collect();
    files.sort();
    files
}

fn table(name: &str, rows: RowsPerCustomer, columns: &[(&str, ColumnType)]) -> TableSchema {
    let columns = columns.iter().map(|(name, column_type)| Column {
        name: (*name).to_owned(),
        column_type: *column_type,
        semantic: semantic_of(name).map(ToOwned::to_owned),
    });
    TableSchema { name: name.into(), customer_key: "customer_id".into(), rows, columns: columns.collect() }
}

/// The tables of the fixtures.
pub fn catalog() -> Catalog {
    use ColumnType::{Boolean, Date, Number, Other, Text, Timestamp};
    let mut orders = table(
        "Orders",
        RowsPerCustomer::Many,
        &[
            ("customer_id", Text),
            ("order_id", Text),
            ("ordered_on", Timestamp),
            ("status", Text),
            ("revenue", Number),
            ("contact", Text),
        ],
    );
    orders.columns[5].semantic = Some("email".into());
    [
        table(
            "Merged_Customers",
            RowsPerCustomer::One,
            &[
                ("customer_id", Text),
                ("email", Text),
                ("phone", Text),
                ("given_name", Text),
                ("surname", Text),
                ("postal", Text),
                ("country", Text),
                ("birthdate", Date),
                ("tags", Other),
            ],
        ),
        table(
            "Customer_360",
            RowsPerCustomer::One,
            &[
                ("customer_id", Text),
                ("lifetime_value", Number),
                ("status", Text),
                ("last_order", Date),
                ("email_opt_in", Boolean),
                ("email", Text),
            ],
        ),
        orders,
        table("Visits", RowsPerCustomer::Many, &[("customer_id", Text), ("page", Text)]),
    ]
    .into_iter()
    .collect()
}

/// The clean fixture after some changes of its text, each of which must find its place.
pub fn changed(changes: &[(&str, &str)]) -> Reading {
    let mut files = files("clean");
    for (old, new) in changes {
        let found = files.iter_mut().find(|(_, text)| text.contains(old));
        let (_, text) = found.unwrap_or_else(|| panic!("`{old}` is not in the fixture"));
        *text = text.replacen(old, new, 1);
    }
    read(&files)
}

/// Every problem of a workspace.
pub fn problems(reading: &Reading) -> Vec<Located> {
    reading.validate(Some(&catalog()), &TestKinds::new())
}

/// Problems as a person may read them.
pub fn shown(problems: &[Located]) -> String {
    let lines = problems.iter().map(|found| {
        let severity = match found.problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let file = found.file.as_deref().unwrap_or("?");
        let (line, column) = (found.line, found.column);
        let problem = &found.problem;
        format!("{severity} {file}:{line}:{column} {}\n  {}\n  -> {}\n", problem.path, problem.reason, problem.remedy)
    });
    lines.collect()
}
