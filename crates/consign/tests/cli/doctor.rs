//! `consign doctor`: everything that can be wrong is made so, and named with what to do.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use consign_store::SqlStore;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::again::dead;
use crate::interrupts::waiting;
use crate::later::{attentive, slow_sandbox, wait};
use crate::shop::{self, DESTINATIONS, RUN, SECRET};
use crate::terminal::{Answer, Terminal};

const STORE: &str = ".consign/consign.db";
const KEY: &str = ".consign/workspace.key";

/// What the doctor says.
struct Said {
    answer: Answer,
    findings: Vec<[String; 3]>,
}

fn asked(terminal: &Terminal) -> Said {
    asked_for(terminal, "")
}

fn asked_for(terminal: &Terminal, words: &str) -> Said {
    let [id, key] = shop::keys();
    let answer = terminal.consign_with(&format!("doctor --json {words}"), &[id, key, ("KLAVIYO_KEY", SECRET)]);
    let word = |value: &serde_json::Value| value.as_str().expect("a word").to_owned();
    let found = answer.json()["findings"].as_array().expect("findings").clone();
    let findings = found.iter().map(|one| ["check", "state", "message"].map(|field| word(&one[field]))).collect();
    shop::discreet(&answer);
    Said { answer, findings }
}

impl Said {
    /// Exactly that is not well: what was looked at, how it is, and a part of what is said of it.
    fn only(&self, amiss: &[[&str; 3]]) {
        let found: Vec<_> = self.findings.iter().filter(|[_, state, _]| state != "ok").collect();
        assert_eq!(found.len(), amiss.len(), "{}", self.answer.transcript());
        for ([check, state, message], expected) in found.into_iter().zip(amiss) {
            assert_eq!([check, state], [expected[0], expected[1]], "{message}");
            assert!(message.contains(expected[2]), "{message}");
        }
        let problem = amiss.iter().any(|[_, state, _]| *state == "problem");
        assert_eq!(self.answer.code, if problem { 7 } else { 0 }, "{}", self.answer.transcript());
    }

    /// What is said of something that is well.
    fn well(&self, check: &str) -> &str {
        let found = self.findings.iter().find(|[of, state, _]| of == check && state == "ok");
        &found.unwrap_or_else(|| panic!("{check}: {}", self.answer.transcript()))[2]
    }
}

/// Every file of the data folder, and what it holds; what the store works with meanwhile apart.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("read").path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(files(&path));
        } else if !name.contains("consign.db-") {
            found.insert(path.clone(), fs::read(&path).expect("read"));
        }
    }
    found
}

/// Does something to the store's file behind the program's back, with nothing left beside it.
async fn sql(terminal: &Terminal, statement: &'static str) {
    SqlStore::open(terminal.path(STORE)).await.expect("opened").close().await;
    let options = SqliteConnectOptions::new().filename(terminal.path(STORE));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opened");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("done");
    connection.close().await.expect("closed");
}

fn set_mode(terminal: &Terminal, name: &str, mode: u32) {
    fs::set_permissions(terminal.path(name), Permissions::from_mode(mode)).expect("set");
}

#[tokio::test]
async fn a_workspace_that_is_well_is_said_to_be_and_left_as_it_is() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign_reading("credentials set db", SECRET).code, 0);
    assert_eq!(terminal.consign(RUN).code, 0);
    SqlStore::open(terminal.path(STORE)).await.expect("opened").close().await;
    let before = files(&terminal.path(".consign"));
    let said = asked(&terminal);
    said.only(&[]);
    let checks: Vec<_> = said.findings.iter().map(|[check, ..]| check.as_str()).collect();
    let all = ["data_folder", "store", "clock", "key", "secrets", "runs", "staged_files", "submitted", "disk"];
    assert_eq!(checks, all);
    assert!(said.well("key").contains("opens 1 stored credential"), "{}", said.answer.transcript());
    assert!(before == files(&terminal.path(".consign")), "something was changed");
    // What the sandbox needs no secret for is no problem yet.
    let text = terminal.consign("doctor");
    assert_eq!(text.code, 0, "{}", text.transcript());
    assert!(text.out.contains("\nwarning  secrets") && text.out.contains("\nok       disk"), "{}", text.transcript());
}

