//! What is seen of platforms afterwards: deliveries that they work on for hours, and what they were asked.

use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use consign_store::{SqlStore, Store};

use crate::shop::{self, CAMPAIGN, CUSTOMERS, DESTINATIONS, PROFILES, RUN};
use crate::terminal::{Running, Terminal};

/// A sandbox of its own whose jobs take an hour, and what names it to commands.
pub fn slow_sandbox(terminal: &Terminal) -> (Running<'_>, String) {
    let mut sandbox = terminal.start("sandbox --port 0 --job-time 3600", &[]);
    let line = sandbox.line();
    let (_, address) = line.split_once("http://").expect("an address");
    let address = format!("http://{}", address.trim_end_matches('/'));
    (sandbox, address)
}

/// The workspace with its mail at a platform whose jobs take hours.
pub fn attentive() -> Terminal {
    let terminal = shop::applied();
    terminal.edit(DESTINATIONS, "kind: klaviyo", "kind: attentive");
    terminal.edit(CAMPAIGN, "[mail, folder]", "[mail]");
    terminal.edit(CAMPAIGN, "      folder:\n", "      mail:\n");
    terminal.edit(CAMPAIGN, "          - { attribute: id, column: Merged_Customers.customer_id }\n", "");
    shop::apply(&terminal);
    terminal
}

/// Makes it so much later for the open jobs of all deliveries.
pub async fn wait(data: &Path, minutes: i64) {
    let store = SqlStore::open(data.join("consign.db")).await.expect("opened");
    for delivery in store.submitted_deliveries().await.expect("read") {
        let mut counts = delivery.counts.expect("counted");
        for job in counts.list.iter_mut().flat_map(|list| &mut list.jobs) {
            job.looked_at -= TimeDelta::minutes(minutes);
        }
        store.count_delivery(&delivery.id, &counts, None).await.expect("kept");
    }
    store.close().await;
}

#[tokio::test]
async fn status_asks_platforms_how_far_they_are_and_never_fails_for_them() {
    let terminal = attentive();
    let (sandbox, address) = slow_sandbox(&terminal);
    let variables = [("CONSIGN_SANDBOX", address.as_str())];
    let run = terminal.consign_with(&format!("{RUN} --json"), &variables);
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert_eq!(run.json()["deliveries"][0]["state"], "submitted", "{}", run.transcript());
    let soon = terminal.consign_with("status latest", &variables);
    assert_eq!((soon.code, soon.err.as_str()), (0, ""), "it is not asked before it likes to be");
    assert!(soon.out.contains("the platform still works on job"), "{}", soon.out);
    wait(&terminal.path(".consign"), 6).await;
    let left = terminal.consign_with("status latest --no-poll", &variables);
    assert_eq!((left.code, left.err.as_str()), (0, ""));
    let asked = terminal.consign_with("status latest", &variables);
    assert_eq!(asked.code, 0);
    assert!(asked.err.contains("the platform still works on a job"), "{}", asked.err);
    assert_eq!(terminal.consign_with("status", &variables).err, "", "it was asked just now");
    sandbox.signal("INT");
    assert_eq!(sandbox.answer().code, 0);
    wait(&terminal.path(".consign"), 60).await;
    let alone = terminal.consign_with("status", &variables);
    assert_eq!(alone.code, 0, "{}", alone.transcript());
    assert!(alone.err.contains("without an answer"), "{}", alone.err);
}

#[test]
fn requests_are_shown_afterwards() {
    let terminal = shop::applied();
    assert_eq!(terminal.consign("requests").code, 5, "there are no runs yet");
    let run = terminal.consign(&format!("{RUN} --json"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    let shown = terminal.consign("requests --json").json();
    assert_eq!(shown["run"], run.json()["run"]);
    let requests = shown["requests"].as_array().expect("a list");
    assert!(requests.len() > 2, "{shown}");
    for request in requests {
        assert_eq!((&request["delivery"], &request["kind"]), (&"active.letter.mail".into(), &"klaviyo".into()));
        assert_eq!(request["failed"], false, "{request}");
    }
    let text = terminal.consign("requests latest --delivery active.letter.mail --last 1");
    assert!(text.out.contains("/api/") && text.out.contains("earlier ones are not shown"), "{}", text.out);
    assert_eq!(text.out.lines().count(), 4, "{}", text.out);
    for personal in ["@example.com", shop::SECRET] {
        assert!(!terminal.consign("requests --json").out.contains(personal));
    }
    assert!(terminal.consign("requests --failed").out.ends_with("There are none\n"));
    let wrong = terminal.consign("requests --delivery active.letter.male");
    assert_eq!(wrong.code, 5);
    assert!(wrong.err.contains("`active.letter.mail`"), "{}", wrong.err);
}

#[test]
fn lists_are_shown_and_read_again() {
    let terminal = shop::applied();
    assert!(terminal.consign("lists").out.contains("There are no lists yet"));
    let early = terminal.consign("lists reconcile churn");
    assert!(early.code == 0 && early.out.contains("never delivered"), "{}", early.transcript());
    terminal.consign(RUN);
    let lists = terminal.consign("lists --json").json();
    let list = &lists["lists"][0];
    assert_eq!((&list["destination"], &list["group"]), (&"sandbox:mail".into(), &"letter".into()), "{lists}");
    let members = list["members"].as_u64().expect("a number");
    assert!(members > 0, "{lists}");
    for name in ["churn", "mail"] {
        let read = terminal.consign(&format!("lists reconcile {name}"));
        assert_eq!(read.code, 0, "{}", read.transcript());
        assert!(read.out.contains(&format!("{members} members, as was known")), "{}", read.out);
    }
    assert!(terminal.consign("lists reconcile folder").out.contains("There is no list at a platform"));
    let wrong = terminal.consign("lists reconcile chrun");
    assert!(wrong.code == 5 && wrong.err.contains("`churn`"), "{}", wrong.transcript());
}

#[test]
fn a_kind_whose_lists_nobody_reads_says_so() {
    let terminal = attentive();
    assert_eq!(terminal.consign(RUN).code, 0);
    let read = terminal.consign("lists reconcile mail");
    assert_eq!(read.code, 0);
    assert!(read.out.contains("`attentive` lets nobody read its lists"), "{}", read.out);
}

#[test]
fn addresses_that_were_hashes_already_are_counted_where_plain_ones_are_sent() {
    let terminal = shop::applied();
    terminal.edit(
        DESTINATIONS,
        "kind: klaviyo",
        "kind: criteo\n    settings: { client_id: shop, advertiser_id: \"12345\" }",
    );
    terminal.edit(DESTINATIONS, "api_key", "client_secret");
    shop::crowd(&terminal, 40);
    for (key, hash) in [("h1", "A".repeat(64)), ("h2", "b".repeat(32)), ("h3", "c".repeat(64)), ("h4", "d".repeat(32))]
    {
        shop::append(&terminal, CUSTOMERS, format!("{key},Eve,{hash},,01099,DE\n"));
        shop::append(&terminal, PROFILES, format!("{key},250,active,true\n"));
    }
    shop::apply(&terminal);
    let run = terminal.consign(&format!("{RUN} --json"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    let list = &run.json()["deliveries"][0]["list"];
    let sent = fs::read_to_string(terminal.path("clean/out/Churn_Letter.csv")).expect("read");
    let hashes = sent.lines().filter(|line| line.starts_with('h')).count();
    assert!(hashes > 0, "some are not held out");
    let note = format!("{hashes} values were hashes already, and were sent as they are (prehashed)");
    assert_eq!(list["notes"], serde_json::json!([note]));
}
