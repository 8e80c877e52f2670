//! What can go wrong between us and a platform.

use std::io;
use std::path::PathBuf;

use consign_destinations::client::ClientError;
use consign_destinations::encode::EncodeError;
use consign_engine::EngineError;
use consign_model::definition::Percent;
use consign_secrets::{KeyError, SealError, SecretError};
use consign_store::{ListCounts, StoreError};

use crate::lease::LeaseError;
use crate::stage::Reason;
use crate::staged::ReadError;

/// A platform's delivery failed.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The platform did not do what it was asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no client for the kind with these settings.
    #[error("`{0}` is no platform that lists can be sent to: report it")]
    NoClient(String),
    /// A credential cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The workspace key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What the membership keeps cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Rows cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A staged batch cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The difference cannot be taken.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lease on the campaign could not be asked for.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// What is known of the list cannot be read or written.
    #[error("the membership in {} cannot be kept: free space on the disk, or check that the folder may be written", path.display())]
    Members {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// A credential that the platform changed cannot be read or kept.
    #[error(
        "the credential that the platform gave in place of yours cannot be kept in {}: free space on the disk, or check that \
         the folder may be written", path.display()
    )]
    Rotated {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// A computation on columns failed.
    #[error("the membership cannot be computed")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet could not be written.
    #[error("the membership cannot be written: free space on the disk")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The list would be left empty, which nobody asked for.
    #[error(
        "the list `{list}` has {members} members and would be left empty: look at the preview, and set `allow_empty: true` \
         for the destination in the campaign if that is meant"
    )]
    WouldEmpty {
        /// The list's name.
        list: String,
        /// Its members.
        members: u64,
    },
    /// More members would be removed than the campaign allows.
    #[error(
        "{gone} of {members} members of the list `{list}` would be removed, more than `max_removed` allows ({allowed}): look \
         at the preview, and raise it if that is meant"
    )]
    WouldRemove {
        /// The list's name.
        list: String,
        /// Its members.
        members: u64,
        /// Those who would be removed.
        gone: u64,
        /// How many may be.
        allowed: Percent,
    },
    /// The list was filled another way, and its platform does not let the two be mixed.
    #[error(
        "the list `{list}` was filled by {by}, and its platform takes {} no more: write another `list_name` for it, or go back to \
         the membership that it had", if *by == "files" { "requests" } else { "files" }
    )]
    FilledOtherwise {
        /// The list's name.
        list: String,
        /// `files` or `requests`.
        by: &'static str,
    },
    /// The platform refused all rows.
    #[error(
        "not one of the {rows} rows came onto the list `{list}` (most of them: {reason}): look at the columns that the campaign \
         maps and at the list's settings there, and run the campaign again"
    )]
    AllRefused {
        /// The list's name.
        list: String,
        /// Its rows that were refused.
        rows: u64,
        /// The reason that most of them have.
        reason: String,
    },
    /// The platform took rows, and ended its work on them without having done it.
    #[error("the platform took {0} rows and gave up on them: run the campaign again")]
    GaveUp(u64),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl PlatformError {
    /// What keeps a list from having arrived though all requests for it were answered.
    pub(super) fn of(list: &str, counts: &ListCounts) -> Option<Self> {
        let forgotten = counts.rejected.get(&Reason::Forgotten.to_string()).copied().unwrap_or_default();
        let refused = counts.all_rejected() - forgotten;
        if counts.given_up > 0 {
            Some(Self::GaveUp(counts.given_up))
        } else if refused > 0 && counts.sent + counts.kept + counts.unknown == 0 {
            let most = counts.rejected.iter().max_by_key(|(_, rows)| **rows);
            let reason = most.map(|(reason, _)| reason.clone()).unwrap_or_default();
            Some(Self::AllRefused { list: list.to_owned(), rows: refused, reason })
        } else {
            None
        }
    }
}
