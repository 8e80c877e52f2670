//! Runs that did not come to a good end: resumed, sent again, given up.

use std::fs;

use crate::interrupts::waiting;
use crate::shop::{self, RUN};
use crate::terminal::Terminal;

/// The state of each delivery of the latest run.
fn states(terminal: &Terminal) -> Vec<String> {
    let status = terminal.consign("status latest --json").json();
    let deliveries = status["deliveries"].as_array().expect("deliveries").iter();
    deliveries.map(|delivery| delivery["state"].as_str().expect("a word").to_owned()).collect()
}

/// A run that died while it waited for a bucket. Nobody listens there any more.
pub fn dead() -> Terminal {
    let (terminal, silence) = waiting();
    let run = terminal.start(RUN, &shop::keys());
    let open = silence.connected();
    run.signal("KILL");
    assert_eq!(run.answer().code, -1);
    drop(open);
    terminal
}

#[test]
fn a_campaign_that_is_run_again_finishes_its_dead_run() {
    let terminal = dead();
    let again = terminal.consign_with(RUN, &shop::keys());
    // The bucket is not there, so that a part arrived.
    assert_eq!(again.code, 4, "{}", again.transcript());
    assert!(again.err.contains("did not come to its end"), "{}", again.transcript());
    assert_eq!(states(&terminal), ["failed", "delivered"]);
    let runs = terminal.consign("status --json").json()["runs"].clone();
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
}

#[test]
fn what_was_staged_is_sent_again_though_the_sources_are_gone() {
    let terminal = dead();
    for name in terminal.names("clean/data") {
        fs::remove_file(terminal.path("clean/data").join(name)).expect("removed");
    }
    let resumed = terminal.consign_with("resume latest", &shop::keys());
    assert_eq!(resumed.code, 4, "{}", resumed.transcript());
    let retried = terminal.consign_with("retry latest --destination folder", &shop::keys());
    assert_eq!(retried.code, 1, "{}", retried.transcript());
    assert!(retried.err.contains("nothing of the run"), "{}", retried.transcript());
    let retried = terminal.consign_with("retry latest", &shop::keys());
    assert_eq!(retried.code, 4, "{}", retried.transcript());
    assert_eq!(states(&terminal), ["failed", "delivered"]);
}

#[test]
fn a_dead_run_can_be_given_up() {
    let terminal = dead();
    let cancelled = terminal.consign("cancel latest --json");
    assert_eq!((cancelled.code, &cancelled.json()["outcome"]), (0, &"cancelled".into()), "{}", cancelled.transcript());
    let log = terminal.consign("audit --json").json();
    let actions: Vec<_> = log["entries"].as_array().expect("entries").iter().map(|one| &one["action"]).collect();
    assert_eq!(actions.last(), Some(&&"cancel".into()), "{log}");
    let again = terminal.consign("cancel latest");
    assert_eq!(again.code, 1, "{}", again.transcript());
    assert!(again.err.contains("is over"), "{}", again.transcript());
    let none = terminal.consign("resume");
    assert_eq!((none.code, none.out.as_str()), (0, "No run waits to be resumed\n"), "{}", none.transcript());
}

#[test]
fn a_staged_file_that_is_missing_or_altered_is_named_before_anything_is_sent() {
    let terminal = dead();
    let run = terminal.names(".consign/runs").pop().expect("a run");
    let staged = format!(".consign/runs/{run}/staged/active.letter.bucket");
    let (batch, rejects) = (format!("{staged}/000001.parquet"), format!("{staged}/rejects.parquet"));
    let snapshot = format!(".consign/runs/{run}/snapshot.parquet");
    fs::remove_dir_all(terminal.path("clean/out")).expect("removed");
    fs::create_dir(terminal.path("clean/out")).expect("made");
    for (words, file) in [("resume latest", &batch), ("retry latest", &rejects), ("retry latest", &snapshot)] {
        let whole = fs::read(terminal.path(file)).expect("read");
        let mut altered = whole.clone();
        altered[whole.len() / 2] ^= 1;
        fs::write(terminal.path(file), altered).expect("written");
        let refused = terminal.consign_with(words, &shop::keys());
        assert_eq!(refused.code, 1, "{}", refused.transcript());
        assert!(refused.err.contains(file.as_str()), "{}", refused.transcript());
        assert!(refused.err.contains("not as it was written"), "{}", refused.transcript());
        shop::discreet(&refused);
        fs::remove_file(terminal.path(file)).expect("removed");
        let refused = terminal.consign_with("retry latest", &shop::keys());
        assert!(refused.code == 1 && refused.err.contains("put it back"), "{}", refused.transcript());
        fs::write(terminal.path(file), whole).expect("written");
    }
    assert_eq!(terminal.names("clean/out"), Vec::<String>::new());
    // Once all is back, the run goes on.
    let retried = terminal.consign_with("retry latest --json", &shop::keys());
    assert_eq!(retried.code, 4, "{}", retried.transcript());
    // Its file may have been there before the run died, and nobody sends it again then.
    let run = retried.json();
    let deliveries = run["deliveries"].as_array().expect("deliveries");
    let folder = deliveries.iter().find(|one| one["destination"] == "folder").expect("one to the folder");
    assert_eq!(folder["state"], "delivered", "{run}");
}

#[test]
fn a_run_that_is_under_way_is_neither_resumed_nor_given_up() {
    let (terminal, silence) = waiting();
    let run = terminal.start(RUN, &shop::keys());
    let _open = silence.connected();
    for words in ["resume latest", "cancel latest", "resume"] {
        let refused = terminal.consign_with(words, &shop::keys());
        assert_eq!(refused.code, 6, "{}", refused.transcript());
    }
    run.signal("KILL");
    run.answer();
}

#[test]
fn a_run_whose_files_are_lost_says_so_and_is_in_nobodys_way() {
    let terminal = dead();
    let id = terminal.consign("status latest --json").json()["run"].as_str().expect("an id").to_owned();
    fs::remove_file(terminal.path(".consign/runs").join(&id).join("staging.json")).expect("removed");
    let lost = terminal.consign_with("resume latest", &shop::keys());
    assert_eq!(lost.code, 1, "{}", lost.transcript());
    assert!(lost.err.contains("what it staged is not in the data folder"), "{}", lost.transcript());
    assert_eq!(terminal.consign("status latest --json").json()["outcome"], "failed");
}