#[test]
fn definitions_need_not_be_there() {
    let terminal = shop::applied();
    fs::remove_dir_all(terminal.path(".consign")).expect("removed");
    asked(&terminal).only(&[["data_folder", "problem", "there is no data folder"]]);
    assert!(!terminal.path(".consign").exists(), "it was made");
    // A store without definitions.
    assert_eq!(terminal.consign_reading("credentials set db", SECRET).code, 0);
    let said = asked(&terminal);
    said.only(&[]);
    assert_eq!(said.well("secrets"), "no definitions are applied");
}

#[tokio::test]
async fn a_store_that_is_missing_or_damaged_is_a_problem_and_left_alone() {
    let terminal = shop::applied();
    let store = terminal.path(STORE);
    SqlStore::open(&store).await.expect("opened").close().await;
    let whole = fs::read(&store).expect("read");
    fs::remove_file(&store).expect("removed");
    asked(&terminal).only(&[["store", "problem", "is not there"]]);
    assert!(!store.exists(), "it was made");
    let mut damaged = whole.clone();
    damaged[8192..].fill(0xff);
    for bytes in ["this is no store".repeat(100).into_bytes(), damaged] {
        fs::write(&store, &bytes).expect("written");
        asked(&terminal).only(&[["store", "problem", "damaged"]]);
        assert!(fs::read(&store).expect("read") == bytes, "it was altered");
    }
    fs::write(&store, whole).expect("written");
    asked(&terminal).only(&[]);
}

#[tokio::test]
async fn a_store_of_another_schema_is_not_brought_up() {
    let terminal = shop::applied();
    let earlier = "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    sql(&terminal, earlier).await;
    for _ in 0..2 {
        asked(&terminal).only(&[["store", "warning", "brings it up"]]);
    }
    let terminal = shop::applied();
    sql(&terminal, "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
    asked(&terminal).only(&[["store", "problem", "schema 9999"]]);
}

#[test]
fn a_data_folder_or_a_key_that_others_may_read_is_a_problem() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign_reading("credentials set db", SECRET).code, 0);
    set_mode(&terminal, KEY, 0o640);
    set_mode(&terminal, ".consign", 0o750);
    asked(&terminal).only(&[["data_folder", "problem", "chmod 700"], ["key", "problem", "chmod 600"]]);
    set_mode(&terminal, KEY, 0o600);
    set_mode(&terminal, ".consign", 0o700);
    asked(&terminal).only(&[]);
}

#[test]
fn a_wrong_or_missing_key_is_one_problem() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign_reading("credentials set db", SECRET).code, 0);
    terminal.edit(DESTINATIONS, "env:KLAVIYO_KEY", "stored:db");
    shop::apply(&terminal);
    asked(&terminal).only(&[]);
    fs::write(terminal.path(KEY), terminal.consign("keys new").out).expect("written");
    asked(&terminal).only(&[["key", "problem", "is sealed with"]]);
    fs::remove_file(terminal.path(KEY)).expect("removed");
    asked(&terminal).only(&[["key", "problem", "is missing"]]);
    fs::remove_file(terminal.path(".consign/key.id")).expect("removed");
    asked(&terminal).only(&[["key", "problem", "`key.id` is gone"]]);
    assert!(!terminal.path(KEY).exists(), "a key was made");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_with_who_needs_it() {
    let terminal = shop::applied();
    terminal.edit(DESTINATIONS, "    sandbox: true\n", "");
    terminal.edit(DESTINATIONS, "env:KLAVIYO_KEY", "env:NOBODY_SET_IT");
    shop::apply(&terminal);
    let said = asked(&terminal);
    said.only(&[["secrets", "problem", "the destination `mail`: the environment variable `NOBODY_SET_IT`"]]);
    terminal.edit(DESTINATIONS, "env:NOBODY_SET_IT", "stored:db");
    shop::apply(&terminal);
    asked(&terminal).only(&[["secrets", "problem", "consign credentials set db"]]);
    assert_eq!(terminal.consign_reading("credentials set db", SECRET).code, 0);
    asked(&terminal).only(&[]);
    sql(&terminal, "UPDATE credentials SET sealed = substr(sealed, 1, length(sealed) - 2)").await;
    asked(&terminal).only(&[["key", "problem", "the stored credential `db` does not open"]]);
}

