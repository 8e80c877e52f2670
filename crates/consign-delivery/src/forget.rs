//! Forgetting customers: a tombstone in the store, which every later run honours, and then every trace is removed: from
//! lists at platforms, staged data, recipients and what is known of lists. Whatever instant it dies at, the tombstone says
//! what is still to be done, and doing it twice is as good as once. Takes neither tables nor an engine.
//!
//! A campaign that runs, a run that is not finished, and a platform that does not answer keep traces for a while: who
//! calls next goes on.

mod pending;
mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use chrono::{TimeDelta, Utc};
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_engine::clear_spill;
use consign_model::definition::Destination;
use consign_model::forgotten::{Forgotten, KeyHash};
use consign_model::id::Slug;
use consign_store::{Forgetting, LeaseOn, RememberedList, Run, Store, StoreError};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::credentials::secrets;
use crate::folder::{DataFolder, entries};
use crate::lease::{HeldByUs, LeaseError, Under};
use crate::platform::{ListToLeave, PlatformError, PlatformLeft};
use crate::recipients::RecipientsError;
use crate::retention::RetentionError;
use crate::rewrite::Failure;
use crate::run::chain;

pub(crate) use pending::Pending;

/// All customers who were forgotten.
pub async fn forgotten(store: &dyn Store) -> Result<Forgotten, StoreError> {
    Ok(store.tombstones().await?.into_iter().map(|tombstone| tombstone.hash).collect())
}

/// Customers cannot be forgotten now. Their tombstones, once they are in the store, stay.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody can tell whether a campaign is running.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Staged data cannot be deleted.
    #[error(transparent)]
    Staged(#[from] RetentionError),
    /// The recipients of a run cannot be read.
    #[error(transparent)]
    Recipients(#[from] RecipientsError),
    /// A file cannot be looked through or written anew.
    #[error("{} cannot be written anew without them: free space on the disk, or check the file, and run `consign forget` again", path.display())]
    File {
        /// The file, or a folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: Failure,
    },
}

/// What forgetting works with.
pub struct Forget<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The kinds.
    pub registry: &'a Registry,
    /// The HTTP layer of all platforms.
    pub http: &'a Http,
    /// The data directory.
    pub folder: &'a DataFolder,
    /// Where the sandbox is.
    pub sandbox: &'a str,
    /// Who asks, for the audit log.
    pub actor: &'a str,
    /// Told what is looked through.
    pub progress: &'a (dyn Fn(Looking<'_>) + Sync),
}

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking<'a> {
    /// The files of a run.
    Run(&'a str),
    /// A list, and what is known of it.
    List(&'a RememberedList),
}

/// What became of customers who are to be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Forgot {
    /// How many customers were looked for.
    pub customers: usize,
    /// The lists that they were known to be on.
    pub lists: Vec<ListForgot>,
    /// The runs whose staged data was deleted, since they were in it.
    pub runs: Vec<String>,
    /// Files at destinations that hold them, which nobody but their owner can remove.
    pub files: Vec<String>,
    /// What keeps traces for now, and what to do.
    pub waiting: Vec<String>,
}

impl Forgot {
    /// Whether nothing is left to be done.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// A list that customers are to be taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListForgot {
    /// The destination, by its id or another name for it, such as for its sandbox.
    pub destination: String,
    /// The platform's id of the list; `None` of one that is not remembered any more.
    pub list_id: Option<String>,
    /// How many members were taken off.
    pub removed: u64,
    /// Why some are on it still, and what to do.
    pub problem: Option<String>,
}

