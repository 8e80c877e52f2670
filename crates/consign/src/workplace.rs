//! The engine, the tables and the folders that a command works with.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result};
use consign_delivery::folder::DataFolder;
use consign_delivery::recipients::recorded;
use consign_delivery::{RunError, forgotten};
use consign_destinations::http::Http;
use consign_engine::{Engine, EngineError, EngineOptions, Tables};
use consign_model::definition::Definitions;
use consign_secrets::Secrets;
use consign_store::{Store, StoredDefinitions};
use tempfile::TempDir;

use crate::context::Context;

/// What runs, previews and explanations of stored definitions work with.
pub struct Opened {
    /// The tables.
    pub tables: Tables,
    /// The secrets.
    pub secrets: Secrets,
    /// The data folder.
    pub folder: DataFolder,
    /// The engine.
    pub engine: Engine,
    /// The HTTP layer of platforms.
    pub http: Http,
    /// Threads.
    pub threads: usize,
}

impl Opened {
    /// Opens the tables of stored definitions, with the recipients of earlier runs.
    pub async fn of(context: &Context, store: &dyn Store, stored: &StoredDefinitions) -> Result<Self> {
        let folder = context.data_folder()?;
        let secrets = context.secrets(&stored.folder).await?;
        let options = options(context, &folder.spill());
        let threads = options.threads;
        let engine = Engine::new(options)?;
        let tables = tokio::select! {
            tables = engine.open(&stored.definitions, &secrets) => tables?,
            () = context.cancel.cancelled() => return Err(RunError::from(EngineError::Cancelled).into()),
        };
        let tables = tables.with_recipients(&recorded(store, &folder).await?)?.without(forgotten(store).await?);
        Ok(Self { tables, secrets, folder, engine, http: Http::new()?, threads })
    }
}

/// The tables of definitions that are looked at before they are applied.
pub struct Looked {
    /// The tables.
    pub tables: Tables,
    /// What is copied to look at them: for this user alone, and gone afterwards.
    _spill: TempDir,
}

impl Looked {
    /// Opens the tables of definitions in a folder.
    pub async fn at(context: &Context, definitions: &Definitions, folder: &Path) -> Result<Self> {
        let place = env::temp_dir();
        let spill = tempfile::Builder::new().prefix("consign-").tempdir().with_context(|| {
            format!("no folder can be made in `{}`: make room there, or name another as TMPDIR", place.display())
        })?;
        let engine = engine(context, spill.path())?;
        let tables = engine.open(definitions, &context.secrets(folder).await?).await?;
        Ok(Self { tables, _spill: spill })
    }
}

/// An engine alone, which spills to that folder.
pub fn engine(context: &Context, spill: &Path) -> Result<Engine> {
    Ok(Engine::new(options(context, spill))?)
}

fn options(context: &Context, spill: &Path) -> EngineOptions {
    EngineOptions { memory: context.memory, ..EngineOptions::with_spill(spill) }
}
