//! What the store holds, as values.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use consign_model::definition::Definitions;
use consign_model::forgotten::KeyHash;
use consign_model::id::Slug;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::{DeliveryState, RunState};

/// What applying definitions came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The version that is current now.
    pub version: u64,
    /// Whether it is new; else the definitions were applied already.
    pub changed: bool,
}

/// Definitions as they were applied.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDefinitions {
    /// From 1, one more with each change.
    pub version: u64,
    /// When they were applied.
    pub applied_at: DateTime<Utc>,
    /// Who applied them: a user of the operating system.
    pub applied_by: String,
    /// Where their relative paths begin.
    pub folder: String,
    /// SHA-256 of the folder and the content, hex. The order of things among themselves is not part of it.
    pub hash: String,
    /// What they say.
    pub definitions: Definitions,
}

/// The data folder that goes with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFolder {
    /// Its id, which is in the folder too.
    pub id: String,
    /// Where it was when it became the store's, for people.
    pub path: String,
}

/// A credential that is stored, sealed: what the workspace key makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: Slug,
    /// It itself, sealed.
    pub sealed: Vec<u8>,
    /// When it was set.
    pub set_at: DateTime<Utc>,
    /// Who set it: a user of the operating system.
    pub set_by: String,
}

/// A credential that was sealed again with another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// Its name.
    pub name: Slug,
    /// How it was sealed.
    pub before: Vec<u8>,
    /// How it is now.
    pub sealed: Vec<u8>,
}

/// What a run leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// A run as any other.
    Real,
    /// Sent to the sandbox; no trace in recipients, sticky assignments and memberships.
    Rehearsal,
}

/// A run to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// A version 7 UUID as text, so that ids sort by time.
    pub id: String,
    /// The campaign.
    pub campaign: Slug,
    /// The version of the definitions that it runs by.
    pub definitions_version: u64,
    /// What it leaves behind.
    pub mode: RunMode,
    /// Its moment; kept to the microsecond.
    pub as_of: DateTime<Utc>,
    /// When the campaign starts downstream.
    pub launch_date: Option<NaiveDate>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The campaign.
    pub campaign: Slug,
    /// The version of the definitions that it runs by.
    pub definitions_version: u64,
    /// What it leaves behind.
    pub mode: RunMode,
    /// Its moment.
    pub as_of: DateTime<Utc>,
    /// When the campaign starts downstream.
    pub launch_date: Option<NaiveDate>,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// Its audience, once counted.
    pub audience: Option<AudienceCounts>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When anything about it last changed, its deliveries apart.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When its snapshot and staged lists were deleted, as the workspace's retention asks.
    pub staged_deleted_at: Option<DateTime<Utc>>,
}

/// When a schedule began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleBegun {
    /// The version of the definitions that it came with; names it among the schedules of its campaign.
    pub version: u64,
    /// When that was applied.
    pub at: DateTime<Utc>,
}

/// A time of a schedule to take on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOccurrence {
    /// The id of the run that will be made for it.
    pub run: String,
    /// The campaign.
    pub campaign: Slug,
    /// The schedule: the version of the definitions that it began with.
    pub schedule: u64,
    /// When it was due; kept to the microsecond.
    pub due: DateTime<Utc>,
    /// How many times of the schedule before it nobody took on.
    pub missed: u64,
    /// Whether it is taken on late.
    pub late: bool,
    /// When it is taken on.
    pub claimed_at: DateTime<Utc>,
}

/// A time of a schedule that was taken on, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// The id of the run that was, or was to be, made for it.
    pub run: String,
    /// The campaign.
    pub campaign: Slug,
    /// The schedule: the version of the definitions that it began with.
    pub schedule: u64,
    /// When it was due.
    pub due: DateTime<Utc>,
    /// How many times of the schedule before it nobody took on.
    pub missed: u64,
    /// Whether it was taken on late.
    pub late: bool,
    /// When it was taken on.
    pub claimed_at: DateTime<Utc>,
    /// What became of it.
    pub state: OccurrenceState,
    /// Why no run began for it, for people.
    pub reason: Option<String>,
}

