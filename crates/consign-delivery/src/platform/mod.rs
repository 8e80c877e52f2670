//! One staged delivery to its platform: find the list, take the difference, send, remove, remember.
//!
//! The way of a delivery: [`identity`] (who its rows are) -> [`members`] (who is on the list, and the difference) ->
//! [`adding`] and [`removing`] (requests, each noted in the membership as it is answered). A list that is replaced by
//! files goes another way: [`filing`].

mod adding;
mod cut;
mod filing;
mod identity;
mod members;
mod numbers;
mod removing;
mod seal;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use consign_destinations::client::{ById, Client, ClientError, ErrorClass, FoundList, WantedList};
use consign_destinations::encode::{EncodeError, ListTarget, Operation, RequestEncoder};
use consign_destinations::http::Http;
use consign_engine::{Difference, Engine, EngineError};
use consign_model::definition::{Membership, Percent};
use consign_model::plan::{CampaignPlan, PlannedDelivery};
use consign_secrets::SecretError;
use consign_store::{Store, StoreError};
use serde::Serialize;

use crate::deliver::Sender;
use crate::folder::{DataFolder, private_folder};
use crate::requests::session;
use crate::stage::StagedDelivery;
use crate::staged::ReadError;
use members::{Member, Members, Standing};

/// A platform's delivery failed.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The platform did not do what it was asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no client for the kind with these settings.
    #[error("`{0}` is no platform that lists can be sent to: report it")]
    NoClient(String),
    /// A credential cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Rows cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A staged batch cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The difference cannot be taken.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is known of the list cannot be read or written.
    #[error("the membership in {} cannot be kept: free space on the disk, or check that the folder may be written", path.display())]
    Members {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// A computation on columns failed.
    #[error("the membership cannot be computed")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet could not be written.
    #[error("the membership cannot be written: free space on the disk")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The list would be left empty, which nobody asked for.
    #[error(
        "the list `{list}` has {members} members and would be left empty: look at the preview, and set `allow_empty: true` \
         for the destination in the campaign if that is meant"
    )]
    WouldEmpty {
        /// The list's name.
        list: String,
        /// Its members.
        members: u64,
    },
    /// More members would be removed than the campaign allows.
    #[error(
        "{gone} of {members} members of the list `{list}` would be removed, more than `max_removed` allows ({allowed}): look \
         at the preview, and raise it if that is meant"
    )]
    WouldRemove {
        /// The list's name.
        list: String,
        /// Its members.
        members: u64,
        /// Those who would be removed.
        gone: u64,
        /// How many may be.
        allowed: Percent,
    },
    /// The list was filled another way, and its platform does not let the two be mixed.
    #[error(
        "the list `{list}` was filled by {by}, and its platform takes {} no more: write another `list_name` for it, or go back to \
         the membership that it had", if *by == "files" { "requests" } else { "files" }
    )]
    FilledOtherwise {
        /// The list's name.
        list: String,
        /// `files` or `requests`.
        by: &'static str,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What became of a list at its platform. `sent + kept + rejected + unknown` are the rows of the delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlatformSent {
    /// The list's id.
    pub list_id: String,
    /// Whether the list was made for this delivery.
    pub created: bool,
    /// Rows that the platform took.
    pub sent: u64,
    /// Rows that were on the list already, unchanged.
    pub kept: u64,
    /// Rows that it refused, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows of which nobody knows.
    pub unknown: u64,
    /// Members that were taken off.
    pub removed: u64,
    /// Rows that went without a field that the platform refused.
    pub changed: u64,
    /// Jobs that the platform still works on.
    pub jobs: Vec<String>,
    /// What else there is to be told.
    pub notes: Vec<String>,
    /// Requests made.
    pub requests: u64,
}

