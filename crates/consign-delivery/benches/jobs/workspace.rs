//! A workspace for measuring, opened with the destinations of one job.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use consign_delivery::folder::DataFolder;
use consign_delivery::{PreviewOptions, Progress, Workplace};
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_engine::{AssignRequest, CountRequest, Engine, EngineOptions, Tables};
use consign_model::definition::{Campaign, Definitions, SegmentBody};
use consign_model::document;
use consign_model::id::Slug;
use consign_model::plan::CampaignPlan;
use consign_model::problem::Severity;
use consign_secrets::Secrets;
use consign_store::{Outcome, SqlStore, Store};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::Result;
use crate::encode;
use crate::measure::seconds;

/// What of a run's time is spent in the store, by all deliveries together. It lies within the steps.
pub const LEDGER: &str = "of it in the ledger";

/// Seconds of the steps of a run.
pub type Steps = Vec<(String, f64)>;

/// Definitions, tables, and a data folder of its own.
pub struct Workspace {
    folder: PathBuf,
    definitions: Definitions,
    registry: Registry,
    secrets: Secrets,
    tables: Tables,
    data: DataFolder,
    store: SqlStore,
    engine: Engine,
    http: Http,
    /// Where lists of platforms go that are sent; nowhere in most jobs.
    sandbox: String,
    threads: usize,
    cancel: CancellationToken,
}

impl Workspace {
    /// The workspace in a folder, whose campaign sends to those destinations alone.
    pub async fn open(folder: &Path, job: &str, destinations: &[&str], sandbox: &str) -> Result<Self> {
        let folder = folder.canonicalize()?;
        let definitions = definitions(destinations)?;
        let data = folder.join(format!("{job}.consign"));
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        let data = DataFolder::open(data)?;
        let secrets = Secrets::of(&folder);
        let options = EngineOptions::with_spill(data.spill());
        let threads = options.threads;
        let engine = Engine::new(options)?;
        let tables = engine.open(&definitions, &secrets).await?;
        let registry = Registry::new();
        let problems = consign_model::validate::validate(&definitions, tables.catalog(), &registry);
        let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        if !errors.is_empty() {
            return Err(format!("{errors:#?}").into());
        }
        let store = SqlStore::open(&data.store()).await?;
        store.apply(&definitions, &folder.to_string_lossy(), "bench").await?;
        let cancel = CancellationToken::new();
        let http = Http::new()?;
        let sandbox = sandbox.to_owned();
        Ok(Self { folder, definitions, registry, secrets, tables, data, store, engine, http, sandbox, threads, cancel })
    }

