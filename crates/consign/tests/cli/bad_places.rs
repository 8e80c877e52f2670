//! Places that take no list: which, why and what to do; the other lists arrive, no part of a list stands under its name,
//! and the exit code tells some from none.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use crate::shop::{self, CAMPAIGN, DESTINATIONS, RUN};
use crate::terminal::Terminal;

/// A small disk of its own. It is gone when this is dropped.
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// A disk of so many KiB at a folder; `None`, and said so, where this user may not mount one.
    pub fn at(folder: &Path, kib: u32) -> Option<Self> {
        fs::create_dir_all(folder).expect("made");
        let size = format!("size={kib}k,mode=777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { at: folder.to_owned() });
        }
        eprintln!("not run: only the superuser may mount a small disk");
        None
    }

    /// Gives it that size.
    pub fn grow(&self, kib: u32) {
        let size = format!("remount,size={kib}k");
        let grown = Command::new("mount").args(["-o", &size]).arg(&self.at).status();
        assert!(grown.expect("`mount` starts").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("--lazy").arg(&self.at).status();
        assert!(gone.is_ok_and(|status| status.success()), "`{}` stays mounted", self.at.display());
    }
}

#[test]
fn a_full_disk_where_lists_go_keeps_no_part_of_them() {
    let terminal = shop::applied();
    shop::crowd(&terminal, 5_000);
    let Some(disk) = SmallDisk::at(&terminal.path("clean/out"), 64) else { return };
    let run = terminal.consign(RUN);
    shop::discreet(&run);
    assert_snapshot!(run.steady());
    assert_eq!(terminal.names("clean/out"), [""; 0]);
    disk.grow(8_192);
    let run = terminal.consign(RUN);
    assert_eq!((run.code, terminal.names("clean/out")), (0, vec!["Churn_Letter.csv".to_owned()]));
    drop(disk);
}

#[test]
fn a_full_disk_where_runs_are_kept_ends_the_run_and_blocks_no_other() {
    // Each size is used up in another step: applying, assigning, staging, writing requests, recording recipients.
    let terminal = shop::applied();
    shop::crowd(&terminal, 60_000);
    let mut full = 0;
    for kib in [60, 700, 3_000, 6_000, 9_000, 12_000] {
        let Some(disk) = SmallDisk::at(&terminal.path("full"), kib) else { return };
        let data = "--data full";
        let (applied, run) =
            (terminal.consign(&format!("{data} apply clean")), terminal.consign(&format!("{data} {RUN}")));
        let failed = if applied.code == 0 { run } else { applied };
        shop::discreet(&failed);
        if failed.code == 0 {
            continue;
        }
        full += 1;
        // Where only the requests of the mail do not fit, the folder has its list.
        assert!([1, 4].contains(&failed.code), "{}", failed.transcript());
        let said = format!("{}{}", failed.out, failed.err);
        assert!(said.contains("make room") || said.contains("free space"), "{}", failed.transcript());
        assert!(failed.err.lines().count() <= 3, "{}", failed.transcript());
        disk.grow(65_536);
        assert_eq!(terminal.consign(&format!("{data} apply clean")).code, 0);
        let run = terminal.consign(&format!("{data} {RUN}"));
        assert_eq!(run.code, 0, "after {kib} KiB: {}", run.transcript());
        let runs = terminal.consign(&format!("{data} status --json")).json()["runs"].clone();
        let outcomes: Vec<_> = runs.as_array().expect("a list").iter().map(|run| run["outcome"].clone()).collect();
        let earlier = if failed.code == 4 { "partial" } else { "failed" };
        assert!(outcomes == ["succeeded", earlier] || outcomes == ["succeeded"], "after {kib} KiB: {outcomes:?}");
    }
    assert!(full >= 4, "{full} sizes were too small");
}

#[test]
fn a_database_that_is_not_there() {
    let terminal = shop::applied();
    shop::with_database(&terminal);
    let host = shop::deserted().replace("http://", "");
    let address = format!("postgres://ada:{}@{host}/shop", shop::SECRET);
    let found = terminal.consign_with("validate clean --json", &[("DB", &address)]);
    shop::discreet(&found);
    assert_eq!(found.code, 3, "{}", found.transcript());
    let problem = found.json()["problems"][0].clone();
    let said =
        format!("{}: {}", problem["reason"].as_str().expect("a text"), problem["remedy"].as_str().expect("a text"));
    assert_snapshot!(said.replace(&host, "127.0.0.1:[port]"));
}

#[test]
fn a_full_disk_leaves_no_half_of_a_demo() {
    let terminal = Terminal::with(&[]);
    let Some(_disk) = SmallDisk::at(&terminal.path("full"), 100) else { return };
    let demo = terminal.consign("demo full/demo");
    assert_snapshot!(demo.transcript());
    assert_eq!(terminal.names("full/demo/data"), [""; 0]);
}