impl PlatformSent {
    /// All rows that were refused.
    pub fn rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn reject(&mut self, reason: &str, rows: u64) {
        if rows > 0 {
            *self.rejected.entry(reason.to_owned()).or_default() += rows;
        }
    }

    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
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
    client: Box<dyn Client>,
    encoder: Box<dyn RequestEncoder>,
    list: ListTarget,
    members: Members,
    identifying: Vec<String>,
    /// Files of this delivery that are of no use afterwards, but for the rejected rows.
    work: PathBuf,
    /// What its sessions at the platform are named by.
    name: String,
    attempt: u32,
    /// The most rows of a request, where the platform said so.
    most_rows: Option<usize>,
    engine: &'a Engine,
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
        fresh: bool,
        attempt: u32,
    ) -> Result<Self, PlatformError> {
        let Platforms { store, engine, data, .. } = platforms;
        let (client, encoder) = sender.client(platforms, delivery)?;
        let (campaign, group) = (&sender.plan.campaign, sender.group(delivery));
        let place = place(delivery);
        let chosen = sender.registry.kind(&delivery.kind).and_then(|kind| kind.list_id(campaign, group));
        let remembered = if fresh { None } else { store.remembered_list(&place, campaign, group).await? };
        let known = delivery.list_id.clone().or(remembered).or(chosen);
        let wanted = WantedList { name: delivery.list_name.clone(), id: known };
        let FoundList { id: list_id, created } = client.find_or_create(&wanted).await?;
        store.remember_list(&place, campaign, group, &list_id).await?;
        let mut members = Members::open(data, &place, &list_id)?;
        if created {
            members.forget()?;
        }
        let work = sender.folder.platform(id);
        private_folder(&work).map_err(|reason| PlatformError::Members { path: work.clone(), reason })?;
        let outcome = PlatformSent { list_id: list_id.clone(), created, ..PlatformSent::default() };
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
            attempt,
            most_rows: None,
            engine,
            outcome,
        })
    }

    /// Makes the list what it should be. What was done before an error is in the outcome.
    async fn run(&mut self) -> Step<()> {
        if self.members.keeps_to_files() {
            return Err(PlatformError::FilledOtherwise { list: self.delivery.list_name.clone(), by: "files" });
        }
        identity::write_rows(&self.staged.batches, &self.identifying, &self.work)?;
        let way = self.way();
        if way == Way::Remove {
            return self.remove_rows().await;
        }
        let mut difference = self.members.difference(self.engine, &self.work).await?;
        let mirrors = matches!(way, Way::Session | Way::Difference { remove: true });
        if mirrors && !self.outcome.created && difference.members == 0 {
            difference = self.first_look(way).await?;
        }
        if mirrors {
            guard(self.delivery, self.staged, &difference)?;
        }
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
            if self.outcome.unknown > 0 {
                self.outcome.note("nobody was taken off the list, since not all additions are known to have arrived");
            } else if let Err(again) = self.remove_gone().await? {
                return Ok(Err(again));
            }
        }
        self.members.compact(self.engine).await?;
        Ok(Ok(()))
    }

    /// What the platform knows the requests of one operation by: a session is of one operation.
    fn session(&self, operation: &str) -> u64 {
        session(&format!("{}/{operation}", self.name), self.attempt)
    }

    fn way(&self) -> Way {
        let session = self.client.session_window().is_some() && !self.outcome.created;
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
            self.outcome.note("the list was emptied first, since nothing was known of it");
        } else if way == Way::Session {
            // The session replaces whatever there is.
        } else if let Some(by_id) = self.client.by_id() {
            let read = read_members(by_id, &self.list, &self.identifying, &mut self.members).await?;
            self.outcome.note(format!("the list was read first, since nothing was known of it: {read} members"));
        } else {
            self.outcome.note("nothing was known of the list: members that others put there could not be removed");
        }
        self.members.difference(self.engine, &self.work).await
    }

    /// What is left when a delivery fails: rows that were not sent are counted as such.
    fn close_counts(&mut self) {
        let known = self.outcome.sent + self.outcome.kept + self.outcome.rejected() + self.outcome.unknown;
        let left = self.staged.counts.rows.saturating_sub(known);
        self.outcome.reject("not_sent", left);
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    identity::write_rows(&staged.batches, &identity::identifying(delivery), work)?;
    let members = Members::open(platforms.data, &place, &list_id)?;
    let Difference { members, kept, gone } = members.difference(platforms.engine, work).await?;
    let removes = !matches!(delivery.membership, Some(Membership::Append | Membership::Remove));
    let removed = if removes { gone } else { 0 };
    Ok(Some(ListDifference { members, added: staged.counts.rows - kept, kept, removed }))
}

/// Under this name the lists of a destination are remembered. What is at the sandbox has nothing to do with what is at
/// the platform.
fn place(delivery: &PlannedDelivery) -> String {
    if delivery.sandbox { format!("sandbox:{}", delivery.destination) } else { delivery.destination.to_string() }
}

/// Sends a delivery, from the beginning again where its list or session was lost, once each.
pub(crate) async fn send(
    sender: &Sender<'_>,
    platforms: Platforms<'_>,
    id: &str,
    delivery: &PlannedDelivery,
    staged: &StagedDelivery,
) -> (PlatformSent, Result<(), PlatformError>) {
    let (mut fresh, mut attempt) = (false, 1);
    if delivery.membership == Some(Membership::Replace) {
        match sender.client(platforms, delivery) {
            Ok(spoken) if spoken.0.filing().is_some() => {
                return filing::send(sender, platforms, id, delivery, staged, spoken).await;
            }
            Ok(_) => {}
            Err(error) => return not_begun(staged, error),
        }
    }
    loop {
        let mut sending = match Sending::begin(sender, platforms, id, delivery, staged, fresh, attempt).await {
            Ok(sending) => sending,
            Err(error) => return not_begun(staged, error),
        };
        let done = sending.run().await;
        match done {
            Ok(Ok(())) => return (sending.outcome, Ok(())),
            Ok(Err(Again::ListGone)) if !fresh && delivery.list_id.is_none() => fresh = true,
            Ok(Err(Again::SessionLost)) if attempt < 2 => attempt += 1,
            Ok(Err(again)) => {
                sending.close_counts();
                let error = lost(&again, delivery);
                return (sending.outcome, Err(error));
            }
            Err(error) => {
                sending.close_counts();
                return (sending.outcome, Err(error));
            }
        }
    }
}

fn not_begun(staged: &StagedDelivery, error: PlatformError) -> (PlatformSent, Result<(), PlatformError>) {
    let mut outcome = PlatformSent::default();
    outcome.reject("not_sent", staged.counts.rows);
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
    })
}

/// Reads the members of a list into what is known of it. Those without the identifying attribute can only be removed.
async fn read_members(
    by_id: &dyn ById,
    list: &ListTarget,
    identifying: &[String],
    members: &mut Members,
) -> Result<u64, PlatformError> {
    let (mut from, mut read) = (None, 0);
    loop {
        let page = by_id.members(list, from.as_deref()).await?;
        let found: Vec<_> = page.members.iter().map(|member| identity::of_member(member, identifying)).collect();
        let rows: Vec<_> = found
            .iter()
            .map(|(identity, removal)| Member {
                identity: *identity,
                attributes: [0; 32],
                customer_key: "",
                removal: Some(removal),
            })
            .collect();
        members.note(&rows, Standing::Acknowledged)?;
        read += rows.len() as u64;
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(read),
        }
    }
}

/// The rejected rows of a delivery, for recipients: the customer keys in the order of the list.
pub(crate) fn rejected_file(work: &Path) -> PathBuf {
    work.join("rejected.parquet")
}