impl Forget<'_> {
    /// Keeps tombstones of these customers: from now on nobody assigns, stages or sends them.
    pub async fn forget(&self, customer_keys: &[String]) -> Result<(), StoreError> {
        let hashes: BTreeSet<_> = customer_keys.iter().map(|key| KeyHash::of(key)).collect();
        let asked = hashes.into_iter().map(|hash| Forgetting { hash, token: format!("forgotten-{}", Uuid::now_v7()) });
        self.store.forget(&asked.collect::<Vec<_>>(), self.actor).await
    }

    /// Removes the traces of all who have a tombstone and of whom there are traces still. What cannot be removed now is
    /// said, and no error.
    pub async fn complete(&self) -> Result<Forgot, ForgetError> {
        let pending = Pending::of(self.store.tombstones().await?);
        let mut forgot = Forgot { customers: pending.len(), ..Forgot::default() };
        if pending.is_empty() {
            return Ok(forgot);
        }
        let mut campaigns: BTreeMap<Slug, (Vec<Run>, Vec<RememberedList>)> = BTreeMap::new();
        for run in self.store.runs(None, u32::MAX).await? {
            campaigns.entry(run.campaign.clone()).or_default().0.push(run);
        }
        let remembered = self.store.remembered_lists().await?;
        for list in &remembered {
            campaigns.entry(list.campaign.clone()).or_default().1.push(list.clone());
        }
        for (campaign, (runs, lists)) in campaigns {
            self.campaign(&campaign, &runs, &lists, &pending, &mut forgot).await?;
        }
        self.unremembered(&remembered, &pending, &mut forgot).await?;
        let failed = |reason: io::Error| ForgetError::File { path: self.folder.runs(), reason: reason.into() };
        // What killed processes left.
        let begun = Utc::now() - OLD_PREVIEW;
        self.folder.delete_previews(begun).map_err(failed)?;
        // Files in any format, encrypted ones too: who is in them cannot be told.
        if self.folder.delete_test_files(begun).map_err(failed)? {
            forgot.waiting.push("a campaign is being tested".to_owned());
        }
        let failed = |reason: io::Error| ForgetError::File { path: self.folder.spill(), reason: reason.into() };
        clear_spill(&self.folder.spill()).map_err(failed)?;
        if forgot.is_done() {
            self.store.note_forgotten(&pending.hashes(), self.actor).await?;
        }
        Ok(forgot)
    }

    /// Removes the traces that the runs of a campaign left, and takes customers off its lists.
    async fn campaign(
        &self,
        campaign: &Slug,
        runs: &[Run],
        lists: &[RememberedList],
        pending: &Pending,
        forgot: &mut Forgot,
    ) -> Result<(), ForgetError> {
        let on = LeaseOn::Campaign(campaign.clone());
        let held = HeldByUs::take(self.store, self.folder, &on).await?;
        let done = match held {
            Some(held) => {
                let forgot = &mut *forgot;
                let under = async |under: &Under| {
                    let own = Forget { store: &*under.store, http: &under.http(self.http), ..*self };
                    own.campaign_under(runs, lists, pending, forgot).await
                };
                held.during(under).await
            }
            None => Err(StoreError::LeaseLost(on).into()),
        };
        match done {
            Err(ForgetError::Store(StoreError::LeaseLost(_))) => {
                let gone_on = "it is gone on with when that run has ended";
                forgot.waiting.push(format!("the campaign `{campaign}` is running: {gone_on}"));
                Ok(())
            }
            done => done,
        }
    }

    async fn campaign_under(
        &self,
        runs: &[Run],
        lists: &[RememberedList],
        pending: &Pending,
        forgot: &mut Forgot,
    ) -> Result<(), ForgetError> {
        let mut submitted = self.store.submitted_deliveries().await?;
        submitted.retain(|delivery| runs.iter().any(|run| run.id == delivery.run));
        for run in runs {
            (self.progress)(Looking::Run(&run.id));
            // What a platform works on is settled by what is staged of it.
            if submitted.iter().any(|delivery| delivery.run == run.id) {
                let id = &run.id;
                forgot
                    .waiting
                    .push(format!("a platform works on the run `{id}` still: `consign status` asks it how far it is"));
            } else if run.state.is_finished() {
                self.run(run, pending, forgot).await?;
            } else {
                let id = &run.id;
                forgot.waiting.push(format!(
                    "the run `{id}` is not finished: `consign resume` ends it, or `consign cancel {id}`"
                ));
            }
        }
        for list in lists {
            (self.progress)(Looking::List(list));
            let destination = destination_of(list);
            if submitted.iter().any(|one| one.destination.as_str() == destination && one.group == list.group) {
                continue;
            }
            self.list(list, pending, forgot).await?;
        }
        Ok(())
    }

    /// Takes customers off a list.
    async fn list(&self, list: &RememberedList, pending: &Pending, forgot: &mut Forgot) -> Result<(), ForgetError> {
        let RememberedList { destination: place, list_id, .. } = list;
        let left = match self.leave(list, pending).await {
            Ok(left) => left,
            Err(PlatformError::Store(error)) => return Err(error.into()),
            Err(error) => PlatformLeft { waiting: Some(chain(&error)), ..PlatformLeft::default() },
        };
        let PlatformLeft { named, removed, stay, waiting } = left;
        if let Some(why) = &waiting {
            forgot.waiting.push(format!("the list `{list_id}` at `{place}`: {why}"));
        }
        if let Some(why) = &stay {
            self.store.audit(self.actor, "cannot forget", &format!("{place} {list_id}"), why).await?;
        }
        if named || waiting.is_some() {
            let (destination, list_id) = (place.clone(), Some(list_id.clone()));
            forgot.lists.push(ListForgot { destination, list_id, removed, problem: stay.or(waiting) });
        }
        Ok(())
    }

    async fn leave(&self, list: &RememberedList, pending: &Pending) -> Result<PlatformLeft, PlatformError> {
        let destination = self.destination(list).await?;
        let mut leaving = ListToLeave {
            store: self.store,
            registry: self.registry,
            http: self.http,
            data: self.folder,
            sandbox: self.sandbox,
            place: &list.destination,
            list_id: &list.list_id,
            destination: None,
        };
        match &destination {
            Some((destination, folder)) => {
                let secrets = secrets(self.store, self.folder, folder).await?;
                leaving.destination = Some((destination, &secrets));
                leaving.leave(pending).await
            }
            None => leaving.leave(pending).await,
        }
    }

    /// The destination of a list, as it is now, else as it was when its campaign last ran, with the folder of the
    /// definitions.
    async fn destination(&self, list: &RememberedList) -> Result<Option<(Destination, String)>, StoreError> {
        let id = destination_of(list);
        let mut versions = Vec::from_iter(self.store.current_version().await?);
        versions.extend(self.store.runs(Some(&list.campaign), 1).await?.into_iter().map(|run| run.definitions_version));
        for version in versions {
            let stored = self.store.definitions(version).await?;
            if let Some(found) = stored.definitions.destinations.into_iter().find(|one| one.id.as_str() == id) {
                return Ok(Some((found, stored.folder)));
            }
        }
        Ok(None)
    }

    /// Removes what is known of lists whose ids are not remembered any more: another took their place, or their platform had
    /// lost them.
    async fn unremembered(
        &self,
        remembered: &[RememberedList],
        pending: &Pending,
        forgot: &mut Forgot,
    ) -> Result<(), ForgetError> {
        let known: BTreeSet<_> =
            remembered.iter().map(|list| self.folder.membership(&list.destination, &list.list_id)).collect();
        let failed = |reason: io::Error| ForgetError::File { path: self.folder.memberships(), reason: reason.into() };
        for place in entries(&self.folder.memberships()).map_err(failed)? {
            let lists = entries(&place).map_err(failed)?;
            for list in lists.into_iter().filter(|list| !known.contains(list)) {
                if !traces::drop_rows(&list, pending)? {
                    continue;
                }
                let destination = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let why = "another list took its place, so its id is not known: take them off it at the platform, where it is \
                           there still";
                self.store.audit(self.actor, "cannot forget", &destination, why).await?;
                let problem = Some(why.to_owned());
                forgot.lists.push(ListForgot { destination, list_id: None, removed: 0, problem });
            }
        }
        Ok(())
    }
}

/// The id of a list's destination, which may be its sandbox.
fn destination_of(list: &RememberedList) -> &str {
    list.destination.strip_prefix("sandbox:").unwrap_or(&list.destination)
}

/// No preview and no test takes so long: one that is older was killed.
const OLD_PREVIEW: TimeDelta = TimeDelta::hours(6);