    fn workplace<'a>(&'a self, progress: &'a (dyn Fn(Progress<'_>) + Sync)) -> Workplace<'a> {
        Workplace {
            definitions: &self.definitions,
            tables: &self.tables,
            registry: &self.registry,
            secrets: &self.secrets,
            folder: &self.data,
            engine: &self.engine,
            http: &self.http,
            sandbox: &self.sandbox,
            threads: self.threads,
            cancel: &self.cancel,
            actor: "bench",
            progress,
        }
    }

    fn campaign(&self) -> &Campaign {
        &self.definitions.campaigns[0]
    }

    fn plan(&self) -> Result<CampaignPlan> {
        Ok(self.workplace(&|_| {}).plan(&self.campaign().id, consign_demo::as_of(), "bench")?)
    }

    /// The customers of a segment.
    pub async fn count(&self, segment: &str) -> Result<u64> {
        let plan = self.plan()?.assign;
        let found = self.definitions.segments.iter().find(|one| one.id.as_str() == segment);
        let Some(SegmentBody::Where(condition)) = found.map(|segment| &segment.customers) else {
            return Err(format!("there is no segment `{segment}` of conditions").into());
        };
        let request = CountRequest {
            as_of: plan.as_of,
            time_zone: plan.time_zone,
            customer_table: &plan.customer_table,
            sql_segments: &plan.sql_segments,
            conditions: std::slice::from_ref(condition),
            cancel: &self.cancel,
        };
        let counts = self.tables.count(&request).await?;
        Ok(counts.conditions.into_iter().sum())
    }

    /// Writes the snapshot; the customers in the audience.
    pub async fn assign(&self) -> Result<u64> {
        let plan = self.plan()?.assign;
        let path = self.data.path().join("snapshot.parquet");
        let url = Url::from_file_path(&path).map_err(|()| "the folder has no URL")?;
        let request = AssignRequest { snapshot: &url, previous: None, progress: &|_| {}, cancel: &self.cancel };
        Ok(self.tables.assign(&plan, &request).await?.audience)
    }

    /// Hashes and encodes the e-mail addresses and phones of all customers for the first delivery, in memory.
    pub fn hash_and_encode(&self) -> Result<u64> {
        let plan = self.plan()?;
        let table = self.folder.join("data").join("Merged_Customers.parquet");
        encode::hash_and_encode(&self.registry, &plan, &table, self.threads)
    }

    /// Runs the campaign: the rows of all lists, and the seconds of the steps. Lists of platforms are staged and not sent,
    /// but for those to the sandbox: what a platform takes is not ours to measure.
    pub async fn run(&self) -> Result<(u64, Steps)> {
        let heard: Mutex<Vec<(&str, Instant)>> = Mutex::new(vec![("prepare", Instant::now())]);
        let step = |name| {
            if let Ok(mut heard) = heard.lock()
                && heard.last().is_none_or(|(last, _)| *last != name)
            {
                heard.push((name, Instant::now()));
            }
        };
        let progress = |progress: Progress<'_>| match progress {
            Progress::Assigning => step("assign"),
            Progress::Assigned(_) => step("stage"),
            Progress::Sending(_) => step("deliver"),
            Progress::Staging(_) | Progress::FollowedUp(_) | Progress::Limited(..) | Progress::Sent(_) => {}
        };
        let last_sent: Mutex<Option<Instant>> = Mutex::new(None);
        let hear = |heard: Progress<'_>| {
            progress(heard);
            if matches!(heard, Progress::Sent(_))
                && let Ok(mut last) = last_sent.lock()
            {
                *last = Some(Instant::now());
            }
        };
        let campaign = &self.campaign().id;
        let workplace = self.workplace(&hear);
        let as_of = consign_demo::as_of();
        let spent = self.store.spent();
        let deliveries = if self.definitions.destinations.iter().all(|one| one.kind == "local_files" || one.sandbox) {
            let summary = workplace.run(&self.store, 1, campaign, as_of).await?;
            if summary.outcome != Outcome::Succeeded {
                return Err(format!("the run ended as {:?}: {:?}", summary.outcome, summary.deliveries).into());
            }
            summary.deliveries
        } else {
            workplace.preview(&self.store, campaign, as_of, PreviewOptions::default()).await?.deliveries
        };
        let end = Instant::now();
        let mut begun = heard.into_inner()?;
        begun.push(("record", last_sent.into_inner()?.unwrap_or(end)));
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([end]);
        let steps = begun.iter().zip(ends).map(|((name, at), end)| ((*name).to_owned(), seconds(end - *at)));
        let ledger = (LEDGER.to_owned(), seconds(self.store.spent().saturating_sub(spent)));
        let rows = deliveries.iter().map(|delivery| delivery.counts.rows).sum();
        Ok((rows, steps.filter(|(name, _)| name != "prepare").chain([ledger]).collect()))
    }

    /// Removes what runs left, so that each begins alike.
    pub fn forget_runs(&self) -> Result<()> {
        let lists = self.folder.join("lists");
        // Without its membership a list at the sandbox is emptied before it is filled again.
        for folder in [self.data.path().join("runs"), self.data.path().join("memberships"), lists.clone()] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        for destination in &self.definitions.destinations {
            fs::create_dir_all(lists.join(destination.id.as_str()))?;
        }
        Ok(())
    }

    /// Removes everything but the tables.
    pub fn remove(self) -> Result<()> {
        drop(self.store);
        fs::remove_dir_all(self.folder.join("lists"))?;
        Ok(fs::remove_dir_all(self.data.path())?)
    }
}

/// The definitions, with these destinations only.
fn definitions(destinations: &[&str]) -> Result<Definitions> {
    let file = ("definitions.yaml".to_owned(), include_str!("definitions.yaml").to_owned());
    let reading = document::read(&[file]);
    if !reading.problems.is_empty() {
        return Err(format!("{:#?}", reading.problems).into());
    }
    let mut definitions = reading.definitions;
    let wanted = |id: &Slug| destinations.contains(&id.as_str());
    definitions.destinations.retain(|destination| wanted(&destination.id));
    for campaign in &mut definitions.campaigns {
        campaign.destinations.retain(|id, _| wanted(id));
        let groups = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups).chain(&mut campaign.remaining);
        for group in groups {
            group.destinations.retain(|destination| wanted(destination.id()));
        }
    }
    definitions.campaigns.retain(|campaign| !campaign.destinations.is_empty());
    Ok(definitions)
}
