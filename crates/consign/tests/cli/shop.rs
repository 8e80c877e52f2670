//! A small workspace that is applied, with a folder for its lists.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpListener;

use crate::terminal::{Answer, Terminal};

pub const CUSTOMERS: &str = "clean/data/Merged_Customers.csv";
pub const PROFILES: &str = "clean/data/Customer_360.csv";
pub const ORDERS: &str = "clean/data/Orders.csv";
pub const CAMPAIGN: &str = "clean/campaigns/churn.yaml";
pub const DESTINATIONS: &str = "clean/2_destinations.yml";
pub const RUN: &str = "run churn --as-of 2026-11-25T10:00";

/// A secret that no output may repeat.
pub const SECRET: &str = "wJalrXUtnFEMIsecret";

/// What is personal in the fixture. Customer keys are not: errors may name them.
const PERSONAL: [&str; 6] = ["ada@", "Ada", "grace@", "Grace", "+4930123456", "01099"];

/// The workspace, applied.
pub fn applied() -> Terminal {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    apply(&terminal);
    terminal
}

pub fn apply(terminal: &Terminal) {
    let applied = terminal.consign("apply clean");
    assert_eq!(applied.code, 0, "{}", applied.transcript());
}

/// Adds lines to a file.
pub fn append(terminal: &Terminal, file: &str, lines: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).open(terminal.path(file)).expect("it is there");
    file.write_all(lines.as_ref()).expect("written");
}

/// Adds so many customers who are in the campaign.
pub fn crowd(terminal: &Terminal, customers: usize) {
    let line = |i: usize| format!("k{i:07},Eve,eve{i}@example.com,,01099,DE\n");
    append(terminal, CUSTOMERS, (0..customers).map(line).collect::<Vec<_>>().concat());
    let lines: Vec<String> = (0..customers).map(|i| format!("k{i:07},250,active,true\n")).collect();
    append(terminal, PROFILES, lines.concat());
}

/// Puts a bucket beside the folder: the lists of the group go to both, and no longer to the mail destination.
pub fn with_bucket(terminal: &Terminal, endpoint: &str) {
    append(
        terminal,
        DESTINATIONS,
        format!(
            "  - id: bucket\n    name: Bucket\n    kind: amazon_s3\n    settings: {{ bucket: lists, endpoint: \
             \"{endpoint}\", allow_http: true }}\n    credentials: {{ access_key_id: env:KEY_ID, secret_access_key: \
             env:KEY }}\n"
        ),
    );
    terminal.edit(CAMPAIGN, "[mail, folder]", "[bucket, folder]");
    let bucket = "    destinations:\n      bucket:\n        attributes:\n          - { attribute: id, column: \
                  Merged_Customers.customer_id }\n";
    terminal.edit(CAMPAIGN, "    destinations:\n", bucket);
    apply(terminal);
}

/// Adds a table of a database whose address is in the variable `DB`. Not applied.
pub fn with_database(terminal: &Terminal) {
    let source =
        "sources:\n  - id: db\n    connection: { postgres: { url: env:DB } }\n    tables: [{ name: Loyalty }]\n";
    fs::write(terminal.path("clean/5_source.yaml"), source).expect("written");
}

/// The environment in which the credentials of the bucket are.
pub fn keys() -> [(&'static str, &'static str); 2] {
    [("KEY_ID", "AKIAEXAMPLE"), ("KEY", SECRET)]
}

/// An address of this machine where nobody listens.
pub fn deserted() -> String {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    format!("http://127.0.0.1:{port}")
}

/// Nothing personal or secret is in what a command said to standard error, nor in an error on standard output.
pub fn discreet(answer: &Answer) {
    assert!(!answer.out.contains(SECRET), "{}", answer.transcript());
    for private in PERSONAL.iter().chain([&SECRET]) {
        assert!(!answer.err.contains(private), "`{private}` is in: {}", answer.transcript());
        assert!(answer.code == 0 || !answer.out.contains(private), "`{private}` is in: {}", answer.transcript());
    }
}
