//! What commands work with.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use consign_delivery::folder::DataFolder;
use consign_destinations::registry::Registry;
use consign_secrets::{KeySource, Secrets};
use consign_server::work::Listener;
use consign_store::{SqliteStore, Store, StoredDefinitions};
use tokio_util::sync::CancellationToken;

use crate::cli::Global;
use crate::exit::Refusal;
use crate::print::Printer;

/// What commands work with.
#[derive(Clone)]
pub struct Context {
    /// Says things.
    pub printer: Printer,
    /// The folder that holds definitions, runs and staged lists.
    pub data: PathBuf,
    /// Where the workspace key is kept; in the data folder unless said.
    pub key: Option<KeySource>,
    /// Bytes of memory for the engine.
    pub memory: usize,
    /// Where the sandbox is.
    pub sandbox: String,
    /// The kinds of destinations.
    pub registry: Arc<Registry>,
    /// Who asks, for the audit log: the user of the operating system, or what acts by itself.
    pub actor: String,
    /// Cancelled by an interrupt.
    pub cancel: CancellationToken,
    /// Hears how far a run is, beside the printer.
    pub listener: Option<Listener>,
}

impl Context {
    /// What was asked for.
    pub fn new(printer: Printer, Global { data, key, memory, sandbox, .. }: Global) -> Result<Self> {
        // Where a parser of the command line refused it, the text would be repeated; it may be the key itself.
        let key = key.map(|place| place.parse()).transpose().map_err(Refusal::usage)?;
        let memory = memory.saturating_mul(1 << 20);
        let (registry, cancel) = (Arc::new(Registry::new()), CancellationToken::new());
        Ok(Self { printer, data, key, memory, sandbox, registry, actor: user(), cancel, listener: None })
    }

    /// The data folder, made where it is missing.
    pub fn data_folder(&self) -> Result<DataFolder> {
        let shown = self.data.display();
        DataFolder::open_with(&self.data, self.key.clone())
            .with_context(|| format!("the data folder `{shown}` cannot be used: check that you may write there"))
    }

    /// The store, made where it is missing.
    pub async fn store(&self) -> Result<SqliteStore> {
        Ok(SqliteStore::open(self.data.join("consign.db")).await?)
    }

    /// The store, where it exists: what only looks makes nothing.
    pub async fn existing_store(&self) -> Result<Option<SqliteStore>> {
        if self.data.join("consign.db").exists() { Ok(Some(self.store().await?)) } else { Ok(None) }
    }

    /// The secrets that definitions in a folder may refer to, those in the store among them, where there is one.
    pub async fn secrets(&self, folder: impl Into<PathBuf>) -> Result<Secrets> {
        match self.existing_store().await? {
            Some(store) => Ok(consign_delivery::secrets(&store, &self.data_folder()?, folder).await?),
            None => Ok(Secrets::of(folder)),
        }
    }

    /// The store and the definitions that are current in it.
    pub async fn current(&self) -> Result<(SqliteStore, StoredDefinitions)> {
        if let Some(store) = self.existing_store().await?
            && let Some(current) = store.current().await?
        {
            return Ok((store, current));
        }
        let data = self.data.display();
        Err(Refusal::missing(format!("nothing is applied in `{data}`: run `consign apply DIR` first")).into())
    }
}

/// The user of the operating system.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
