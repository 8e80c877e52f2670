//! `consign serve` as a process of its own, and `consign schedule list`.

use std::fs;

use insta::assert_snapshot;

use crate::interrupts::waiting;
use crate::shop::{self, CAMPAIGN, append};
use crate::terminal::{Running, Terminal};

const LATE: &str = "campaigns:
  - id: late
    name: Late
    include: [high_value]
    remaining: [{ name: Letter, percent: 100, destinations: [folder] }]
    schedule: { at: { time: 2020-07-01T09:00 } }
    destinations:
      folder: { attributes: [{ attribute: id, column: Merged_Customers.customer_id }] }
";

/// A workspace of a campaign that is to run as soon as possible and one that should have run.
fn scheduled() -> Terminal {
    let terminal = shop::applied();
    append(&terminal, CAMPAIGN, "    schedule: as_soon_as_possible\n");
    fs::write(terminal.path("clean/campaigns/late.yaml"), LATE).expect("written");
    shop::apply(&terminal);
    terminal
}

fn serve(terminal: &Terminal) -> Running<'_> {
    terminal.start("serve", &[])
}

/// Starts it, and stops it when it has taken on what is due.
fn serve_once(terminal: &Terminal) -> String {
    let mut serving = serve(terminal);
    let begins = serving.told("keeping the schedules");
    serving.signal("TERM");
    let answer = serving.answer();
    assert_eq!((answer.code, answer.out.as_str()), (0, ""), "{}", answer.transcript());
    format!("{begins}{}", answer.err)
}

fn runs(terminal: &Terminal) -> usize {
    terminal.consign("status --json").json()["runs"].as_array().expect("a list").len()
}

#[test]
fn what_is_due_is_run_once_and_a_restart_does_not_run_it_again() {
    let terminal = scheduled();
    let before = terminal.consign("schedule list --json").json();
    assert_eq!(before["schedules"][1]["overdue"]["due"], "2020-07-01T09:00:00+02:00");
    let mut serving = serve(&terminal);
    let log = [serving.told(" ended "), serving.told(" ended ")].concat();
    serving.signal("TERM");
    let answer = serving.answer();
    assert_eq!(answer.code, 0, "{}", answer.transcript());
    shop::discreet(&answer);
    assert!(log.contains("campaign=churn") && log.contains("late=true"), "{log}");
    assert_eq!(terminal.names("clean/out"), ["Churn_Letter.csv", "Late_Letter.csv"]);
    assert_eq!(runs(&terminal), 2);
    assert!(!serve_once(&terminal).contains(" running "));
    assert_eq!(runs(&terminal), 2);
    let listed = terminal.consign("schedule list --json").json();
    let [churn, late] = [0, 1].map(|at| listed["schedules"][at].clone());
    for one in [&churn, &late] {
        assert_eq!((&one["overdue"], &one["next"]), (&().into(), &serde_json::json!([])), "{listed}");
        assert_eq!((&one["last"]["outcome"], &one["last"]["definitions_version"]), (&"succeeded".into(), &2.into()));
    }
    assert_eq!((&churn["last"]["late"], &late["last"]["late"]), (&false.into(), &true.into()));
    let run = late["last"]["run"].as_str().expect("an id");
    let status = terminal.consign(&format!("status {run}"));
    assert!(status.out.contains("\nScheduled for 2020-07-01 07:00:00 UTC, late\n"), "{}", status.transcript());
}

#[test]
fn what_was_killed_while_it_ran_is_not_begun_again() {
    let (terminal, silence) = waiting();
    append(&terminal, CAMPAIGN, "    schedule: as_soon_as_possible\n");
    shop::apply(&terminal);
    let serving = terminal.start("serve", &shop::keys());
    let _open = silence.connected();
    serving.signal("KILL");
    assert_eq!(serving.answer().code, -1);
    assert!(!serve_once(&terminal).contains(" running "));
    assert_eq!(runs(&terminal), 1);
}

#[test]
fn an_interrupt_ends_the_run_that_is_under_way_within_a_batch() {
    let (terminal, silence) = waiting();
    append(&terminal, CAMPAIGN, "    schedule: as_soon_as_possible\n");
    shop::apply(&terminal);
    let serving = terminal.start("serve", &shop::keys());
    let _open = silence.connected();
    serving.signal("INT");
    let answer = serving.answer();
    assert_eq!(answer.code, 0, "{}", answer.transcript());
    assert!(answer.err.contains("outcome=\"cancelled\""), "{}", answer.transcript());
    shop::discreet(&answer);
    assert_eq!(terminal.consign("status latest --json").json()["outcome"], "cancelled");
}

