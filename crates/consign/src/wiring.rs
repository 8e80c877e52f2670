//! Where the command line meets the engine, the destinations and the delivery machine.

use std::path::Path;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use consign_model::definition::{Definitions, Destination};
use consign_model::id::Slug;
use consign_model::schema::Catalog;
use consign_store::{SqliteStore, StoredDefinitions};

use crate::context::Context;
use crate::view::{Demo, Explanation, Preview, RunSummary, TestResult};

/// A campaign to look at or to run, and what it is run with.
pub struct Campaigning<'a> {
    /// What every command works with.
    pub context: &'a Context,
    /// The store.
    pub store: &'a SqliteStore,
    /// The definitions that are current in it.
    pub current: &'a StoredDefinitions,
    /// The campaign's id; the definitions have it.
    pub campaign: &'a Slug,
}

/// The tables of the definitions as the engine finds them; `None` where there is none to look with. The folder is where
/// relative paths begin.
#[expect(clippy::unused_async, reason = "the engine reads files and databases")]
pub async fn open_catalog(_definitions: &Definitions, _folder: &Path) -> Result<Option<Catalog>> {
    Ok(None)
}

/// Connects to a destination and says what works and what does not.
#[expect(clippy::unused_async, reason = "destinations are reached over the network")]
pub async fn test_destination(_context: &Context, destination: &Destination, _folder: &Path) -> Result<TestResult> {
    bail!("the destination `{}` cannot be tested by this build", destination.id)
}

/// Counts a campaign and what it would send, with the first rows of each delivery.
#[expect(clippy::unused_async, reason = "the engine reads files and databases")]
pub async fn preview(work: &Campaigning<'_>, _as_of: Option<DateTime<Utc>>, _rows: usize) -> Result<Preview> {
    bail!("the campaign `{}` cannot be previewed by this build", work.campaign)
}

/// Runs a campaign; with a test, only so many records of each delivery.
#[expect(clippy::unused_async, reason = "the engine reads files and databases")]
pub async fn run(work: &Campaigning<'_>, _as_of: Option<DateTime<Utc>>, _test: Option<u64>) -> Result<RunSummary> {
    bail!("the campaign `{}` cannot be run by this build", work.campaign)
}

/// Says what became of a customer in a campaign's last run.
#[expect(clippy::unused_async, reason = "the engine reads files and databases")]
pub async fn explain(work: &Campaigning<'_>, _customer_key: &str) -> Result<Explanation> {
    bail!("the campaign `{}` cannot be explained by this build", work.campaign)
}

/// Makes the demo workspace in a folder, applies it and runs its campaign.
#[expect(clippy::unused_async, reason = "the engine reads files and databases")]
pub async fn demo(_context: &Context, folder: &Path) -> Result<Demo> {
    bail!("the demo in `{}` cannot be made by this build", folder.display())
}
