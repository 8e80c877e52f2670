//! Runs: a campaign's plan to staged batches, to files and requests in their places, to the record of it.
//!
//! The way of the data through this crate: [`stage`] (the snapshot to batches and rejects) -> `deliver` (batches to files
//! or requests) -> [`recipients`] (who was sent what), led by `run`; `preview` goes the same way and sends nothing.

pub mod folder;
pub mod recipients;
pub mod requests;
pub mod stage;
mod staged;
