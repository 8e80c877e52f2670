//! Stored credentials, and the workspace key that they and memberships are sealed with.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use arrow::array::AsArray;
use consign_delivery::folder::DataFolder;
use consign_secrets::{KeyError, Secrets};
use consign_store::SqlStore;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use secrecy::ExposeSecret;
use tokio::runtime::Runtime;

use crate::shop::{self, CUSTOMERS, DESTINATIONS, RUN, SECRET};
use crate::terminal::{Answer, Terminal};

const KEY: &str = ".consign/workspace.key";

/// The workspace with an address of a database, which `db` stores.
fn stored(terminal: &Terminal, secret: &str) -> Answer {
    let set = terminal.consign_reading("credentials set db", secret);
    assert_eq!((set.code, set.out.as_str()), (0, ""), "{}", set.transcript());
    shop::discreet(&set);
    set
}

/// What a stored credential is, as whatever asks for it finds it.
fn resolved(terminal: &Terminal, name: &str) -> Result<String, String> {
    let data = DataFolder::open(terminal.path(".consign")).expect("a folder");
    let reading = async {
        let store = SqlStore::open(data.store()).await.expect("opened");
        consign_delivery::secrets(&store, &data, terminal.path("clean")).await.expect("read")
    };
    let secrets: Secrets = Runtime::new().expect("a runtime").block_on(reading);
    let reference = format!("stored:{name}").try_into().expect("a reference");
    let secret = secrets.resolve(&reference).map_err(|error| format!("{error:?}"))?;
    Ok(secret.expose_secret().to_owned())
}

/// The files of what is known of lists.
fn memberships(terminal: &Terminal) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for destination in terminal.names(".consign/memberships") {
        for list in terminal.names(&format!(".consign/memberships/{destination}")) {
            let list = format!(".consign/memberships/{destination}/{list}");
            let names = terminal.names(&list).into_iter().filter(|name| name.ends_with(".parquet"));
            files.extend(names.map(|name| terminal.path(&format!("{list}/{name}"))));
        }
    }
    files
}

/// How many sealed removals of members open, and how many do not.
fn members(terminal: &Terminal) -> (usize, usize) {
    let data = DataFolder::open(terminal.path(".consign")).expect("a folder");
    let key = data.key().open().expect("opened");
    let (mut open, mut shut) = (0, 0);
    for path in memberships(terminal) {
        let file = fs::File::open(path).expect("opened");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("read");
        let batches = reader.build().expect("read");
        for batch in batches {
            let batch = batch.expect("read");
            let removals = batch.column_by_name("removal").expect("a column").as_binary::<i32>().clone();
            for sealed in removals.iter().flatten() {
                let opens = key.open("member", sealed).is_ok();
                *if opens { &mut open } else { &mut shut } += 1;
            }
        }
    }
    (open, shut)
}

#[test]
fn a_stored_credential_is_listed_used_and_never_shown() {
    let terminal = shop::applied();
    assert_eq!(
        terminal.consign("credentials list").out,
        "No credentials are stored: `consign credentials set NAME` stores one\n"
    );
    stored(&terminal, &format!("{SECRET}\n"));
    let listed = terminal.consign("credentials list");
    assert!(listed.out.contains("db") && listed.out.contains("ada"), "{}", listed.transcript());
    shop::discreet(&listed);
    shop::discreet(&terminal.consign("credentials list --json"));
    assert_eq!(resolved(&terminal, "db").as_deref(), Ok(SECRET));
    for file in [".consign/consign.db", ".consign/consign.db-wal"] {
        let bytes = fs::read(terminal.path(file)).unwrap_or_default();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "it is plain in {file}");
    }
    let mode = fs::metadata(terminal.path(KEY)).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_credential_that_is_in_use_is_removed_only_by_force() {
    let terminal = shop::applied();
    stored(&terminal, SECRET);
    terminal.edit(DESTINATIONS, "env:KLAVIYO_KEY", "stored:db");
    shop::apply(&terminal);
    let refused = terminal.consign("credentials remove db");
    assert_eq!(refused.code, 1, "{}", refused.transcript());
    assert!(refused.err.contains("the destination `mail`"), "{}", refused.transcript());
    assert_eq!(terminal.consign("credentials remove dbs").code, 5);
    assert_eq!(terminal.consign("credentials remove db --force").code, 0);
    assert_eq!(terminal.consign("credentials remove db").code, 5);
}

