//! `consign serve`: answers the API, keeps the schedules, and does what else is to be done now and then.

mod work;

use std::cell::Cell;
use std::net::SocketAddr;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use consign_delivery::folder::DataFolder;
use consign_delivery::{Duties, HeldByUs, Ran, Scheduler, Under};
use consign_destinations::http::SystemClock;
use consign_model::id::Slug;
use consign_server::{App, Options, password};
use consign_store::{Accounts, LeaseOn, Outcome, SqlStore, Store, StoreError, StoredDefinitions};
use url::Url;

use self::work::Wired;
use crate::context::Context;
use crate::exit::Exit;
use crate::print::Printer;
use crate::show;
use crate::wiring::{self, Campaigning, Ending};

/// How often a process that stands by asks whether the other has ended.
const STANDING_BY: Duration = Duration::from_secs(2);

/// How long the link is good with which the first user is made.
const SET_UP: TimeDelta = TimeDelta::hours(1);

pub async fn run(context: &Context, at_once: NonZero<usize>, listen: SocketAddr, url: Option<Url>) -> Result<Exit> {
    let folder = context.data_folder()?;
    let store = context.store().await?;
    let Some(held) = hold(context, &store, &folder).await? else { return Ok(Exit::Fine) };
    let listening = consign_server::Server::listen(listen, url.as_ref(), &store).await?;
    tracing::info!(data = %folder.path().display(), address = %format!("http://{}", listening.address()), "serving");
    // What is shown of runs on a terminal would be among the log.
    let printer = Printer::of_process(false, true);
    if store.users().await?.is_empty() {
        let own = format!("http://{}", listening.address());
        let base = url.as_ref().map_or(own.as_str(), |url| url.as_str().trim_end_matches('/'));
        let secret = password::secret();
        store.offer_set_up(&password::secret_hash(&secret), Utc::now() + SET_UP).await?;
        // To whoever started it, and to no log: it lets in who has it. What is behind `#` is in no log of a proxy either.
        context.printer.note(&format!(
            "nobody can log in yet: open {base}/set-up#{secret} within an hour, or add somebody with `consign users add \
             NAME --role admin`"
        ));
    }
    let context = Context { printer, actor: "serve".to_owned(), ..context.clone() };
    let cancel = context.cancel.clone();
    let app = App::new(Options {
        store: Arc::new(store.clone()),
        registry: Arc::clone(&context.registry),
        folder: folder.clone(),
        work: Arc::new(Wired::new(context.clone(), store.clone())),
        at_once: at_once.get(),
        url,
        stop: cancel.clone(),
    });
    let answering = tokio::spawn(listening.serve(app));
    let forgets_again = Cell::new(DateTime::UNIX_EPOCH);
    let server = Rc::new(Server { context, store: store.clone(), folder, forgets_again });
    let keeping = async |under: &Under| {
        let (store, clock) = (Arc::clone(&under.store), Arc::new(SystemClock));
        Scheduler::new(store, server, clock, cancel.clone(), at_once.get()).keep().await;
        Ok::<_, StoreError>(())
    };
    let kept = held.during(keeping).await;
    // Where another process has taken over, nothing is answered here either.
    cancel.cancel();
    answering.await?.context("the API broke off")?;
    kept?;
    tracing::info!("stopped");
    Ok(Exit::Fine)
}

/// Waits until no other process keeps the schedules of the store; `None` where it is asked to stop meanwhile.
async fn hold(context: &Context, store: &SqlStore, folder: &DataFolder) -> Result<Option<HeldByUs>> {
    let mut told = false;
    loop {
        let held = HeldByUs::take(store, folder, &LeaseOn::Schedules).await?;
        if held.is_some() {
            return Ok(held);
        }
        if !told {
            tracing::info!("another process keeps the schedules: standing by");
            told = true;
        }
        tokio::select! {
            () = context.cancel.cancelled() => return Ok(None),
            () = tokio::time::sleep(STANDING_BY) => {}
        }
    }
}

/// How long what keeps traces of forgotten customers is left alone, such as a platform that does not answer.
const FORGETTING: TimeDelta = TimeDelta::minutes(10);

/// Does what the scheduler has done.
struct Server {
    context: Context,
    store: SqlStore,
    folder: DataFolder,
    /// Until then, traces of forgotten customers that could not be removed are left alone.
    forgets_again: Cell<DateTime<Utc>>,
}

#[async_trait(?Send)]
impl Duties for Server {
    async fn run(&self, definitions: &StoredDefinitions, campaign: &Slug, run: &str, as_of: DateTime<Utc>) -> Ran {
        let work = Campaigning { context: &self.context, store: &self.store, current: definitions, campaign };
        match wiring::run_as(&work, run, as_of).await {
            Ok(summary) => Ran::Ended(summary.outcome.unwrap_or(Outcome::Failed)),
            Err(error) => match Exit::of(&error) {
                Exit::Interrupted => Ran::Stopped,
                Exit::Busy => Ran::InTheWay(error.to_string()),
                _ => Ran::Failed(show::chain(error.as_ref())),
            },
        }
    }

    async fn tick(&self, now: DateTime<Utc>) {
        let current = match self.store.current().await {
            Ok(Some(current)) => current,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "the definitions cannot be read"),
        };
        if let Err(error) = wiring::delete_expired(&self.store, &self.folder, &current, now).await {
            tracing::error!(error = show::chain(&error), "staged data is kept longer than it may be");
        }
        if let Err(error) = wiring::follow_up(&self.context, &self.store).await {
            tracing::error!(error = show::chain(error.as_ref()), "what platforms work on cannot be looked at");
        }
        self.resume().await;
        if self.forgets_again.get() <= now && wiring::go_on_forgetting(&self.context, &self.store).await {
            self.forgets_again.set(now + FORGETTING);
        }
        // What another process that died ended, what is late, and who did not accept before.
        wiring::notify(&self.context, &self.store).await;
    }
}

impl Server {
    /// Goes on with runs whose process ended before they did. A campaign that somebody runs is left alone.
    async fn resume(&self) {
        let unfinished = match self.store.unfinished_runs().await {
            Ok(unfinished) => unfinished,
            Err(error) => return tracing::error!(%error, "unfinished runs cannot be looked for"),
        };
        for run in unfinished {
            match wiring::end(&self.context, &self.store, &run, Ending::Resume).await {
                Ok(_) => tracing::info!(run = run.id, campaign = %run.campaign, "resumed, and ended"),
                Err(error) if Exit::of(&error) == Exit::Busy => {}
                Err(error) => tracing::error!(run = run.id, error = show::chain(error.as_ref()), "not resumed"),
            }
        }
    }
}
