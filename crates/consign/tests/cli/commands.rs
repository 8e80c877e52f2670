//! The other commands: what they show, and what they say where something is not as it should be.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use chrono::DateTime;
use consign_store::{
    DeliveryChange, DeliveryCounts, DeliveryState, NewDelivery, NewRun, RunMode, RunState, SqlStore, Store,
};
use insta::assert_snapshot;

use crate::terminal::Terminal;

#[test]
fn help_names_every_command_and_every_exit_code() {
    assert_snapshot!(Terminal::with(&[]).consign("--help").transcript());
}

#[test]
fn every_command_has_help_with_an_example() {
    let terminal = Terminal::with(&[]);
    let commands =
        "demo validate apply export schema preview test run serve schedule resume retry cancel status requests doctor explain destinations lists backup restore completions"
            .split_whitespace();
    for command in commands {
        let answer = terminal.consign(&format!("{command} --help"));
        assert_eq!(answer.code, 0);
        assert!(answer.out.contains("\nExample"), "{}", answer.out);
        assert!(answer.out.contains(&format!("  consign {command}")), "{}", answer.out);
    }
}

#[test]
fn an_unknown_command_is_a_mistake_of_usage() {
    assert_snapshot!(Terminal::with(&[]).consign("prevew churn").transcript());
}

#[test]
fn a_time_that_is_none_is_a_mistake_of_usage() {
    assert_snapshot!(Terminal::with(&[]).consign("run churn --as-of tomorrow").transcript());
}

#[test]
fn the_schema_is_json_schema() {
    let answer = Terminal::with(&[]).consign("schema");
    assert_eq!(answer.code, 0);
    let schema = answer.json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let sections: Vec<&String> = schema["properties"].as_object().expect("a map").keys().collect();
    assert_eq!(sections.len(), 6, "{sections:?}");
}

#[test]
fn shells_get_completions() {
    let terminal = Terminal::with(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = terminal.consign(&format!("completions {shell}"));
        assert_eq!(answer.code, 0);
        assert!(answer.out.contains("consign") && answer.out.contains("explain"), "{}", answer.out);
    }
}

#[test]
fn kinds_are_listed_and_with_them_what_is_configured() {
    let terminal = Terminal::with(&["clean"]);
    assert_snapshot!("kinds", terminal.consign("destinations list").transcript());
    assert!(!terminal.path(".consign").exists(), "looking makes nothing");
    terminal.consign("apply clean");
    let list = terminal.consign("destinations list --json").json();
    assert_eq!(list["destinations"][0]["destination"], "mail");
    assert_eq!(list["kinds"].as_array().expect("a list").len(), 10);
}

#[test]
fn a_kind_says_what_it_asks_for() {
    let terminal = Terminal::with(&[]);
    assert_snapshot!(terminal.consign("destinations spec attentive").transcript());
    assert_eq!(terminal.consign("destinations spec attentive --json").json()["kind"], "attentive");
}

#[test]
fn what_does_not_exist_is_named_with_what_does() {
    let terminal = Terminal::with(&["clean"]);
    let mut said = String::new();
    let commands =
        ["status", "preview churn", "export", "destinations spec klavio", "status 019", "destinations test x"];
    for command in commands {
        said.push_str(&terminal.consign(command).transcript());
        said.push('\n');
    }
    terminal.consign("apply clean");
    for command in
        ["preview chrun", "run nothing", "explain chrun 00001", "destinations test mial", "status", "status 019"]
    {
        said.push_str(&terminal.consign(command).transcript());
        said.push('\n');
    }
    assert_snapshot!(said);
}

#[test]
fn the_sandbox_fails_on_demand() {
    let terminal = Terminal::with(&[]);
    let mut sandbox = terminal.start("sandbox --port 0 --fault klaviyo:*:1:unavailable", &[]);
    let line = sandbox.line();
    let (_, address) = line.split_once("http://").expect("an address");
    let status = || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(b"GET /klaviyo/api/lists HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).expect("a status").to_owned()
    };
    // The second call is only refused for its missing key.
    assert_eq!([status(), status()], ["503", "401"]);
    sandbox.signal("INT");
    assert_eq!(sandbox.answer().code, 0);
    let wrong = terminal.consign("sandbox --fault klaviyo:*:0:drop");
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("`*`, the number of a call from 1, or a percentage"), "{}", wrong.transcript());
}

#[test]
fn errors_are_json_for_machines() {
    let terminal = Terminal::with(&["clean"]);
    let answer = terminal.consign("run churn --json");
    assert_eq!((answer.code, answer.err.as_str()), (5, ""));
    assert_snapshot!(answer.out);
}

