//! What went over the wire, for whoever wants to look: no bodies, no personal data, no secrets.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The kind of the destination.
    pub kind: String,
    /// The id that we gave the request; it went along as `x-request-id`.
    pub request_id: String,
    /// The how manieth time this request was made, from 1.
    pub attempt: u32,
    /// The method.
    pub method: String,
    /// Scheme, host and port.
    pub host: String,
    /// The path below the host. The query is decoded, and masked.
    pub path: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// Bytes of its body.
    pub sent_bytes: u64,
    /// Bytes of the answer's body, unpacked.
    pub received_bytes: u64,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// The ids that the platform gave, with their names.
    pub ids: Vec<(String, String)>,
    /// What was concluded, a sentence, masked.
    pub concluded: String,
    /// Whether the request did not do what it should.
    pub failed: bool,
}

/// Takes note of exchanges.
pub trait Observer: fmt::Debug + Send + Sync {
    /// An exchange has ended. Called between requests, so it must not block for long.
    fn exchanged(&self, exchange: &Exchange);

    /// The platform's limits keep the delivery from asking anything before that time; `None` when it goes on. Called as
    /// [`Observer::exchanged`] is.
    fn limited(&self, _until: Option<DateTime<Utc>>) {}
}

/// Takes no note.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn exchanged(&self, _: &Exchange) {}
}
