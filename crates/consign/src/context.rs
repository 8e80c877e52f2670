//! What commands work with.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use consign_delivery::folder::DataFolder;
use consign_destinations::registry::Registry;
use consign_secrets::{KeySource, Secrets};
use consign_server::work::Listener;
use consign_store::{Location, SqlStore, Store, StoreError, StoredDefinitions, StoredFolder};
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
    /// Where the store is; a file in the data folder unless said.
    pub store: Option<Location>,
    /// Where the workspace key is kept; in the data folder unless said.
    pub key: Option<KeySource>,
    /// How long leases hold.
    pub lease: Duration,
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
    pub fn new(printer: Printer, Global { data, store, key, lease, memory, sandbox, .. }: Global) -> Result<Self> {
        // Where a parser of the command line refused them, the text would be repeated; it may be the key itself, or have
        // the store's password in it.
        let store = store.map(|place| place.parse()).transpose();
        let store = store.map_err(|error: StoreError| Refusal::usage(error.to_string()))?;
        let key = key.map(|place| place.parse()).transpose().map_err(Refusal::usage)?;
        let (lease, memory) = (Duration::from_secs(lease), memory.saturating_mul(1 << 20));
        let (registry, cancel) = (Arc::new(Registry::new()), CancellationToken::new());
        Ok(Self { printer, data, store, key, lease, memory, sandbox, registry, actor: user(), cancel, listener: None })
    }

    /// The data folder, made where it is missing.
    pub fn data_folder(&self) -> Result<DataFolder> {
        let shown = self.data.display();
        DataFolder::open_with(&self.data, self.key.clone())
            .with_context(|| format!("the data folder `{shown}` cannot be used: check that you may write there"))
    }

    /// Where the store is.
    pub fn location(&self) -> Location {
        self.store.clone().unwrap_or_else(|| self.data.join("consign.db").into())
    }

    /// The store, made where it is missing.
    pub async fn store(&self) -> Result<SqlStore> {
        let store = SqlStore::open(self.location()).await?.with_lease_term(self.lease);
        if self.store.is_some() {
            self.bind(&store).await?;
        }
        Ok(store)
    }

    /// The store, where it exists: what only looks makes nothing.
    pub async fn existing_store(&self) -> Result<Option<SqlStore>> {
        let missing = matches!(self.location(), Location::File(path) if !path.exists());
        if missing { Ok(None) } else { Ok(Some(self.store().await?)) }
    }

    /// Refuses a store whose runs have their files in another data folder: they would be gone on with here while they are
    /// under way there.
    async fn bind(&self, store: &SqlStore) -> Result<()> {
        let first = if let Some(first) = store.data_folder().await? {
            first
        } else {
            let folder = self.data_folder()?;
            let path = folder.path().display().to_string();
            store.claim_data_folder(&StoredFolder { id: folder.id()?, path }).await?
        };
        if DataFolder::id_of(&self.data)?.as_ref() == Some(&first.id) {
            return Ok(());
        }
        let (store, data, StoredFolder { id, path }) = (self.location(), self.data.display(), first);
        Err(Refusal::missing(format!(
            "the store {store} goes with the data folder `{path}`, where the files of its runs are, and not with `{data}`: \
             name that one with `--data`. Where that one is lost, or was put back without its file `workspace.id`, write \
             `{id}` into `{data}/workspace.id`; never while another data folder has that id"
        ))
        .into())
    }

    /// The secrets that definitions in a folder may refer to, those in the store among them, where there is one.
    pub async fn secrets(&self, folder: impl Into<PathBuf>) -> Result<Secrets> {
        match self.existing_store().await? {
            Some(store) => Ok(consign_delivery::secrets(&store, &self.data_folder()?, folder).await?),
            None => Ok(Secrets::of(folder)),
        }
    }

    /// The store and the definitions that are current in it.
    pub async fn current(&self) -> Result<(SqlStore, StoredDefinitions)> {
        if let Some(store) = self.existing_store().await?
            && let Some(current) = store.current().await?
        {
            return Ok((store, current));
        }
        let place = self.store.as_ref().map_or_else(|| self.data.display().to_string(), ToString::to_string);
        Err(Refusal::missing(format!("nothing is applied in `{place}`: run `consign apply DIR` first")).into())
    }
}

/// The user of the operating system.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