#[test]
fn a_credential_that_is_not_stored_is_named_with_its_remedy() {
    let terminal = Terminal::with(&["clean"]);
    shop::with_database(&terminal);
    terminal.edit("clean/5_source.yaml", "env:DB", "stored:shop");
    let refused = terminal.consign("validate clean");
    assert_eq!(refused.code, 3, "{}", refused.transcript());
    assert!(refused.err.contains("there is no stored credential `shop`"), "{}", refused.transcript());
}

#[test]
fn a_secret_that_is_empty_or_too_large_is_refused() {
    let terminal = Terminal::with(&["clean"]);
    for (secret, reason) in [("\n", "is empty"), ("x".repeat((1 << 20) + 1).as_str(), "larger than 1 MiB")] {
        let refused = terminal.consign_reading("credentials set db", secret);
        assert!(refused.code == 1 && refused.err.contains(reason), "{}", refused.transcript());
    }
}

#[test]
fn a_wrong_or_missing_key_is_refused_and_nothing_is_lost() {
    let terminal = shop::applied();
    stored(&terminal, SECRET);
    let run = terminal.consign(RUN);
    assert_eq!(run.code, 0, "{}", run.transcript());
    let key = fs::read_to_string(terminal.path(KEY)).expect("a key");
    let other = terminal.consign("keys new").out;
    for (given, reason) in
        [(Some(other.as_str()), "is sealed with"), (None, "is missing"), (Some("?"), "64 hexadecimal")]
    {
        match given {
            Some(text) => fs::write(terminal.path(KEY), text).expect("written"),
            None => fs::remove_file(terminal.path(KEY)).expect("removed"),
        }
        let refused = terminal.consign_reading("credentials set db", "another");
        assert!(refused.code == 1 && refused.err.contains(reason), "{}", refused.transcript());
        let refused = terminal.consign("keys rotate");
        assert!(refused.code == 1 && refused.err.contains(reason), "{}", refused.transcript());
        // A delivery to a platform fails alone; the one to files arrives.
        let failed = terminal.consign(RUN);
        assert!(failed.code == 4 && failed.out.contains(reason), "{}", failed.transcript());
    }
    fs::write(terminal.path(KEY), key).expect("written");
    assert_eq!(resolved(&terminal, "db").as_deref(), Ok(SECRET));
    assert_eq!(members(&terminal).1, 0);
}