#[test]
fn a_folder_that_may_not_be_written_to() {
    let terminal = shop::applied().of_common_user();
    // What the superuser applied is not for others.
    fs::remove_dir_all(terminal.path(".consign")).expect("removed");
    shop::apply(&terminal);
    fs::set_permissions(terminal.path("clean/out"), Permissions::from_mode(0o555)).expect("set");
    let mut said = String::new();
    for (command, code) in [("destinations test folder", 1), (RUN, 4), ("export --out clean/out", 1)] {
        let answer = terminal.consign(command);
        assert_eq!(answer.code, code, "{}", answer.transcript());
        said += &answer.steady();
        said.push('\n');
    }
    for command in ["demo clean/out", "--data clean/out apply clean", "--data clean/out/data apply clean"] {
        let answer = terminal.consign(command);
        assert_eq!(answer.code, 1, "{}", answer.transcript());
        said += &answer.steady();
        said.push('\n');
    }
    assert_snapshot!(said);
    assert_eq!(terminal.names("clean/out"), [""; 0]);
}

#[test]
fn two_users_of_one_machine_do_not_get_in_each_others_way() {
    let superuser = Terminal::with(&["clean"]);
    assert_eq!(superuser.consign("validate clean").code, 0);
    let other = Terminal::with(&["clean"]).of_common_user();
    assert_eq!(other.consign("validate clean").code, 0);
}

#[test]
fn an_unreachable_bucket_does_not_keep_the_folder_from_its_list() {
    let terminal = shop::applied();
    let endpoint = shop::deserted();
    shop::with_bucket(&terminal, &endpoint);
    let host = endpoint.strip_prefix("http://").expect("an address").to_owned();
    let mut said = String::new();
    let unset = terminal.consign(RUN);
    for command in [RUN, "destinations test bucket", "explain churn 00001"] {
        let answer = terminal.consign_with(command, &shop::keys());
        shop::discreet(&answer);
        let code = [(RUN, 4), ("destinations test bucket", 1), ("explain churn 00001", 0)];
        assert!(code.contains(&(command, answer.code)), "{}", answer.transcript());
        said += &answer.steady();
        said.push('\n');
    }
    assert_eq!(unset.code, 4);
    said.push_str(&unset.steady());
    assert_snapshot!(said.replace(&host, "127.0.0.1:[port]"));
    let list = fs::read_to_string(terminal.path("clean/out/Churn_Letter.csv")).expect("written");
    assert_eq!(list, "id,email\n00001,ada@example.com\n");
    // Neither of them arrives: that is another exit code.
    fs::remove_dir_all(terminal.path("clean/out")).expect("removed");
    let none = terminal.consign_with(RUN, &shop::keys());
    assert_eq!(none.code, 1, "{}", none.transcript());
    assert!(!terminal.path("clean/out").exists(), "a folder that is missing may be a disk that is not mounted");
}

#[test]
fn a_folder_is_tested_and_what_is_wrong_with_it_is_said() {
    let terminal = shop::applied();
    let right = terminal.consign("destinations test folder");
    assert_eq!(right.code, 0);
    assert_eq!(terminal.names("clean/out"), [""; 0], "what was written is removed");
    assert_eq!(terminal.consign("destinations test folder --json").json()["works"], true);
    fs::remove_dir(terminal.path("clean/out")).expect("removed");
    let missing = terminal.consign("destinations test folder");
    fs::write(terminal.path("clean/out"), "").expect("written");
    let file = terminal.consign("destinations test folder");
    let json = terminal.consign("destinations test folder --json");
    assert_eq!((json.code, &json.json()["works"], json.err.as_str()), (1, &false.into(), ""));
    assert_eq!((missing.code, file.code), (1, 1));
    terminal.edit(DESTINATIONS, "{ folder: out }", "{ folder: out/deeper }");
    shop::apply(&terminal);
    let within = terminal.consign("destinations test folder");
    let right = right.out.lines().filter(|line| !line.contains("consign-test-")).collect::<Vec<_>>().join("\n");
    assert_snapshot!([right, missing.transcript(), file.transcript(), within.transcript()].join("\n"));
}

#[test]
fn one_destination_that_fails_is_exit_code_4_and_none_that_works_is_1() {
    let terminal = shop::applied();
    let more = "  - { id: gone, name: Gone, kind: local_files, settings: { folder: gone } }\n";
    shop::append(&terminal, DESTINATIONS, more);
    terminal.edit(CAMPAIGN, "[mail, folder]", "[gone, folder]");
    let attributes = "          - { attribute: id, column: Merged_Customers.customer_id }\n";
    let gone = format!("    destinations:\n      gone:\n        attributes:\n{attributes}");
    terminal.edit(CAMPAIGN, "    destinations:\n", &gone);
    shop::apply(&terminal);
    let some = terminal.consign(&format!("{RUN} --json"));
    assert_eq!((some.code, &some.json()["outcome"]), (4, &"partial".into()), "{}", some.transcript());
    assert_eq!(terminal.names("clean/out"), ["Churn_Letter.csv"]);
    let states = |answer: &serde_json::Value| {
        let deliveries = answer["deliveries"].as_array().expect("a list").clone();
        deliveries.iter().map(|one| (one["destination"].clone(), one["state"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(states(&some.json()), [("gone".into(), "failed".into()), ("folder".into(), "delivered".into())]);
    let id = some.json()["run"].as_str().expect("an id").to_owned();
    assert_eq!(states(&terminal.consign(&format!("status {id} --json")).json()), states(&some.json()));
    fs::remove_dir_all(terminal.path("clean/out")).expect("removed");
    assert_eq!(terminal.consign(RUN).code, 1);
    fs::create_dir_all(terminal.path("clean/gone")).expect("made");
    fs::create_dir_all(terminal.path("clean/out")).expect("made");
    assert_eq!(terminal.consign(RUN).code, 0);
}
