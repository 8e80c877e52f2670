//! What stays of runs: the table of who was sent what, and the log of who did what.

use std::fs;

use crate::shop::{self, CAMPAIGN, RUN};
use crate::terminal::Terminal;

/// Segments over what churn sent, and campaigns of those whom it did, and did not, send anything.
const AFTERWARDS: &str = "segments:
  - id: recent
    name: Sent churn in the last 30 days
    customers:
      where:
        aggregate: exists
        table: Campaign_Recipients
        where:
          all:
            - { column: Campaign_Recipients.campaign_id, operator: is, value: churn }
            - { column: Campaign_Recipients.outcome, operator: is, value: sent }
            - { column: Campaign_Recipients.as_of, operator: in_last, value: { days: 30 } }
  - id: twice
    name: Sent churn twice
    customers:
      where:
        aggregate: count
        table: Campaign_Recipients
        operator: at_least
        value: 2
        where: { column: Campaign_Recipients.sent_at, operator: is_not_null }
  - id: held_out
    name: Held out of churn
    customers:
      sql: SELECT customer_key FROM Campaign_Recipients WHERE campaign_id = 'churn' AND is_control
campaigns:
  - { id: others, name: Others, include: [high_value], exclude: [recent], remaining: [{ name: All, percent: 100 }] }
  - { id: again, name: Again, include: [twice], remaining: [{ name: All, percent: 100 }] }
  - { id: control, name: Control, include: [held_out], remaining: [{ name: All, percent: 100 }] }
";

/// The customers of a campaign's audience on a day.
fn customers(terminal: &Terminal, campaign: &str, day: &str) -> u64 {
    let preview = terminal.consign(&format!("preview {campaign} --as-of {day} --json"));
    assert_eq!(preview.code, 0, "{}", preview.transcript());
    preview.json()["audience"]["customers"].as_u64().expect("a number")
}

#[test]
fn who_was_sent_a_campaign_can_be_kept_out_of_the_next_and_rehearsals_leave_no_trace() {
    let terminal = shop::applied();
    shop::crowd(&terminal, 50);
    fs::write(terminal.path("clean/6_afterwards.yaml"), AFTERWARDS).expect("written");
    shop::apply(&terminal);
    assert_eq!(customers(&terminal, "others", "2026-11-26"), 51, "before the first run the table has no rows");
    let rehearsal = terminal.consign(&format!("{RUN} --json"));
    assert_eq!((rehearsal.code, &rehearsal.json()["mode"]), (0, &"rehearsal".into()), "{}", rehearsal.transcript());
    assert_eq!(customers(&terminal, "others", "2026-11-26"), 51, "a rehearsal is not remembered");

    terminal.edit(CAMPAIGN, "[mail, folder]", "[folder]");
    shop::apply(&terminal);
    let run = terminal.consign(&format!("{RUN} --json"));
    assert_eq!((run.code, &run.json()["mode"]), (0, &"real".into()), "{}", run.transcript());
    let sent = run.json()["deliveries"][0]["rows"].as_u64().expect("a number");
    assert!(0 < sent && sent < 51, "{sent} of 51 are sent the letter, and some are held out");
    assert_eq!(customers(&terminal, "others", "2026-11-26"), 51 - sent);
    assert_eq!(customers(&terminal, "others", "2026-12-27"), 51, "more than 30 days later");
    assert_eq!(customers(&terminal, "control", "2026-11-26"), 51 - sent);
    assert_eq!(customers(&terminal, "again", "2026-11-26"), 0);
    assert_eq!(terminal.consign(RUN).code, 0);
    assert_eq!(customers(&terminal, "again", "2026-11-26"), sent, "each run is remembered");
    let explained = terminal.consign("explain others 00001");
    assert_eq!(explained.code, 0, "{}", explained.transcript());
    assert!(explained.out.contains("Campaign_Recipients"), "{}", explained.out);
}

#[test]
fn the_name_of_the_built_in_table_is_taken() {
    let terminal = shop::applied();
    terminal.edit(
        "clean/1_workspace.yaml",
        "{ name: Orders, path: Orders.csv",
        "{ name: Campaign_Recipients, path: Orders.csv",
    );
    let refused = terminal.consign("validate clean");
    assert_eq!(refused.code, 3, "{}", refused.transcript());
    assert!(refused.err.contains("`Campaign_Recipients` is the built-in table"), "{}", refused.transcript());
}

#[test]
fn the_audit_log_says_who_applied_and_ran_what() {
    let terminal = Terminal::with(&["clean"]);
    assert_eq!(terminal.consign("audit").out, "Nothing is in the audit log\n");
    fs::create_dir(terminal.path("clean/out")).expect("made");
    let ada = [("USER", "ada")];
    for words in ["apply clean", "apply clean", RUN] {
        assert_eq!(terminal.consign_with(words, &ada).code, 0);
    }
    let run = terminal.consign("status --json").json()["runs"][0]["run"].clone();
    let log = terminal.consign("audit --json").json();
    let entries = log["entries"].as_array().expect("entries");
    let said: Vec<_> = entries.iter().map(|one| (&one["actor"], &one["action"], &one["subject"])).collect();
    assert_eq!(said, [(&"ada".into(), &"apply".into(), &"version 1".into()), (&"ada".into(), &"run".into(), &run)]);
    let text = terminal.consign("audit").out;
    assert!(text.contains("campaign `churn`, definitions version 1"), "{text}");
    assert_eq!(terminal.consign("audit --since 2126-01-01 --json").json()["entries"], serde_json::json!([]));
}
