//! What Consign remembers between commands: definitions with their versions, schedules, runs, deliveries and events.
//!
//! No customer's data is ever here: ids, names of lists and of users, counts and states. Lists live as files; see `consign-delivery`.
//! [`Store`] is the port; [`SqlStore`] keeps it in a file or in a Postgres database. [`state`] is the only place that
//! says which state may follow which; a store refuses every other transition and writes an event with each.

pub mod accounts;
pub mod calls;
pub mod drafts;
mod error;
mod lease;
mod location;
pub mod notice;
mod open;
pub mod record;
mod sql;
pub mod state;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use consign_model::definition::Definitions;
use consign_model::forgotten::KeyHash;
use consign_model::id::Slug;

pub use accounts::{Accounts, NewToken, NewUser, Role, Token, User, UserChange};
pub use calls::Calls;
pub use drafts::{Draft, Drafts};
pub use error::{Open, StoreError};
pub use lease::{HeldLease, LEASE_TERM, Lease, LeaseOn, LeaseOwner, Taking};
pub use location::Location;
pub use notice::{Announced, NewNotice, Notice, Outbox, Told};
pub use open::{Examined, examine};
pub use record::{
    Applied, AudienceCounts, AuditEntry, AuditFilter, Credential, Delivery, DeliveryChange, DeliveryCounts,
    DeliveryError, ErrorClass, Event, Forgetting, GroupCounts, ListCounts, NewDelivery, NewOccurrence, NewRun,
    Occurrence, OccurrenceState, OpenJob, RememberedList, Resealed, Run, RunMode, ScheduleBegun, StoredDefinitions,
    StoredFolder, SubAudienceCounts, Target, Tombstone,
};
pub use sql::{SqlStore, restore};
pub use state::{DeliveryState, Outcome, RunState};

/// Definitions, runs, deliveries and events. What a call reports as done is on disk and survives a loss of power.
#[async_trait]
pub trait Store: Send + Sync {
    /// Takes the lease on something, for the store's term. Refused, and no error, while somebody holds it, but where that
    /// is the token of one whose owner is known to be gone.
    async fn take_lease(&self, on: &LeaseOn, owner: &LeaseOwner, gone: Option<u64>) -> Result<Taking, StoreError>;

