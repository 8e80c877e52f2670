//! What all requests share.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use consign_delivery::folder::DataFolder;
use consign_destinations::registry::Registry;
use consign_engine::Tables;
use consign_model::definition::Definitions;
use consign_model::id::Slug;
use consign_store::{Accounts, Calls, Drafts, Store, StoredDefinitions};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, LocalPoolHandle};
use url::Url;

use crate::counts::Counted;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::refusal::{Answer, Refusal};
use crate::throttle::Throttle;
use crate::work::Work;

/// How long tables stay open before they are looked at again: what others write into them is seen after that.
const OPEN_FOR: Duration = Duration::from_mins(1);
/// Threads for what is asked of tables and platforms. Each does several things at a time, as far as they wait.
const DESKS: usize = 2;

/// What the server remembers between requests.
pub trait Memory: Store + Drafts + Calls + Accounts {}

impl<T: Store + Drafts + Calls + Accounts> Memory for T {}

/// What a server is made of.
pub struct Options {
    /// Definitions, runs, drafts and users.
    pub store: Arc<dyn Memory>,
    /// The kinds of destinations.
    pub registry: Arc<Registry>,
    /// The data folder.
    pub folder: DataFolder,
    /// Does what takes tables and platforms.
    pub work: Arc<dyn Work>,
    /// How many campaigns may run at the same time of those that are begun here.
    pub at_once: usize,
    /// By which address browsers reach it, where that is not one of this machine.
    pub url: Option<Url>,
    /// Stops everything.
    pub stop: CancellationToken,
}

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an application.
pub struct Parts {
    pub(crate) store: Arc<dyn Memory>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) folder: DataFolder,
    pub(crate) stop: CancellationToken,
    pub(crate) live: Live,
    pub(crate) counted: Counted,
    pub(crate) metrics: Metrics,
    pub(crate) at_once: Arc<Semaphore>,
    /// Held from the reading of definitions to the applying of their change.
    pub(crate) editing: Mutex<()>,
    work: Arc<dyn Work>,
    desks: LocalPoolHandle,
    open: Mutex<Option<Open>>,
    pub(crate) url: Option<Url>,
    pub(crate) throttle: Throttle,
    /// How many passwords may be hashed at once.
    pub(crate) hashing: Semaphore,
}

/// Tables that are open.
#[derive(Clone)]
pub(crate) struct Open {
    pub tables: Arc<Tables>,
    /// What they were opened by.
    by: String,
    since: Instant,
    /// One more with each time that tables are opened: what was counted before may be otherwise now.
    pub version: u64,
}

impl App {
    /// An application of those parts.
    pub fn new(options: Options) -> Self {
        let Options { store, registry, folder, work, at_once, url, stop } = options;
        Self(Arc::new(Parts {
            store,
            registry,
            folder,
            stop,
            live: Live::default(),
            counted: Counted::default(),
            metrics: Metrics::default(),
            at_once: Arc::new(Semaphore::new(at_once)),
            editing: Mutex::new(()),
            work,
            desks: LocalPoolHandle::new(DESKS),
            open: Mutex::new(None),
            url,
            throttle: Throttle::default(),
            hashing: Semaphore::new(DESKS),
        }))
    }

    /// The current definitions.
    pub(crate) async fn current(&self) -> Answer<StoredDefinitions> {
        let nothing = || Refusal::conflict("nothing is applied yet: run `consign apply DIR` first");
        self.store.current().await?.ok_or_else(nothing)
    }

    /// Has something done that takes tables or platforms. It ends with the request that asks for it.
    pub(crate) async fn at_desk<T, E, F, Work>(&self, ask: F) -> Answer<T>
    where
        F: FnOnce(Arc<dyn crate::work::Work>, CancellationToken) -> Work + Send + 'static,
        Work: Future<Output = Result<T, E>> + 'static,
        T: Send + 'static,
        E: Into<Refusal> + Send + 'static,
    {
        let (work, cancel) = (Arc::clone(&self.work), self.stop.child_token());
        let _ends_with_us = cancel.clone().drop_guard();
        let done = AbortOnDropHandle::new(self.desks.spawn_pinned(move || ask(work, cancel))).await;
        match done {
            Ok(done) => done.map_err(Into::into),
            Err(error) => Err(Refusal::failed(&error)),
        }
    }

    /// The same, for what goes on when nobody waits for it any more.
    pub(crate) fn leave_at_desk<F, Work>(&self, ask: F)
    where
        F: FnOnce(Arc<dyn crate::work::Work>) -> Work + Send + 'static,
        Work: Future<Output = ()> + 'static,
    {
        let work = Arc::clone(&self.work);
        // Nobody awaits it but the pool, whose threads end with the process; what it leaves is in the store.
        drop(self.desks.spawn_pinned(move || ask(work)));
    }

    /// The tables of definitions, opened once for all who ask meanwhile.
    pub(crate) async fn tables(&self, stored: &StoredDefinitions) -> Answer<Open> {
        let by = serde_json::to_string(&(&stored.folder, &stored.definitions.sources)).unwrap_or_default();
        let mut open = self.open.lock().await;
        if let Some(known) = open.as_ref().filter(|known| known.by == by && known.since.elapsed() < OPEN_FOR) {
            return Ok(known.clone());
        }
        let (definitions, folder) = (stored.definitions.clone(), stored.folder.clone());
        let opening = move |work: Arc<dyn Work>, _| async move { work.open(&definitions, folder.as_ref()).await };
        let tables = Arc::new(self.at_desk(opening).await?);
        let version = open.as_ref().map_or(1, |known| known.version + 1);
        let opened = Open { tables, by, since: Instant::now(), version };
        *open = Some(opened.clone());
        Ok(opened)
    }

    /// The tables of definitions that are not current, opened to be looked at.
    pub(crate) async fn look(&self, definitions: &Definitions, folder: &str) -> Answer<Tables> {
        let (definitions, folder) = (definitions.clone(), folder.to_owned());
        self.at_desk(move |work, _| async move { work.open(&definitions, folder.as_ref()).await }).await
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// An id in a path.
pub(crate) fn slug(what: &str, text: &str) -> Answer<Slug> {
    text.parse().map_err(|_| Refusal::not_found(what, text, []))
}
