//! Runs: a campaign's plan to staged batches, to files and requests in their places, to the record of it.
//!
//! The way of the data through this crate: [`stage`] (the snapshot to batches and rejects) -> `deliver` (batches to files
//! or requests) -> [`recipients`] (who was sent what), led by [`Workplace::run`]; [`Workplace::preview`] goes the same way and sends nothing.

mod assignments;
mod deliver;
mod explain;
pub mod folder;
mod preview;
pub mod recipients;
pub mod requests;
mod run;
mod snapshot;
pub mod stage;
mod staged;

pub use deliver::{DeliverError, Delivered};
pub use explain::{Explanation, LastRun};
pub use preview::Preview;
pub use run::{Assignment, DeliverySummary, NOT_SENT, Progress, RunError, RunSummary, Workplace};
