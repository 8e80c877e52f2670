//! Why the store could not do what it was asked.

use std::fmt;
use std::path::{Path, PathBuf};

use consign_model::id::Slug;
use sqlx::migrate::MigrateError;

/// Why the store could not do what it was asked. Each says where, why and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("the store {} cannot be opened: {}; {}", .0.path.display(), .0.reason, .0.remedy)]
    CannotOpen(Open),
    /// The file was written by a later program.
    #[error(
        "the store {} has schema {found} and this program knows schemas up to {known}: use the newer program, or \
         another data folder",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest schema of this program.
        known: i64,
    },
    /// The file is not a store, or is damaged.
    #[error(
        "the store {} is damaged or is not a store: {reason}; put back a copy, or move it away to begin anew",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{id}`: see `consign status`")]
    NotFound {
        /// What sort of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The campaign has a run that is not finished.
    #[error("run `{run}` of campaign `{campaign}` is not finished: wait for it, or cancel it")]
    RunUnderway {
        /// The campaign.
        campaign: Slug,
        /// Its unfinished run.
        run: String,
    },
    /// Another thing with the id exists, or another state is needed.
    #[error("{what}; {remedy}")]
    Conflict {
        /// What stands against it.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A state cannot follow.
    #[error("{what} `{id}` is {from} and cannot become {to}: look at it again with `consign status`")]
    Transition {
        /// `run` or `delivery`.
        what: &'static str,
        /// Its id.
        id: String,
        /// The state that it has.
        from: String,
        /// The state that cannot follow.
        to: String,
    },
    /// Another process writes for longer than we wait.
    #[error("the store {} is in use by another process: try again, or end that process", .0.display())]
    Busy(PathBuf),
    /// Nothing more fits on the disk. What was written before is whole.
    #[error("the disk of the store {} is full: make room and repeat the command", .0.display())]
    DiskFull(PathBuf),
    /// The disk refuses; a full one does so where a file cannot be made larger.
    #[error("the store {} cannot be read or written: {reason}: check the disk, and that it has room", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the disk says.
        reason: String,
    },
    /// Anything else.
    #[error("the store {} failed: {reason}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Why a store cannot be opened.
#[derive(Debug)]
pub struct Open {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: &'static str,
}

/// `SQLite`'s primary result codes (sqlite.org/rescode.html) that are told apart.
mod code {
    pub const PERM: i32 = 3;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const READONLY: i32 = 8;
    pub const IOERR: i32 = 10;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const NOTADB: i32 = 26;
}

impl StoreError {
    /// What an error of `SQLite` means for the store in that file.
    pub(crate) fn of_sqlite(path: &Path, error: &sqlx::Error) -> Self {
        let path = path.to_owned();
        let reason = error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        match primary_code(error) {
            Some(code::PERM | code::CANTOPEN | code::READONLY) => Self::CannotOpen(Open {
                path,
                reason,
                remedy: "check that the folder exists and that you may write to it and to the file",
            }),
            Some(code::BUSY | code::LOCKED) => Self::Busy(path),
            Some(code::CORRUPT | code::NOTADB) => Self::Corrupt { path, reason },
            Some(code::FULL) => Self::DiskFull(path),
            Some(code::IOERR) => Self::Disk { path, reason },
            _ if matches!(error, sqlx::Error::PoolTimedOut) => Self::Busy(path),
            _ => Self::Failed { path, reason },
        }
    }

    /// What a failed migration means.
    pub(crate) fn of_migration(path: &Path, error: &MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::of_sqlite(path, error),
            other => Self::Corrupt { path: path.to_owned(), reason: other.to_string() },
        }
    }

    /// A value in the file that this program never writes.
    pub(crate) fn unreadable(path: &Path, what: impl fmt::Display) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: format!("{what} cannot be read") }
    }
}

/// The primary result code of an error of `SQLite`, which is the lowest byte of the extended one.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};

    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_named() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .pragma("max_page_count", "4")
            .connect()
            .await
            .expect("memory is there");
        connection.execute("CREATE TABLE t (x BLOB)").await.expect("the table fits");
        let error = connection.execute("INSERT INTO t VALUES (zeroblob(100000))").await.expect_err("it does not fit");
        let error = StoreError::of_sqlite(Path::new("consign.db"), &error);
        assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
    }
}
