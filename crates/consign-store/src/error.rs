//! Why the store could not do what it was asked.

mod postgres;
mod sqlite;

use std::fmt;

use consign_model::id::Slug;
use sqlx::migrate::MigrateError;

use crate::lease::LeaseOn;
use crate::location::Location;

/// Why the store could not do what it was asked. Each says where, why and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened or made.
    #[error("the store {} cannot be opened: {}; {}", .0.store, .0.reason, .0.remedy)]
    CannotOpen(Open),
    /// It was written by a later program.
    #[error(
        "the store {store} has schema {found} and this program knows schemas up to {known}: use the newer program, or \
         another data folder"
    )]
    NewerSchema {
        /// Where it is.
        store: String,
        /// Its schema.
        found: i64,
        /// The latest schema of this program.
        known: i64,
    },
    /// It is not a store, or is damaged.
    #[error("the store {store} is damaged or is not a store: {reason}; put back a copy, or move it away to begin anew")]
    Corrupt {
        /// Where it is.
        store: String,
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
    /// Another process has taken the lease on it, which this one could not renew in time.
    #[error(
        "another process has taken over {0}, since this one stood still for too long: what it has not done it leaves to \
         the other; see `consign status`"
    )]
    LeaseLost(LeaseOn),
    /// Another process writes for longer than we wait.
    #[error("the store {0} is in use by another process: try again, or end that process")]
    Busy(String),
    /// Nothing more fits on the disk. What was written before is whole.
    #[error("the disk of the store {0} is full: make room and repeat the command")]
    DiskFull(String),
    /// The disk refuses; a full one does so where a file cannot be made larger.
    #[error("the store {store} cannot be read or written: {reason}: check the disk, and that it has room")]
    Disk {
        /// Where it is.
        store: String,
        /// What the disk says.
        reason: String,
    },
    /// The server does not answer, or not any more.
    #[error(
        "the store {store} cannot be reached: {reason}; check that the server runs and that its address is right, and \
         repeat the command: what was reported as done is kept"
    )]
    Unreachable {
        /// Where it is.
        store: String,
        /// Why.
        reason: String,
    },
    /// Anything else.
    #[error("the store {store} failed: {reason}")]
    Failed {
        /// Where it is.
        store: String,
        /// Why.
        reason: String,
    },
}

/// Why a store cannot be opened.
#[derive(Debug)]
pub struct Open {
    /// Where it is.
    pub store: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: &'static str,
}

impl StoreError {
    /// What an error of the database means for the store there.
    pub(crate) fn of(location: &Location, error: &sqlx::Error) -> Self {
        let store = location.to_string();
        let reason = error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        match location {
            Location::File(_) => sqlite::meaning(store, reason, error),
            Location::Postgres(_) => postgres::meaning(store, reason, error),
        }
    }

    /// What a failed migration means.
    pub(crate) fn of_migration(location: &Location, error: &MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::of(location, error),
            other => Self::Corrupt { store: location.to_string(), reason: other.to_string() },
        }
    }

    /// A value in the store that this program never writes.
    pub(crate) fn unreadable(location: &Location, what: impl fmt::Display) -> Self {
        Self::Corrupt { store: location.to_string(), reason: format!("{what} cannot be read") }
    }
}
