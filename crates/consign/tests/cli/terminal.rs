//! A place to type commands in, and what they answered.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder with copies of fixtures, in which commands are called.
pub struct Terminal {
    folder: TempDir,
}

/// What a command answered.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
    command: String,
}

impl Terminal {
    /// With a copy of those fixtures.
    pub fn with(fixtures: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for fixture in fixtures {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
            copy(&from, &folder.path().join(fixture));
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Calls `consign` with those words. Where the folder is does not show in what it answered.
    pub fn consign(&self, words: &str) -> Answer {
        let done = Command::new(env!("CARGO_BIN_EXE_consign"))
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "ada")
            .output()
            .expect("it starts");
        let folder = self.folder.path().canonicalize().expect("it exists");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("UTF-8");
            text.replace(folder.to_str().expect("UTF-8"), "[folder]")
        };
        Answer {
            code: done.status.code().unwrap_or(-1),
            out: text(done.stdout),
            err: text(done.stderr),
            command: format!("consign {words}"),
        }
    }
}

impl Answer {
    /// The whole of it, as a transcript.
    pub fn transcript(&self) -> String {
        let Self { code, out, err, command } = self;
        format!("$ {command}\n----- exit code\n{code}\n----- standard output\n{out}----- standard error\n{err}")
    }

    /// What it printed as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.transcript()))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("read").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}
