//! One staged delivery to its platform: find the list, take the difference, send, remove, remember.
//!
//! The way of a delivery: [`identity`] (who its rows are) -> [`members`] (who is on the list, and the difference) ->
//! [`adding`] and [`removing`] (requests, each noted in the membership as it is answered). A list that is replaced by
//! files goes another way: [`filing`]. What a platform works on for hours is kept by [`jobs`] and ended by [`follow_up`].

mod adding;
mod begun;
mod clearing;
mod cut;
mod error;
mod filing;
mod follow_up;
mod forgetting;
mod identity;
mod jobs;
mod members;
mod noted;
mod numbers;
mod prehashed;
mod reconcile;
mod rejects;
mod removing;
mod rotated;
mod unanswered;

use std::path::{Path, PathBuf};

use consign_destinations::client::{Client, ClientError, ErrorClass, FoundList, WantedList};
use consign_destinations::encode::{ListTarget, Operation, RequestEncoder};
use consign_destinations::http::Http;
use consign_engine::{Difference, Engine};
use consign_model::definition::Membership;
use consign_model::forgotten::Forgotten;
use consign_model::id::Slug;
use consign_model::plan::{CampaignPlan, PlannedDelivery};
use consign_store::{ListCounts, Store};
use schemars::JsonSchema;
use serde::Serialize;

use crate::deliver::{Sender, Spoken};
use crate::folder::{DataFolder, private_folder, remove_folder};
use crate::requests::session;
use crate::stage::StagedDelivery;
use crate::staged;
use begun::Begun;
use identity::Identifying;
use members::Members;
use reconcile::read_members;

pub use error::PlatformError;
pub use follow_up::{FollowUp, Followed};
pub(crate) use forgetting::{ListToLeave, PlatformLeft};
pub(crate) use members::MEMBER;
pub use reconcile::Agreed;
pub(crate) use rejects::rejected_file;
pub use rotated::keep_rotated;
pub(crate) use rotated::{purpose as rotated_purpose, with_rotated};
pub(crate) use unanswered::Unanswered;

/// What became of a list at its platform, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlatformSent {
    /// The counts that the store keeps.
    #[serde(flatten)]
    pub list: ListCounts,
    /// Rows that went without a field that the platform refused.
    pub changed: u64,
    /// Requests made.
    pub requests: u64,
}

/// What deliveries to platforms work with.
#[derive(Clone, Copy)]
pub(crate) struct Platforms<'a> {
    pub store: &'a dyn Store,
    pub engine: &'a Engine,
    pub http: &'a Http,
    pub data: &'a DataFolder,
    /// Where the sandbox is, for destinations that are set to it.
    pub sandbox: &'a str,
}

/// How a delivery changes its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// What is new or changed is added, what is gone removed.
    Difference {
        /// Whether what is gone is removed.
        remove: bool,
    },
    /// One session whose rows become the list.
    Session,
    /// All rows are taken off.
    Remove,
}

/// One delivery under way.
struct Sending<'a> {
    sender: &'a Sender<'a>,
    delivery: &'a PlannedDelivery,
    staged: &'a StagedDelivery,
    client: &'a dyn Client,
    encoder: &'a dyn RequestEncoder,
    list: ListTarget,
    members: Members,
    identifying: Identifying,
    /// Files of this delivery that are of no use afterwards, but for the rejected rows.
    work: PathBuf,
    /// What its sessions at the platform are named by.
    name: String,
    begun: Begun,
    /// Rows of customers who were forgotten since they were staged.
    forgotten: u64,
    /// Members whose missing fields were cleared.
    cleared: u64,
    /// The most rows of a request, where the platform said so.
    most_rows: Option<usize>,
    engine: &'a Engine,
    data: &'a DataFolder,
    outcome: PlatformSent,
}

/// Why a delivery begins anew.
enum Again {
    ListGone,
    SessionLost,
}

type Step<T> = Result<Result<T, Again>, PlatformError>;

