//! Staged personal data of finished runs and of tests goes when its time is over: snapshots, staged lists, what sending
//! needed and what would have been sent. Counts, recipients, groups that stick and memberships stay.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use consign_store::{Run, Store, StoreError};

use crate::folder::{DataFolder, RunFolder};

/// Staged personal data could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder cannot be removed.
    #[error("the staged data in {} cannot be deleted: check that you may write there, or remove it yourself", path.display())]
    Delete {
        /// The folder of a run, or of all runs.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
}

/// Deletes the staged data of runs that ended so many days ago, and says so in the store and its audit log; what tests kept then goes
/// too, and what a preview left that was killed. Returns the ids of the runs. What cannot be deleted does not keep the rest, and is an error in
/// the end; the next call tries again.
pub async fn delete_expired(
    store: &dyn Store,
    folder: &DataFolder,
    retention_days: u32,
    now: DateTime<Utc>,
) -> Result<Vec<String>, RetentionError> {
    let over = now - TimeDelta::days(i64::from(retention_days));
    let mut deleted = Vec::new();
    let mut failed = None;
    for run in store.runs_with_staged_data(over).await? {
        match delete_staged(store, &folder.run(&run.id), &run, "retention", now).await {
            Ok(()) => deleted.push(run.id),
            Err(RetentionError::Store(error)) => return Err(error.into()),
            Err(error) => failed = Some(error),
        }
    }
    if let Err(reason) = folder.delete_previews(over) {
        failed = Some(RetentionError::Delete { path: folder.runs(), reason });
    }
    if let Err(reason) = folder.delete_tests(over) {
        failed = Some(RetentionError::Delete { path: folder.tests(), reason });
    }
    failed.map_or(Ok(deleted), Err)
}

/// Deletes the staged data of a finished run, and says so in the store and its audit log.
pub(crate) async fn delete_staged(
    store: &dyn Store,
    folder: &RunFolder,
    run: &Run,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<(), RetentionError> {
    folder.delete_staged().map_err(|reason| RetentionError::Delete { path: folder.path().to_owned(), reason })?;
    store.audit(actor, "delete staged data", &run.id, &format!("campaign `{}`", run.campaign)).await?;
    store.note_staged_deleted(&run.id, now).await?;
    tracing::info!(run = run.id, campaign = %run.campaign, "staged data deleted");
    Ok(())
}
