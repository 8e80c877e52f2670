//! `consign resume`, `retry` and `cancel`: runs that did not come to their end, or not to a good one.

use anyhow::Result;
use consign_model::id::Slug;
use consign_server::summary::summary;
use consign_store::{Run, SqlStore, Store};

use super::campaign::exit_of;
use super::status;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::view::Resumed;
use crate::wiring::{self, Ending};

pub async fn resume(context: &Context, run: Option<&str>) -> Result<Exit> {
    let Some(run) = run else { return resume_all(context).await };
    let (store, run) = named(context, run).await?;
    end(context, &store, &run, Ending::Resume).await
}

/// Resumes all runs that can be. One that cannot says why, and does not stop the others.
async fn resume_all(context: &Context) -> Result<Exit> {
    let mut runs = Vec::new();
    let mut failed = None;
    if let Some(store) = context.existing_store().await? {
        for run in store.unfinished_runs().await? {
            match wiring::end(context, &store, &run, Ending::Resume).await {
                Ok(summary) => runs.push(summary),
                Err(error) => {
                    context.printer.note(&format!("the run `{}` is not resumed: {error:#}", run.id));
                    failed = Some(error);
                }
            }
        }
    }
    let exits = runs.iter().map(exit_of).find(|exit| *exit != Exit::Fine);
    context.printer.show(&Resumed { runs })?;
    Ok(exits.or(failed.as_ref().map(Exit::of)).unwrap_or(Exit::Fine))
}

pub async fn retry(context: &Context, run: &str, destination: Option<&Slug>) -> Result<Exit> {
    let (store, run) = named(context, run).await?;
    end(context, &store, &run, Ending::Retry(destination)).await
}

pub async fn cancel(context: &Context, run: &str) -> Result<Exit> {
    let (store, run) = named(context, run).await?;
    consign_delivery::give_up(&store, &context.data_folder()?, &run.id, &context.actor).await?;
    wiring::go_on_forgetting(context, &store).await;
    context.printer.show(&summary(&store, store.run(&run.id).await?).await?)?;
    Ok(Exit::Fine)
}

async fn end(context: &Context, store: &SqlStore, run: &Run, how: Ending<'_>) -> Result<Exit> {
    let summary = wiring::end(context, store, run, how).await?;
    context.printer.show(&summary)?;
    Ok(exit_of(&summary))
}

async fn named(context: &Context, run: &str) -> Result<(SqlStore, Run)> {
    let store = context.existing_store().await?.ok_or_else(|| Refusal::not_found("run", run, []))?;
    let run = status::find(&store, run).await?;
    Ok((store, run))
}
