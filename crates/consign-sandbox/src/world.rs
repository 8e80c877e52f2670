//! All that the platforms hold, changed by events alone, so that a log of them is the state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::mix;
use crate::journal::Journal;
use crate::members::Members;
use crate::platform::Platform;
use crate::profiles::{Profiles, Upsert};

/// How long a job is kept: as long as the platform that keeps it longest, Attentive.
pub(crate) const KEPT: TimeDelta = TimeDelta::weeks(2);

/// Rows as they travel in events: their columns, and the values in that order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    pub(crate) values: Vec<Vec<String>>,
}

/// A list of one platform: a Klaviyo list, an Attentive or Criteo segment, an audience.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) name: String,
    /// The platform's own fields, as they were given.
    pub(crate) details: Map<String, Value>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) members: Members,
    /// Members of a Klaviyo list: numbers of profiles.
    pub(crate) profiles: BTreeSet<u32>,
}

impl List {
    /// How many members the list has.
    pub(crate) fn len(&self) -> usize {
        self.members.len() + self.profiles.len()
    }
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
    gathered: Members,
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
#[serde(tag = "event", rename_all = "snake_case")]
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

/// The state of all platforms.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) job_time: Duration,
    pub(crate) lists: BTreeMap<(Platform, String), List>,
    pub(crate) profiles: Profiles,
    pub(crate) jobs: BTreeMap<String, Job>,
    /// By list and session id.
    pub(crate) sessions: BTreeMap<(String, String), Session>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// Ids given out so far.
    made: u64,
    /// How many of them the journal knows of.
    noted: u64,
    pub(crate) journal: Option<Journal>,
    /// Why an event could not be written; the server then answers 500.
    pub(crate) failure: Option<String>,
}

impl World {
    pub(crate) fn new(seed: u64, job_time: Duration) -> Self {
        Self { seed, job_time, ..Self::default() }
    }

    /// Writes an event down, then lets it happen.
    pub(crate) fn commit(&mut self, event: &Event) {
        let written = self.journal.as_mut().map_or(Ok(()), |journal| {
            if self.noted < self.made {
                journal.append(&Event::Numbered { made: self.made })?;
                self.noted = self.made;
            }
            journal.append(event)
        });
        match written {
            Ok(()) => self.apply(event),
            Err(error) => self.failure = Some(error.to_string()),
        }
    }

    /// Does the work that is due.
    pub(crate) fn advance(&mut self, now: DateTime<Utc>) {
        let mut due: Vec<(u64, String)> = self
            .jobs
            .values()
            .filter(|job| !job.done && job.due <= now)
            .map(|job| (job.number, job.id.clone()))
            .collect();
        due.sort_unstable();
        for (_, id) in due {
            self.commit(&Event::JobDone { id });
        }
        self.jobs.retain(|_, job| !job.done || job.made + KEPT > now);
    }

    /// A number for a new id: never given out twice, and the same after the same calls.
    pub(crate) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// How many ids have been given out.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// An id of letters and digits.
    pub(crate) fn token(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut state = mix(self.seed ^ mix(self.number()));
        (0..length)
            .map(|_| {
                state = mix(state);
                char::from(LETTERS[(state % LETTERS.len() as u64) as usize])
            })
            .collect()
    }

