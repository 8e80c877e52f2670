//! The points at which a run has just made something durable, or is about to: where a process that dies shows whether the
//! next one goes on rightly. A test names one in the environment, and the process dies there, at once and with nothing put
//! in order, as when it is killed.
//!
//! Builds without debug assertions, such as what is shipped, have none of this.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that says where a process dies: `POINT:N`, at its n-th passing.
pub const DIE_AT: &str = "CONSIGN_DIE_AT";

/// The variable that names a file to which each passing of a point is added, as a line.
pub const LOG: &str = "CONSIGN_POINTS_LOG";

/// A point on the way of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The snapshot is on disk, and the ledger does not say so.
    SnapshotWritten,
    /// A staged batch is on disk, and nothing names it.
    BatchStaged,
    /// What a run or a delivery goes by is on disk under a temporary name.
    NoteWritten,
    /// The same under its own name.
    NoteKept,
    /// The store is about to commit.
    LedgerChanging,
    /// The store has committed.
    LedgerChanged,
    /// What became of a request is on disk, and the membership does not have it.
    MembershipWritten,
    /// The membership has it.
    MembershipNoted,
    /// The membership is one file, and the files that it was made of are still there, some or all.
    MembershipCompacted,
    /// A file has all its bytes, and does not have its name.
    FileComplete,
    /// A file has its name, and the ledger does not say so.
    FilePublished,
    /// The recipients are on disk under a temporary name.
    RecipientsWritten,
    /// The recipients are there, and the run is not over.
    RecipientsPublished,
}

impl Point {
    /// All points.
    pub const ALL: [Self; 13] = [
        Self::SnapshotWritten,
        Self::BatchStaged,
        Self::NoteWritten,
        Self::NoteKept,
        Self::LedgerChanging,
        Self::LedgerChanged,
        Self::MembershipWritten,
        Self::MembershipNoted,
        Self::MembershipCompacted,
        Self::FileComplete,
        Self::FilePublished,
        Self::RecipientsWritten,
        Self::RecipientsPublished,
    ];

    /// Its name in the environment.
    pub fn word(self) -> &'static str {
        match self {
            Self::SnapshotWritten => "snapshot_written",
            Self::BatchStaged => "batch_staged",
            Self::NoteWritten => "note_written",
            Self::NoteKept => "note_kept",
            Self::LedgerChanging => "ledger_changing",
            Self::LedgerChanged => "ledger_changed",
            Self::MembershipWritten => "membership_written",
            Self::MembershipNoted => "membership_noted",
            Self::MembershipCompacted => "membership_compacted",
            Self::FileComplete => "file_complete",
            Self::FilePublished => "file_published",
            Self::RecipientsWritten => "recipients_written",
            Self::RecipientsPublished => "recipients_published",
        }
    }
}

/// Passes a point: the process dies here if a test asked for it.
pub fn pass(point: Point) {
    if cfg!(debug_assertions) {
        ASKED.get_or_init(Asked::read).pass(point);
    }
}

static ASKED: OnceLock<Asked> = OnceLock::new();

/// What a test asks of this process.
#[derive(Default)]
struct Asked {
    die_at: Option<(String, u64)>,
    passed: AtomicU64,
    log: Option<String>,
}

impl Asked {
    fn read() -> Self {
        let die_at = env::var(DIE_AT).ok();
        let die_at = die_at.as_deref().and_then(|text| text.split_once(':'));
        let die_at = die_at.and_then(|(point, time)| Some((point.to_owned(), time.parse().ok()?)));
        Self { die_at, passed: AtomicU64::new(0), log: env::var(LOG).ok() }
    }

    fn pass(&self, point: Point) {
        if let Some(log) = &self.log {
            let file = OpenOptions::new().create(true).append(true).open(log);
            // A line in one write: others pass at the same time. What is missing is missed by the test that reads it.
            let _ = file.and_then(|mut file| file.write_all(format!("{}\n", point.word()).as_bytes()));
        }
        if let Some((_, time)) = self.die_at.as_ref().filter(|(name, _)| name == point.word())
            && self.passed.fetch_add(1, Ordering::Relaxed) + 1 == *time
        {
            process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_has_a_name_of_its_own() {
        let mut names = Point::ALL.map(Point::word).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