impl<'a> Sending<'a> {
    /// Finds the list and opens what is known of it. `id` is the delivery's in its run.
    async fn begin(
        sender: &'a Sender<'a>,
        platforms: Platforms<'a>,
        id: &str,
        delivery: &'a PlannedDelivery,
        staged: &'a StagedDelivery,
        (client, encoder): &'a Spoken,
        fresh: bool,
    ) -> Result<Self, PlatformError> {
        let Platforms { store, engine, data, .. } = platforms;
        let (client, encoder) = (client.as_ref(), encoder.as_ref());
        let (campaign, group) = (&sender.plan.campaign, sender.group(delivery));
        let place = place(delivery);
        let wanted = wanted(sender, store, delivery, client, fresh).await;
        let found = match wanted {
            Ok(wanted) => client.find_or_create(&wanted).await.map_err(PlatformError::from),
            Err(error) => Err(error),
        };
        sender.keep_rotated(delivery, client, data)?;
        let FoundList { id: list_id, created } = found?;
        store.remember_list(&place, campaign, group, &list_id).await?;
        let mut members = Members::open(data, &place, &list_id)?;
        if created {
            members.forget()?;
        }
        let work = sender.folder.platform(id);
        let failed = |reason| PlatformError::Members { path: work.clone(), reason };
        private_folder(&work).map_err(failed)?;
        let earlier = if created { None } else { Begun::read(&work, &list_id).map_err(failed)? };
        let begun = if let Some(begun) = earlier {
            // A request that was not answered to the process that died may have put them on the list.
            members.note_forgotten(&staged.batches, sender.forgotten, &identity::identifying(delivery))?;
            begun
        } else {
            remove_folder(&jobs::folder(&work)).map_err(failed)?;
            let begun = Begun { list_id: list_id.clone(), created, ..Begun::default() };
            begun.write(&work).map_err(failed)?;
            begun
        };
        let list = ListCounts {
            list_id: list_id.clone(),
            created: begun.created,
            jobs: begun.jobs.clone(),
            ..ListCounts::default()
        };
        let outcome = PlatformSent { list, ..PlatformSent::default() };
        Ok(Self {
            sender,
            delivery,
            staged,
            client,
            encoder,
            list: ListTarget { id: list_id, name: delivery.list_name.clone() },
            members,
            identifying: identity::identifying(delivery),
            work,
            name: format!("{}/{id}", sender.plan.run_id),
            begun,
            forgotten: staged::count_forgotten(&staged.batches, sender.forgotten)?,
            cleared: 0,
            most_rows: None,
            engine,
            data,
            outcome,
        })
    }

    /// Makes the list what it should be. What was done before an error is in the outcome.
    async fn run(&mut self) -> Step<()> {
        if self.members.keeps_to_files() {
            return Err(PlatformError::FilledOtherwise { list: self.delivery.list_name.clone(), by: "files" });
        }
        identity::write_rows(&self.staged.batches, self.sender.forgotten, &self.identifying, &self.work)?;
        let way = self.way();
        if way == Way::Remove {
            return self.remove_rows().await;
        }
        let mut difference = self.members.difference(self.engine, &self.work).await?;
        let mirrors = matches!(way, Way::Session | Way::Difference { remove: true });
        if mirrors && !self.outcome.list.created && difference.members == 0 {
            difference = self.first_look(way).await?;
        }
        if mirrors {
            guard(self.delivery, self.staged, &difference)?;
        }
        let (sent, removed) = self.begun.since(&difference);
        (self.outcome.list.sent, self.outcome.list.removed) = (sent, removed);
        self.keep_begun()?;
        let removing = way == Way::Difference { remove: true } && difference.gone > 0;
        // Where members are removed by the platform's ids, extra members are better than lost ones: adding comes first.
        let removes_last = self.client.by_id().is_some();
        if removing
            && !removes_last
            && let Err(again) = self.remove_gone().await?
        {
            return Ok(Err(again));
        }
        let operation = if way == Way::Session { Operation::Replace } else { Operation::Add };
        if let Err(again) = self.add(operation, difference.kept).await? {
            return Ok(Err(again));
        }
        if removing && removes_last {
            let list = &self.outcome.list;
            if list.unknown > 0 || PlatformError::of(&self.delivery.list_name, list).is_some() {
                self.outcome
                    .list
                    .note("nobody was taken off the list, since not all additions are known to have arrived");
            } else if let Err(again) = self.remove_gone().await? {
                return Ok(Err(again));
            }
        }
        self.members.compact(self.engine).await?;
        Ok(Ok(()))
    }

    /// What the platform knows the requests of one operation by: a session is of one operation.
    fn session(&self, operation: &str) -> u64 {
        session(&format!("{}/{operation}", self.name), self.begun.sessions_lost + 1)
    }

    /// Keeps how far the delivery is, for whoever resumes it.
    fn keep_begun(&self) -> Result<(), PlatformError> {
        let failed = |reason| PlatformError::Members { path: self.work.clone(), reason };
        self.begun.write(&self.work).map_err(failed)
    }

    fn lose_session(&mut self) -> Result<(), PlatformError> {
        self.begun.lose_session();
        self.keep_begun()
    }

    fn way(&self) -> Way {
        let session = self.client.session_window().is_some() && !self.outcome.list.created;
        match self.delivery.membership {
            Some(Membership::Append) => Way::Difference { remove: false },
            Some(Membership::Remove) => Way::Remove,
            Some(Membership::Replace) if session && self.staged.counts.rows > 0 => Way::Session,
            Some(Membership::Mirror | Membership::Replace) | None => Way::Difference { remove: true },
        }
    }

