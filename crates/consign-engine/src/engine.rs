//! The engine itself: its memory, threads and spill folder.

use std::path::PathBuf;
use std::sync::Arc;

use consign_model::definition::Definitions;
use consign_secrets::Secrets;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use url::Url;

use crate::error::{EngineError, query_error};
use crate::session::Shared;
use crate::snapshot::Snapshot;
use crate::spill::Spill;
use crate::tables::Tables;

/// Smallest pool, in bytes: below it even small sorts end for want of memory.
const MIN_MEMORY: usize = 64 << 20;

/// What an engine may use.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Bytes that joins, sorts and aggregations hold before they spill; at least 64 MiB, which is what smaller values
    /// mean.
    pub memory: usize,
    /// Threads that a plan runs on, at least 1.
    pub threads: usize,
    /// The folder for what does not fit into memory. Made where it is missing; everything in it is temporary.
    pub spill: PathBuf,
}

impl EngineOptions {
    /// 512 MiB, all processors.
    pub fn with_spill(spill: impl Into<PathBuf>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory: 512 << 20, threads, spill: spill.into() }
    }
}

/// The engine. Cheap to clone; clones share memory and disk.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Shared,
}

impl Engine {
    /// An engine with that much of everything.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let EngineOptions { memory, threads, spill } = options;
        let memory = memory.max(MIN_MEMORY);
        let own = Spill::within(&spill)
            .map_err(|reason| EngineError::SpillFolder { folder: spill.display().to_string(), reason })?;
        let folders = DiskManagerMode::Directories(vec![own.path().to_owned()]);
        let disk = DiskManagerBuilder::default().with_mode(folders);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|error| query_error(error, memory))?;
        Ok(Self { shared: Shared { runtime, threads: threads.max(1), memory, spill: Arc::new(own) } })
    }

    /// Opens the tables of all sources. A table that cannot be opened becomes a problem at its path in the definitions
    /// ([`Tables::problems`]); the others are opened.
    pub async fn open(&self, definitions: &Definitions, secrets: &Secrets) -> Result<Tables, EngineError> {
        Tables::open(self.shared.clone(), definitions, secrets).await
    }

    /// Opens a snapshot, on disk or in the object store of a source that was opened before.
    pub async fn snapshot(&self, url: &Url) -> Result<Snapshot, EngineError> {
        self.shared.snapshot(url).await
    }
}
