//! `consign status`: the latest runs, or one of them with its deliveries.

use std::collections::BTreeMap;

use anyhow::Result;
use consign_store::{AudienceCounts, Run, SqliteStore, Store};

use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::show;
use crate::view::{Delivered, Delivery, Failure, RunLine, RunSummary, Runs, Scheduled};
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
pub async fn find(store: &SqliteStore, id: &str) -> Result<Run> {
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

/// A run and its deliveries, from what the store keeps.
pub async fn summary(store: &SqliteStore, run: Run) -> Result<RunSummary> {
    let definitions = store.definitions(run.definitions_version).await?.definitions;
    let name = definitions.campaigns.iter().find(|campaign| campaign.id == run.campaign);
    let campaign_name = name.map_or_else(|| run.campaign.to_string(), |campaign| campaign.name.clone());
    let known = names(run.audience.as_ref());
    let named = |sub_audience: &str, group: &str| {
        let found = known.get(&(sub_audience.to_owned(), group.to_owned())).cloned();
        found.unwrap_or_else(|| (sub_audience.to_owned(), group.to_owned()))
    };
    let deliveries = store.deliveries(&run.id).await?.into_iter().map(|delivery| {
        let (sub_audience, group) = named(delivery.sub_audience.as_str(), delivery.group.as_str());
        let counts = delivery.counts.unwrap_or_default();
        Delivered {
            delivery: Delivery {
                sub_audience,
                group,
                destination: delivery.destination.to_string(),
                kind: delivery.kind,
                list_name: delivery.list_name,
                customers: counts.customers,
                shrink: counts.shrink,
                expansion: counts.expansion,
                dropped: counts.dropped,
                rows: counts.rows,
                difference: None,
                sample: Vec::new(),
            },
            state: delivery.state.word().to_owned(),
            limited_until: delivery.limited_until,
            targets: delivery.targets,
            list: counts.list,
            error: delivery.error.map(|error| Failure { class: error.class, message: error.message }),
        }
    });
    let scheduled = store.occurrence_of(&run.id).await?;
    Ok(RunSummary {
        scheduled: scheduled.map(|one| Scheduled { due: one.due, late: one.late, missed: one.missed }),
        staged_deleted: run.staged_deleted_at,
        deliveries: deliveries.collect(),
        run: run.id,
        campaign: run.campaign.to_string(),
        campaign_name,
        definitions_version: run.definitions_version,
        mode: run.mode,
        state: run.state.word().to_owned(),
        outcome: run.state.outcome(),
        error: run.error,
        as_of: run.as_of,
        launch_date: run.launch_date,
        began: run.created_at,
        finished: run.finished_at,
        audience: run.audience.map(show::audience),
    })
}

/// The names of sub-audiences and groups, by their ids.
fn names(audience: Option<&AudienceCounts>) -> BTreeMap<(String, String), (String, String)> {
    let subs = audience.into_iter().flat_map(|audience| &audience.sub_audiences);
    let pairs = subs.flat_map(|sub| {
        sub.groups
            .iter()
            .map(|group| ((sub.id.to_string(), group.id.to_string()), (sub.name.clone(), group.name.clone())))
    });
    pairs.collect()
}

fn line(run: Run) -> RunLine {
    RunLine {
        run: run.id,
        campaign: run.campaign.to_string(),
        mode: run.mode,
        state: run.state.word().to_owned(),
        outcome: run.state.outcome(),
        began: run.created_at,
        finished: run.finished_at,
        customers: run.audience.map(|audience| audience.customers),
    }
}