    /// A list of which nothing is known, and that others made: it is emptied, or read, where the platform lets one.
    async fn first_look(&mut self, way: Way) -> Result<Difference, PlatformError> {
        if let Some(emptying) = self.client.emptying() {
            emptying.empty(&self.list).await?;
            self.outcome.list.note("the list was emptied first, since nothing was known of it");
        } else if way == Way::Session {
            // The session replaces whatever there is.
        } else if let Some(by_id) = self.client.by_id() {
            let read = read_members(by_id, &self.list, &self.identifying.names, &mut self.members).await?;
            self.outcome.list.note(format!("the list was read first, since nothing was known of it: {read} members"));
        } else {
            self.outcome.list.note("nothing was known of the list: members that others put there could not be removed");
        }
        self.members.difference(self.engine, &self.work).await
    }

    /// What is left when a delivery fails: rows that were not sent are counted as such.
    fn close_counts(&mut self) {
        let list = &mut self.outcome.list;
        let known = list.sent + list.kept + list.all_rejected() + list.unknown;
        list.reject("not_sent", self.staged.counts.rows.saturating_sub(known));
    }

    /// Keeps a credential that the platform has changed meanwhile: what it replaces may be of no use any more.
    fn keep_rotated(&self) -> Result<(), PlatformError> {
        self.sender.keep_rotated(self.delivery, self.client, self.data)
    }

    fn stop_if_cancelled(&self) -> Result<(), PlatformError> {
        if self.sender.cancel.is_cancelled() { Err(PlatformError::Cancelled) } else { Ok(()) }
    }
}

/// A list is not emptied by accident.
fn guard(delivery: &PlannedDelivery, staged: &StagedDelivery, difference: &Difference) -> Result<(), PlatformError> {
    let list = || delivery.list_name.clone();
    let Difference { members, gone, .. } = *difference;
    if staged.counts.rows == 0 && members > 0 && !delivery.allow_empty {
        return Err(PlatformError::WouldEmpty { list: list(), members });
    }
    if let Some(allowed) = delivery.max_removed
        && u128::from(gone) * 10_000 > u128::from(members) * u128::from(allowed.hundredths())
    {
        return Err(PlatformError::WouldRemove { list: list(), members, gone, allowed });
    }
    Ok(())
}

/// What a delivery would change on a list that was delivered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListDifference {
    /// Members that the list is known to have.
    pub members: u64,
    /// Rows that would be sent: new ones, and those that changed.
    pub added: u64,
    /// Rows that are on the list already, unchanged.
    pub kept: u64,
    /// Members that would be taken off.
    pub removed: u64,
}

/// What a delivery would change; `None` for a list that was never delivered. Asks nobody but what is known.
pub(crate) async fn difference(
    plan: &CampaignPlan,
    platforms: Platforms<'_>,
    delivery: &PlannedDelivery,
    staged: &StagedDelivery,
    work: &Path,
) -> Result<Option<ListDifference>, PlatformError> {
    let group = &plan.assign.sub_audiences[delivery.sub_audience].groups[delivery.group].id;
    let place = place(delivery);
    let Some(list_id) = platforms.store.remembered_list(&place, &plan.campaign, group).await? else { return Ok(None) };
    private_folder(work).map_err(|reason| PlatformError::Members { path: work.to_owned(), reason })?;
    identity::write_rows(&staged.batches, &Forgotten::default(), &identity::identifying(delivery), work)?;
    let members = Members::open(platforms.data, &place, &list_id)?;
    let Difference { members, kept, gone } = members.difference(platforms.engine, work).await?;
    let removes = !matches!(delivery.membership, Some(Membership::Append | Membership::Remove));
    let removed = if removes { gone } else { 0 };
    Ok(Some(ListDifference { members, added: staged.counts.rows - kept, kept, removed }))
}

/// Under this name the lists of a destination are remembered. What is at the sandbox has nothing to do with what is at
/// the platform.
pub(crate) fn place(delivery: &PlannedDelivery) -> String {
    place_of(&delivery.destination, delivery.sandbox)
}

pub(crate) fn place_of(destination: &Slug, sandbox: bool) -> String {
    if sandbox { format!("sandbox:{destination}") } else { destination.to_string() }
}

