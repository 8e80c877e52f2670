//! Clearing: fields that a row lacks, where the user wants what is missing to be missing at the platform too. Elsewhere a
//! NULL leaves what is there.

use consign_destinations::client::{ClientError, ErrorClass};
use consign_destinations::send::RowSet;
use futures::StreamExt;
use futures::stream;

use super::adding::Batch;
use super::{PlatformError, Sending};

/// So many calls are on their way at once; the rate is the platform's.
const AT_ONCE: usize = 8;

impl Sending<'_> {
    /// Clears what the accepted rows of a request lack, by a call for each row that lacks something. A member whose
    /// fields cannot be cleared is told, and no reason to stop.
    pub(super) async fn clear(&mut self, batch: &Batch, rows: &RowSet) -> Result<(), PlatformError> {
        let Some(clearing) = self.client.clearing().filter(|_| self.identifying.clears) else { return Ok(()) };
        let lacking = rows.iter().filter(|row| !batch.rejected[*row]).filter_map(|row| {
            let (part, row) = batch.part(row);
            let missing = part.missing(row);
            let known_by = part.known_by(row)?;
            (!missing.is_empty()).then_some((known_by, missing))
        });
        let calls = lacking.map(|(known_by, missing)| async move { clearing.clear(known_by, &missing).await });
        let mut done = stream::iter(calls).buffer_unordered(AT_ONCE);
        let (mut cleared, mut refused) = (0, 0_u64);
        while let Some(outcome) = done.next().await {
            match outcome {
                Ok(()) => cleared += 1,
                Err(ClientError { class: ErrorClass::Row | ErrorClass::Bug, .. }) => refused += 1,
                Err(error) => return Err(error.into()),
            }
            if self.sender.cancel.is_cancelled() {
                return Err(PlatformError::Cancelled);
            }
        }
        drop(done);
        self.cleared += cleared;
        if refused > 0 {
            self.outcome
                .list
                .note("the missing fields of some members could not be cleared: `consign requests --failed` shows why");
        }
        Ok(())
    }
}
