//! The clock of processes, moved by libfaketime (`tests/servers/clock.sh`).

use std::env;
use std::fs;
use std::path::PathBuf;

use super::start::Start;

/// A clock that is put forward and back under a process.
pub struct MovedClock {
    file: PathBuf,
    library: String,
}

impl MovedClock {
    /// `None`, and said so, where there is none.
    pub fn of(start: &Start) -> Option<Self> {
        let Ok(library) = env::var("CONSIGN_TEST_CLOCK") else {
            eprintln!(
                "not tested: CONSIGN_TEST_CLOCK is not set; `tests/servers/clock.sh` says how the clock is moved"
            );
            return None;
        };
        Some(Self { file: start.terminal.path("clock"), library })
    }

    /// Puts it so far from what it is (`+3d`), or stops it at a moment (`2026-12-01 10:00:00`). Whole at once: processes
    /// look at any time.
    pub fn put(&self, time: &str) {
        let temporary = self.file.with_extension("new");
        fs::write(&temporary, time).expect("written");
        fs::rename(temporary, &self.file).expect("renamed");
    }

    pub fn variables(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().expect("UTF-8")),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}
