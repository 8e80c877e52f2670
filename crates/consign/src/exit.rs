//! What the process's exit code says. `docs/cli.md` and `consign --help` say the same.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use consign_delivery::backup::BackupError;
use consign_delivery::{CredentialError, LeaseError, RotateError, RunError};
use consign_model::word;
use consign_secrets::KeyError;
use consign_store::StoreError;

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is done.
    Fine,
    /// It could not be done; standard error says why.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// The definitions have errors; nothing was changed.
    Invalid,
    /// Some deliveries arrived and others did not; some traces of a forgotten customer are left.
    Partial,
    /// What was named does not exist; nothing was done.
    NotFound,
    /// Another process or run is in the way; try again later.
    Busy,
    /// `doctor` found a problem.
    Unwell,
    /// Stopped by an interrupt.
    Interrupted,
}

/// The table of exit codes below `consign --help`.
pub const HELP: &str = "\
Exit codes:
  0    all is done
  1    it could not be done; standard error says why
  2    the command line makes no sense
  3    the definitions have errors; nothing was changed
  4    some deliveries arrived and others did not; some traces of a forgotten customer are left
  5    what was named does not exist; nothing was done
  6    another process or run is in the way; try again later
  7    `doctor` found a problem
  130  stopped by an interrupt

Environment:
  CONSIGN_DATA    the data folder, as --data
  CONSIGN_KEY     where the workspace key is kept, as --key
  CONSIGN_LEASE   how many seconds a campaign stays with a process that stands still, as --lease
  CONSIGN_STORE   where the store is, as --store
  CONSIGN_MEMORY  the engine's memory in MiB, as --memory
  CONSIGN_LOG     what is logged to standard error, such as `info`; unless set only what `serve` does
  NO_COLOR        no colours";

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Partial => 4,
            Self::NotFound => 5,
            Self::Busy => 6,
            Self::Unwell => 7,
            Self::Interrupted => 130,
        }
    }

    /// What an error comes to.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return refusal.exit;
        }
        match error.downcast_ref::<RunError>() {
            Some(RunError::Store(error) | RunError::Lease(LeaseError::Store(error))) => return Self::of_store(error),
            Some(RunError::Underway(_)) => return Self::Busy,
            Some(error) if error.is_cancelled() => return Self::Interrupted,
            _ => {}
        }
        match error.downcast_ref::<BackupError>() {
            Some(BackupError::Store(error) | BackupError::Lease(LeaseError::Store(error))) => {
                return Self::of_store(error);
            }
            Some(BackupError::Underway(_) | BackupError::Key(KeyError::Busy(_))) => return Self::Busy,
            _ => {}
        }
        match (error.downcast_ref(), error.downcast_ref()) {
            (Some(RotateError::Key(KeyError::Busy(_))), _) | (_, Some(CredentialError::Key(KeyError::Busy(_)))) => {
                return Self::Busy;
            }
            _ => {}
        }
        error.downcast_ref().map_or(Self::Failed, Self::of_store)
    }

    fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::NotFound,
            StoreError::RunUnderway { .. } | StoreError::LeaseLost(_) | StoreError::Busy(_) => Self::Busy,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command is not done, where the exit code says more than that.
#[derive(Debug)]
pub struct Refusal {
    exit: Exit,
    message: String,
}

impl Refusal {
    /// Something that was named and does not exist, beside what does.
    pub fn not_found<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let remedy = word::use_nearest(name, known);
        Self { exit: Exit::NotFound, message: format!("there is no {what} `{name}`: {remedy}") }
    }

    /// A command line that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// Definitions that the tables, as they are now, do not fit.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { exit: Exit::Invalid, message: message.into() }
    }

    /// Something that does not exist, and what to do.
    pub fn missing(message: impl Into<String>) -> Self {
        Self { exit: Exit::NotFound, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Refusal {}
