//! The lists that are remembered: how many members each has, and reading one again at its platform.

use chrono::{DateTime, Utc};
use consign_engine::Engine;
use consign_model::forgotten::Forgotten;
use consign_model::id::Slug;
use consign_model::plan::CampaignPlan;
use consign_store::{RememberedList, Store};
use schemars::JsonSchema;
use serde::Serialize;

use crate::deliver::Sender;
use crate::folder::{DataFolder, remove_folder};
use crate::lease::Under;
use crate::platform::{self, Agreed, PlatformError, Platforms};
use crate::run::{RunError, Workplace, chain, hold};

/// A list that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KnownList {
    /// The list.
    #[serde(flatten)]
    pub list: RememberedList,
    /// How many members it is known to have.
    pub members: u64,
}

/// All lists that are remembered, with what is known of them. Asks no platform.
pub async fn known_lists(
    store: &dyn Store,
    engine: &Engine,
    data: &DataFolder,
) -> Result<Vec<KnownList>, PlatformError> {
    let mut known = Vec::new();
    for list in store.remembered_lists().await? {
        let members = platform::count_members(engine, data, &list.destination, &list.list_id).await?;
        known.push(KnownList { list, members });
    }
    Ok(known)
}

/// A list that was to be read at its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reconciled {
    /// The campaign's id.
    pub campaign: Slug,
    /// The treatment group's id.
    pub group: Slug,
    /// The destination's id.
    pub destination: Slug,
    /// The destination's kind.
    pub kind: String,
    /// The list's name.
    pub list_name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Reconciliation,
}

/// What came of reading a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Reconciliation {
    /// It was read, and what is known of it agrees now.
    Agreed(Agreed),
    /// The platform lets nobody read its lists.
    Unreadable,
    /// It was never delivered: there is nothing to read.
    Unknown,
    /// It could not be read.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

impl Workplace<'_> {
    /// Reads the lists of a campaign, or those of it at one destination, and makes what is known of them agree with what
    /// the platforms have. Files are no lists.
    pub async fn reconcile(
        &self,
        store: &dyn Store,
        campaign: &Slug,
        destination: Option<&Slug>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Reconciled>, RunError> {
        let id = format!("reconcile-{}", uuid::Uuid::now_v7());
        let plan = self.plan(campaign, now, &id)?;
        let held = hold(store, self.folder, campaign).await?;
        held.during(async |under| self.read_again(under, &plan, destination).await).await
    }

    async fn read_again(
        &self,
        under: &Under,
        plan: &CampaignPlan,
        destination: Option<&Slug>,
    ) -> Result<Vec<Reconciled>, RunError> {
        let folder = self.folder.run(&plan.run_id);
        let unusable = |reason| RunError::Folder { path: folder.path().to_owned(), reason };
        folder.create().map_err(unusable)?;
        let sender = Sender {
            plan,
            destinations: &self.definitions.destinations,
            registry: self.registry,
            secrets: self.secrets,
            folder: &folder,
            forgotten: &Forgotten::default(),
            cancel: self.cancel,
        };
        let (store, http, campaign) = (&*under.store, &under.http(self.http), &plan.campaign);
        let platforms = Platforms { store, engine: self.engine, http, data: self.folder, sandbox: self.sandbox };
        let mut all = Vec::new();
        let lists = plan.deliveries.iter().enumerate().filter(|(_, one)| one.file.is_none());
        for (number, delivery) in lists.filter(|(_, one)| destination.is_none_or(|wanted| *wanted == one.destination)) {
            let group = sender.group(delivery);
            let remembered = store.remembered_list(&platform::place(delivery), campaign, group).await?;
            let outcome = match delivery.list_id.clone().or(remembered) {
                None => Reconciliation::Unknown,
                Some(list_id) => {
                    let work = folder.platform(&number.to_string());
                    match platform::reconcile(&sender, platforms, delivery, &list_id, &work).await {
                        Ok(Some(agreed)) => Reconciliation::Agreed(agreed),
                        Ok(None) => Reconciliation::Unreadable,
                        Err(error) => Reconciliation::Failed { reason: chain(&error) },
                    }
                }
            };
            all.push(Reconciled {
                campaign: campaign.clone(),
                group: group.clone(),
                destination: delivery.destination.clone(),
                kind: delivery.kind.clone(),
                list_name: delivery.list_name.clone(),
                outcome,
            });
        }
        remove_folder(folder.path()).map_err(unusable)?;
        Ok(all)
    }
}
