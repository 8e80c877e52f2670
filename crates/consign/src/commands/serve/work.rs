//! What the API has done by the wiring that commands use.

use std::path::Path;

use async_trait::async_trait;
use consign_delivery::recipients::recorded;
use consign_delivery::{PreviewOptions, RunError, forgotten};
use consign_engine::Tables;
use consign_model::definition::{Definitions, Destination};
use consign_model::id::Slug;
use consign_server::work::{Running, Work, WorkError, WorkErrorKind};
use consign_store::{Run, SqlStore, StoredDefinitions};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::exit::Exit;
use crate::show;
use crate::view::{CampaignTest, Explanation, Preview, TestResult};
use crate::wiring::{self, Campaigning, Ending};
use crate::workplace::engine;

/// The wiring of commands, without a terminal.
pub struct Wired {
    context: Context,
    store: SqlStore,
}

impl Wired {
    /// With what a command works with.
    pub fn new(context: Context, store: SqlStore) -> Self {
        Self { context, store }
    }

    /// The context of one piece of work, which can be stopped alone.
    fn context(&self, cancel: CancellationToken) -> Context {
        Context { cancel, ..self.context.clone() }
    }

    /// The context of a run, in the name of whoever asks for it.
    fn running(&self, running: &Running) -> Context {
        let (listener, actor) = (Some(running.listener.clone()), running.actor.clone());
        Context { actor, listener, ..self.context(running.cancel.clone()) }
    }
}

#[async_trait(?Send)]
impl Work for Wired {
    async fn open(&self, definitions: &Definitions, folder: &Path) -> Result<Tables, WorkError> {
        let opening = async {
            let data = self.context.data_folder()?;
            let secrets = self.context.secrets(folder).await?;
            let tables = engine(&self.context, &data.spill())?.open(definitions, &secrets).await?;
            let tables = tables.with_recipients(&recorded(&self.store, &data).await?)?;
            Ok(tables.without(forgotten(&self.store).await?))
        };
        opening.await.map_err(|error| refused(&error))
    }

    async fn preview(
        &self,
        definitions: &StoredDefinitions,
        campaign: &Slug,
        options: PreviewOptions,
        cancel: CancellationToken,
    ) -> Result<Preview, WorkError> {
        let context = &self.context(cancel);
        let work = Campaigning { context, store: &self.store, current: definitions, campaign };
        wiring::preview(&work, None, options).await.map_err(|error| refused(&error))
    }

    async fn test(
        &self,
        definitions: &StoredDefinitions,
        campaign: &Slug,
        records: usize,
        cancel: CancellationToken,
    ) -> Result<CampaignTest, WorkError> {
        let context = &self.context(cancel);
        let work = Campaigning { context, store: &self.store, current: definitions, campaign };
        let tested = wiring::test(&work, None, records).await.map_err(|error| refused(&error))?;
        let data = context.data_folder().map_err(|error| refused(&error))?;
        Ok(show::campaign_test(tested, &data))
    }

    async fn run(&self, definitions: &StoredDefinitions, campaign: &Slug, run: &Running) -> Result<(), WorkError> {
        let context = &self.running(run);
        let work = Campaigning { context, store: &self.store, current: definitions, campaign };
        wiring::run_as(&work, &run.id, run.as_of).await.map(drop).map_err(|error| refused(&error))
    }

    async fn retry(&self, run: &Run, destination: Option<&Slug>, running: &Running) -> Result<(), WorkError> {
        let retried = wiring::end(&self.running(running), &self.store, run, Ending::Retry(destination)).await;
        retried.map(drop).map_err(|error| refused(&error))
    }

    async fn give_up(&self, run: &str, actor: &str) -> Result<(), WorkError> {
        let given_up = async {
            consign_delivery::give_up(&self.store, &self.context.data_folder()?, run, actor).await?;
            Ok(())
        };
        given_up.await.map_err(|error| refused(&error))
    }

    async fn explain(
        &self,
        definitions: &StoredDefinitions,
        campaign: &Slug,
        customer_key: &str,
    ) -> Result<Explanation, WorkError> {
        let work = Campaigning { context: &self.context, store: &self.store, current: definitions, campaign };
        wiring::explain(&work, customer_key).await.map_err(|error| refused(&error))
    }

    async fn test_destination(&self, destination: &Destination, folder: &Path) -> Result<TestResult, WorkError> {
        wiring::test_destination(&self.context, destination, folder).await.map_err(|error| refused(&error))
    }
}

/// What the API says where a command would have said so and ended.
fn refused(error: &anyhow::Error) -> WorkError {
    // What a command cannot do now or later is in the way of a click all the same.
    let over = |error: &RunError| {
        use RunError::{Archived, Lost, NothingFailed, Over};
        matches!(error, Archived(_) | Over(_) | NothingFailed(_) | Lost { .. })
    };
    let kind = match Exit::of(error) {
        _ if error.downcast_ref().is_some_and(over) => WorkErrorKind::Busy,
        Exit::Invalid => WorkErrorKind::Invalid,
        Exit::NotFound => WorkErrorKind::NotFound,
        Exit::Busy => WorkErrorKind::Busy,
        Exit::Interrupted => WorkErrorKind::Stopped,
        _ => WorkErrorKind::Failed,
    };
    WorkError { kind, message: show::chain(error.as_ref()) }
}
