//! How views look: on a terminal of some width, and piped.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use consign::print::{Shown, Style};
use consign::view::{
    Audience, Delivered, Delivery, Demo, Explanation, Failure, Group, Overdue, Preview, Reasons, RunLine, RunSummary,
    Runs, SandboxList, ScheduleLine, Scheduled, ScheduledTime, Schedules, SegmentRole, SegmentTest, Sent, SubAudience,
    Test, TestResult, TestStep, Treatment,
};
use consign_store::{ErrorClass, Outcome, RunMode, Target};
use insta::assert_snapshot;

const RUN: &str = "019abc12-3456-7def-8123-456789abcdef";

fn moment() -> DateTime<Utc> {
    "2026-11-25T09:00:00Z".parse().expect("a moment")
}

fn reasons(reasons: &[(&str, u64)]) -> Reasons {
    reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}

fn group(name: &str, control: bool, customers: u64) -> Group {
    Group { id: name.to_lowercase(), name: name.to_owned(), control, customers }
}

fn audience() -> Audience {
    let sub = |name: &str, customers, groups| SubAudience {
        id: name.to_lowercase(),
        name: name.to_owned(),
        customers,
        groups,
    };
    Audience {
        customers: 12_345,
        left_out: reasons(&[("null_key", 3)]),
        sub_audiences: vec![
            sub("Active", 12_000, vec![group("Control", true, 1_200), group("Letter", false, 10_800)]),
            sub("Remaining", 345, Vec::new()),
        ],
    }
}

fn deliveries() -> Vec<Delivery> {
    let delivery = |destination: &str, kind: &str, list_name: &str| Delivery {
        sub_audience: "Active".to_owned(),
        group: "Letter".to_owned(),
        destination: destination.to_owned(),
        kind: kind.to_owned(),
        list_name: list_name.to_owned(),
        customers: 10_800,
        rows: 10_800,
        ..Delivery::default()
    };
    vec![
        Delivery {
            shrink: reasons(&[("no_consent", 700), ("invalid_email", 20)]),
            dropped: reasons(&[("no_consent", 700), ("invalid_email", 20), ("duplicate", 5)]),
            rows: 10_075,
            ..delivery("mail", "klaviyo", "Churn prevention - Letter")
        },
        Delivery {
            expansion: 1_234,
            rows: 12_034,
            ..delivery("folder", "local_files", "Churn prevention - Letter.csv")
        },
    ]
}

fn preview() -> Preview {
    let mut deliveries = deliveries();
    deliveries[1].sample = vec!["id,email".to_owned(), "00001,ada@example.com".to_owned()];
    Preview {
        campaign: "churn".to_owned(),
        campaign_name: "Churn prevention".to_owned(),
        definitions_version: 3,
        as_of: moment(),
        audience: audience(),
        deliveries,
        warnings: vec!["`Customer_360.email` is mapped: `Merged_Customers` is the best source of e-mail".to_owned()],
    }
}

fn summary() -> RunSummary {
    let [mail, folder] = deliveries().try_into().expect("two");
    RunSummary {
        scheduled: None,
        staged_deleted: None,
        run: RUN.to_owned(),
        campaign: "churn".to_owned(),
        campaign_name: "Churn prevention".to_owned(),
        definitions_version: 3,
        mode: RunMode::Real,
        state: "finished".to_owned(),
        outcome: Some(Outcome::Partial),
        error: None,
        as_of: moment(),
        launch_date: NaiveDate::from_ymd_opt(2026, 12, 1),
        began: moment(),
        finished: Some(moment() + TimeDelta::milliseconds(4_321)),
        audience: Some(audience()),
        deliveries: vec![
            Delivered {
                delivery: mail,
                state: "failed".to_owned(),
                list: None,
                limited_until: None,
                targets: Vec::new(),
                error: Some(Failure {
                    class: ErrorClass::Auth,
                    message: "the API key is refused: check `env:KLAVIYO_KEY`".to_owned(),
                }),
            },
            Delivered {
                delivery: folder,
                state: "delivered".to_owned(),
                list: None,
                limited_until: None,
                targets: vec![Target {
                    location: "out/Churn prevention - Letter.csv".to_owned(),
                    rows: 12_034,
                    bytes: 654_321,
                    sha256: "ab".repeat(32),
                }],
                error: None,
            },
        ],
    }
}

