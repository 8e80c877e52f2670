//! The engine's snapshot as staging reads it.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use consign_engine::Snapshot;
use futures::stream::{self, BoxStream, StreamExt};

use crate::stage::{SnapshotReader, StageError};

impl SnapshotReader for Snapshot {
    fn schema(&self) -> SchemaRef {
        Self::schema(self)
    }

    fn rows(&self) -> u64 {
        self.num_rows()
    }

    fn batches(&self, columns: &[String]) -> BoxStream<'static, Result<RecordBatch, StageError>> {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        match Self::batches(self, &columns) {
            Ok(batches) => batches.map(|batch| batch.map_err(|error| StageError::Read(Box::new(error)))).boxed(),
            Err(error) => stream::once(async { Err(StageError::Read(Box::new(error))) }).boxed(),
        }
    }
}
