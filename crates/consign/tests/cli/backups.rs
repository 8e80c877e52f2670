//! `consign backup` and `restore`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::chaos::reaper::{Death, Reaper};
use crate::chaos::start::Start;
use crate::chaos::world::World;
use crate::interrupts::waiting;
use crate::shop::{self, CUSTOMERS, RUN};
use crate::stores::postgres;
use crate::terminal::{Answer, Terminal};

fn fine(answer: Answer) -> Answer {
    assert_eq!(answer.code, 0, "{}", answer.transcript());
    answer
}

fn refused(answer: &Answer, code: i32, why: &str) {
    assert_eq!(answer.code, code, "{}", answer.transcript());
    assert!(answer.err.contains(why), "{}", answer.transcript());
}

/// All files below a folder, each with what it holds. Nobody but their owner may read them.
fn files(folder: &Path, found: &mut Vec<String>) {
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("read").path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else {
            assert_eq!(mode(&entry), 0o600, "{}", entry.display());
            found.push(entry.file_name().expect("a name").to_str().expect("UTF-8").to_owned());
        }
    }
}

/// What became of the lists that a run has mirrored: those of Meta are replaced as a whole.
fn mirrored(run: &Answer) -> Vec<Value> {
    let deliveries = run.json()["deliveries"].as_array().expect("deliveries").clone();
    let mirrored = deliveries.into_iter().filter(|delivery| delivery["kind"] != "meta_ads");
    mirrored.map(|delivery| delivery["list"].clone()).filter(Value::is_object).collect()
}

#[test]
fn after_a_restore_only_the_difference_is_sent() {
    let start = Start::first(Vec::new());
    start.restore();
    let (terminal, sandbox) = (&start.terminal, start.sandbox());
    let variables = [start.variables(), vec![("CONSIGN_SANDBOX", sandbox.url.as_str())]].concat();
    let consign = |words: &str| terminal.consign_with(words, &variables);
    fine(consign(RUN));
    let said = fine(consign("backup kept/monday"));
    assert!(said.out.contains("It holds personal data") && said.out.contains("key is not in it"), "{}", said.out);
    let mut kept = Vec::new();
    files(&terminal.path("kept/monday"), &mut kept);
    for name in ["manifest.json", "store.db", "recipients.parquet"] {
        assert!(kept.iter().any(|kept| kept == name), "{kept:?}");
    }
    for name in ["workspace.key", "snapshot.parquet"] {
        assert!(kept.iter().all(|kept| kept != name), "{kept:?}");
    }
    fs::rename(terminal.path(".consign/workspace.key"), terminal.path("kept/key")).expect("renamed");
    fs::remove_dir_all(terminal.path(".consign")).expect("removed");
    let said = fine(consign("restore kept/monday"));
    assert!(said.out.contains("put it back as .consign/workspace.key"), "{}", said.out);
    let mut restored = Vec::new();
    files(&terminal.path(".consign"), &mut restored);
    let keyless = consign(RUN);
    assert_ne!(keyless.code, 0, "{}", keyless.transcript());
    assert!(keyless.transcript().contains("is missing: put"), "{}", keyless.transcript());
    fs::rename(terminal.path("kept/key"), terminal.path(".consign/workspace.key")).expect("renamed");
    terminal.edit(CUSTOMERS, "eve7@", "eve.of.old@");
    let after = fine(consign(&format!("{RUN} --json")));
    let lists = mirrored(&after);
    for list in &lists {
        let number = |name: &str| list[name].as_u64().expect("a number");
        assert!(number("sent") <= 1 && number("kept") > 100 && list["created"] == false, "{list}");
    }
    assert!(lists.iter().any(|list| list["sent"] == 1), "{}", after.transcript());
    let audit = fine(consign("audit")).out;
    assert!(audit.contains("back up") && audit.contains("restore"), "{audit}");
    sandbox.stop();
}

#[test]
fn a_run_that_died_is_gone_on_with_from_a_backup_in_another_place() {
    let start = Start::first(Vec::new());
    start.restore();
    let (terminal, sandbox) = (&start.terminal, start.sandbox());
    let reaper = Reaper::before(&sandbox.url);
    let death = Death::Request { number: 7, after: true };
    assert_eq!(reaper.call(terminal, RUN, &start.variables(), Some(&death)).code, -1);
    let variables = [start.variables(), vec![("CONSIGN_SANDBOX", sandbox.url.as_str())]].concat();
    let consign = |words: &str| terminal.consign_with(words, &variables);
    fine(consign("backup kept --with-key"));
    fs::remove_dir_all(terminal.path(".consign")).expect("removed");
    fine(consign("restore kept --data moved"));
    fine(consign("doctor --data moved"));
    let resumed = fine(consign("resume latest --json --data moved"));
    let run = resumed.json()["run"].as_str().expect("an id").to_owned();
    fs::rename(terminal.path("moved"), terminal.path(".consign")).expect("renamed");
    assert_eq!(World::of(terminal, &sandbox.url, &start.servers, &run), start.undisturbed.world);
    sandbox.stop();
}

