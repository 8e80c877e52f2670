//! What a delivery began with, and how far it is where its membership does not say so: kept beside it, so that one that is
//! resumed goes on from there and counts from its beginning.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use consign_engine::Difference;
use consign_store::{ListCounts, OpenJob};
use serde::{Deserialize, Serialize};

use crate::folder::{keep, kept};

const FILE: &str = "begun.json";

/// What a delivery began with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Its list. What is kept of another one says nothing.
    pub list_id: String,
    /// Whether it was made for this delivery.
    pub created: bool,
    /// Rows that were on the list unchanged, and members without a row, before anything was sent.
    pub difference: Option<(u64, u64)>,
    /// Sessions that were given up.
    pub sessions_lost: u32,
    /// Its session, once there is one.
    pub session: Option<Session>,
    /// The jobs that are followed later.
    pub jobs: Vec<OpenJob>,
}

/// How far a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// When its first request was made.
    pub since: DateTime<Utc>,
    /// The requests that were answered, and their rows.
    pub requests: u64,
    pub rows: u64,
    /// The most rows of a request, where the platform said so.
    pub most_rows: Option<usize>,
    /// Rows of the delivery that it leaves out, since their customers were forgotten.
    #[serde(default)]
    pub forgotten: u64,
    /// What became of their rows.
    pub list: ListCounts,
}

impl Begun {
    /// What a delivery to that list began with, if it did.
    pub fn read(work: &Path, list_id: &str) -> io::Result<Option<Self>> {
        Ok(Self::any(work)?.filter(|begun| begun.list_id == list_id))
    }

    /// What a delivery began with, whatever list that was.
    pub fn any(work: &Path) -> io::Result<Option<Self>> {
        kept(&work.join(FILE))
    }

    pub fn write(&self, work: &Path) -> io::Result<()> {
        keep(&work.join(FILE), self)
    }

    /// Rows that were sent and members that were taken off between the beginning and this difference. It becomes the
    /// beginning where there was none.
    pub fn since(&mut self, now: &Difference) -> (u64, u64) {
        let (kept, gone) = *self.difference.get_or_insert((now.kept, now.gone));
        (now.kept.saturating_sub(kept), gone.saturating_sub(now.gone))
    }

    /// The session that can go on: one that is not older than the platform keeps it. An older one is given up.
    pub fn open_session(&mut self, window: Duration, now: DateTime<Utc>) -> Option<Session> {
        let since = self.session.as_ref()?.since;
        if (now - since).to_std().unwrap_or_default() >= window {
            self.lose_session();
        }
        self.session.clone()
    }

    /// Gives the session up: the next one sends all rows again.
    pub fn lose_session(&mut self) {
        self.session = None;
        self.sessions_lost += 1;
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn difference(members: u64, kept: u64, gone: u64) -> Difference {
        Difference { members, kept, gone }
    }

    #[test]
    fn what_happened_since_the_beginning_is_counted() {
        let mut begun = Begun::default();
        assert_eq!(begun.since(&difference(10, 4, 6)), (0, 0));
        assert_eq!(begun.since(&difference(11, 7, 4)), (3, 2));
        assert_eq!(begun.difference, Some((4, 6)));
    }

    #[test]
    fn a_session_goes_on_within_its_window_and_is_given_up_after_it() {
        let since = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let session =
            Session { since, requests: 3, rows: 30, most_rows: None, forgotten: 0, list: ListCounts::default() };
        let mut begun = Begun { session: Some(session.clone()), ..Begun::default() };
        let window = Duration::from_mins(90);
        assert_eq!(begun.open_session(window, since + TimeDelta::minutes(89)), Some(session));
        assert_eq!(begun.sessions_lost, 0);
        assert_eq!(begun.open_session(window, since + TimeDelta::minutes(90)), None);
        assert_eq!((begun.sessions_lost, begun.session), (1, None));
    }
}
