//! The jobs, and how Consign does them.

use std::path::Path;
use std::time::Instant;

use crate::Result;
use crate::measure::{Measured, peak, seconds};
use crate::slow::SlowSandbox;
use crate::workspace::Workspace;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// The customers of three conditions on a one-row table.
    CountSegment,
    /// The same with a condition on a table of many rows.
    CountOrders,
    /// Audience, sub-audiences, groups: the snapshot of seven columns.
    Assign,
    /// Two columns cleaned, hashed and put into request bodies, in memory.
    HashAndEncode,
    /// A whole run to one destination.
    Run(&'static str),
    /// A whole run to the five platforms.
    RunFive,
    /// A whole run that sends one list of everybody to a platform that takes its time.
    RunSlow,
}

/// The five platforms.
pub const PLATFORMS: [&str; 5] = ["klaviyo", "attentive", "criteo", "tiktok_ads", "meta_ads"];

impl Job {
    /// Every job, in the order shown.
    pub const ALL: [Self; 14] = [
        Self::CountSegment,
        Self::CountOrders,
        Self::Assign,
        Self::HashAndEncode,
        Self::Run("klaviyo"),
        Self::Run("attentive"),
        Self::Run("criteo"),
        Self::Run("tiktok_ads"),
        Self::Run("meta_ads"),
        Self::RunFive,
        Self::Run("csv"),
        Self::Run("csv_gzip"),
        Self::Run("parquet"),
        Self::RunSlow,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CountSegment => "count_segment",
            Self::CountOrders => "count_orders",
            Self::Assign => "assign_4x3",
            Self::HashAndEncode => "hash_and_encode",
            Self::Run("klaviyo") => "run_klaviyo",
            Self::Run("attentive") => "run_attentive",
            Self::Run("criteo") => "run_criteo",
            Self::Run("tiktok_ads") => "run_tiktok_ads",
            Self::Run("meta_ads") => "run_meta_ads",
            Self::Run("csv") => "run_csv",
            Self::Run("csv_gzip") => "run_csv_gzip",
            Self::Run(_) => "run_parquet",
            Self::RunFive => "run_5_platforms",
            Self::RunSlow => "run_slow",
        }
    }

    /// The job of that name.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|job| job.name() == name);
        found.ok_or_else(|| {
            format!("there is no job `{name}`: there are {}", Self::ALL.map(Self::name).join(" ")).into()
        })
    }

    /// Whether it is a run to one platform.
    pub fn is_one_platform(self) -> bool {
        matches!(self, Self::Run(destination) if PLATFORMS.contains(&destination))
    }

    fn destinations(self) -> Vec<&'static str> {
        match self {
            Self::Run(destination) => vec![destination],
            Self::RunFive => PLATFORMS.to_vec(),
            Self::RunSlow => vec!["slow"],
            Self::HashAndEncode => vec!["meta_ads"],
            Self::CountSegment | Self::CountOrders | Self::Assign => vec!["csv"],
        }
    }
}

/// Does a job so many times in this process.
pub fn measure(job: Job, folder: &Path, times: u32) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let sandbox = if job == Job::RunSlow { Some(SlowSandbox::start()?) } else { None };
        let url = sandbox.as_ref().map_or("", SlowSandbox::url);
        let workspace = Workspace::open(folder, job.name(), &job.destinations(), url).await?;
        let mut measured = Measured::default();
        for _ in 0..times {
            workspace.forget_runs()?;
            let begin = Instant::now();
            let (rows, steps) = match job {
                Job::CountSegment => (workspace.count("good_customers").await?, Vec::new()),
                Job::CountOrders => (workspace.count("regulars").await?, Vec::new()),
                Job::Assign => (workspace.assign().await?, Vec::new()),
                Job::HashAndEncode => (workspace.hash_and_encode()?, Vec::new()),
                Job::Run(_) | Job::RunFive | Job::RunSlow => Box::pin(workspace.run()).await?,
            };
            let took = seconds(begin.elapsed());
            if took < measured.least() {
                measured.steps = steps;
            }
            measured.seconds.push(took);
            measured.rows = rows;
        }
        measured.peak = peak();
        workspace.remove()?;
        Ok(measured)
    })
}