#[test]
fn a_backup_of_a_database_restores_into_a_file_and_that_into_a_database() {
    let (Some((first, _)), Some((last, _))) = (postgres("cli_backed_up"), postgres("cli_restored")) else { return };
    let terminal = shop::applied();
    let in_database = |words: &str, store: &str| fine(terminal.consign_with(words, &[("CONSIGN_STORE", store)]));
    in_database("apply clean --data one", &first);
    let run = terminal.consign_with(&format!("{RUN} --data one"), &[("CONSIGN_STORE", &first)]);
    let everything = |status: Answer, audit: Answer| {
        let entries = audit.json()["entries"].as_array().expect("entries").clone();
        (status.json(), entries.into_iter().take(2).collect::<Vec<_>>())
    };
    let before = everything(
        in_database("status latest --json --data one", &first),
        in_database("audit --json --data one", &first),
    );
    assert!(before.0["run"].is_string(), "{}", run.transcript());
    in_database("backup a --with-key --data one", &first);
    fine(terminal.consign("restore a --data two"));
    let in_file = everything(
        fine(terminal.consign("status latest --json --data two")),
        fine(terminal.consign("audit --json --data two")),
    );
    assert_eq!(in_file, before);
    fine(terminal.consign("backup b --with-key --data two"));
    in_database("restore b --data three", &last);
    let after = everything(
        in_database("status latest --json --data three", &last),
        in_database("audit --json --data three", &last),
    );
    assert_eq!(after, before);
    let again = terminal.consign_with("restore b --data four", &[("CONSIGN_STORE", &last)]);
    refused(&again, 1, "holds a workspace; name one that is empty");
    assert!(!terminal.path("four").exists(), "a data folder was made");
}

#[test]
fn nothing_is_written_over() {
    let terminal = shop::applied();
    fine(terminal.consign("backup kept"));
    refused(&terminal.consign("backup kept"), 1, "`kept` is there and is not empty");
    refused(&terminal.consign("restore kept"), 1, "`.consign` is there and is not empty");
    fine(terminal.consign("status"));
}

#[test]
fn of_a_backup_that_is_not_whole_nothing_is_restored() {
    let terminal = shop::applied();
    fine(terminal.consign("backup kept"));
    let manifest = fs::read_to_string(terminal.path("kept/manifest.json")).expect("read");
    let restore = |why: &str| {
        let answer = terminal.consign("restore kept --data new");
        refused(&answer, 1, why);
        assert!(!terminal.path("new").exists(), "{}", answer.transcript());
    };
    let with = |changed: &str, why: &str| {
        fs::write(terminal.path("kept/manifest.json"), changed).expect("written");
        restore(why);
    };
    with(&manifest.replace("\"format\":1", "\"format\":2"), "was made by consign");
    with(&manifest.replace("store.db", "../store.db"), "which is not in it");
    with(&manifest[..manifest.len() / 2], "cannot be read");
    fs::remove_file(terminal.path("kept/manifest.json")).expect("removed");
    restore("it has no `manifest.json`");
    fs::write(terminal.path("kept/manifest.json"), &manifest).expect("written");
    let store = fs::read(terminal.path("kept/store.db")).expect("read");
    fs::write(terminal.path("kept/store.db"), &store[..store.len() - 1]).expect("written");
    restore("it is not as it was written");
    fs::remove_file(terminal.path("kept/store.db")).expect("removed");
    restore("it is missing");
}

#[test]
fn a_campaign_that_is_being_run_is_not_backed_up() {
    let (terminal, silence) = waiting();
    let run = terminal.start(RUN, &shop::keys());
    let _open = silence.connected();
    refused(&terminal.consign("backup kept"), 6, "the campaign `churn` is being run");
    assert!(!terminal.path("kept").exists(), "a folder was made");
    run.signal("KILL");
    run.answer();
    fine(terminal.consign("backup kept"));
}

#[test]
fn a_key_that_is_kept_elsewhere_is_not_put_into_a_backup() {
    let terminal = Terminal::with(&["clean"]);
    let key = fine(terminal.consign("keys new")).out;
    let variables = [("KEY", key.trim()), ("CONSIGN_KEY", "env:KEY")];
    fine(terminal.consign_with("apply clean", &variables));
    let answer = terminal.consign_with("backup kept --with-key", &variables);
    refused(&answer, 1, "the workspace key is not in a file (the environment variable `KEY`)");
    fine(terminal.consign_with("backup kept", &variables));
}
