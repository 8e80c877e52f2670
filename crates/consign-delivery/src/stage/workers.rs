//! Passes over the snapshot: one reader, several workers that each see every batch.

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::UInt16Type;
use consign_model::snapshot;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::candidates::column;
use super::{SnapshotReader, StageError};

/// Batches that wait for a worker.
const WAITING: usize = 4;

/// What a pass does with the batches of the snapshot, in order.
pub(super) trait Work: Send + 'static {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), StageError>;
}

/// Reads the snapshot once and gives every batch to every worker. Returns the workers in their order.
pub(super) async fn pass<W: Work>(
    snapshot: &dyn SnapshotReader,
    columns: &[String],
    workers: Vec<W>,
    cancel: &CancellationToken,
    read: &(dyn Fn(u64) + Sync),
) -> Result<Vec<W>, StageError> {
    let mut senders = Vec::new();
    let mut tasks = JoinSet::new();
    for (place, mut worker) in workers.into_iter().enumerate() {
        let (sender, mut receiver) = mpsc::channel::<RecordBatch>(WAITING);
        senders.push(sender);
        tasks.spawn_blocking(move || {
            while let Some(batch) = receiver.blocking_recv() {
                worker.batch(&batch)?;
            }
            Ok::<_, StageError>((place, worker))
        });
    }
    let mut batches = snapshot.batches(columns);
    'reading: while let Some(batch) = batches.next().await {
        if cancel.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        let batch = batch?;
        for sender in &senders {
            // A worker that is gone has failed; its error is found below.
            if sender.send(batch.clone()).await.is_err() {
                break 'reading;
            }
        }
        read(batch.num_rows() as u64);
    }
    drop(senders);
    let mut done = Vec::new();
    while let Some(finished) = tasks.join_next().await {
        done.push(finished.map_err(StageError::Worker)??);
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, worker)| worker).collect())
}

/// The rows of each of these (sub-audience, group) places, in the order of the batch.
pub(super) fn by_place(batch: &RecordBatch, places: &[(u16, u16)]) -> Result<Vec<RecordBatch>, StageError> {
    let integers = |name: &str| {
        let array = column(batch, name)?.as_primitive_opt::<UInt16Type>();
        array.ok_or_else(|| StageError::Layout(name.to_owned()))
    };
    let (sub_audiences, groups) = (integers(snapshot::SUB_AUDIENCE)?, integers(snapshot::GROUP)?);
    let mut rows = vec![Vec::new(); places.len()];
    for (row, place) in sub_audiences.iter().zip(groups).enumerate() {
        let (Some(sub_audience), Some(group)) = place else { continue };
        if let Some(found) = places.iter().position(|one| *one == (sub_audience, group)) {
            rows[found].push(u32::try_from(row).unwrap_or(u32::MAX));
        }
    }
    rows.into_iter().map(|rows| Ok(take_record_batch(batch, &UInt32Array::from(rows))?)).collect()
}
