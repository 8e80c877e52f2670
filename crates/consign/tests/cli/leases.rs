//! Two processes on one store, of which one stands still until the other has taken its work over. The first goes on then,
//! and must do nothing more.

use std::path::Path;
use std::thread;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::runtime::Runtime;

use crate::chaos::reaper::{Death, Reaper, signal};
use crate::chaos::start::Start;
use crate::chaos::world::World;
use crate::shop::{self, RUN};
use crate::stores::postgres;

/// A lease that is soon over, in seconds.
const LEASE: (&str, &str) = ("CONSIGN_LEASE", "2");

/// Does something that waits, from wherever.
fn done<F: Future<Output = ()>>(work: impl FnOnce() -> F + Send) {
    thread::scope(|scope| scope.spawn(|| Runtime::new().expect("a runtime").block_on(work())).join()).expect("done");
}

/// Makes a process stand still at a moment at which it has not locked the store, as it has for some milliseconds of hours.
fn stop(process: u32, store: &Path) {
    done(|| async {
        let options = SqliteConnectOptions::new().filename(store).busy_timeout(Duration::from_mins(1));
        let mut connection = options.connect().await.expect("opened");
        let locked = connection.begin_with("BEGIN IMMEDIATE").await.expect("locked");
        signal(process, "STOP");
        locked.rollback().await.expect("let go");
    });
}

/// Lets a first process stand still there, a second finish its run, and the first go on. `first` and `second` are what each
/// finds in its environment.
fn taken_over(
    start: &Start,
    death: &Death,
    strike: impl Fn(u32) + Send + Sync + 'static,
    first: &[(&str, &str)],
    second: &[(&str, &str)],
) {
    let (terminal, sandbox) = (&start.terminal, start.sandbox());
    let reaper = Reaper::striking(&sandbox.url, strike);
    let common = [start.variables(), vec![LEASE, ("CONSIGN_SANDBOX", &sandbox.url)]].concat();
    let (first, second) = ([&common, first].concat(), [&common, second].concat());
    let stopped = reaper.start(terminal, RUN, &first, Some(death));
    reaper.struck();
    let resumed = loop {
        let resumed = terminal.consign_with("resume latest --json", &second);
        if resumed.code != 6 {
            break resumed;
        }
        assert!(resumed.out.contains("is being run by another process"), "{death:?}: {}", resumed.transcript());
    };
    assert_eq!(resumed.code, 0, "{death:?}: {}", resumed.transcript());
    let run = resumed.json()["run"].as_str().expect("an id").to_owned();
    let world = || World::of(terminal, &sandbox.url, &start.servers, &run);
    assert_eq!(world(), start.undisturbed.world, "{death:?}");
    let asked = reaper.requests();
    stopped.signal("CONT");
    let answer = stopped.answer();
    assert_eq!(answer.code, 6, "{death:?}: {}", answer.transcript());
    assert!(answer.err.contains("has taken over the campaign `churn`"), "{death:?}: {}", answer.transcript());
    assert_eq!(reaper.requests(), asked, "{death:?}: it asked for more: {}", answer.transcript());
    assert_eq!(world(), start.undisturbed.world, "{death:?}");
    let status = terminal.consign_with("status latest --json", &second).json();
    assert_eq!((&status["run"], &status["outcome"]), (&run.as_str().into(), &"succeeded".into()));
    sandbox.stop();
}

#[test]
fn a_process_that_stood_still_for_too_long_sends_nothing_more() {
    let start = Start::first(Vec::new());
    for (number, after) in [(2, false), (7, true), (12, false)] {
        start.restore();
        let store = start.terminal.path(".consign/consign.db");
        let stop = move |process| stop(process, &store);
        taken_over(&start, &Death::Request { number, after }, stop, &[], &[]);
    }
}

#[test]
fn a_process_that_stood_still_for_too_long_sends_nothing_more_with_its_store_in_postgres() {
    let Some((store, _)) = postgres("cli_leases") else { return };
    let start = Start::first(Vec::new());
    start.restore();
    let applied = start.terminal.consign_with("apply clean", &[("CONSIGN_STORE", &store)]);
    assert_eq!(applied.code, 0, "{}", applied.transcript());
    let named = format!("{store}&application_name=stands_still");
    // It loses its connections: one that holds the store's lock would keep it for a minute.
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stands_still'";
    let server = store.clone();
    let strike = move |process| {
        signal(process, "STOP");
        done(|| async {
            let mut connection = PgConnection::connect(&server).await.expect("a server");
            sqlx::raw_sql(AssertSqlSafe(ended)).execute(&mut connection).await.expect("ended");
        });
    };
    let death = Death::Request { number: 7, after: true };
    taken_over(&start, &death, strike, &[("CONSIGN_STORE", &named)], &[("CONSIGN_STORE", &store)]);
}

#[test]
fn who_stands_by_keeps_the_schedules_once_the_other_stood_still_for_too_long() {
    let terminal = shop::applied();
    let mut first = terminal.start("serve", &[LEASE]);
    first.told("keeping the schedules");
    let mut second = terminal.start("serve", &[LEASE]);
    second.told("standing by");
    stop(first.process(), &terminal.path(".consign/consign.db"));
    second.told("keeping the schedules");
    first.signal("CONT");
    let answer = first.answer();
    assert_eq!(answer.code, 6, "{}", answer.transcript());
    assert!(answer.err.contains("has taken over the schedules"), "{}", answer.transcript());
    second.signal("TERM");
    let answer = second.answer();
    assert_eq!(answer.code, 0, "{}", answer.transcript());
}
