//! `consign preview`, `run` and `explain`: what a campaign would do, does, and did with one customer.

use anyhow::Result;
use chrono::{DateTime, Utc};
use consign_delivery::PreviewOptions;
use consign_model::id::Slug;
use consign_store::{Outcome, Run, SqlStore, Store, StoredDefinitions};

use crate::cli::AsOf;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::show;
use crate::view::RunSummary;
use crate::wiring::{self, Campaigning, Ending};

pub async fn preview(context: &Context, campaign: &Slug, as_of: AsOf, options: PreviewOptions) -> Result<Exit> {
    let (store, current) = open(context, campaign).await?;
    let as_of = moment(&current, as_of)?;
    let work = Campaigning { context, store: &store, current: &current, campaign };
    context.printer.show(&wiring::preview(&work, as_of, options).await?)?;
    Ok(Exit::Fine)
}

pub async fn run(context: &Context, campaign: &Slug, as_of: AsOf) -> Result<Exit> {
    let (store, current) = open(context, campaign).await?;
    let as_of = moment(&current, as_of)?;
    // Whoever runs campaigns by hand may never serve.
    if let Err(error) = wiring::delete_expired(&store, &context.data_folder()?, &current, Utc::now()).await {
        context.printer.note(&format!("warning: {}", show::chain(&error)));
    }
    let work = Campaigning { context, store: &store, current: &current, campaign };
    let summary = match interrupted(&work, as_of).await? {
        Some(run) => {
            let summary = wiring::end(context, &store, &run, Ending::Resume).await?;
            let note = "its process had died; it was finished, and was not begun anew";
            context.printer.note(&format!("the run `{}` did not come to its end: {note}", run.id));
            summary
        }
        None => wiring::run(&work, as_of).await?,
    };
    context.printer.show(&summary)?;
    Ok(exit_of(&summary))
}

/// The run of the campaign that did not come to its end, where it is the one that would be begun now.
async fn interrupted(work: &Campaigning<'_>, as_of: Option<DateTime<Utc>>) -> Result<Option<Run>> {
    let unfinished = work.store.unfinished_runs().await?.into_iter();
    let mut same = unfinished.filter(|run| run.campaign == *work.campaign);
    Ok(same.find(|run| run.definitions_version == work.current.version && as_of.is_none_or(|as_of| as_of == run.as_of)))
}

pub async fn explain(context: &Context, campaign: &Slug, customer_key: &str) -> Result<Exit> {
    let (store, current) = open(context, campaign).await?;
    let work = Campaigning { context, store: &store, current: &current, campaign };
    let explanation = wiring::explain(&work, customer_key).await?;
    context.printer.show(&explanation)?;
    Ok(if explanation.exists { Exit::Fine } else { Exit::NotFound })
}

/// What the exit code says of a run.
pub fn exit_of(summary: &RunSummary) -> Exit {
    match summary.outcome {
        Some(Outcome::Succeeded) => Exit::Fine,
        Some(Outcome::Partial) => Exit::Partial,
        Some(Outcome::Cancelled) => Exit::Interrupted,
        Some(Outcome::Failed) | None => Exit::Failed,
    }
}

/// The store and the current definitions, which have the campaign.
async fn open(context: &Context, campaign: &Slug) -> Result<(SqlStore, StoredDefinitions)> {
    let (store, current) = context.current().await?;
    let campaigns = &current.definitions.campaigns;
    if campaigns.iter().all(|known| known.id != *campaign) {
        let known = campaigns.iter().map(|known| known.id.as_str());
        return Err(Refusal::not_found("campaign", campaign.as_str(), known).into());
    }
    Ok((store, current))
}

/// The moment that was asked for, in the workspace's time zone where it names none.
fn moment(current: &StoredDefinitions, as_of: AsOf) -> Result<Option<DateTime<Utc>>> {
    let workspace = current.definitions.workspace.clone().unwrap_or_default();
    Ok(as_of.moment(workspace.time_zone.parse()?))
}
