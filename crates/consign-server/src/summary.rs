//! A run and its deliveries, from what the store keeps.

use std::collections::BTreeMap;

use consign_store::{AudienceCounts, Run, Store, StoreError};

use crate::show;
use crate::view::{Delivered, Delivery, Failure, RunLine, RunSummary, Scheduled};

/// A run and its deliveries, from what the store keeps.
pub async fn summary(store: &dyn Store, run: Run) -> Result<RunSummary, StoreError> {
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
pub(crate) fn names(audience: Option<&AudienceCounts>) -> BTreeMap<(String, String), (String, String)> {
    let subs = audience.into_iter().flat_map(|audience| &audience.sub_audiences);
    let pairs = subs.flat_map(|sub| {
        sub.groups
            .iter()
            .map(|group| ((sub.id.to_string(), group.id.to_string()), (sub.name.clone(), group.name.clone())))
    });
    pairs.collect()
}

/// A run among others.
pub fn line(run: Run) -> RunLine {
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
