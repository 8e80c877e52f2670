//! Staging: the snapshot to numbered batches of each delivery, and rejects with their reasons.
//!
//! The snapshot is read in up to three passes, each with the columns that it needs: (1) which identifiers and unique keys
//! may recur, (2) which identifiers are suppressed, where anybody is, (3) judge, hash and write. Rows keep the snapshot's
//! order; memory does not grow with the audience, but for the values that do recur.

mod candidates;
mod group;
mod judge;
mod reason;
mod recurrence;
mod scan;
mod workers;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use consign_destinations::encode::EncodeError;
use consign_destinations::registry::Registry;
use consign_model::forgotten::Forgotten;
use consign_model::plan::CampaignPlan;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use reason::{Counts, Reason};
pub use writer::{ATTRIBUTE, BATCH_ROWS, CUSTOMER_KEY, CUSTOMER_STAGED, REASON, StagedBatch, StagedFile};

use crate::checksum::Checksum;
use crate::folder::RunFolder;
use group::GroupStager;
use judge::{Found, Suppressed};
use recurrence::{Marks, Recurring};
use scan::{IdentifierScan, KeyScan, SuppressedScan};
use workers::pass;

/// The snapshot as staging reads it: as often as it needs, each time in the same order.
pub trait SnapshotReader: Send + Sync {
    /// The columns that it has.
    fn schema(&self) -> SchemaRef;
    /// How many rows.
    fn rows(&self) -> u64;
    /// Its rows in order, with these columns.
    fn batches(&self, columns: &[String]) -> BoxStream<'static, Result<RecordBatch, StageError>>;
}

/// What is staged of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedDelivery {
    /// What is counted.
    pub counts: Counts,
    /// The batches in order.
    pub batches: Vec<StagedBatch>,
    /// The dropped rows.
    pub rejects: StagedFile,
}

impl StagedDelivery {
    /// The same with its files at other places.
    pub(crate) fn placed(mut self, place: impl Fn(&Path) -> PathBuf) -> Self {
        for batch in &mut self.batches {
            batch.path = place(&batch.path);
        }
        self.rejects.path = place(&self.rejects.path);
        self
    }

    /// All its files, each as it was written.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Checksum)> {
        let batches = self.batches.iter().map(|batch| (batch.path.as_path(), &batch.checksum));
        batches.chain([(self.rejects.path.as_path(), &self.rejects.checksum)])
    }
}

/// Staging failed. Nothing of it is used.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The snapshot cannot be read.
    #[error("the snapshot cannot be read: run the campaign again")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A staged file cannot be written.
    #[error("cannot write {}: free space on the disk, or check that the folder may be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// The snapshot lacks a column, or has it with another type.
    #[error("the snapshot does not have the column `{0}` as planned: run the campaign again")]
    Layout(String),
    /// Rows cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A kind of the plan is not known.
    #[error("`{0}` is not a known kind: the definitions were applied by another version of consign")]
    UnknownKind(String),
    /// A computation on columns failed.
    #[error("staging failed")]
    Arrow(#[from] ArrowError),
    /// Parquet could not be written.
    #[error(
        "a staged file in the data folder cannot be written: free space on the disk, or check that the folder may be written"
    )]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A worker ended without an answer.
    #[error("a worker of staging ended early")]
    Worker(#[source] tokio::task::JoinError),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What staging is asked for.
pub struct Stage<'a> {
    /// The snapshot that the plan's engine wrote.
    pub snapshot: &'a dyn SnapshotReader,
    /// The plan.
    pub plan: &'a CampaignPlan,
    /// The id of each of its deliveries, in the same order; names of folders.
    pub ids: &'a [String],
    /// The kinds.
    pub registry: &'a Registry,
    /// Who is not staged, though the snapshot has them.
    pub forgotten: &'a Forgotten,
    /// Where staged files go.
    pub folder: &'a RunFolder,
    /// How many threads.
    pub threads: usize,
    /// Stops it.
    pub cancel: &'a CancellationToken,
    /// Told the rows of the snapshot as they are read, those of all passes.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Deliveries that are staged in one pass: each has files open.
const DELIVERIES_A_PASS: usize = 200;

/// Stages all deliveries of a plan. The result is in their order.
pub async fn stage(stage: &Stage<'_>) -> Result<Vec<StagedDelivery>, StageError> {
    let found = Arc::new(look_ahead(stage).await?);
    let places: Vec<usize> = (0..stage.plan.deliveries.len()).collect();
    let mut staged = Vec::new();
    for places in places.chunks(DELIVERIES_A_PASS) {
        let groups = group::groups(&stage.plan.deliveries, places);
        let stagers =
            groups.into_iter().map(|places| GroupStager::new(stage, &places, &found)).collect::<Result<Vec<_>, _>>()?;
        let columns = group::columns(&stagers);
        let workers = group::bins(stagers, stage.threads);
        for worker in pass(stage.snapshot, &columns, workers, stage.cancel, stage.progress).await? {
            staged.extend(worker.finish()?);
        }
    }
    staged.sort_by_key(|(place, _)| *place);
    Ok(staged.into_iter().map(|(_, staged)| staged).collect())
}

/// The first two passes: what may recur, and who is suppressed.
async fn look_ahead(stage: &Stage<'_>) -> Result<Found, StageError> {
    let identifiers = scan::identifiers(stage.plan);
    let deliveries = &stage.plan.deliveries;
    let values = stage.snapshot.rows().saturating_mul((identifiers.len() + scan::keys_a_customer(deliveries)) as u64);
    let marks = Arc::new(Marks::new(values));
    let mut scans: Vec<Box<dyn scan::Scan>> = Vec::new();
    if !identifiers.is_empty() {
        scans.push(Box::new(IdentifierScan::new(stage.snapshot, &identifiers, &marks)));
    }
    if let Some(keys) = KeyScan::new(stage.snapshot, deliveries, &marks) {
        scans.push(Box::new(keys));
    }
    let columns = distinct(scans.iter().flat_map(|scan| scan.columns()));
    let mut candidates = Vec::new();
    if !scans.is_empty() {
        let scans = pass(stage.snapshot, &columns, scans, stage.cancel, stage.progress).await?;
        candidates.extend(scans.into_iter().map(scan::Scan::finish));
    }
    let recurring = Arc::new(Recurring::new(&marks, candidates));
    let mut suppressed = Suppressed::default();
    if !identifiers.is_empty() {
        let scan = SuppressedScan::new(stage.snapshot, stage.plan, &identifiers, &recurring);
        let columns = distinct(scan.columns());
        let scans = pass(stage.snapshot, &columns, vec![scan], stage.cancel, stage.progress).await?;
        suppressed = scans.into_iter().next().map(SuppressedScan::finish).unwrap_or_default();
    }
    Ok(Found { recurring, suppressed, forgotten: stage.forgotten.clone() })
}

fn distinct(columns: impl IntoIterator<Item = String>) -> Vec<String> {
    columns.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
