//! The engine, the tables and the folders that a command works with.

use std::path::Path;

use anyhow::{Context as _, Result};
use consign_delivery::folder::DataFolder;
use consign_engine::{Engine, EngineOptions, Tables};
use consign_model::definition::Definitions;
use consign_secrets::Secrets;
use consign_store::StoredDefinitions;

use crate::context::Context;

/// What runs, previews and explanations of stored definitions work with.
pub struct Opened {
    /// The tables.
    pub tables: Tables,
    /// The secrets.
    pub secrets: Secrets,
    /// The data folder.
    pub folder: DataFolder,
    /// Threads.
    pub threads: usize,
}

impl Opened {
    /// Opens the tables of stored definitions.
    pub async fn of(context: &Context, stored: &StoredDefinitions) -> Result<Self> {
        let shown = context.data.display();
        let folder = DataFolder::open(&context.data)
            .with_context(|| format!("the data folder `{shown}` cannot be used: check that you may write there"))?;
        let secrets = Secrets::of(&stored.folder);
        let options = options(context, &folder.spill());
        let threads = options.threads;
        let tables = Engine::new(options)?.open(&stored.definitions, &secrets).await?;
        Ok(Self { tables, secrets, folder, threads })
    }
}

/// Opens the tables of definitions in a folder, to look at them; nothing stays behind.
pub async fn look(context: &Context, definitions: &Definitions, folder: &Path) -> Result<Tables> {
    let spill = std::env::temp_dir().join("consign");
    Ok(Engine::new(options(context, &spill))?.open(definitions, &Secrets::of(folder)).await?)
}

fn options(context: &Context, spill: &Path) -> EngineOptions {
    EngineOptions { memory: context.memory, ..EngineOptions::with_spill(spill) }
}
