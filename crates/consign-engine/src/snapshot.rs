//! Reading a snapshot.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use futures::stream::BoxStream;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use tokio::sync::mpsc;
use url::Url;

use crate::error::EngineError;
use crate::session::BATCH;

/// Batches that are read ahead.
const AHEAD: usize = 2;

/// A written snapshot: its layout is that of [`consign_model::snapshot`].
#[derive(Debug, Clone)]
pub struct Snapshot {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Snapshot {
    /// Opens the snapshot at a `file:` URL.
    pub async fn open(url: &Url) -> Result<Self, EngineError> {
        let url = url.clone();
        let opened = tokio::task::spawn_blocking(move || Self::open_url(&url)).await;
        opened.map_err(|error| EngineError::Query(error.to_string()))?
    }

    pub(crate) fn open_url(url: &Url) -> Result<Self, EngineError> {
        let path = url.to_file_path().map_err(|()| EngineError::ReadSnapshot {
            url: url.to_string(),
            reason: "it names no file of this machine".into(),
        })?;
        Self::open_file(&path)
    }

    pub(crate) fn open_file(path: &Path) -> Result<Self, EngineError> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = metadata.map_err(|error| unreadable(path, error))?;
        Ok(Self { path: path.to_owned(), metadata })
    }

    /// Its rows.
    pub fn num_rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Its columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.metadata.schema())
    }

    /// The rows in the order of the file, 8,192 a batch, with these columns in the order of the file; a column that the
    /// snapshot lacks is an error.
    pub fn batches(
        &self,
        columns: &[&str],
    ) -> Result<BoxStream<'static, Result<RecordBatch, EngineError>>, EngineError> {
        let mut roots = Vec::new();
        for column in columns {
            let root = self
                .metadata
                .schema()
                .index_of(column)
                .map_err(|_| unreadable(&self.path, format!("it has no column `{column}`")))?;
            roots.push(root);
        }
        self.read(Some(roots))
    }

    /// All of it, batch by batch.
    pub fn all(&self) -> Result<BoxStream<'static, Result<RecordBatch, EngineError>>, EngineError> {
        self.read(None)
    }

    fn read(
        &self,
        roots: Option<Vec<usize>>,
    ) -> Result<BoxStream<'static, Result<RecordBatch, EngineError>>, EngineError> {
        let path = self.path.clone();
        let file = File::open(&path).map_err(|error| unreadable(&path, error))?;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone()).with_batch_size(BATCH);
        if let Some(roots) = roots {
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            builder = builder.with_projection(mask);
        }
        let reader = builder.build().map_err(|error| unreadable(&path, error))?;
        let (sender, batches) = mpsc::channel(AHEAD);
        // Ends with the file, or when nobody reads on.
        tokio::task::spawn_blocking(move || {
            for batch in reader {
                let batch = batch.map_err(|error| unreadable(&path, error));
                let failed = batch.is_err();
                if sender.blocking_send(batch).is_err() || failed {
                    return;
                }
            }
        });
        let stream = futures::stream::unfold(batches, |mut batches| async {
            let batch = batches.recv().await?;
            Some((batch, batches))
        });
        Ok(stream.boxed())
    }
}

fn unreadable(path: &Path, reason: impl std::fmt::Display) -> EngineError {
    EngineError::ReadSnapshot { url: path.display().to_string(), reason: reason.to_string() }
}