#[test]
fn a_damaged_store_is_named_and_left_alone() {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("data")).expect("made");
    fs::write(terminal.path("data/consign.db"), "this is no store".repeat(100)).expect("written");
    assert_snapshot!(terminal.consign("apply clean --data data").transcript());
    let after = fs::read_to_string(terminal.path("data/consign.db")).expect("read");
    assert!(after == "this is no store".repeat(100), "the file was altered");
}

#[test]
fn the_manual_and_the_help_agree_on_exit_codes() {
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).expect("it is there");
    let help = Terminal::with(&[]).consign("--help").out;
    let (_, codes) = help.split_once("Exit codes:\n").expect("a table");
    let codes: Vec<&str> = codes.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(codes.len(), 9);
    for line in codes {
        let (code, meaning) = line.trim().split_once(' ').expect("two columns");
        let row = format!("| {code} | {} |", meaning.trim());
        assert!(manual.contains(&row), "{row}");
    }
}

#[test]
fn a_campaign_is_previewed_run_and_explained() {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    terminal.consign("apply clean");
    let as_of = "--as-of 2026-11-25T10:00";
    assert_snapshot!("preview", terminal.consign(&format!("preview churn --show-rows 1 {as_of}")).transcript());
    assert_eq!(fs::read_dir(terminal.path("clean/out")).expect("read").count(), 0, "nothing is sent");
    assert_eq!(terminal.consign("status --json").json()["runs"], serde_json::json!([]));
    let run = terminal.consign(&format!("run churn --json {as_of}"));
    assert_eq!((&run.json()["as_of"], run.err.as_str()), (&"2026-11-25T09:00:00Z".into(), ""));
    let delivered: Vec<_> = run.json()["deliveries"].as_array().expect("a list").clone();
    let folder = delivered.iter().find(|one| one["destination"] == "folder").expect("a delivery");
    assert_eq!((&folder["state"], &folder["rows"]), (&"delivered".into(), &1.into()));
    let file = fs::read_dir(terminal.path("clean/out")).expect("read").next().expect("a file").expect("read");
    assert_eq!(fs::read_to_string(file.path()).expect("read"), "id,email\n00001,ada@example.com\n");
    let explained = terminal.consign("explain churn 00001");
    let id = run.json()["run"].as_str().expect("an id").to_owned();
    assert_snapshot!("explain", explained.transcript().replace(&id, "[run]"));
    assert_eq!(terminal.consign("explain churn 00009").code, 5);
}

/// A run as a crash leaves it: one delivery arrived, the other is on its way.
async fn interrupted_run(data: &Path) {
    let store = SqlStore::open(data.join("consign.db")).await.expect("opened");
    let run = NewRun {
        id: RUN.to_owned(),
        campaign: "churn".parse().expect("a slug"),
        definitions_version: 1,
        mode: RunMode::Real,
        as_of: DateTime::UNIX_EPOCH,
        launch_date: None,
    };
    store.create_run(&run).await.expect("created");
    let delivery = |destination: &str| NewDelivery {
        id: format!("{RUN}/active.letter.{destination}"),
        sub_audience: "active".parse().expect("a slug"),
        group: "letter".parse().expect("a slug"),
        destination: destination.parse().expect("a slug"),
        kind: "local_files".to_owned(),
        list_name: "Churn - Letter".to_owned(),
    };
    store.create_deliveries(RUN, &[delivery("mail"), delivery("folder")]).await.expect("created");
    store.move_run(RUN, RunState::Staging, None).await.expect("allowed");
    store.move_run(RUN, RunState::Delivering, None).await.expect("allowed");
    for destination in ["mail", "folder"] {
        let id = format!("{RUN}/active.letter.{destination}");
        let counts = DeliveryCounts { customers: 9, rows: 9, ..DeliveryCounts::default() };
        let change = DeliveryChange::to(DeliveryState::Sending).counts(counts);
        store.move_delivery(&id, &change).await.expect("allowed");
    }
    let change = DeliveryChange::to(DeliveryState::Delivered);
    store.move_delivery(&format!("{RUN}/active.letter.folder"), &change).await.expect("allowed");
    store.close().await;
}

const RUN: &str = "019abc12-3456-7def-8123-456789abcdef";

#[tokio::test]
async fn a_run_can_be_looked_at_by_a_part_of_its_id() {
    let terminal = Terminal::with(&["clean"]);
    terminal.consign("apply clean");
    interrupted_run(&terminal.path(".consign")).await;
    assert_snapshot!("status_of_run", terminal.consign("status 019abc").transcript());
    assert_eq!(terminal.consign("status cdef").out, terminal.consign(&format!("status {RUN}")).out);
    let list = terminal.consign("status --json").json();
    assert_eq!((&list["runs"][0]["run"], &list["runs"][0]["state"]), (&RUN.into(), &"delivering".into()));
    assert_eq!(terminal.consign("status --limit 0 --json").json()["runs"].as_array().map(Vec::len), Some(0));
}
