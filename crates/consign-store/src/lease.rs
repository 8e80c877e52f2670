//! Leases: what keeps two processes off one thing, on however many machines they are.

use std::fmt;
use std::time::Duration;

use consign_model::id::Slug;

/// How long a lease holds unless it is renewed. Longer than any request to a platform may take, so that each ends while the
/// lease holds.
pub const LEASE_TERM: Duration = Duration::from_mins(4);

/// What a lease is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseOn {
    /// A campaign: its runs, its lists, and what is known of them.
    Campaign(Slug),
    /// The schedules: when they are due.
    Schedules,
}

impl LeaseOn {
    /// The name that the store knows it by.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Campaign(campaign) => format!("campaign/{campaign}"),
            Self::Schedules => "schedules".to_owned(),
        }
    }
}

impl fmt::Display for LeaseOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Campaign(campaign) => write!(f, "the campaign `{campaign}`"),
            Self::Schedules => f.write_str("the schedules"),
        }
    }
}

/// A lease that somebody took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is on.
    pub on: LeaseOn,
    /// One more each time that somebody takes it.
    pub token: u64,
}

/// Who takes a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseOwner {
    /// An id that nobody else ever has.
    pub id: String,
    /// The machine since it was started, where that is known: on the same one others may see that the owner is gone.
    pub machine: Option<String>,
}

/// A lease that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLease {
    /// Its token.
    pub token: u64,
    /// Who holds it.
    pub owner: LeaseOwner,
}

/// What came of taking a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// It is the asker's, for so long from the moment that it asked.
    Taken(Lease, Duration),
    /// Somebody holds it.
    Held(HeldLease),
}