#[test]
fn a_run_that_nobody_works_on_is_a_warning_and_one_under_way_is_not() {
    asked(&dead()).only(&[["runs", "warning", "consign resume"]]);
    let (terminal, silence) = waiting();
    let run = terminal.start(RUN, &shop::keys());
    let _open = silence.connected();
    let said = asked(&terminal);
    said.only(&[]);
    assert!(said.well("runs").contains("a process works on the run"), "{}", said.answer.transcript());
    run.signal("KILL");
    run.answer();
}

#[test]
fn a_staged_file_that_is_missing_or_altered_is_a_problem() {
    let terminal = dead();
    let run = format!(".consign/runs/{}", terminal.names(".consign/runs").pop().expect("a run"));
    let dead = ["runs", "warning", "consign resume"];
    let damages = [
        ("staged/active.letter.bucket/000001.parquet", "put it back"),
        ("snapshot.parquet", "put it back"),
        ("staging.json", "put it back"),
    ];
    for (name, remedy) in damages {
        let path = terminal.path(&format!("{run}/{name}"));
        let whole = fs::read(&path).expect("read");
        fs::remove_file(&path).expect("removed");
        asked(&terminal).only(&[dead, ["staged_files", "problem", remedy]]);
        fs::write(&path, &whole[1..]).expect("written");
        asked(&terminal).only(&[dead, ["staged_files", "problem", "staged"]]);
        fs::write(&path, whole).expect("written");
    }
    // A run that ended without its lists may be sent again.
    assert_eq!(terminal.consign("cancel latest").code, 0);
    assert!(asked(&terminal).well("staged_files").contains("1 run "));
    fs::remove_file(terminal.path(&format!("{run}/snapshot.parquet"))).expect("removed");
    asked(&terminal).only(&[["staged_files", "problem", "snapshot.parquet"]]);
}

#[tokio::test]
async fn a_delivery_that_nobody_asks_about_is_a_warning() {
    let terminal = attentive();
    let (sandbox, address) = slow_sandbox(&terminal);
    let run = terminal.consign_with(RUN, &[("CONSIGN_SANDBOX", address.as_str())]);
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert_eq!(asked(&terminal).well("submitted"), "platforms work on 1 delivery");
    wait(&terminal.path(".consign"), 61).await;
    asked(&terminal).only(&[["submitted", "warning", "run `consign status`"]]);
    sandbox.signal("INT");
    assert_eq!(sandbox.answer().code, 0);
}

#[test]
fn a_disk_with_less_room_than_a_run_took_is_a_problem() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign(RUN).code, 0);
    let run = terminal.names(".consign/runs").pop().expect("a run");
    // Files with holes: no disk of a test has so much room, and they take none of it.
    for number in 0..32 {
        let file = File::create(terminal.path(&format!(".consign/runs/{run}/{number}.large"))).expect("made");
        file.set_len(4 << 40).expect("a file with a hole");
    }
    asked(&terminal).only(&[["disk", "problem", "make room"]]);
}

#[tokio::test]
async fn a_clock_behind_the_last_event_is_a_problem() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign(RUN).code, 0);
    // 2100-01-01
    sql(&terminal, "UPDATE events SET at = 4102444800000000 WHERE sequence = 1").await;
    asked(&terminal).only(&[["clock", "problem", "2100-01-01 00:00:00 UTC"]]);
}

#[test]
fn a_store_that_goes_with_another_data_folder_is_a_problem() {
    let terminal = Terminal::with(&["clean"]);
    assert_eq!(terminal.consign("apply clean --store shop.db").code, 0);
    asked_for(&terminal, "--store shop.db").only(&[]);
    fs::create_dir(terminal.path("other")).expect("made");
    set_mode(&terminal, "other", 0o700);
    let said = asked_for(&terminal, "--store shop.db --data other");
    said.only(&[["data_folder", "problem", "goes with the data folder"]]);
    assert_eq!(terminal.names("other"), Vec::<String>::new());
}
