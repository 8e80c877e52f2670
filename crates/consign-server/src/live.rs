//! Runs that go on in this process: how far they are, and how they are stopped.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use consign_delivery::Progress;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::work::Listener;

/// How many steps a slow listener may be behind.
const BEHIND: usize = 256;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The snapshot is being written.
    Assigning,
    /// The snapshot is written.
    Assigned {
        /// Its rows.
        rows: u64,
    },
    /// Rows of the snapshot were read to be staged.
    Staging {
        /// How many, over all passes so far.
        rows: u64,
    },
    /// A delivery begins.
    Sending {
        /// The delivery's id in its run.
        delivery: String,
    },
    /// A delivery waits for its platform's limits, or goes on.
    Limited {
        /// The delivery's id in its run.
        delivery: String,
        /// Until when; `None` where it goes on.
        until: Option<DateTime<Utc>>,
    },
    /// A delivery is over.
    Sent {
        /// The delivery's id in its run.
        delivery: String,
    },
}

impl Step {
    fn of(progress: Progress<'_>) -> Option<Self> {
        Some(match progress {
            Progress::Assigning => Self::Assigning,
            Progress::Assigned(rows) => Self::Assigned { rows },
            Progress::Staging(rows) => Self::Staging { rows },
            Progress::Sending(delivery) => Self::Sending { delivery: delivery.to_owned() },
            Progress::Limited(delivery, until) => Self::Limited { delivery: delivery.to_owned(), until },
            Progress::Sent(delivery) => Self::Sent { delivery: delivery.to_owned() },
            Progress::FollowedUp(_) => return None,
        })
    }
}

/// The runs that go on, and what asked for them.
#[derive(Default)]
pub struct Live {
    runs: Mutex<HashMap<String, Going>>,
    asked: Mutex<HashMap<String, String>>,
}

/// Most keys of calls that are remembered.
const KEYS: usize = 10_000;

struct Going {
    cancel: CancellationToken,
    steps: broadcast::Sender<Step>,
}

impl Live {
    fn runs(&self) -> MutexGuard<'_, HashMap<String, Going>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run that was begun by an earlier call with that key; where there was none, this one will be.
    pub(crate) fn asked(&self, key: &str, run: &str) -> Option<String> {
        let mut keys = self.keys();
        if let Some(earlier) = keys.get(key) {
            return Some(earlier.clone());
        }
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(key.to_owned(), run.to_owned());
        None
    }

    /// A call with that key begins a run again: the last did not.
    pub(crate) fn forget(&self, key: &str) {
        self.keys().remove(key);
    }

    /// A run goes on, until [`Live::over`]; what hears how far it is. `None` where it goes on already.
    pub(crate) fn begin(&self, run: &str, cancel: CancellationToken) -> Option<Listener> {
        let (steps, _) = broadcast::channel(BEHIND);
        match self.runs().entry(run.to_owned()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(vacant) => vacant.insert(Going { cancel, steps: steps.clone() }),
        };
        let staged = Mutex::new(0);
        Some(Arc::new(move |progress| {
            let Some(mut step) = Step::of(progress) else { return };
            if let Step::Staging { rows } = &mut step {
                let mut staged = staged.lock().unwrap_or_else(PoisonError::into_inner);
                *staged += *rows;
                *rows = *staged;
            }
            // Nobody may be listening.
            let _ = steps.send(step);
        }))
    }

    /// How many runs go on.
    pub(crate) fn count(&self) -> usize {
        self.runs().len()
    }

    pub(crate) fn over(&self, run: &str) {
        self.runs().remove(run);
    }

    /// Stops a run; `false` where it does not go on here.
    pub(crate) fn cancel(&self, run: &str) -> bool {
        self.runs().get(run).inspect(|going| going.cancel.cancel()).is_some()
    }

    /// The steps of a run from now on; `None` where it does not go on here.
    pub(crate) fn steps(&self, run: &str) -> Option<broadcast::Receiver<Step>> {
        self.runs().get(run).map(|going| going.steps.subscribe())
    }
}