/// What became of a time of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OccurrenceState {
    /// Somebody took it on; nothing became of it yet.
    Claimed,
    /// Its run began.
    Ran,
    /// The campaign was still running.
    Skipped,
    /// Its run could not begin.
    Failed,
}

/// The customers of a run, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceCounts {
    /// Customers in the audience.
    pub customers: u64,
    /// Rows of the sources that were left out, by reason: NULL and empty customer keys.
    #[serde(default)]
    pub left_out: BTreeMap<String, u64>,
    /// The sub-audiences in order; the last is **remaining**.
    pub sub_audiences: Vec<SubAudienceCounts>,
}

/// The customers of a sub-audience, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubAudienceCounts {
    /// Its id.
    pub id: Slug,
    /// Its name when the run began.
    pub name: String,
    /// Its customers.
    pub customers: u64,
    /// Its groups in order.
    pub groups: Vec<GroupCounts>,
}

/// The customers of a treatment group, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCounts {
    /// Its id.
    pub id: Slug,
    /// Its name when the run began.
    pub name: String,
    /// Whether it is held out.
    pub control: bool,
    /// Its customers.
    pub customers: u64,
}

/// A delivery to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Stable and unique over all runs, such as `<run>/<sub-audience>.<group>.<destination>`.
    pub id: String,
    /// The sub-audience.
    pub sub_audience: Slug,
    /// The treatment group.
    pub group: Slug,
    /// The destination.
    pub destination: Slug,
    /// The destination's kind.
    pub kind: String,
    /// The list's or file's name, rendered.
    pub list_name: String,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// Its run.
    pub run: String,
    /// The sub-audience.
    pub sub_audience: Slug,
    /// The treatment group.
    pub group: Slug,
    /// The destination.
    pub destination: Slug,
    /// The destination's kind.
    pub kind: String,
    /// The list's or file's name.
    pub list_name: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// What was staged, once it is.
    pub counts: Option<DeliveryCounts>,
    /// Where it went.
    pub targets: Vec<Target>,
    /// Why it failed.
    pub error: Option<DeliveryError>,
    /// Until when its platform limits us, where that time has not passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_until: Option<DateTime<Utc>>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a delivery came to: rows = customers + expansion - dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCounts {
    /// Customers of the group.
    pub customers: u64,
    /// Rows beyond one a customer.
    pub expansion: u64,
    /// Rows staged.
    pub rows: u64,
    /// Rows not staged, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// Customers none of whose rows is staged, by reason.
    #[serde(default)]
    pub shrink: BTreeMap<String, u64>,
    /// What became of a platform's list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListCounts>,
}

/// What became of a platform's list: rows = sent + kept + rejected + unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListCounts {
    /// The platform's id of the list.
    pub list_id: String,
    /// Whether it was made for this delivery.
    pub created: bool,
    /// Rows that the platform took.
    pub sent: u64,
    /// Rows that were on the list already, unchanged.
    pub kept: u64,
    /// Rows that it refused, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Of the rejected rows, those of jobs that the platform ended without having done their work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub given_up: u64,
    /// Rows of which nobody knows.
    pub unknown: u64,
    /// Members that were taken off.
    pub removed: u64,
    /// Jobs that the platform still works on. Their rows count as sent or removed until it says
    /// otherwise.
    pub jobs: Vec<OpenJob>,
    /// What else there is to be told.
    pub notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A list at a platform, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RememberedList {
    /// The destination, by its id or another name for it, such as for its sandbox.
    pub destination: String,
    /// The campaign.
    pub campaign: Slug,
    /// The treatment group.
    pub group: Slug,
    /// The platform's id of the list.
    pub list_id: String,
    /// When a delivery last began with it.
    pub remembered_at: DateTime<Utc>,
}

