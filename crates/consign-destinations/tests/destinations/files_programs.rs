//! What other programs make of our files, and what we make of their keys.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use consign_destinations::files::format::KeyProblem;
use consign_destinations::files::{Recipient, deliver};
use consign_model::definition::{Compression, FileOptions, SecretRef};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::files_place::local;
use crate::files_rows::{names, numbered, stream, written};

/// The GNU Privacy Guard with a home of its own; its agent ends with this.
struct Gpg(tempfile::TempDir);

impl Gpg {
    fn new() -> Option<Self> {
        let gpg = Self(tempfile::tempdir().unwrap());
        let there = gpg.command("gpg").arg("--version").output().is_ok_and(|output| output.status.success());
        if !there {
            eprintln!("not run: the program gpg is missing");
        }
        there.then_some(gpg)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("GNUPGHOME", self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command("gpg");
        command.args(["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn fingerprint(&self, key: &str) -> String {
        let listed = String::from_utf8(self.run(&["--with-colons", "--list-keys", key]).stdout).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    fn exported(&self, key: &str) -> String {
        String::from_utf8(self.run(&["--armor", "--export", key]).stdout).unwrap()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        self.command("gpgconf").args(["--kill", "all"]).output().ok();
    }
}

#[tokio::test]
async fn gpg_and_unzip_read_what_we_encrypt_and_compress() {
    let Some(gpg) = Gpg::new() else { return };
    // Elliptic curves with a subkey, RSA with a subkey that others have signed, RSA without one.
    gpg.run(&["--quick-gen-key", "curve@example.com", "default", "default", "never"]);
    gpg.run(&["--quick-gen-key", "rsa@example.com", "rsa3072", "default", "1y"]);
    gpg.run(&["--quick-gen-key", "alone@example.com", "rsa3072", "encr,sign,cert", "never"]);
    gpg.run(&["--quick-add-key", &gpg.fingerprint("rsa@example.com"), "rsa3072", "encr", "1y"]);
    gpg.run(&["--default-key", "alone@example.com", "--quick-sign-key", &gpg.fingerprint("rsa@example.com")]);
    let options = FileOptions {
        compression: Compression::Zip,
        pgp_public_key: Some(SecretRef::try_from("env:KEY".to_owned()).unwrap()),
        ..FileOptions::default()
    };
    for key in ["curve@example.com", "rsa@example.com", "alone@example.com"] {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretString::from(gpg.exported(key));
        let rows = stream(numbered(30_000));
        let never = CancellationToken::new();
        deliver(&*local(folder.path()), "list", &options, &names(&["id"]), rows, Some(&secret), &never).await.unwrap();
        let encrypted = folder.path().join("list.csv.zip.pgp");
        let zip = folder.path().join("list.csv.zip");
        gpg.run(&["--output", zip.to_str().unwrap(), "--decrypt", encrypted.to_str().unwrap()]);
        assert_unzipped(&zip, "list.csv", &written(&FileOptions::default(), &names(&["id"]), &numbered(30_000), None));
    }
}

fn assert_unzipped(archive: &Path, entry: &str, content: &[u8]) {
    match Command::new("unzip").arg("-p").args([archive, Path::new(entry)]).output() {
        Ok(output) => assert!(output.status.success() && output.stdout == content),
        Err(_) => eprintln!("not run: the program unzip is missing"),
    }
}

#[test]
fn keys_that_are_expired_or_revoked_are_refused() {
    let Some(gpg) = Gpg::new() else { return };
    let past = "--faked-system-time=20200101T000000";
    gpg.run(&[past, "--quick-gen-key", "expired@example.com", "default", "default", "1d"]);
    assert_eq!(Recipient::read(&gpg.exported("expired@example.com")).unwrap_err(), KeyProblem::CannotEncrypt);

    gpg.run(&["--quick-gen-key", "revoked@example.com", "default", "default", "never"]);
    assert!(Recipient::read(&gpg.exported("revoked@example.com")).is_ok());
    // The certificate that gpg keeps is disarmed by a colon.
    let fingerprint = gpg.fingerprint("revoked@example.com");
    let certificate = gpg.0.path().join("openpgp-revocs.d").join(format!("{fingerprint}.rev"));
    let armed = fs::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs::write(&certificate, armed).unwrap();
    gpg.run(&["--import", certificate.to_str().unwrap()]);
    assert_eq!(Recipient::read(&gpg.exported("revoked@example.com")).unwrap_err(), KeyProblem::Revoked);
}

#[test]
fn gzip_and_zstd_read_what_we_compress() {
    let id = names(&["id"]);
    let plain = written(&FileOptions::default(), &id, &numbered(30_000), None);
    let folder = tempfile::tempdir().unwrap();
    for (program, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        let path = folder.path().join(program);
        let options = FileOptions { compression, ..FileOptions::default() };
        fs::write(&path, written(&options, &id, &numbered(30_000), None)).unwrap();
        let file = fs::File::open(&path).unwrap();
        match Command::new(program).arg("-dc").stdin(file).output() {
            Ok(output) => assert!(output.status.success() && output.stdout == plain, "{program}"),
            Err(_) => eprintln!("not run: the program {program} is missing"),
        }
    }
}
