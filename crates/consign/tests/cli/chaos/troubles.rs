//! What else may befall a run: the platform is killed and comes back, or stops answering; a disk is full; the clock jumps;
//! the store is locked. A run that fails is brought to its end as a person would, and every list is as if nothing had
//! happened.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;

use super::clock::MovedClock;
use super::start::{self, Sandbox, Start};
use super::{RESUME, as_undisturbed};
use crate::bad_places::SmallDisk;
use crate::shop;
use crate::terminal::{Answer, Running};

/// Starts the campaign, and waits until that many requests were answered.
fn under_way<'a>(start: &'a Start, sandbox: &Sandbox<'_>, more: &[(&str, &str)], requests: usize) -> Running<'a> {
    let mut variables = vec![("CONSIGN_SANDBOX", sandbox.url.as_str())];
    variables.extend(more);
    let running = start.terminal.start(&start.run, &variables);
    until(|| exchanges(start, "").len() >= requests);
    running
}

/// What the newest run asked of platforms so far; those alone whose record has that text.
fn exchanges(start: &Start, text: &str) -> Vec<String> {
    let runs = start.terminal.path(".consign/runs");
    let newest = fs::read_dir(&runs).into_iter().flatten().map(|run| run.expect("read").path()).max();
    // One that was there before has made its requests long ago.
    let newest = newest.filter(|run| !start.is_kept(run));
    let record = newest.and_then(|run| fs::read_to_string(run.join("exchanges.jsonl")).ok()).unwrap_or_default();
    record.lines().filter(|line| line.contains(text)).map(ToOwned::to_owned).collect()
}

/// Waits for what nobody tells.
fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_mins(3), "it does not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Brings a run that failed to its end as a person would: resumes it, sends again what did not arrive, or runs it anew.
fn mended(start: &Start, variables: &[(&str, &str)]) -> Value {
    let consign = |words: &str| start.terminal.consign_with(words, variables);
    for _ in 0..3 {
        let resumed = consign(RESUME);
        if let Some(run) = resumed.json()["runs"].as_array().expect("runs").first()
            && run["outcome"] == "succeeded"
        {
            return run.clone();
        }
        let status = consign("status latest --json");
        let retried = if status.code == 0 {
            let run = status.json()["run"].as_str().expect("an id").to_owned();
            consign(&format!("retry {run} --json"))
        } else {
            status
        };
        let answer = if retried.code == 0 { retried } else { consign(&start.run) };
        if answer.code == 0 {
            return answer.json();
        }
    }
    panic!("it cannot be mended: {}", consign("status latest").transcript());
}

fn succeeded(start: &Start, sandbox: &Sandbox<'_>, answer: &Answer) {
    assert_eq!(answer.code, 0, "{}", answer.transcript());
    as_undisturbed(start, &sandbox.url, &answer.json()).expect("as undisturbed");
}

#[test]
fn a_sandbox_that_is_killed_and_comes_back_during_a_run_has_every_list() {
    for start in [Start::first(Vec::new()), Start::later(Vec::new())] {
        for requests in [1, 8, 16] {
            start.restore();
            let sandbox = start.sandbox();
            let running = under_way(&start, &sandbox, &[], requests);
            let port = sandbox.port();
            sandbox.stop();
            let sandbox = start::sandbox(&start.terminal, port);
            succeeded(&start, &sandbox, &running.answer());
            sandbox.stop();
        }
    }
}

/// Takes as long as a client waits for an answer: a minute.
#[test]
fn a_platform_that_stops_answering_and_goes_on_later_does_nothing_twice() {
    for start in [Start::first(Vec::new()), Start::later(Vec::new())] {
        start.restore();
        let sandbox = start.sandbox();
        let running = under_way(&start, &sandbox, &[], 6);
        sandbox.running.signal("STOP");
        until(|| !exchanges(&start, "again in").is_empty());
        sandbox.running.signal("CONT");
        succeeded(&start, &sandbox, &running.answer());
        sandbox.stop();
    }
}

#[test]
fn a_disk_that_is_full_while_staging_loses_nothing() {
    full_disk(".consign/runs", 8, 12);
}

#[test]
fn a_disk_that_is_full_while_memberships_are_noted_loses_nothing() {
    full_disk(".consign/memberships", 4, 12);
}

/// Runs the campaign with ever larger disks at a folder.
fn full_disk(folder: &str, smallest: u32, step: usize) {
    ever_larger((smallest..).step_by(step), &[], |start, kib| SmallDisk::at(&start.terminal.path(folder), kib));
}

/// Runs the campaign with ever larger disks until one is large enough; each that is not is then made larger. `None` where
/// there can be no such disk.
fn ever_larger(
    sizes: impl Iterator<Item = u32>,
    own: &[(&str, &str)],
    disk: impl Fn(&Start, u32) -> Option<SmallDisk>,
) {
    let start = Start::first(Vec::new());
    let mut full = 0;
    for kib in sizes {
        start.restore();
        let sandbox = start.sandbox();
        let variables = [own, &[("CONSIGN_SANDBOX", sandbox.url.as_str())]].concat();
        let Some(disk) = disk(&start, kib) else { return };
        let run = start.terminal.consign_with(&start.run, &variables);
        let enough = run.code == 0;
        if !enough {
            full += 1;
            said_what_to_do(&run);
            disk.grow(65_536);
            let ended = mended(&start, &variables);
            as_undisturbed(&start, &sandbox.url, &ended).unwrap_or_else(|reason| panic!("with {kib} KiB: {reason}"));
        }
        sandbox.stop();
        drop(disk);
        if enough {
            break;
        }
    }
    assert!(full >= 3, "only {full} sizes were too small");
}

