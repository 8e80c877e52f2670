//! The demo through the binary: what each command says of it, and that they agree with each other and with the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use insta::assert_snapshot;
use serde_json::Value;

use crate::tables::{Recipient, TableOf, recipients};
use crate::terminal::{Answer, Terminal};

/// A demo whose campaign has run once.
static DEMO: LazyLock<(Terminal, Answer)> = LazyLock::new(|| {
    let terminal = Terminal::lasting("cli-demo");
    let made = terminal.consign("demo demo --json");
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.transcript());
    (terminal, made)
});

fn consign(words: &str) -> Answer {
    DEMO.0.consign(&format!("--data demo/.consign {words}"))
}

fn run() -> Value {
    DEMO.1.json()["summary"].clone()
}

fn recorded() -> Vec<Recipient> {
    let id = run()["run"].as_str().expect("an id").to_owned();
    recipients(&DEMO.0.path(&format!("demo/.consign/runs/{id}/recipients.parquet")))
}

/// How a normalised e-mail address of the demo looks; `Err` where it is none although something is there.
fn email(written: Option<&str>) -> Option<Result<String, ()>> {
    let text = written?.trim().to_lowercase();
    if text.is_empty() {
        return None;
    }
    let parts: Vec<&str> = text.split('@').collect();
    let [local, domain] = parts.as_slice() else { return Some(Err(())) };
    let fine = !local.is_empty() && !text.contains(' ') && !local.contains("..") && domain.contains('.');
    Some(if fine { Ok(text) } else { Err(()) })
}

#[test]
fn the_rows_of_each_destination_are_those_of_a_plain_recount() {
    let customers = TableOf::read(&DEMO.0.path("demo/data/Merged_Customers.parquet"), &["customer_id", "email"], &[]);
    let profiles = TableOf::read(
        &DEMO.0.path("demo/data/Customer_360.parquet"),
        &["customer_id"],
        &["email_opt_in", "sms_opt_in"],
    );
    let consents: BTreeMap<&str, &[Option<bool>]> = profiles.rows().map(|(text, flags)| (key(text), flags)).collect();
    let emails: BTreeMap<&str, Option<Result<String, ()>>> =
        customers.rows().map(|(text, _)| (key(text), email(text[1].as_deref()))).collect();
    let agreed = |key: &str, which: usize| consents[key][which] == Some(true);
    let own = |key: &str| {
        let staff = |address: &String| address.starts_with("staff.") || address.starts_with("test.");
        emails[key].as_ref().is_some_and(|email| email.as_ref().is_ok_and(staff))
    };
    // The addresses of who is always excluded or did not agree to e-mail, under whatever key.
    let suppressed: BTreeSet<&String> = emails
        .iter()
        .filter(|(key, _)| !agreed(key, 0) || own(key))
        .filter_map(|(_, email)| email.as_ref()?.as_ref().ok())
        .collect();

    let mut members: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for recipient in recorded() {
        let Some(destination) = recipient.destination else { continue };
        members.entry((recipient.group, destination)).or_default().push(recipient.customer_key);
    }
    let run = run();
    let deliveries = run["deliveries"].as_array().expect("a list");
    assert_eq!(deliveries.len(), 24);
    for delivery in deliveries {
        let said = |field: &str| delivery[field].as_str().expect("a text").to_owned();
        let count = |field: &str| delivery[field].as_u64().expect("a number");
        let dropped = |reason: &str| delivery["dropped"][reason].as_u64().unwrap_or_default();
        let all: u64 = delivery["dropped"].as_object().expect("a map").values().filter_map(Value::as_u64).sum();
        let (group, destination) = (said("group"), said("destination"));
        let keys = &members[&(group.clone(), destination.clone())];
        assert_eq!(count("customers"), keys.len() as u64, "{group} -> {destination}");
        assert_eq!((count("expansion"), count("rows")), (0, count("customers") - all), "{group} -> {destination}");
        let refused = |which| keys.iter().filter(|key| !agreed(key, which)).count() as u64;
        match destination.as_str() {
            "staging" => assert_eq!(count("rows"), count("customers")),
            "klaviyo" => assert_eq!(dropped("no_consent"), refused(0), "{group} -> {destination}"),
            "attentive" => assert_eq!(dropped("no_consent"), refused(1), "{group} -> {destination}"),
            "criteo" => {
                let mut sent = BTreeSet::new();
                let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
                for key in keys {
                    let reason = match &emails[key.as_str()] {
                        _ if !agreed(key, 0) => "no_consent",
                        Some(Ok(address)) if suppressed.contains(address) => "suppressed",
                        None => "missing_identifier",
                        Some(Err(())) => "invalid_email",
                        Some(Ok(address)) if !sent.insert(address) => "duplicate",
                        Some(Ok(_)) => continue,
                    };
                    *expected.entry(reason).or_default() += 1;
                }
                assert_eq!(delivery["dropped"], serde_json::json!(expected), "{group} -> {destination}");
                assert_eq!(count("rows"), sent.len() as u64, "{group} -> {destination}");
            }
            // Nobody's consent is asked for there.
            _ => assert_eq!(dropped("no_consent"), 0),
        }
        let files = delivery["targets"].as_array().expect("a list");
        assert_eq!(files.iter().filter_map(|file| file["rows"].as_u64()).sum::<u64>(), count("rows"));
    }
}

