//! Reading a snapshot, from disk or from an object store.

use std::fmt::Display;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use tokio::sync::mpsc;
use url::Url;

use crate::error::EngineError;
use crate::session::BATCH;

/// Batches that are read ahead.
const AHEAD: usize = 2;

/// A stream of a snapshot's rows.
pub type Batches = BoxStream<'static, Result<RecordBatch, EngineError>>;

/// A written snapshot: its layout is that of [`consign_model::snapshot`].
#[derive(Debug, Clone)]
pub struct Snapshot {
    place: Place,
    metadata: ArrowReaderMetadata,
}

#[derive(Debug, Clone)]
enum Place {
    Disk(PathBuf),
    Store { store: Arc<dyn ObjectStore>, path: object_store::path::Path },
}

impl Snapshot {
    /// Opens the snapshot at a `file:` URL. [`Engine::snapshot`](crate::Engine::snapshot) opens those in object stores
    /// as well.
    pub async fn open(url: &Url) -> Result<Self, EngineError> {
        let path = url.to_file_path().map_err(|()| unreadable(url, "it names no file of this machine"))?;
        let opened = tokio::task::spawn_blocking(move || Self::open_file(&path)).await;
        opened.map_err(|error| unreadable(url, error))?
    }

    pub(crate) fn open_file(path: &Path) -> Result<Self, EngineError> {
        let load = || {
            let file = File::open(path).map_err(|error| error.to_string())?;
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| error.to_string())
        };
        let metadata = load().map_err(|reason| unreadable(path.display(), reason))?;
        Ok(Self { place: Place::Disk(path.to_owned()), metadata })
    }

    pub(crate) async fn open_object(store: Arc<dyn ObjectStore>, url: &Url) -> Result<Self, EngineError> {
        let path = object_store::path::Path::from_url_path(url.path()).map_err(|error| unreadable(url, error))?;
        let mut reader = ObjectReader { store: Arc::clone(&store), path: path.clone() };
        let metadata = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new()).await;
        let metadata = metadata.map_err(|error| unreadable(url, error))?;
        Ok(Self { place: Place::Store { store, path }, metadata })
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
    pub fn batches(&self, columns: &[&str]) -> Result<Batches, EngineError> {
        let mut roots = Vec::new();
        for column in columns {
            let root = self.metadata.schema().index_of(column);
            roots.push(root.map_err(|_| unreadable(self.shown(), format!("it has no column `{column}`")))?);
        }
        self.read(Some(roots))
    }

    /// All of it, batch by batch.
    pub fn all(&self) -> Result<Batches, EngineError> {
        self.read(None)
    }

    fn shown(&self) -> String {
        match &self.place {
            Place::Disk(path) => path.display().to_string(),
            Place::Store { path, .. } => path.to_string(),
        }
    }

    fn read(&self, roots: Option<Vec<usize>>) -> Result<Batches, EngineError> {
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = roots.map_or_else(ProjectionMask::all, |roots| ProjectionMask::roots(schema, roots));
        match &self.place {
            Place::Disk(path) => self.read_file(path, mask),
            Place::Store { store, path } => {
                let reader = ObjectReader { store: Arc::clone(store), path: path.clone() };
                let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, self.metadata.clone());
                let stream = builder.with_batch_size(BATCH).with_projection(mask).build();
                let shown = self.shown();
                let stream = stream.map_err(|error| unreadable(&shown, error))?;
                Ok(stream.map_err(move |error| unreadable(&shown, error)).boxed())
            }
        }
    }

    fn read_file(&self, path: &Path, mask: ProjectionMask) -> Result<Batches, EngineError> {
        let shown = self.shown();
        let file = File::open(path).map_err(|error| unreadable(&shown, error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let reader = builder.with_batch_size(BATCH).with_projection(mask).build();
        let reader = reader.map_err(|error| unreadable(&shown, error))?;
        let (sender, batches) = mpsc::channel(AHEAD);
        // Ends with the file, or when nobody reads on.
        tokio::task::spawn_blocking(move || {
            for batch in reader {
                let batch = batch.map_err(|error| unreadable(&shown, error));
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

/// An object as the Parquet reader wants it.
struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: object_store::path::Path,
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let read = async move {
            self.store.get_range(&self.path, range).await.map_err(|error| ParquetError::External(Box::new(error)))
        };
        read.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let read = async move {
            let object = self.store.head(&self.path).await.map_err(|error| ParquetError::External(Box::new(error)))?;
            let metadata = ParquetMetaDataReader::new().load_and_finish(&mut *self, object.size).await?;
            Ok(Arc::new(metadata))
        };
        read.boxed()
    }
}

fn unreadable(url: impl Display, reason: impl Display) -> EngineError {
    EngineError::ReadSnapshot { url: url.to_string(), reason: reason.to_string() }
}