#[test]
fn a_rotated_key_opens_everything_and_the_old_one_nothing() {
    let terminal = shop::applied();
    shop::crowd(&terminal, 20);
    stored(&terminal, SECRET);
    assert_eq!(terminal.consign(RUN).code, 0);
    let (before, shut) = members(&terminal);
    assert!(before > 0 && shut == 0, "{before} and {shut}");
    let old = fs::read_to_string(terminal.path(KEY)).expect("a key");
    let rotated = terminal.consign("keys rotate --json");
    assert_eq!(rotated.code, 0, "{}", rotated.transcript());
    let counted = rotated.json();
    assert_eq!((counted["credentials"].as_u64(), counted["values"].as_u64()), (Some(1), Some(before as u64)));
    assert_eq!((&counted["unreadable"], &counted["older_removed"]), (&0.into(), &true.into()));
    assert!(!fs::read_to_string(terminal.path(KEY)).expect("a key").contains(old.trim()));
    assert_eq!(resolved(&terminal, "db").as_deref(), Ok(SECRET));
    assert_eq!(members(&terminal), (before, 0));
    // Members who leave can still be taken off.
    let text = fs::read_to_string(terminal.path(CUSTOMERS)).expect("read");
    let left: Vec<&str> = text.lines().filter(|line| !line.contains("ada@")).collect();
    fs::write(terminal.path(CUSTOMERS), left.join("\n") + "\n").expect("written");
    let run = terminal.consign(&format!("{RUN} --json"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert!(!run.out.contains("could not be taken off"), "{}", run.transcript());
    fs::write(terminal.path(KEY), old).expect("written");
    assert!(resolved(&terminal, "db").expect_err("the old key").contains("Wrong"));
}

#[test]
fn a_key_from_a_variable_or_a_command_is_changed_by_whoever_keeps_it() {
    let terminal = shop::applied();
    let new = || terminal.consign("keys new").out.trim().to_owned();
    let (old, new) = (new(), new());
    let keys = |key: &str| [("CONSIGN_KEY", "env:KEYS".to_owned()), ("KEYS", key.to_owned())];
    let with = |words: &str, key: &str| {
        let variables = keys(key);
        terminal.consign_with(words, &variables.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    assert_eq!(with(RUN, &old).code, 0);
    assert!(!terminal.path(KEY).exists());
    let refused = with("keys rotate", &old);
    assert!(refused.code == 1 && refused.err.contains("put a new one before it"), "{}", refused.transcript());
    assert_eq!(with("keys rotate", &new).code, 1, "the old one is needed still");
    let rotated = with("keys rotate", &format!("{new},{old}"));
    assert!(rotated.code == 0 && rotated.out.contains("take them out"), "{}", rotated.transcript());
    fs::write(terminal.path("kept.key"), &new).expect("written");
    let run = terminal.consign_with(RUN, &[("CONSIGN_KEY", "command:cat kept.key")]);
    assert_eq!(run.code, 0, "{}", run.transcript());
    let failed = terminal.consign_with("keys rotate", &[("CONSIGN_KEY", "command:echo hunter2; exit 3")]);
    assert!(failed.code == 1 && failed.err.contains("exit status: 3"), "{}", failed.transcript());
    assert!(!failed.err.contains("hunter2"), "{}", failed.transcript());
    let usage = terminal.consign_with("keys rotate", &[("CONSIGN_KEY", new.as_str())]);
    assert_eq!(usage.code, 2, "{}", usage.transcript());
    assert!(!usage.err.contains(&new), "a key is repeated");
}

#[test]
fn a_key_in_use_is_not_changed_and_a_key_being_changed_is_not_used() {
    let terminal = shop::applied();
    stored(&terminal, SECRET);
    let data = DataFolder::open(terminal.path(".consign")).expect("a folder");
    let open = data.key().open().expect("opened");
    let busy = terminal.consign("keys rotate");
    assert_eq!(busy.code, 6, "{}", busy.transcript());
    drop((open, data));
    let data = DataFolder::open(terminal.path(".consign")).expect("a folder");
    let _rotation = data.key().rotate().expect("begun");
    let busy = terminal.consign_reading("credentials set other", "secret");
    assert_eq!(busy.code, 6, "{}", busy.transcript());
    assert!(matches!(data.key().open(), Err(KeyError::Busy(_))));
}

/// Whatever of a change of the key is on disk when it dies, everything opens afterwards, and the next change ends it.
#[test]
fn a_change_of_the_key_that_is_killed_loses_nothing() {
    let terminal = shop::applied();
    shop::crowd(&terminal, 3_000);
    stored(&terminal, SECRET);
    let run = terminal.consign(RUN);
    assert_eq!(run.code, 0, "{}", run.transcript());
    let (before, _) = members(&terminal);
    assert!(before > 2_000, "{before}");
    // What a change writes, in this order: the key file, the store, memberships, the noted id, the key file again.
    let mut watched = vec![terminal.path(KEY), terminal.path(".consign/consign.db-wal")];
    watched.extend(memberships(&terminal));
    watched.push(terminal.path(".consign/key.id"));
    let state = |path: &PathBuf| fs::metadata(path).map(|file| (file.ino(), file.len(), file.mtime_nsec())).ok();
    let mut killed = 0;
    for path in &watched {
        let known = state(path);
        let mut change = terminal.start("keys rotate", &[]);
        while state(path) == known && !change.ended() {}
        if !change.ended() {
            change.signal("KILL");
        }
        killed += usize::from(change.answer().code == -1);
        assert_eq!(resolved(&terminal, "db").as_deref(), Ok(SECRET));
        assert_eq!(members(&terminal), (before, 0));
    }
    assert!(killed > 0, "none was killed before it had ended");
    let ended = terminal.consign("keys rotate");
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let key = fs::read_to_string(terminal.path(KEY)).expect("a key");
    assert_eq!(key.split_whitespace().count(), 1);
    assert_eq!(resolved(&terminal, "db").as_deref(), Ok(SECRET));
    assert_eq!(members(&terminal), (before, 0));
}