fn key(text: &[Option<String>]) -> &str {
    text[0].as_deref().expect("a key")
}

#[test]
fn a_customer_is_explained_whatever_became_of_them() {
    let recorded = recorded();
    let first = |wanted: &dyn Fn(&Recipient) -> bool| {
        recorded.iter().find(|one| wanted(one)).expect("somebody").customer_key.clone()
    };
    let explained = |key: &str| {
        let answer = consign(&format!("explain churn_prevention {key}"));
        assert_eq!(answer.code, 0, "{}", answer.transcript());
        answer.steady()
    };
    assert_snapshot!("explain_control", explained(&first(&|one| one.is_control)));
    let sent = first(&|one| one.outcome.as_deref() == Some("sent") && one.group == "Active thank you");
    assert_snapshot!("explain_sent", explained(&sent));
    // Every reason for which the demo drops rows is given for somebody, beside the destination.
    let reasons: BTreeSet<&str> = recorded.iter().filter_map(|one| one.outcome.as_deref()).collect();
    for reason in ["no_consent", "suppressed", "missing_identifier", "invalid_email", "invalid_phone", "duplicate"] {
        assert!(reasons.contains(reason), "{reason} in {reasons:?}");
        let dropped = recorded.iter().find(|one| one.outcome.as_deref() == Some(reason)).expect("somebody");
        let text = explained(&dropped.customer_key);
        let destination = dropped.destination.as_deref().expect("a destination");
        let line = text.lines().find(|line| line.starts_with(destination)).expect("a line");
        assert!(line.ends_with(&format!("no    {reason}")), "{text}");
    }
    let profiles = TableOf::read(&DEMO.0.path("demo/data/Customer_360.parquet"), &["customer_id"], &["email_opt_in"]);
    let opted_out = profiles.rows().find(|(_, flags)| flags[0] == Some(false)).expect("somebody").0;
    assert_snapshot!("explain_excluded", explained(key(opted_out)));
    // The first of the shop's own addresses is of the customer 00811.
    let staff = explained("00811");
    assert!(staff.contains("Not in the audience") && staff.contains("yes Staff and test accounts (always excluded)"));
    let nobody = consign("explain churn_prevention 99999");
    assert_eq!(nobody.code, 5);
    assert_snapshot!("explain_nobody", nobody.steady());
}

