//! All that the platforms hold, changed by events alone, so that a log of them is the state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::event::{Event, Job, Session, Upload};
use crate::fault::mix;
use crate::journal::Journal;
use crate::members::Members;
use crate::platform::Platform;
use crate::profiles::Profiles;

/// How long a job is kept: as long as the platform that keeps it longest, Attentive.
pub(crate) const KEPT: TimeDelta = TimeDelta::weeks(2);

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
    /// Criteo's refresh tokens that are good for one use and were used; forgotten when the program ends.
    pub(crate) spent: BTreeSet<String>,
    /// Ids given out so far.
    pub(crate) made: u64,
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

    /// An id of letters and digits.
    pub(crate) fn token(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut state = mix(self.seed ^ mix(self.number()));
        (0..length)
            .map(|_| {
                state = mix(state);
                char::from(LETTERS[usize::from(state.to_be_bytes()[0]) % LETTERS.len()])
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
}