    /// Lets a lease hold for another term from now on, also where it was over and nobody has taken it since.
    async fn renew_lease(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Ends a lease before its time.
    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Who holds the lease on something; `None` where nobody does.
    async fn held_lease(&self, on: &LeaseOn) -> Result<Option<HeldLease>, StoreError>;

    /// The same store, of which every change is refused, in its own transaction, once somebody else has taken that lease.
    fn under(&self, lease: &Lease) -> Arc<dyn Store>;

    /// The data folder that goes with the store: the files of its runs are there, and what is known of lists. `None` where
    /// none was named so far.
    async fn data_folder(&self) -> Result<Option<StoredFolder>, StoreError>;

    /// Makes a data folder the store's where it has none. The one that is the store's is returned.
    async fn claim_data_folder(&self, folder: &StoredFolder) -> Result<StoredFolder, StoreError>;

    /// Makes definitions the current ones, with the next version. What the current version already says keeps its
    /// version: the order of sources, segments, destinations, campaigns and contracts among themselves says nothing.
    /// The folder is where their relative paths begin, absolute itself; another folder gives them another meaning and so
    /// another version. The author is the name of the user of the operating system.
    async fn apply(&self, definitions: &Definitions, folder: &str, author: &str) -> Result<Applied, StoreError>;

    /// The definitions with the highest version; `None` before the first [`apply`](Store::apply).
    async fn current(&self) -> Result<Option<StoredDefinitions>, StoreError>;

    /// The highest version of the definitions.
    async fn current_version(&self) -> Result<Option<u64>, StoreError>;

    /// The definitions of a version.
    async fn definitions(&self, version: u64) -> Result<StoredDefinitions, StoreError>;

    /// A campaign's own version: how many different definitions of it were applied one after the other. `None` where
    /// it never was defined.
    async fn campaign_version(&self, campaign: &Slug) -> Result<Option<u64>, StoreError>;

    /// Begins a run, in the state `assigning`. Refused while another run of the campaign is not finished. One whose id an
    /// occurrence was claimed with is from then on what became of that occurrence, and an event says so.
    async fn create_run(&self, run: &NewRun) -> Result<Run, StoreError>;

    /// Moves a run to its next state. A run cannot finish as succeeded or partial while a delivery of it is being staged
    /// or sent; one that fails or is cancelled takes such deliveries with it. The error, for people, says why it
    /// failed and holds no personal data.
    async fn move_run(&self, run: &str, to: RunState, error: Option<&str>) -> Result<Run, StoreError>;

    /// Sets the counts of a run's audience.
    async fn set_audience(&self, run: &str, counts: &AudienceCounts) -> Result<(), StoreError>;

    /// A run by its id.
    async fn run(&self, run: &str) -> Result<Run, StoreError>;

    /// Runs, of one campaign or of all, the newest first, at most so many.
    async fn runs(&self, campaign: Option<&Slug>, limit: u32) -> Result<Vec<Run>, StoreError>;

    /// The runs that are not finished, the oldest first.
    async fn unfinished_runs(&self) -> Result<Vec<Run>, StoreError>;

    /// Adds deliveries to an unfinished run, behind those it has, all or none, in the state `staging`.
    async fn create_deliveries(&self, run: &str, deliveries: &[NewDelivery]) -> Result<(), StoreError>;

    /// Moves a delivery to its next state and sets what became known of it.
    async fn move_delivery(&self, delivery: &str, change: &DeliveryChange) -> Result<Delivery, StoreError>;

    /// Sets the counts of a delivery that is submitted and stays so; what became known is an event.
    async fn count_delivery(
        &self,
        delivery: &str,
        counts: &DeliveryCounts,
        what: Option<&str>,
    ) -> Result<(), StoreError>;

    /// The deliveries of finished runs that their platforms still work on, the oldest first.
    async fn submitted_deliveries(&self) -> Result<Vec<Delivery>, StoreError>;

    /// A run's deliveries in the order in which they were added.
    async fn deliveries(&self, run: &str) -> Result<Vec<Delivery>, StoreError>;

    /// Remembers until when a platform limits a delivery; `None` when it goes on. The destination is named as its lists
    /// are.
    async fn set_wait(&self, delivery: &str, destination: &str, until: Option<DateTime<Utc>>)
    -> Result<(), StoreError>;

    /// Until when a destination's platform limits us, whichever delivery and process it told so; `None` where that time
    /// has passed.
    async fn wait(&self, destination: &str) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// The platform's id of the list that a group of a campaign has at a destination (its id, or another name for it,
    /// such as for its sandbox), where it is known.
    async fn remembered_list(
        &self,
        destination: &str,
        campaign: &Slug,
        group: &Slug,
    ) -> Result<Option<String>, StoreError>;

    /// All lists that are remembered, by destination, campaign and group.
    async fn remembered_lists(&self) -> Result<Vec<RememberedList>, StoreError>;

    /// Remembers the platform's id of a list, in place of an earlier one.
    async fn remember_list(
        &self,
        destination: &str,
        campaign: &Slug,
        group: &Slug,
        list_id: &str,
    ) -> Result<(), StoreError>;

    /// The finished runs that ended by then and whose staged data is not noted as deleted, the oldest first.
    async fn runs_with_staged_data(&self, finished_by: DateTime<Utc>) -> Result<Vec<Run>, StoreError>;

    /// Notes that the staged data of a finished run was deleted.
    async fn note_staged_deleted(&self, run: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// When the schedule that a campaign has now began: it begins anew with each version that says something else of it,
    /// not where other things are edited. `None` where the campaign never was defined.
    async fn schedule_begun(&self, campaign: &Slug) -> Result<Option<ScheduleBegun>, StoreError>;

    /// Takes a time of a schedule on. `false` where it, or a later one of the schedule, is taken on already: of several
    /// that claim it, one gets it.
    async fn claim(&self, occurrence: &NewOccurrence) -> Result<bool, StoreError>;

    /// Takes on again what was claimed and of which nothing became.
    async fn claim_again(&self, run: &str, at: DateTime<Utc>, late: bool) -> Result<(), StoreError>;

    /// Says why no run began for an occurrence that is claimed with that id of a run; nothing where one did.
    async fn settle_claimed(&self, run: &str, state: OccurrenceState, reason: &str) -> Result<(), StoreError>;

    /// The occurrences that are claimed and of which nothing became yet, the oldest first.
    async fn claimed(&self) -> Result<Vec<Occurrence>, StoreError>;

    /// The last time of a campaign's schedule that was taken on: of that schedule, or of any.
    async fn last_occurrence(&self, campaign: &Slug, schedule: Option<u64>) -> Result<Option<Occurrence>, StoreError>;

    /// The time of a schedule that a run is for; `None` where somebody began it by hand.
    async fn occurrence_of(&self, run: &str) -> Result<Option<Occurrence>, StoreError>;

    /// Keeps tombstones of customers, all or none; the audit log says so of each. Of one who was forgotten before, and of
    /// whom there were traces again, the traces are to be removed again.
    async fn forget(&self, asked: &[Forgetting], actor: &str) -> Result<(), StoreError>;

    /// The tombstones, by hash.
    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreError>;

    /// Notes that nothing but tombstones is left of customers; the audit log says so of each.
    async fn note_forgotten(&self, gone: &[KeyHash], actor: &str) -> Result<(), StoreError>;

    /// Appends to the audit log, which nothing else ever changes: who (a user, or what acts by itself, such as
    /// `retention`) did what (`run`, `cancel`, ...) to what (an id, or a hash of a customer key), and what else there is
    /// to say of it. No personal data, no secrets. [`apply`](Store::apply) says by itself what it changed.
    async fn audit(&self, actor: &str, action: &str, subject: &str, detail: &str) -> Result<(), StoreError>;

    /// The audit log, from a moment on or whole, the oldest first.
    async fn audited(&self, since: Option<DateTime<Utc>>) -> Result<Vec<AuditEntry>, StoreError>;

    /// The entries of the audit log that a filter lets through, the newest first, at most so many.
    async fn audit_page(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// Keeps a sealed credential under a name, in place of an earlier one. The user is that of the operating system.
    async fn set_credential(&self, name: &Slug, sealed: &[u8], by: &str) -> Result<(), StoreError>;

    /// The sealed credentials, by name.
    async fn credentials(&self) -> Result<Vec<Credential>, StoreError>;

    /// Removes a credential. `false` where there is none.
    async fn remove_credential(&self, name: &Slug) -> Result<bool, StoreError>;

    /// Keeps credentials as another key has sealed them, all or none. One that was set since is left alone.
    async fn reseal_credentials(&self, resealed: &[Resealed]) -> Result<(), StoreError>;

    /// What happened in a run, the oldest first.
    async fn events(&self, run: &str) -> Result<Vec<Event>, StoreError>;
}
