//! What is asked of a platform, whichever it is. One narrow trait; what only some can do stands in traits of its own,
//! which a client gives where it can.
//!
//! A client is of one destination and one delivery. It tries again by itself what may be tried again ([`crate::http`]);
//! an error of it is final. Adding and removing are idempotent at every platform: a request may be sent again at any
//! time, after a crash too.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::encode::{Envelope, ListTarget, Operation, Sequence};

/// The secrets of a destination, by the names of its specification.
pub type Credentials = BTreeMap<String, SecretString>;

/// A platform, seen from a delivery.
#[async_trait]
pub trait Client: Send + Sync {
    /// Shows that credentials and settings will do, and changes nothing. What was proved, a sentence each.
    async fn test(&self) -> Result<Vec<String>, ClientError>;

    /// The list: the one of the id where one is known, else the one of exactly that name, else a new one. Never a guess:
    /// two lists of the name are an error that asks for an id. Safe to repeat, after a time-out too.
    async fn find_or_create(&self, wanted: &WantedList) -> Result<FoundList, ClientError>;

    /// Whether a list that we know by its id is still there. `true` where the platform cannot be asked.
    async fn is_there(&self, _list_id: &str) -> Result<bool, ClientError> {
        Ok(true)
    }

    /// Sends one request. What of it was taken is in the answer; [`crate::send`] goes on from there.
    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError>;

    /// Looks once whether a job has ended.
    async fn poll(&self, job: &Job) -> Result<JobState, ClientError>;

    /// How often to look; `None` where the platform has no jobs.
    fn polling(&self) -> Option<Polling> {
        None
    }

    /// How long a session of [`Operation::Replace`] may take, from its first request. One that was interrupted goes on
    /// with its next request within that time, and begins anew later. `None` where there are no sessions.
    fn session_window(&self) -> Option<Duration> {
        None
    }

    /// Emptying a list in one call.
    fn emptying(&self) -> Option<&dyn Emptying> {
        None
    }

    /// Removing by the platform's own ids of members, and reading a list.
    fn by_id(&self) -> Option<&dyn ById> {
        None
    }

    /// Clearing fields of members.
    fn clearing(&self) -> Option<&dyn Clearing> {
        None
    }

    /// Taking a list as whole files, in place of finding it and sending requests.
    fn filing(&self) -> Option<&dyn Filing> {
        None
    }

    /// A credential that the platform has changed meanwhile, with its name: it must be kept in place of the old one.
    fn rotated(&self) -> Option<(&'static str, SecretString)> {
        None
    }
}

/// Where a list can be emptied in one call and stays the same list. Idempotent, but what was added before is gone: a
/// delivery takes note of it before it adds.
#[async_trait]
pub trait Emptying: Send + Sync {
    /// Removes all members.
    async fn empty(&self, list: &ListTarget) -> Result<(), ClientError>;
}

/// Where members are removed by the platform's ids of them.
#[async_trait]
pub trait ById: Send + Sync {
    /// The most ids of one call of [`ById::remove`] and [`ById::add`].
    fn most_ids(&self) -> usize;

    /// The most values of one call of [`ById::find`].
    fn most_values(&self) -> usize;

    /// The members that have one of these values of an attribute. Values that nobody has are left out.
    async fn find(&self, attribute: &str, values: &[String]) -> Result<Vec<Member>, ClientError>;

    /// Some members of a list, from the beginning or from where the last page ended.
    async fn members(&self, list: &ListTarget, from: Option<&str>) -> Result<MemberPage, ClientError>;

    /// Takes members off a list.
    async fn remove(&self, list: &ListTarget, ids: &[String]) -> Result<(), ClientError>;

    /// Puts members on a list that the platform knows already.
    async fn add(&self, list: &ListTarget, ids: &[String]) -> Result<(), ClientError>;
}

/// Where fields are cleared by a call of their own.
#[async_trait]
pub trait Clearing: Send + Sync {
    /// Clears attributes of the member that has that value of an identifying attribute. Identifiers are never cleared.
    async fn clear(&self, identifier: (&str, &str), attributes: &[&str]) -> Result<(), ClientError>;
}