/// Work that a platform does on after it took a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenJob {
    /// Its id at the platform.
    pub id: String,
    /// Its number in the delivery, from 1.
    pub number: u64,
    /// Whether it takes its rows off the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removes: bool,
    /// Its rows that are counted as sent, or as removed.
    pub rows: u64,
    /// When the request was taken.
    pub since: DateTime<Utc>,
    /// How often the platform was asked since then.
    pub looked: u32,
    /// When it was last asked; at first when the request was taken.
    pub looked_at: DateTime<Utc>,
}

impl ListCounts {
    /// All rows that were refused.
    pub fn all_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Counts rows that were refused.
    pub fn reject(&mut self, reason: &str, rows: u64) {
        if rows > 0 {
            *self.rejected.entry(reason.to_owned()).or_default() += rows;
        }
    }

    /// Says something, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// A file that a delivery left at its destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its place: a path or a URL without credentials.
    pub location: String,
    /// Rows in it, a header apart.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
}

/// Why a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryError {
    /// What sort of failure it is.
    pub class: ErrorClass,
    /// What happened and what to do, for people. No personal data, no secrets.
    pub message: String,
}

/// What sort of failure it is, and so what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The credential is refused.
    Auth,
    /// The credential may not do that.
    Permission,
    /// A setting is wrong.
    Config,
    /// A row is refused.
    Row,
    /// Too fast.
    RateLimited,
    /// Not there now.
    Unavailable,
    /// Our own mistake.
    Bug,
}

impl ErrorClass {
    const ALL: [Self; 7] =
        [Self::Auth, Self::Permission, Self::Config, Self::Row, Self::RateLimited, Self::Unavailable, Self::Bug];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Permission => "permission",
            Self::Config => "config",
            Self::Row => "row",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Bug => "bug",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

impl OccurrenceState {
    const ALL: [Self; 4] = [Self::Claimed, Self::Ran, Self::Skipped, Self::Failed];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Ran => "ran",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl RunMode {
    const ALL: [Self; 2] = [Self::Real, Self::Rehearsal];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Rehearsal => "rehearsal",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// A delivery's next state, and what is known with it. What is `None` stays as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryChange {
    /// The next state.
    pub to: DeliveryState,
    /// What was staged.
    pub counts: Option<DeliveryCounts>,
    /// Where it went.
    pub targets: Option<Vec<Target>>,
    /// Why it failed.
    pub error: Option<DeliveryError>,
}

impl DeliveryChange {
    /// A next state and nothing else.
    pub fn to(to: DeliveryState) -> Self {
        Self { to, counts: None, targets: None, error: None }
    }

    /// The same, with what was staged.
    #[must_use]
    pub fn counts(self, counts: DeliveryCounts) -> Self {
        Self { counts: Some(counts), ..self }
    }

    /// The same, with where it went.
    #[must_use]
    pub fn targets(self, targets: Vec<Target>) -> Self {
        Self { targets: Some(targets), ..self }
    }

    /// The same, with why it failed.
    #[must_use]
    pub fn error(self, class: ErrorClass, message: impl Into<String>) -> Self {
        Self { error: Some(DeliveryError { class, message: message.into() }), ..self }
    }
}

/// A customer to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgetting {
    /// A hash of the customer's key.
    pub hash: KeyHash,
    /// What stands for the key in recipients from now on: random.
    pub token: String,
}

/// What stays of a customer who was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// A hash of the customer's key.
    pub hash: KeyHash,
    /// What stands for the key in recipients; `None` once all other traces are gone.
    pub token: Option<String>,
    /// When it was last asked for.
    pub asked_at: DateTime<Utc>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// In which run.
    pub run: String,
    /// To which delivery; `None` where to the run itself.
    pub delivery: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// What, such as `staging -> sending`.
    pub what: String,
}

/// Which entries of the audit log are asked for; nothing asks for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what this user did, or what acts by itself.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only from this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Only those before the one with this number.
    pub before: Option<u64>,
}

/// Who did what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: a user, or what acts by itself, such as `retention`.
    pub actor: String,
    /// What, such as `apply`.
    pub action: String,
    /// To what: an id, or a hash of a customer key.
    pub subject: String,
    /// What else there is to say of it.
    pub detail: String,
}