#[test]
fn a_preview_shows_what_the_run_wrote() {
    let preview = consign("preview churn_prevention --as-of 1998-06-30 --show-rows 2 --json");
    assert_eq!((preview.code, preview.err.as_str()), (0, ""));
    let (preview, run) = (preview.json(), run());
    assert_eq!(preview["audience"], run["audience"]);
    let pairs =
        preview["deliveries"].as_array().expect("a list").iter().zip(run["deliveries"].as_array().expect("a list"));
    for (planned, done) in pairs {
        for field in ["group", "destination", "list_name", "customers", "shrink", "expansion", "dropped", "rows"] {
            assert_eq!(planned[field], done[field], "{field} of {} -> {}", done["group"], done["destination"]);
        }
        let sample: Vec<&str> =
            planned["sample"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let written = done["targets"][0]["location"].as_str().expect("a file").replace("[folder]", "");
        let written = DEMO.0.path(written.trim_start_matches('/'));
        match done["destination"].as_str() {
            Some("staging") => {
                let unpacked =
                    std::process::Command::new("gzip").arg("-dc").arg(written).output().expect("`gzip` starts");
                let text = String::from_utf8(unpacked.stdout).expect("UTF-8");
                assert_eq!(sample, text.lines().take(3).collect::<Vec<_>>());
            }
            Some("criteo") => {
                let [one, other] = [sample[0], &fs::read_to_string(written).expect("read")].map(|text| {
                    let body: Value = serde_json::from_str(text).expect("JSON");
                    body["data"]["attributes"]["identifiers"].as_array().expect("a list")[..2].to_vec()
                });
                assert_eq!(one, other);
            }
            _ => {}
        }
    }
}

#[test]
fn with_json_every_command_prints_one_document() {
    let commands = [
        ("validate demo", 0),
        ("apply demo --dry-run", 0),
        ("export", 0),
        ("schema", 0),
        ("preview churn_prevention", 0),
        ("status", 0),
        ("status latest", 0),
        ("explain churn_prevention 00046", 0),
        ("explain churn_prevention 99999", 5),
        ("destinations list", 0),
        ("destinations spec meta_ads", 0),
        ("destinations test staging", 0),
        ("destinations test klaviyo", 1),
        ("destinations test nothing", 5),
        ("run nothing", 5),
        ("status nothing", 5),
        ("validate nowhere", 1),
    ];
    for (command, code) in commands {
        let answer = consign(&format!("{command} --json"));
        assert_eq!((answer.code, answer.err.as_str()), (code, ""), "{}", answer.transcript());
        assert!(answer.json().is_object(), "{}", answer.transcript());
    }
}

#[test]
fn quiet_says_results_and_nothing_else() {
    for command in ["status latest", "explain churn_prevention 00046", "validate demo"] {
        let [quiet, plain] = ["-q", ""].map(|flag| consign(&format!("{command} {flag}")));
        assert_eq!((quiet.code, &quiet.out, quiet.err.as_str()), (0, &plain.out, ""));
    }
}

#[test]
fn what_is_exported_is_what_was_applied() {
    let terminal = Terminal::with(&[]);
    consign_demo::write(&terminal.path("demo"), consign_demo::Options::default()).expect("written");
    assert_eq!(terminal.consign("apply demo").code, 0);
    assert_eq!(terminal.consign("export --out demo/exported").code, 0);
    for name in ["workspace.yaml", "segments.yaml", "destinations.yaml", "campaigns.yaml"] {
        fs::remove_file(terminal.path("demo").join(name)).expect("removed");
    }
    let again = terminal.consign("apply demo");
    assert_eq!(
        (again.code, again.out.as_str()),
        (0, "Nothing changes: version 1 is current\n"),
        "{}",
        again.transcript()
    );
}

#[test]
fn a_demo_that_was_changed_is_written_over_only_by_force() {
    let terminal = Terminal::with(&[]);
    consign_demo::write(&terminal.path("demo"), consign_demo::Options::default()).expect("written");
    terminal.edit("demo/campaigns.yaml", "percent: 10", "percent: 10.0");
    let refused = terminal.consign("demo demo");
    assert_snapshot!(refused.transcript());
    assert!(!terminal.path("demo/.consign").exists());
    assert_eq!(terminal.consign("demo demo --force").code, 0);
}