/// Where a list goes as files that together become it (membership `replace`): files are put one after the other, and
/// then made the list. A file may be put again at any time, after a crash too.
#[async_trait]
pub trait Filing: Send + Sync {
    /// Whether a list that goes by files takes no requests, and one that takes requests no files.
    fn keeps_apart(&self) -> bool;

    /// The id of the list where there is one already; nothing is made.
    async fn find(&self, wanted: &WantedList) -> Result<Option<String>, ClientError>;

    /// The most rows of one file of a list of so many rows; an error where files cannot hold it. `found`: there is a
    /// list that they are to replace.
    fn rows_per_file(&self, rows: u64, found: bool) -> Result<usize, ClientError>;

    /// Puts one file, and gives what it is known by.
    async fn put(&self, file: Outgoing<'_>) -> Result<String, ClientError>;

    /// Makes the files that were put the list: the one of that id, else a new one. `envelope` is that of any of them.
    async fn publish(
        &self,
        wanted: &WantedList,
        found: Option<&str>,
        envelope: &Envelope,
        files: &[String],
    ) -> Result<Filed, ClientError>;
}

/// A list that went by files.
#[derive(Debug, Clone, PartialEq)]
pub struct Filed {
    /// The list.
    pub list: FoundList,
    /// The job that reads the files, where it can be looked at.
    pub job: Option<Job>,
    /// What else there is to be told, masked.
    pub notes: Vec<String>,
}

/// The list that a delivery is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedList {
    /// Its name.
    pub name: String,
    /// Its id, from the definitions, from an earlier delivery, or chosen by us ([`crate::registry::Kind::list_id`]).
    pub id: Option<String>,
}

/// The list, as it is at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundList {
    /// Its id, to be remembered.
    pub id: String,
    /// Whether it was made just now. Such a list is empty, and is added to rather than replaced.
    pub created: bool,
}

/// A request, encoded.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The list.
    pub list: &'a ListTarget,
    /// What it does with its rows.
    pub operation: Operation,
    /// Where it stands among those of its delivery.
    pub sequence: &'a Sequence,
    /// What stands around its rows.
    pub envelope: &'a Envelope,
    /// The body.
    pub body: Bytes,
    /// Its rows.
    pub rows: usize,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was taken.
    Accepted(Receipt),
    /// It was refused as a whole, because of these rows alone; never empty.
    Refused(Vec<Fix>),
    /// It was refused because of some row, which is not named. What the platform says.
    BadRow(ClientError),
    /// It was refused because of its size. `lasting`: later requests should be smaller too.
    TooLarge {
        /// Whether the limit holds for the rest of the delivery.
        lasting: bool,
    },
    /// The list is gone. A list that we found by its name is found or made again, once; one whose id the definitions give
    /// is an error.
    ListGone,
    /// The session is not known any more: all rows are sent again in a new one, once.
    SessionLost,
    /// The session has ended before this request: its rows, and those of all later requests, are added instead.
    SessionOver,
}

/// What a platform says of a request that it took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// The job that does the work; to be kept at once, so that it is looked at after a crash rather than sent again.
    pub job: Option<Job>,
    /// Rows that were not taken.
    pub rejected: Vec<Rejection>,
    /// How many more were not taken, by the platform's count.
    pub unnamed: u64,
    /// Whether only a part was taken, and nothing is said of which rows and how many: all of them are `unknown`.
    pub partial: bool,
    /// What else there is to be told, masked.
    pub notes: Vec<String>,
}

/// A row that the platform did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Which.
    pub row: RowName,
    /// Why, masked.
    pub reason: String,
}

/// How a platform names a row.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowName {
    /// By its place in the request, from 0.
    Index(usize),
    /// By a value that it has.
    Value {
        /// The place of the value in the encoded row, as JSON pointer.
        pointer: String,
        /// The value: personal data.
        value: String,
    },
    /// Not at all.
    Unnamed,
}

impl std::fmt::Debug for RowName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index(row) => write!(f, "Index({row})"),
            Self::Value { pointer, .. } => write!(f, "Value({pointer}, …)"),
            Self::Unnamed => f.write_str("Unnamed"),
        }
    }
}

