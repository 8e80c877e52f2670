//! `consign preview`, `test`, `run` and `explain`: what a campaign would do, does, and did with one customer.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use consign_delivery::PreviewOptions;
use consign_delivery::testing::{self, CampaignTest};
use consign_model::id::Slug;
use consign_store::{Outcome, Run, SqlStore, Store, StoredDefinitions};

use crate::cli::AsOf;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::show;
use crate::view::{CampaignTests, RunSummary};
use crate::wiring::{self, Campaigning, Ending};

pub async fn preview(context: &Context, campaign: &Slug, as_of: AsOf, options: PreviewOptions) -> Result<Exit> {
    let (store, current) = open(context, campaign).await?;
    let as_of = moment(&current, as_of)?;
    let work = Campaigning { context, store: &store, current: &current, campaign };
    context.printer.show(&wiring::preview(&work, as_of, options).await?)?;
    Ok(Exit::Fine)
}

pub async fn test(context: &Context, campaign: &Slug, as_of: AsOf, records: usize, out: Option<&Path>) -> Result<Exit> {
    let (store, current) = open(context, campaign).await?;
    let as_of = moment(&current, as_of)?;
    delete_expired(context, &store, &current).await?;
    let work = Campaigning { context, store: &store, current: &current, campaign };
    let tested = wiring::test(&work, as_of, records).await?;
    match out {
        Some(out) => copy(context, &tested, out)?,
        None => context.printer.note(&format!("it is in {}", tested.folder(&context.data_folder()?).display())),
    }
    let failed = tested.deliveries.iter().filter(|delivery| delivery.error.is_some()).count();
    let exit = match failed {
        0 => Exit::Fine,
        failed if failed < tested.deliveries.len() => Exit::Partial,
        _ => Exit::Failed,
    };
    context.printer.show(&show::campaign_test(tested, &context.data_folder()?))?;
    Ok(exit)
}

/// Copies what would leave into a folder, which is made where it is missing.
fn copy(context: &Context, tested: &CampaignTest, out: &Path) -> Result<()> {
    let data = context.data_folder()?;
    for delivery in &tested.deliveries {
        let folder = out.join(&delivery.id);
        let unusable = || format!("the folder `{}` cannot be used: check that you may write there", folder.display());
        fs::create_dir_all(&folder).with_context(unusable)?;
        for file in &delivery.files {
            if let Some(path) = tested.file(&data, &delivery.id, &file.name) {
                fs::copy(path, folder.join(&file.name)).with_context(unusable)?;
            }
        }
    }
    Ok(())
}

pub async fn tests(context: &Context, campaign: &Slug) -> Result<Exit> {
    open(context, campaign).await?;
    let data = context.data_folder()?;
    let tests = testing::tests(&data, campaign).context("the tests cannot be read")?;
    let tests = tests.into_iter().map(|test| show::campaign_test_line(test, &data)).collect();
    context.printer.show(&CampaignTests { tests })?;
    Ok(Exit::Fine)
}

/// Deletes what is older than the workspace lets it be: whoever works by hand may never serve.
async fn delete_expired(context: &Context, store: &SqlStore, current: &StoredDefinitions) -> Result<()> {
    if let Err(error) = wiring::delete_expired(store, &context.data_folder()?, current, Utc::now()).await {
        context.printer.note(&format!("warning: {}", show::chain(&error)));
    }
    Ok(())
}

pub async fn run(context: &Context, campaign: &Slug, as_of: AsOf) -> Result<Exit> {
    let (store, current) = open(context, campaign).await?;
    let as_of = moment(&current, as_of)?;
    delete_expired(context, &store, &current).await?;
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
