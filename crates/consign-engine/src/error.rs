//! What can go wrong in the engine: place, reason, remedy; never a value of a row other than a customer key.

use std::io;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// Why the engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The folder for what does not fit into memory cannot be used.
    #[error("the spill folder `{folder}` cannot be used: {reason}: free space there, or name another folder")]
    SpillFolder {
        /// The folder.
        folder: String,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// A table cannot be read.
    #[error("the table `{table}` cannot be read: {reason}: {remedy}")]
    Table {
        /// Its name.
        table: String,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// A one-row table has several rows for a customer.
    #[error(
        "the table `{table}` has {} in more than one row, such as {}: remove the repeated rows, or declare the table \
         with `rows: many`",
        consign_model::word::count(usize::try_from(*count).unwrap_or(usize::MAX), "customer key"),
        consign_model::word::list(keys)
    )]
    DuplicateKeys {
        /// The table.
        table: String,
        /// How many keys stand in more than one row.
        count: u64,
        /// A few of them, in order.
        keys: Vec<String>,
    },
    /// A condition cannot be compiled. Validation reports it with its place.
    #[error("a condition cannot be evaluated: {reason}: {remedy}")]
    Condition {
        /// What is wrong.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// A SQL segment is refused, or fails.
    #[error("the SQL of the segment `{segment}` is refused: {reason}: {remedy}")]
    SqlSegment {
        /// The segment's id.
        segment: String,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// The work does not fit into the pool, even with spilling.
    #[error("the work does not fit into the engine's memory of {mib} MiB: raise `engine.memory` ({reason})")]
    Memory {
        /// The size of the pool.
        mib: usize,
        /// What asked for more.
        reason: String,
    },
    /// Somebody cancelled it. Nothing half-written is left.
    #[error("cancelled: nothing was written")]
    Cancelled,
    /// The snapshot cannot be written. Nothing half-written is left.
    #[error(
        "the snapshot `{url}` cannot be written: {reason}: make room on its disk, or check that you may write there"
    )]
    WriteSnapshot {
        /// Where it should be.
        url: String,
        /// Why.
        reason: String,
    },
    /// A snapshot cannot be read.
    #[error("the snapshot `{url}` cannot be read: {reason}: run the campaign again to make a new one")]
    ReadSnapshot {
        /// Where it is.
        url: String,
        /// Why.
        reason: String,
    },
    /// Anything else that the query engine refuses.
    #[error("the query engine failed: {0}")]
    Query(String),
}

/// Ours on its way through the query engine; `query_error` takes it out again.
impl From<EngineError> for DataFusionError {
    fn from(error: EngineError) -> Self {
        Self::External(Box::new(error))
    }
}

/// The error of a plan as ours. `memory` is the size of the pool in bytes.
pub(crate) fn query_error(error: DataFusionError, memory: usize) -> EngineError {
    let error = match error {
        DataFusionError::External(inner) => match inner.downcast::<EngineError>() {
            Ok(own) => return *own,
            Err(other) => DataFusionError::External(other),
        },
        other => other,
    };
    if let Some(own) = own_error(&error) {
        return own;
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(reason) => {
            let reason = reason.lines().next().unwrap_or_default().to_owned();
            EngineError::Memory { mib: memory >> 20, reason }
        }
        DataFusionError::IoError(reason) => {
            EngineError::Query(format!("{reason}: make room on the disk, or check that you may write there"))
        }
        DataFusionError::ParquetError(reason) => damaged(&reason.to_string()),
        DataFusionError::ArrowError(arrow, _) if matches!(**arrow, ArrowError::ParquetError(_)) => {
            damaged(&arrow.to_string())
        }
        // What the frame casts floats to before it sums them.
        DataFusionError::ArrowError(arrow, _) if arrow.to_string().contains("Decimal128(38, 12)") => {
            EngineError::Condition {
                reason: "a `sum` or `avg` meets a number beyond 10^25".into(),
                remedy: "correct the number in the table".into(),
            }
        }
        root => EngineError::Query(root.strip_backtrace()),
    }
}

fn damaged(reason: &str) -> EngineError {
    EngineError::Query(format!(
        "a Parquet file is damaged or was changed while it was read: {reason}: write the file again"
    ))
}

/// Our own error, when it went through the query engine.
fn own_error(error: &DataFusionError) -> Option<EngineError> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = source {
        if let Some(EngineError::Table { table, reason, remedy }) = one.downcast_ref::<EngineError>() {
            let (table, reason, remedy) = (table.clone(), reason.clone(), remedy.clone());
            return Some(EngineError::Table { table, reason, remedy });
        }
        source = one.source();
    }
    None
}