/// What makes a refused request acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The row, by its place in the request, from 0.
    pub row: usize,
    /// The value to leave out, as JSON pointer into the encoded row; `None`: the row is to be left out.
    pub without: Option<String>,
    /// Why, masked.
    pub reason: String,
}

/// Work that a platform does after it has taken a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id at the platform.
    pub id: String,
}

/// How often a job is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Polling {
    /// The first wait.
    pub first: Duration,
    /// How many times as long each next wait is.
    pub growth: f64,
    /// The longest wait.
    pub longest: Duration,
    /// After so much time its rows are `unknown`.
    pub give_up: Duration,
    /// Whether a delivery waits for its jobs; else it is `submitted`, and they are looked at meanwhile.
    pub awaited: bool,
}

impl Polling {
    /// The wait before looking again, after having looked so often.
    pub fn wait(&self, looked: u32) -> Duration {
        let factor = self.growth.powi(i32::try_from(looked).unwrap_or(i32::MAX));
        Duration::try_from_secs_f64(self.first.as_secs_f64() * factor).unwrap_or(self.longest).min(self.longest)
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// It works on.
    Working,
    /// It has ended.
    Done(JobReport),
    /// It has ended without having done its work: nothing is known to be on the list.
    Failed(String),
}

/// What a job did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobReport {
    /// Rows that it did not take.
    pub rejected: Vec<Rejection>,
    /// How many more it did not take, by its count.
    pub unnamed: u64,
    /// Whether it said what became of the rows; else they are `unknown`.
    pub known: bool,
    /// What else there is to be told, masked.
    pub notes: Vec<String>,
}

/// A member of a list, by the platform's id.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// The platform's id.
    pub id: String,
    /// Its values of the identifying attributes: personal data.
    pub identifiers: BTreeMap<String, String>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Some members of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPage {
    /// The members.
    pub members: Vec<Member>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// What kind of thing went wrong (design, "Delivery").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The platform does not know us.
    Auth,
    /// It knows us, and does not let us.
    Permission,
    /// A setting, or something at the platform, must be changed first.
    Config,
    /// A row is not acceptable.
    Row,
    /// Too many calls. Nothing is asked of the platform before that time.
    RateLimited {
        /// When to go on.
        until: DateTime<Utc>,
    },
    /// The platform, or the way there, fails; it was tried again in vain.
    Unavailable,
    /// One of us has a fault.
    Bug,
}

/// A platform did not do what it was asked. Says what to do; holds no personal data and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}: {remedy}", self.quoted())]
pub struct ClientError {
    /// What kind of thing went wrong.
    pub class: ErrorClass,
    /// What went wrong, without a full stop.
    pub what: String,
    /// What to do about it, without a full stop.
    pub remedy: String,
    /// The platform's own words, masked; may be empty.
    pub said: String,
    /// Whether what was asked may have been done all the same.
    pub uncertain: bool,
}

impl ClientError {
    pub(crate) fn new(class: ErrorClass, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { class, what: what.into(), remedy: remedy.into(), said: String::new(), uncertain: false }
    }

    /// The same with the platform's own words, which are masked already.
    pub(crate) fn saying(self, said: String) -> Self {
        Self { said, ..self }
    }

    fn quoted(&self) -> String {
        let said = self.said.trim_end_matches('.');
        if said.is_empty() { String::new() } else { format!(" (it says: {said})") }
    }
}

/// A credential that a destination must have.
pub(crate) fn credential<'c>(credentials: &'c Credentials, name: &str) -> Result<&'c SecretString, ClientError> {
    credentials.get(name).ok_or_else(|| {
        let remedy = format!("add `{name}: env:NAME` under `credentials` of the destination");
        ClientError::new(ErrorClass::Auth, format!("the credential `{name}` is not given"), remedy)
    })
}

/// Several lists have the name: an error that asks for the id.
pub(crate) fn ambiguous(noun: &str, name: &str, ids: &[String], setting: &str) -> ClientError {
    let shown = consign_model::word::list(ids.iter().take(10));
    let what = format!("{} {noun}s are named `{name}`: {shown}", ids.len());
    ClientError::new(
        ErrorClass::Config,
        what,
        format!("set `{setting}` to the one that is meant, or rename the others"),
    )
}