    /// An id in the form of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let high = mix(self.seed ^ mix(self.number()));
        let low = mix(high);
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }

    /// When a job that is accepted now will be done.
    pub(crate) fn due(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::from_std(self.job_time).unwrap_or(TimeDelta::MAX / 2)
    }

    /// A list of a platform.
    pub(crate) fn list(&self, platform: Platform, id: &str) -> Option<&List> {
        self.lists.get(&(platform, id.to_owned()))
    }

    /// The lists of a platform, oldest first, then by id.
    pub(crate) fn lists_of(&self, platform: Platform) -> Vec<&List> {
        let mut lists: Vec<&List> =
            self.lists.iter().filter(|((of, _), _)| *of == platform).map(|(_, list)| list).collect();
        lists.sort_by_key(|list| (list.created, &list.id));
        lists
    }

    /// Lets an event happen, without writing it down.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::ListMade { platform, account, id, name, details, at } => {
                let list = List {
                    account: account.clone(),
                    id: id.clone(),
                    name: name.clone(),
                    details: details.clone(),
                    created: *at,
                    updated: *at,
                    members: Members::default(),
                    profiles: BTreeSet::new(),
                };
                self.lists.insert((*platform, id.clone()), list);
            }
            Event::ListChanged { platform, id, name, details, at } => self.change(*platform, id, *at, |list| {
                if let Some(name) = name {
                    list.name.clone_from(name);
                }
                list.details.extend(details.clone());
            }),
            Event::ListGone { platform, id } => {
                self.lists.remove(&(*platform, id.clone()));
                self.sessions.retain(|(list, _), _| *platform != Platform::Meta || list != id);
            }
            Event::Added { platform, list, rows, at } => self.change(*platform, list, *at, |list| {
                for values in &rows.values {
                    list.members.add(*platform, &rows.columns, values);
                }
            }),
            Event::Removed { platform, list, rows, at } => self.change(*platform, list, *at, |list| {
                for values in &rows.values {
                    list.members.remove(*platform, &rows.columns, values);
                }
            }),
            Event::Cleared { platform, list, at } => {
                self.change(*platform, list, *at, |list| list.members = Members::default());
            }
            Event::RemovedEverywhere { account, rows, at } => {
                let lists = self.lists_of(Platform::Meta).into_iter().filter(|list| list.account == *account);
                let ids: Vec<String> = lists.map(|list| list.id.clone()).collect();
                for list in ids {
                    self.apply(&Event::Removed { platform: Platform::Meta, list, rows: rows.clone(), at: *at });
                }
            }
            Event::Profiles { changes, list, at } => {
                let numbers: Vec<u32> = changes.iter().map(|change| self.profiles.upsert(change)).collect();
                if let Some(list) = list {
                    self.change(Platform::Klaviyo, list, *at, |list| list.profiles.extend(numbers));
                }
            }
            Event::Joined { list, profiles, at } => {
                self.change(Platform::Klaviyo, list, *at, |list| list.profiles.extend(profiles));
            }
            Event::Left { list, profiles, at } => {
                self.change(Platform::Klaviyo, list, *at, |list| {
                    for number in profiles {
                        list.profiles.remove(number);
                    }
                });
            }
            Event::JobMade { job } => {
                self.jobs.insert(job.id.clone(), job.clone());
            }
            Event::JobDone { id } => self.finish(id),
            Event::SessionBatch { .. } => self.gather(event),
            Event::SessionTimedOut { list, session, at } => self.swap(list, session, *at, true),
            Event::Uploaded { upload } => {
                self.uploads.insert(upload.path.clone(), upload.clone());
            }
            Event::UploadUsed { path } => {
                self.uploads.remove(path);
            }
            Event::SessionKept { session } => {
                self.sessions.insert((session.list.clone(), session.id.clone()), session.clone());
            }
            Event::Numbered { made } => self.made = (*made).max(self.made),
        }
    }

    fn change(&mut self, platform: Platform, id: &str, at: DateTime<Utc>, change: impl FnOnce(&mut List)) {
        if let Some(list) = self.lists.get_mut(&(platform, id.to_owned())) {
            list.updated = at;
            change(list);
        }
    }

    fn finish(&mut self, id: &str) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.done {
            return;
        }
        job.done = true;
        let effect = if job.platform == Platform::Klaviyo { job.effect.take() } else { job.effect.clone() };
        if let (Some(effect), false) = (effect, job.fails) {
            self.apply(&effect);
        }
    }

    fn gather(&mut self, event: &Event) {
        let Event::SessionBatch { list, session, operation, seq, last, received, invalid, rows, at } = event else {
            return;
        };
        let held = self.sessions.entry((list.clone(), session.clone())).or_insert_with(|| Session {
            list: list.clone(),
            id: session.clone(),
            operation: operation.clone(),
            started: *at,
            columns: rows.columns.clone(),
            ..Session::default()
        });
        if held.seen.insert(*seq) {
            held.received += received;
            held.invalid += invalid;
        }
        if *last {
            held.last = Some(*seq);
        }
        let complete = held.last.is_some_and(|last| (1..=last).all(|seq| held.seen.contains(&seq)));
        match operation.as_str() {
            "replace" => {
                for values in &rows.values {
                    held.gathered.add(Platform::Meta, &rows.columns, values);
                }
                if complete {
                    self.swap(list, session, *at, false);
                }
            }
            operation => {
                if complete {
                    held.ended = Some(*at);
                }
                let (platform, list, rows, at) = (Platform::Meta, list.clone(), rows.clone(), *at);
                let event = if operation == "add" {
                    Event::Added { platform, list, rows, at }
                } else {
                    Event::Removed { platform, list, rows, at }
                };
                self.apply(&event);
            }
        }
    }

    /// Makes what a replace has gathered the content of the audience.
    fn swap(&mut self, list: &str, session: &str, at: DateTime<Utc>, timed_out: bool) {
        let Some(session) = self.sessions.get_mut(&(list.to_owned(), session.to_owned())) else { return };
        session.ended = Some(at);
        session.timed_out = timed_out;
        let gathered = std::mem::take(&mut session.gathered);
        self.change(Platform::Meta, list, at, |list| list.members = gathered);
    }
}