#[test]
fn a_second_process_stands_by_and_takes_over() {
    let terminal = scheduled();
    let mut first = serve(&terminal);
    let _ = (first.told(" ended "), first.told(" ended "));
    let mut second = serve(&terminal);
    second.told("standing by");
    first.signal("KILL");
    first.answer();
    second.told("keeping the schedules");
    second.signal("INT");
    let answer = second.answer();
    assert_eq!(answer.code, 0, "{}", answer.transcript());
    assert_eq!(runs(&terminal), 2);
}

#[test]
fn a_campaign_that_cannot_begin_says_why() {
    let terminal = scheduled();
    fs::remove_file(terminal.path(shop::CUSTOMERS)).expect("removed");
    let mut serving = serve(&terminal);
    let log = [serving.told(" failed "), serving.told(" failed ")].concat();
    serving.signal("TERM");
    serving.answer();
    assert!(log.contains("Merged_Customers"), "{log}");
    let last = terminal.consign("schedule list --json").json()["schedules"][0]["last"].clone();
    assert_eq!((&last["state"], &last["run"]), (&"failed".into(), &().into()));
    assert!(last["reason"].as_str().is_some_and(|reason| reason.contains("Merged_Customers")), "{last}");
}

#[test]
fn schedules_are_listed_with_their_next_times() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign("schedule list").out, "No campaign has a schedule\n");
    let weekly = "    schedule:\n      recurring: { every: week, start: 2050-10-23T02:30, end: { after: 20 } }\n";
    append(&terminal, CAMPAIGN, weekly);
    let cron = "recurring: { every: { cron: \"0 9 31 * *\" }, start: 2050-01-01T00:00, time_zone: Asia/Kolkata, \
                end: { on: 2050-06-30 } }";
    let late = LATE.replace("at: { time: 2020-07-01T09:00 }", cron);
    fs::write(terminal.path("clean/campaigns/late.yaml"), late).expect("written");
    shop::apply(&terminal);
    assert_snapshot!(terminal.consign("schedule list").transcript());
    let listed = terminal.consign("schedule list --json").json();
    assert_eq!(listed["schedules"][0]["next"][2], "2050-11-06T02:30:00+01:00");
}

#[test]
fn without_definitions_there_are_no_schedules_and_a_server_waits_for_them() {
    let terminal = Terminal::with(&["clean"]);
    assert_eq!(terminal.consign("schedule list").code, 5);
    let mut serving = serve(&terminal);
    serving.told("serving");
    fs::create_dir(terminal.path("clean/out")).expect("made");
    append(&terminal, CAMPAIGN, "    schedule: as_soon_as_possible\n");
    shop::apply(&terminal);
    serving.told(" ended ");
    serving.signal("TERM");
    assert_eq!(serving.answer().code, 0);
    assert_eq!(runs(&terminal), 1);
}

/// Makes all runs of a workspace older.
fn age(terminal: &Terminal, days: i64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(terminal.path(".consign/consign.db"));
        let pool = sqlx::SqlitePool::connect_with(options).await.expect("opened");
        let statement = "UPDATE runs SET finished_at = finished_at - $1 * 86400000000";
        sqlx::query(statement).bind(days).execute(&pool).await.expect("changed");
        pool.close().await;
    });
}

#[test]
fn staged_data_of_old_runs_is_deleted_by_the_next_run_and_by_a_server() {
    let terminal = shop::applied();
    let run = || {
        let answer = terminal.consign(&format!("{} --json", shop::RUN)).json();
        answer["run"].as_str().expect("an id").to_owned()
    };
    let holds = |run: &str| terminal.names(&format!(".consign/runs/{run}")).contains(&"snapshot.parquet".to_owned());
    let first = run();
    age(&terminal, 6);
    let second = run();
    assert!(holds(&first), "it is kept for seven days");
    age(&terminal, 1);
    let third = run();
    assert_eq!([&first, &second, &third].map(|run| holds(run)), [false, true, true]);
    let status = terminal.consign(&format!("status {first}"));
    assert!(status.out.contains("\nIts staged data was deleted on 20"), "{}", status.transcript());
    assert_eq!(terminal.consign("explain churn 00001").code, 0);
    age(&terminal, 6);
    let mut serving = serve(&terminal);
    let log = serving.told("staged data deleted");
    serving.signal("TERM");
    serving.answer();
    assert!(log.contains(&second), "{log}");
    assert_eq!([&second, &third].map(|run| holds(run)), [false, true]);
}
