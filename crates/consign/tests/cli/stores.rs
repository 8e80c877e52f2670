//! Commands with a store outside the data folder: in a real Postgres (`CONSIGN_TEST_POSTGRES_URL`), and in a file.

use std::env;
use std::fs;

use consign_store::{Location, SqlStore, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime::Runtime;

use crate::interrupts::waiting;
use crate::shop::{self, RUN};
use crate::terminal::{Answer, Terminal};

/// The place of a store in a schema of its own, and the server's password; `None`, said aloud, where there is no server.
pub fn postgres(schema: &str) -> Option<(String, String)> {
    let Ok(url) = env::var("CONSIGN_TEST_POSTGRES_URL") else {
        eprintln!("not run: CONSIGN_TEST_POSTGRES_URL is not set; `tests/servers/postgres.sh` starts a server");
        return None;
    };
    Runtime::new().expect("a runtime").block_on(async {
        let mut connection = PgConnection::connect(&url).await.expect("a server");
        let setup = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut connection).await.expect("made");
    });
    let password = url.split(['@', ':']).nth(2).expect("a password").to_owned();
    Some((format!("{url}?options=-csearch_path%3D{schema}"), password))
}

/// The workspace, not applied.
fn shop() -> Terminal {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    terminal
}

fn fine(answer: &Answer) {
    assert_eq!(answer.code, 0, "{}", answer.transcript());
}

#[test]
fn a_campaign_runs_with_its_store_in_postgres() {
    let Some((store, password)) = postgres("cli_runs") else { return };
    let terminal = shop();
    let consign = |words: &str| {
        let answer = terminal.consign_with(words, &[("CONSIGN_STORE", &store)]);
        assert!(!answer.transcript().contains(&password), "{}", answer.transcript());
        answer
    };
    let early = consign("preview churn");
    assert_eq!(early.code, 5, "{}", early.transcript());
    assert!(early.err.contains("nothing is applied in `postgres://"), "{}", early.transcript());
    for words in ["apply clean", "schedule list", "export", "status", "lists", "audit", "doctor", "--help"] {
        fine(&consign(words));
    }
    let run = consign(&format!("{RUN} --json"));
    assert_eq!(run.json()["deliveries"].as_array().map(Vec::len), Some(2), "{}", run.transcript());
    let status = consign("status latest --json").json();
    assert_eq!((&status["run"], &status["outcome"]), (&run.json()["run"], &run.json()["outcome"]));
    assert!(!terminal.path(".consign/consign.db").exists(), "a second store was made");
}

#[test]
fn a_run_that_died_is_finished_from_postgres_and_from_no_other_data_folder() {
    let Some((store, password)) = postgres("cli_resumes") else { return };
    let (terminal, silence) = waiting();
    let keys = shop::keys();
    let variables = [("CONSIGN_STORE", store.as_str()), keys[0], keys[1]];
    fine(&terminal.consign_with("apply clean", &variables));
    let run = terminal.start(RUN, &variables);
    let open = silence.connected();
    let elsewhere = terminal.consign_with("resume --data other", &variables);
    assert_eq!(elsewhere.code, 5, "{}", elsewhere.transcript());
    assert!(elsewhere.err.contains("goes with the data folder `[folder]/.consign`"), "{}", elsewhere.transcript());
    assert!(!elsewhere.transcript().contains(&password), "{}", elsewhere.transcript());
    assert!(!terminal.path("other").exists(), "a folder was made");
    run.signal("KILL");
    run.answer();
    drop(open);
    let resumed = terminal.consign_with("resume latest", &variables);
    assert_eq!(resumed.code, 4, "the bucket is not there: {}", resumed.transcript());
    // The folder under another name is the same.
    fs::rename(terminal.path(".consign"), terminal.path("moved")).expect("renamed");
    fine(&terminal.consign_with("status latest --data moved", &variables));
    // One that was lost and put back in parts is let in by hand.
    fs::remove_file(terminal.path("moved/workspace.id")).expect("removed");
    let lost = terminal.consign_with("status --data moved", &variables);
    let (_, id) = lost.err.split_once("write `").expect("it says what to write");
    fs::write(terminal.path("moved/workspace.id"), id.split('`').next().expect("an id")).expect("written");
    fine(&terminal.consign_with("status --data moved", &variables));
}

#[test]
fn a_store_may_be_a_file_elsewhere() {
    let terminal = shop();
    fine(&terminal.consign("apply clean --store kept/shop.db"));
    fine(&terminal.consign(&format!("{RUN} --store sqlite:kept/shop.db")));
    let runs = Runtime::new().expect("a runtime").block_on(async {
        let store = SqlStore::open(Location::from(terminal.path("kept/shop.db"))).await.expect("opened");
        store.runs(None, 10).await.expect("read").len()
    });
    assert_eq!(runs, 1);
    assert!(!terminal.path(".consign/consign.db").exists(), "a second store was made");
}

#[test]
fn a_place_that_makes_no_sense_is_refused_and_not_repeated() {
    let terminal = shop();
    for place in ["postgres://ada:s3/cret@db.example.com/consign", "mysql://ada:s3cret@db.example.com/consign"] {
        let refused = terminal.consign_with("status", &[("CONSIGN_STORE", place)]);
        assert_eq!(refused.code, 2, "{}", refused.transcript());
        assert!(refused.err.contains("postgres://USER"), "{}", refused.transcript());
        assert!(!refused.transcript().contains("s3"), "{}", refused.transcript());
    }
}