fn test(text: &str, holds: bool, within: Vec<Test>) -> Test {
    Test { text: text.to_owned(), holds, within }
}

fn explanation() -> Explanation {
    let value = test("Customer_360.lifetime_value at_least 100", true, Vec::new());
    let orders = test("count of Orders where Orders.ordered_on in_last 180 days at_least 2", false, Vec::new());
    let high_value = test("High value", true, vec![test("any", true, vec![value, orders])]);
    let sent = |destination: &str, sent, reasons: &[&str]| Sent {
        destination: destination.to_owned(),
        list_name: "Churn prevention - Letter".to_owned(),
        sent,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    Explanation {
        forgotten: None,
        campaign: "churn".to_owned(),
        campaign_name: "Churn prevention".to_owned(),
        customer_key: "00042".to_owned(),
        run: Some(RUN.to_owned()),
        as_of: moment(),
        exists: true,
        segments: vec![
            SegmentTest { role: SegmentRole::Included, test: high_value },
            SegmentTest { role: SegmentRole::Excluded, test: test("Opted out", false, Vec::new()) },
            SegmentTest { role: SegmentRole::AlwaysExcluded, test: test("Staff", false, Vec::new()) },
        ],
        in_audience: true,
        sub_audiences: vec![test("Active", true, Vec::new())],
        treatments: vec![Treatment {
            sub_audience: "Active".to_owned(),
            group: Some("Letter".to_owned()),
            control: false,
            position: "16953658298342535392".to_owned(),
            destinations: vec![sent("mail", false, &["email: invalid_email"]), sent("folder", true, &[])],
        }],
    }
}

#[test]
fn a_preview_on_a_terminal() {
    assert_snapshot!(preview().text(Style::framed(100)));
}

#[test]
fn a_preview_piped() {
    assert_snapshot!(preview().text(Style::PLAIN));
}

#[test]
fn a_preview_on_a_narrow_terminal_stays_within_it() {
    let text = preview().text(Style::framed(60));
    let tables = text.lines().filter(|line| line.starts_with(['┌', '│', '├', '└', '╞']));
    assert!(tables.clone().count() > 10);
    assert!(tables.clone().all(|line| line.chars().count() <= 60), "{text}");
}

#[test]
fn a_preview_of_nothing_to_send() {
    let preview = Preview { audience: Audience::default(), deliveries: Vec::new(), warnings: Vec::new(), ..preview() };
    assert_snapshot!(preview.text(Style::PLAIN));
}

#[test]
fn a_run_on_a_terminal() {
    assert_snapshot!(summary().text(Style::framed(110)));
}

#[test]
fn a_run_piped() {
    assert_snapshot!(summary().text(Style::PLAIN));
}

#[test]
fn a_run_that_failed_before_anything_was_counted() {
    let failed = RunSummary {
        outcome: Some(Outcome::Failed),
        mode: RunMode::Rehearsal,
        error: Some("the table `Orders` cannot be read: the file is truncated; replace it".to_owned()),
        launch_date: None,
        audience: None,
        deliveries: Vec::new(),
        ..summary()
    };
    assert_snapshot!(failed.text(Style::PLAIN));
}

#[test]
fn a_run_of_a_schedule_whose_staged_data_is_gone() {
    let scheduled = RunSummary {
        scheduled: Some(Scheduled { due: moment() - TimeDelta::hours(3), late: true, missed: 2 }),
        staged_deleted: Some(moment() + TimeDelta::days(7)),
        audience: None,
        deliveries: Vec::new(),
        ..summary()
    };
    assert_snapshot!(scheduled.text(Style::PLAIN));
}

#[test]
fn schedules_with_what_became_of_them() {
    let local =
        |hours| (moment() + TimeDelta::hours(hours)).with_timezone(&chrono_tz::Tz::Europe__Berlin).fixed_offset();
    let last = ScheduledTime {
        due: local(-24),
        began: local(-20),
        late: true,
        missed: 2,
        state: "finished".to_owned(),
        outcome: Some(Outcome::Partial),
        definitions_version: Some(7),
        run: Some(RUN.to_owned()),
        reason: None,
    };
    let skipped = ScheduledTime {
        late: false,
        missed: 0,
        state: "skipped".to_owned(),
        outcome: None,
        definitions_version: None,
        run: None,
        reason: Some("its last run was still under way".to_owned()),
        ..last.clone()
    };
    let line = |campaign: &str, overdue, next: &[i64], last| ScheduleLine {
        campaign: campaign.to_lowercase(),
        campaign_name: campaign.to_owned(),
        schedule: "every day from 2026-11-01 09:00".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        overdue,
        next: next.iter().map(|hours| local(*hours)).collect(),
        last: Some(last),
    };
    let overdue = |times| Some(Overdue { due: local(-1), times });
    let schedules = vec![
        line("Late", overdue(3), &[23, 47], last.clone()),
        line("Skipped", overdue(1), &[], skipped),
        line("Finished", None, &[], last),
    ];
    let schedules = Schedules { schedules };
    assert_snapshot!(schedules.text(Style::PLAIN));
    let json = serde_json::to_string_pretty(&schedules).expect("JSON");
    assert_snapshot!("schedules_as_json", json);
}

#[test]
fn runs_in_a_list() {
    let line = |mode, state: &str, outcome, customers| RunLine {
        run: RUN.to_owned(),
        campaign: "churn".to_owned(),
        mode,
        state: state.to_owned(),
        outcome,
        began: moment(),
        finished: outcome.map(|_| moment() + TimeDelta::milliseconds(4_321)),
        customers,
    };
    let runs = Runs {
        runs: vec![
            line(RunMode::Rehearsal, "staging", None, Some(12_345)),
            line(RunMode::Real, "finished", Some(Outcome::Failed), None),
        ],
    };
    assert_snapshot!(runs.text(Style::PLAIN));
}

#[test]
fn an_explanation() {
    assert_snapshot!(explanation().text(Style::framed(100)));
}

#[test]
fn explanations_of_who_is_sent_nowhere() {
    let held_out = Treatment {
        group: Some("Control".to_owned()),
        control: true,
        destinations: Vec::new(),
        ..explanation().treatments.remove(0)
    };
    let control = Explanation { treatments: vec![held_out], ..explanation() };
    let outside = Explanation {
        run: None,
        in_audience: false,
        sub_audiences: Vec::new(),
        treatments: Vec::new(),
        ..explanation()
    };
    let nobody = Explanation { exists: false, ..outside.clone() };
    let texts = [control, outside, nobody].map(|one| one.text(Style::PLAIN));
    assert_snapshot!(texts.join("---\n"));
}

#[test]
fn a_test_of_a_destination() {
    let step =
        |what: &str, problem: Option<&str>| TestStep { what: what.to_owned(), problem: problem.map(str::to_owned) };
    let result = TestResult {
        destination: "folder".to_owned(),
        kind: "sftp".to_owned(),
        works: false,
        steps: vec![
            step("resolve `sftp.example.com`", None),
            step("check the host key", Some("it is another one than is pinned: ask the server's keeper")),
        ],
    };
    assert_snapshot!(result.text(Style::PLAIN));
}

#[test]
fn the_demo_ends_with_what_to_try() {
    let demo = Demo {
        folder: "demo".to_owned(),
        first: RunSummary { audience: None, deliveries: Vec::new(), ..summary() },
        later: RunSummary { audience: None, deliveries: Vec::new(), ..summary() },
        lists: vec![SandboxList {
            destination: "mail".into(),
            list_name: "Win back_Ten percent off".into(),
            delivered: 785,
            members: 785,
        }],
        next: vec!["consign status --data demo/.consign".to_owned()],
    };
    assert_snapshot!(demo.text(Style::PLAIN));
}

/// The names of views' fields are what scripts rely on.
#[test]
fn views_as_json_keep_their_names() {
    let views = (
        serde_json::to_value(preview()).expect("JSON"),
        serde_json::to_value(summary()).expect("JSON"),
        serde_json::to_value(explanation()).expect("JSON"),
    );
    assert_snapshot!(serde_json::to_string_pretty(&views).expect("JSON"));
}
