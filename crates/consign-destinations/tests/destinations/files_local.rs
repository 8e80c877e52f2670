//! Files in folders of this machine.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use consign_destinations::files::FileError;

use crate::files_place::{listed, local, place};

#[tokio::test]
async fn a_file_appears_whole_when_it_is_published_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("list.csv"), "old").unwrap();
    let store = local(folder.path());
    let mut upload = store.upload("list.csv").await.unwrap();
    upload.write(Bytes::from_static(b"new ")).await.unwrap();
    upload.write(Bytes::from_static(b"list")).await.unwrap();
    assert_eq!(fs::read(folder.path().join("list.csv")).unwrap(), b"old");
    upload.publish().await.unwrap();
    assert_eq!(fs::read(folder.path().join("list.csv")).unwrap(), b"new list");
    assert_eq!(listed(folder.path()), ["list.csv"]);
    store.remove("list.csv").await.unwrap();
    store.remove("list.csv").await.unwrap();
    assert!(listed(folder.path()).is_empty());
}

#[tokio::test]
async fn nothing_stays_of_a_file_that_is_given_up_or_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = local(folder.path());
    let mut upload = store.upload("list.csv").await.unwrap();
    upload.write(Bytes::from_static(b"half")).await.unwrap();
    assert_eq!(listed(folder.path()).len(), 1);
    upload.abort().await;
    assert!(listed(folder.path()).is_empty());
    let mut upload = store.upload("list.csv").await.unwrap();
    upload.write(Bytes::from_static(b"half")).await.unwrap();
    drop(upload);
    assert!(listed(folder.path()).is_empty());
}

#[tokio::test]
async fn what_a_process_that_died_left_of_a_file_goes_with_the_next_and_what_is_being_written_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = local(folder.path());
    for left in [".list.csv.a1b2c3.part", ".list.csv.zip.a1b2c3.part", ".other.csv.a1b2c3.part"] {
        fs::write(folder.path().join(left), "half").unwrap();
    }
    let first = store.upload("list.csv").await.unwrap();
    let second = store.upload("list.csv").await.unwrap();
    first.publish().await.unwrap();
    second.publish().await.unwrap();
    assert_eq!(listed(folder.path()), [".list.csv.zip.a1b2c3.part", ".other.csv.a1b2c3.part", "list.csv"]);
}

#[tokio::test]
async fn names_that_leave_the_folder_or_hide_in_it_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let store = local(&inside);
    for name in ["", "..", "../x", "/etc/x", "a/b", "a\\b", ".hidden", "a\0b", "a\nb", "a\u{7f}"] {
        assert!(matches!(store.upload(name).await.err(), Some(FileError::Name { .. })), "{name:?}");
        assert!(matches!(store.remove(name).await.err(), Some(FileError::Name { .. })), "{name:?}");
    }
    let mut upload = store.upload("Zoë & co. 10% (a..b).csv").await.unwrap();
    upload.write(Bytes::from_static(b"x")).await.unwrap();
    upload.publish().await.unwrap();
    assert_eq!(listed(&inside), ["Zoë & co. 10% (a..b).csv"]);
    assert_eq!(listed(folder.path()), ["inside"]);
}

#[tokio::test]
async fn a_test_writes_a_small_file_and_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let proved = local(folder.path()).test().await.unwrap();
    assert!(proved.iter().any(|line| line.contains(folder.path().to_str().unwrap())), "{proved:?}");
    assert!(listed(folder.path()).is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_a_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let missing = local(&folder.path().join("missing")).test().await.unwrap_err();
    assert!(matches!(missing, FileError::NoFolder(_)) && missing.to_string().contains("create it"), "{missing}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = local(&file).test().await.unwrap_err();
    assert!(matches!(error, FileError::NotAFolder(_)), "{error}");
    let unset = place("local_files", &[], &[]).err().unwrap();
    assert!(matches!(unset, FileError::Setting { name: "folder", .. }), "{unset}");
    assert!(matches!(place("klaviyo", &[], &[]).err(), Some(FileError::Kind(_))));
}

/// A small file system in memory, where this user may mount one; unmounted when dropped.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "consign-test"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0.path()).output().ok();
    }
}

#[tokio::test]
async fn a_full_disk_and_a_read_only_one_are_told_apart_and_leave_nothing() {
    let (Some(small), Some(read_only)) = (Mounted::new("size=1m"), Mounted::new("size=1m,ro")) else {
        eprintln!("not run: a full and a read-only disk need a user who may mount one");
        return;
    };
    let store = local(small.path());
    let mut upload = store.upload("list.csv").await.unwrap();
    let full = upload.write(Bytes::from(vec![b'x'; 2 << 20])).await.unwrap_err();
    assert!(matches!(full, FileError::DiskFull(_)), "{full}");
    upload.abort().await;
    assert!(listed(small.path()).is_empty());
    let error = local(read_only.path()).test().await.unwrap_err();
    assert!(matches!(error, FileError::ReadOnly(_)), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_one_may_not_write_to_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("x"), "").is_ok() {
        eprintln!("not run: this user may write to every folder");
        return;
    }
    let error = local(folder.path()).test().await.unwrap_err();
    assert!(matches!(error, FileError::NotWritable(_)), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn lists_are_not_readable_by_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    local(folder.path()).upload("list.csv").await.unwrap().publish().await.unwrap();
    let mode = fs::metadata(folder.path().join("list.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "{mode:o}");
}
