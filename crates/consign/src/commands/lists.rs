//! `consign lists`: the lists that are remembered, and reading them again at their platforms.

use anyhow::Result;
use consign_delivery::lists::Reconciliation;
use consign_model::id::Slug;
use consign_store::{SqlStore, StoredDefinitions};

use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::view::{Lists, ReconciledLists};
use crate::wiring::{self, Campaigning};

pub async fn list(context: &Context) -> Result<Exit> {
    let lists = match context.existing_store().await? {
        Some(store) => wiring::lists(context, &store).await?,
        None => Vec::new(),
    };
    context.printer.show(&Lists { lists })?;
    Ok(Exit::Fine)
}

pub async fn reconcile(context: &Context, name: &Slug) -> Result<Exit> {
    let (store, current) = context.current().await?;
    let (campaigns, destination) = named(&current, name)?;
    let mut lists = Vec::new();
    for campaign in &campaigns {
        lists.extend(of_campaign(context, &store, &current, campaign, destination).await?);
    }
    let failed = lists.iter().filter(|list| matches!(list.outcome, Reconciliation::Failed { .. })).count();
    let exit = match failed {
        0 => Exit::Fine,
        failed if failed < lists.len() => Exit::Partial,
        _ => Exit::Failed,
    };
    context.printer.show(&ReconciledLists { lists })?;
    Ok(exit)
}

async fn of_campaign(
    context: &Context,
    store: &SqlStore,
    current: &StoredDefinitions,
    campaign: &Slug,
    destination: Option<&Slug>,
) -> Result<Vec<consign_delivery::lists::Reconciled>> {
    wiring::reconcile(&Campaigning { context, store, current, campaign }, destination).await
}

/// The campaigns whose lists are meant by a name, and the destination where they are, where that is what it names.
fn named<'a>(current: &'a StoredDefinitions, name: &'a Slug) -> Result<(Vec<Slug>, Option<&'a Slug>)> {
    let definitions = &current.definitions;
    if definitions.campaigns.iter().any(|campaign| campaign.id == *name) {
        return Ok((vec![name.clone()], None));
    }
    if definitions.destinations.iter().any(|destination| destination.id == *name) {
        let using = definitions.campaigns.iter().filter(|campaign| {
            let groups = campaign.sub_audiences.iter().flat_map(|one| &one.groups).chain(&campaign.remaining);
            groups.flat_map(|group| &group.destinations).any(|used| used.id() == name)
        });
        return Ok((using.map(|campaign| campaign.id.clone()).collect(), Some(name)));
    }
    let campaigns = definitions.campaigns.iter().map(|campaign| campaign.id.as_str());
    let known: Vec<&str> = campaigns.chain(definitions.destinations.iter().map(|one| one.id.as_str())).collect();
    Err(Refusal::not_found("campaign or destination", name.as_str(), known).into())
}
