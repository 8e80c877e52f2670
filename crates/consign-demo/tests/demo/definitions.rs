//! The demo's definitions, read and validated as `consign validate` does.

use std::fs;
use std::path::Path;
use std::process::Command;

use consign_destinations::registry::Registry;
use consign_model::definition::RowsPerCustomer;
use consign_model::document::read;
use consign_model::problem::Severity;
use consign_model::schema::Catalog;

use crate::table::{DEMO, Table};

pub fn files() -> Vec<(String, String)> {
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

/// What `scripts/servers-yaml` prints where all servers run.
fn servers_yaml() -> String {
    let environment = [
        ("S3_ENDPOINT", "http://127.0.0.1:18333"),
        ("S3_BUCKET", "lists"),
        ("S3_REGION", "us-east-1"),
        ("GCS_BASE_URL", "http://127.0.0.1:14443"),
        ("GCS_BUCKET", "lists"),
        ("GCS_KEY_FILE", "/run/gcs/key.json"),
        ("AZURE_ENDPOINT", "http://127.0.0.1:11000/account"),
        ("AZURE_ACCOUNT", "account"),
        ("AZURE_CONTAINER", "lists"),
        ("SFTP_HOST", "127.0.0.1"),
        ("SFTP_PORT", "12222"),
        ("SFTP_USERNAME", "sender"),
        ("SFTP_ROOT", "/upload"),
        ("SFTP_HOST_KEY", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("SFTP_KEY_FILE", "/run/sftp/key"),
    ];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/servers-yaml");
    let output = Command::new(script)
        .envs(environment.map(|(name, value)| (format!("CONSIGN_TEST_{name}"), value)))
        .output()
        .expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the script prints text")
}

/// Every problem of definitions on the demo's tables: the errors, and the warnings.
pub fn problems(files: &[(String, String)]) -> (Vec<String>, Vec<String>) {
    let catalog: Catalog = [
        ("Merged_Customers", RowsPerCustomer::One),
        ("Customer_360", RowsPerCustomer::One),
        ("Orders", RowsPerCustomer::Many),
    ]
    .into_iter()
    .map(|(name, rows)| Table::demo(name).schema(name, rows))
    .collect();
    let found = read(files).validate(Some(&catalog), &Registry::new());
    let shown = |severity| {
        let problems = found.iter().map(|found| &found.problem).filter(|problem| problem.severity == severity);
        problems.map(|problem| format!("{}: {}", problem.path, problem.reason)).collect()
    };
    (shown(Severity::Error), shown(Severity::Warning))
}

#[test]
fn the_definitions_have_neither_errors_nor_warnings() {
    assert_eq!(problems(&files()), (vec![], vec![]));
}

#[test]
fn a_mistake_in_the_definitions_would_be_found() {
    let mut files = files();
    files[3].1 = files[3].1.replace("percent: 45,", "percent: 40,");
    let (errors, _) = problems(&files);
    assert!(errors.iter().any(|error| error.contains("add up to 90 %")), "{errors:?}");
}

#[test]
fn the_definitions_for_servers_have_neither_errors_nor_warnings() {
    let mut files = files();
    files.push(("servers.yaml".into(), servers_yaml()));
    assert_eq!(read(&files).definitions.campaigns[1].destinations.len(), 4);
    assert_eq!(problems(&files), (vec![], vec![]));
}