/// Sends a delivery, from the beginning again where its list or session was lost, once each.
pub(crate) async fn send(
    sender: &Sender<'_>,
    platforms: Platforms<'_>,
    id: &str,
    delivery: &PlannedDelivery,
    staged: &StagedDelivery,
) -> (PlatformSent, Result<(), PlatformError>) {
    let (mut fresh, mut lost_session) = (false, false);
    let spoken = match sender.client(platforms, delivery) {
        Ok(spoken) => spoken,
        Err(error) => return not_begun(staged, error),
    };
    let replaces = delivery.membership == Some(Membership::Replace);
    if let Some(filing) = spoken.0.filing().filter(|_| replaces) {
        return filing::send(sender, platforms, id, delivery, staged, &spoken, filing).await;
    }
    loop {
        let mut sending = match Sending::begin(sender, platforms, id, delivery, staged, &spoken, fresh).await {
            Ok(sending) => sending,
            Err(error) => return not_begun(staged, error),
        };
        let done = sending.run().await;
        let done = sending.keep_rotated().and(done);
        let error = match done {
            Ok(Ok(())) => {
                let list = &sending.outcome.list;
                // What becomes of rows that the platform still works on is said when it has ended.
                let lacking = list.jobs.is_empty().then(|| PlatformError::of(&delivery.list_name, list)).flatten();
                return (sending.outcome, lacking.map_or(Ok(()), Err));
            }
            Ok(Err(Again::ListGone)) if !fresh && delivery.list_id.is_none() => {
                fresh = true;
                continue;
            }
            Ok(Err(Again::SessionLost)) if !lost_session => match sending.lose_session() {
                Ok(()) => {
                    lost_session = true;
                    continue;
                }
                Err(error) => error,
            },
            Ok(Err(again)) => lost(&again, delivery),
            Err(error) => error,
        };
        sending.close_counts();
        return (sending.outcome, Err(error));
    }
}

/// The list that a delivery is for, by its id where that is known: from the definitions, from an earlier delivery unless
/// the list is to be a `fresh` one, or chosen by its kind. Somebody may have deleted it meanwhile: that is noticed here,
/// so that it is made again even where nothing would have been sent.
async fn wanted(
    sender: &Sender<'_>,
    store: &dyn Store,
    delivery: &PlannedDelivery,
    client: &dyn Client,
    fresh: bool,
) -> Result<WantedList, PlatformError> {
    let (campaign, group) = (&sender.plan.campaign, sender.group(delivery));
    let chosen = sender.registry.kind(&delivery.kind).and_then(|kind| kind.list_id(campaign, group));
    let mut remembered = if fresh { None } else { store.remembered_list(&place(delivery), campaign, group).await? };
    if let Some(id) = delivery.list_id.as_ref().or(remembered.as_ref())
        && !client.is_there(id).await?
    {
        if delivery.list_id.is_some() {
            return Err(lost(&Again::ListGone, delivery));
        }
        remembered = None;
    }
    Ok(WantedList { name: delivery.list_name.clone(), id: delivery.list_id.clone().or(remembered).or(chosen) })
}

fn not_begun(staged: &StagedDelivery, error: PlatformError) -> (PlatformSent, Result<(), PlatformError>) {
    let mut outcome = PlatformSent::default();
    outcome.list.reject("not_sent", staged.counts.rows);
    (outcome, Err(error))
}

fn lost(again: &Again, delivery: &PlannedDelivery) -> PlatformError {
    let (what, remedy) = match again {
        Again::ListGone => ("is gone at the platform", "make it there again, or remove its id from the definitions"),
        Again::SessionLost => ("lost its session twice", "run the campaign again"),
    };
    PlatformError::Client(ClientError {
        class: ErrorClass::Config,
        what: format!("the list `{}` {what}", delivery.list_name),
        remedy: remedy.to_owned(),
        said: String::new(),
        uncertain: false,
    })
}

/// Reads the list of a delivery at its platform, and makes what is known of it agree. `None` where the platform lets
/// nobody read lists.
pub(crate) async fn reconcile(
    sender: &Sender<'_>,
    platforms: Platforms<'_>,
    delivery: &PlannedDelivery,
    list_id: &str,
    work: &Path,
) -> Result<Option<Agreed>, PlatformError> {
    let (client, _) = sender.client(platforms, delivery)?;
    let Some(by_id) = client.by_id() else { return Ok(None) };
    let Platforms { engine, data, .. } = platforms;
    let list = ListTarget { id: list_id.to_owned(), name: delivery.list_name.clone() };
    let identifying = identity::identifying(delivery).names;
    let mut members = Members::open(data, &place(delivery), list_id)?;
    let agreed = reconcile::reconcile(by_id, &list, &identifying, &mut members, engine, data, work).await;
    sender.keep_rotated(delivery, client.as_ref(), data)?;
    agreed.map(Some)
}

/// How many members a list is known to have.
pub(crate) async fn count_members(
    engine: &Engine,
    data: &DataFolder,
    place: &str,
    list_id: &str,
) -> Result<u64, PlatformError> {
    Ok(engine.count_members(&Members::open(data, place, list_id)?.files()?).await?)
}
