//! `consign status`: the latest runs, or one of them with its deliveries.

use anyhow::Result;
use consign_server::summary::{line, summary};
use consign_store::{Run, SqlStore, Store};

use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::view::Runs;
use crate::wiring;

/// How many runs are looked through for one that is named by a part of its id.
const SEARCHED: u32 = 10_000;

pub async fn run(context: &Context, run: Option<&str>, limit: u32, poll: bool) -> Result<Exit> {
    let store = context.existing_store().await?;
    if let Some(store) = store.as_ref().filter(|_| poll) {
        // What is in the store can be shown whatever becomes of it.
        if let Err(error) = wiring::follow_up(context, store).await {
            context.printer.note(&format!("what platforms still work on could not be looked at: {error:#}"));
        }
        wiring::go_on_forgetting(context, store).await;
        wiring::notify(context, store).await;
    }
    match (store, run) {
        (None, None) => context.printer.show(&Runs { runs: Vec::new() })?,
        (None, Some(run)) => return Err(Refusal::not_found("run", run, []).into()),
        (Some(store), None) => {
            let runs = store.runs(None, limit).await?.into_iter().map(line).collect();
            context.printer.show(&Runs { runs })?;
        }
        (Some(store), Some(run)) => {
            let run = find(&store, run).await?;
            context.printer.show(&summary(&store, run).await?)?;
        }
    }
    Ok(Exit::Fine)
}

/// The run with that id, the only one whose id begins or ends so, or the latest.
pub async fn find(store: &SqlStore, id: &str) -> Result<Run> {
    let runs = store.runs(None, SEARCHED).await?;
    if id == "latest" {
        let latest = runs.into_iter().next();
        return latest
            .ok_or_else(|| Refusal::missing("there are no runs yet: `consign run CAMPAIGN` makes one").into());
    }
    let mut found = runs.iter().filter(|run| run.id.starts_with(id) || run.id.ends_with(id));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.clone()),
        (Some(_), Some(_)) => {
            let message = format!("several runs have ids that begin or end with `{id}`: write more of the id");
            Err(Refusal::missing(message).into())
        }
        (None, _) => Ok(store.run(id).await?),
    }
}
