//! What the server has done by whoever wires it to tables and platforms.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use consign_delivery::{PreviewOptions, Progress};
use consign_engine::Tables;
use consign_model::definition::{Definitions, Destination};
use consign_model::id::Slug;
use consign_store::{Run, StoredDefinitions};
use tokio_util::sync::CancellationToken;

use crate::view::{CampaignTest, Explanation, Preview, TestResult};

/// Hears how far a run is.
pub type Listener = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// Does what takes tables, an engine or platforms. Each call is made on one thread and stays there, as far as what it
/// does is not spread over others; where it is dropped, it ends.
#[async_trait(?Send)]
pub trait Work: Send + Sync + 'static {
    /// Opens the tables of definitions whose relative paths begin at that folder.
    async fn open(&self, definitions: &Definitions, folder: &Path) -> Result<Tables, WorkError>;

    /// Counts a campaign and what it would send.
    async fn preview(
        &self,
        definitions: &StoredDefinitions,
        campaign: &Slug,
        options: PreviewOptions,
        cancel: CancellationToken,
    ) -> Result<Preview, WorkError>;

    /// Tests a campaign with so many records of each delivery.
    async fn test(
        &self,
        definitions: &StoredDefinitions,
        campaign: &Slug,
        records: usize,
        cancel: CancellationToken,
    ) -> Result<CampaignTest, WorkError>;

    /// Runs a campaign as the run of an id.
    async fn run(&self, definitions: &StoredDefinitions, campaign: &Slug, run: &Running) -> Result<(), WorkError>;

    /// Sends again what of a run did not arrive, at this destination or at all.
    async fn retry(&self, run: &Run, destination: Option<&Slug>, running: &Running) -> Result<(), WorkError>;

    /// Gives up a run that no process works on, in somebody's name.
    async fn give_up(&self, run: &str, actor: &str) -> Result<(), WorkError>;

    /// Says what became of a customer in a campaign's last run.
    async fn explain(
        &self,
        definitions: &StoredDefinitions,
        campaign: &Slug,
        customer_key: &str,
    ) -> Result<Explanation, WorkError>;

    /// Connects to a destination and says what works and what does not.
    async fn test_destination(&self, destination: &Destination, folder: &Path) -> Result<TestResult, WorkError>;
}

/// A run that is to be made.
pub struct Running {
    /// Its id.
    pub id: String,
    /// Who asks for it.
    pub actor: String,
    /// Its moment.
    pub as_of: DateTime<Utc>,
    /// Stops it.
    pub cancel: CancellationToken,
    /// Hears how far it is.
    pub listener: Listener,
}

/// Why something was not done.
#[derive(Debug, Clone)]
pub struct WorkError {
    /// Whose fault it is.
    pub kind: WorkErrorKind,
    /// What happened and what to do.
    pub message: String,
}

/// Whose fault it is that something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkErrorKind {
    /// The definitions do not fit each other, or the tables.
    Invalid,
    /// What was named does not exist.
    NotFound,
    /// Another run is in the way, or the run that was named is past it.
    Busy,
    /// Somebody stopped it.
    Stopped,
    /// Anything else.
    Failed,
}

impl fmt::Display for WorkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for WorkError {}
