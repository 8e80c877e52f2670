//! What was asked lately, and what was refused: for the page.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::platform::Platform;

/// Entries kept of each sort.
const KEPT: usize = 500;

/// A request and what became of it. Without bodies; credentials in the query are masked.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seen {
    pub(crate) at: DateTime<Utc>,
    pub(crate) platform: Platform,
    pub(crate) call: &'static str,
    pub(crate) method: String,
    pub(crate) target: String,
    /// 0 where the connection was closed without an answer.
    pub(crate) status: u16,
    pub(crate) rows: usize,
    pub(crate) fault: Option<String>,
    pub(crate) refusal: Option<String>,
    pub(crate) milliseconds: u128,
}

/// The last requests, and, so that they are not pushed out, the last refusals by themselves.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) requests: VecDeque<Seen>,
    pub(crate) refusals: VecDeque<Seen>,
    pub(crate) total: u64,
}

impl Log {
    /// Writes a request down, the newest first.
    pub(crate) fn put(&mut self, seen: Seen) {
        self.total += 1;
        if seen.refusal.is_some() {
            self.refusals.push_front(seen.clone());
            self.refusals.truncate(KEPT);
        }
        self.requests.push_front(seen);
        self.requests.truncate(KEPT);
    }
}

/// The query with credentials masked.
pub(crate) fn masked(path: &str, query: &str) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name @ ("access_token" | "appsecret_proof"), _)) => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}