fn said_what_to_do(run: &Answer) {
    shop::discreet(run);
    let said = format!("{}{}", run.out, run.err);
    let remedies = ["make room", "free space", "that it has room"];
    assert!(remedies.iter().any(|remedy| said.contains(remedy)), "{}", run.transcript());
}

#[test]
fn a_disk_that_is_full_when_the_ledger_changes_loses_nothing() {
    ever_larger((0..).step_by(32), &[("CONSIGN_STORE", "ledger/consign.db")], |start, more| {
        let disk = SmallDisk::at(&start.terminal.path("ledger"), 8_192)?;
        for name in start.terminal.names(".consign").iter().filter(|name| name.starts_with("consign.db")) {
            let from = start.terminal.path(".consign").join(name);
            fs::copy(&from, start.terminal.path("ledger").join(name)).expect("copied");
            fs::remove_file(from).expect("removed");
        }
        let names = start.terminal.names("ledger");
        let length = |name: &String| start.terminal.path("ledger").join(name).metadata().expect("it is there").len();
        // Pages of 4 KiB, and one for the folder.
        let used: u64 = names.iter().map(|name| length(name).div_ceil(4_096) * 4).sum();
        disk.grow(u32::try_from(used).expect("it is small") + 4 + more);
        Some(disk)
    });
}

#[test]
fn a_clock_that_jumps_during_a_run_changes_nothing() {
    let start = Start::later(Vec::new());
    let Some(clock) = MovedClock::of(&start) else { return };
    for (before, after) in [("+0", "+3d"), ("+0", "-3d"), ("+3d", "+0")] {
        start.restore();
        let sandbox = start.sandbox();
        clock.put(before);
        let running = under_way(&start, &sandbox, &clock.variables(), 6);
        clock.put(after);
        succeeded(&start, &sandbox, &running.answer());
        sandbox.stop();
    }
}

#[test]
fn a_run_that_died_is_resumed_by_a_clock_that_was_put_forward_or_back() {
    let start = Start::later(Vec::new());
    let Some(clock) = MovedClock::of(&start) else { return };
    for after in ["+3d", "-3d"] {
        start.restore();
        let sandbox = start.sandbox();
        clock.put("+0");
        let running = under_way(&start, &sandbox, &clock.variables(), 8);
        running.signal("KILL");
        running.answer();
        clock.put(after);
        let mut variables = vec![("CONSIGN_SANDBOX", sandbox.url.as_str())];
        variables.extend(clock.variables());
        let resumed = start.terminal.consign_with(RESUME, &variables);
        assert_eq!(resumed.code, 0, "{}", resumed.transcript());
        as_undisturbed(&start, &sandbox.url, &resumed.json()["runs"][0]).expect("as undisturbed");
        sandbox.stop();
    }
}

/// The store, locked by this process until it is told to let go.
fn locked(store: &Path) -> (Runtime, SqliteConnection) {
    let runtime = Runtime::new().expect("a runtime");
    let connection = runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(store).busy_timeout(Duration::from_secs(5));
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a store");
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.expect("locked");
        connection
    });
    (runtime, connection)
}

fn let_go((runtime, connection): (Runtime, SqliteConnection)) {
    runtime.block_on(connection.close()).expect("closed");
}

#[test]
fn a_store_that_another_process_locks_for_a_while_is_waited_for() {
    let start = Start::later(Vec::new());
    start.restore();
    let sandbox = start.sandbox();
    let running = under_way(&start, &sandbox, &[], 6);
    let lock = locked(&start.terminal.path(".consign/consign.db"));
    // Who only looks does not wait.
    let looked = start.terminal.consign("status latest --json");
    assert_eq!((looked.code, &looked.json()["state"]), (0, &"delivering".into()), "{}", looked.transcript());
    let_go(lock);
    succeeded(&start, &sandbox, &running.answer());
    sandbox.stop();
}

/// Takes as long as the store is waited for: ten seconds and more.
#[test]
fn a_store_that_stays_locked_fails_the_run_which_is_resumed_and_has_every_list() {
    let start = Start::later(Vec::new());
    start.restore();
    let sandbox = start.sandbox();
    let running = under_way(&start, &sandbox, &[], 6);
    let lock = locked(&start.terminal.path(".consign/consign.db"));
    let run = running.answer();
    assert_ne!(run.code, 0, "{}", run.transcript());
    assert!(format!("{}{}", run.out, run.err).contains("in use by another process"), "{}", run.transcript());
    let_go(lock);
    let ended = mended(&start, &[("CONSIGN_SANDBOX", &sandbox.url)]);
    as_undisturbed(&start, &sandbox.url, &ended).expect("as undisturbed");
    sandbox.stop();
}
