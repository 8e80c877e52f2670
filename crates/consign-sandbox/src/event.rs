//! What happens to the world, as it is written down.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::members::Members;
use crate::platform::Platform;
use crate::profiles::Upsert;

/// Rows as they travel in events: their columns, and the values in that order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    pub(crate) values: Vec<Vec<String>>,
}

/// Work that a platform does after it has answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) platform: Platform,
    pub(crate) made: DateTime<Utc>,
    pub(crate) due: DateTime<Utc>,
    /// Rows in the request.
    pub(crate) total: usize,
    /// What was refused, in the platform's own shape.
    pub(crate) rejected: Vec<Value>,
    /// What happens when the job is due. Klaviyo's is dropped then; Attentive's stays, for the result file.
    pub(crate) effect: Option<Box<Event>>,
    pub(crate) fails: bool,
    pub(crate) done: bool,
    /// Order in which jobs were accepted.
    pub(crate) number: u64,
}

/// Batches that belong together at Meta.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) list: String,
    pub(crate) id: String,
    /// `add`, `remove` or `replace`.
    pub(crate) operation: String,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: Option<DateTime<Utc>>,
    pub(crate) timed_out: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) seen: BTreeSet<u64>,
    pub(crate) last: Option<u64>,
    pub(crate) received: usize,
    pub(crate) invalid: usize,
    /// What a replace has gathered so far.
    #[serde(skip)]
    pub(crate) gathered: Members,
}

/// A file that was uploaded to `TikTok` and not used yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) path: String,
    pub(crate) account: String,
    pub(crate) kind: String,
    pub(crate) rows: Rows,
}

/// A change of the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    ListMade {
        platform: Platform,
        account: String,
        id: String,
        name: String,
        details: Map<String, Value>,
        at: DateTime<Utc>,
    },
    ListChanged {
        platform: Platform,
        id: String,
        name: Option<String>,
        details: Map<String, Value>,
        at: DateTime<Utc>,
    },
    ListGone {
        platform: Platform,
        id: String,
    },
    Added {
        platform: Platform,
        list: String,
        rows: Rows,
        at: DateTime<Utc>,
    },
    Removed {
        platform: Platform,
        list: String,
        rows: Rows,
        at: DateTime<Utc>,
    },
    Cleared {
        platform: Platform,
        list: String,
        at: DateTime<Utc>,
    },
    /// Meta's removal from all audiences of an account.
    RemovedEverywhere {
        account: String,
        rows: Rows,
        at: DateTime<Utc>,
    },
    Profiles {
        changes: Vec<Upsert>,
        list: Option<String>,
        at: DateTime<Utc>,
    },
    Joined {
        list: String,
        profiles: Vec<u32>,
        at: DateTime<Utc>,
    },
    Left {
        list: String,
        profiles: Vec<u32>,
        at: DateTime<Utc>,
    },
    JobMade {
        job: Job,
    },
    JobDone {
        id: String,
    },
    SessionBatch {
        list: String,
        session: String,
        operation: String,
        seq: u64,
        last: bool,
        received: usize,
        invalid: usize,
        rows: Rows,
        at: DateTime<Utc>,
    },
    SessionTimedOut {
        list: String,
        session: String,
        at: DateTime<Utc>,
    },
    Uploaded {
        upload: Upload,
    },
    UploadUsed {
        path: String,
    },
    /// Only in a snapshot: a session without its rows.
    SessionKept {
        session: Session,
    },
    /// How many ids have been given out.
    Numbered {
        made: u64,
    },
}
