//! The demo workspace, ready to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeZone, Utc};
use consign_delivery::folder::DataFolder;
use consign_delivery::{Preview, PreviewOptions, RunError, RunSummary, Workplace};
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_engine::{Engine, EngineOptions, Tables};
use consign_model::definition::Definitions;
use consign_model::document;
use consign_model::id::Slug;
use consign_model::problem::Severity;
use consign_sandbox::{Options, Sandbox, serve};
use consign_secrets::Secrets;
use consign_store::{SqlStore, Store};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::memory::slug;

pub struct DemoWorkspace {
    pub folder: TempDir,
    pub definitions: Definitions,
    pub registry: Registry,
    pub store: SqlStore,
    pub tables: Tables,
    pub data: DataFolder,
    pub secrets: Secrets,
    pub engine: Engine,
    pub http: Http,
    /// Where the sandbox is; nothing listens there unless a test starts one.
    pub sandbox: String,
}

/// The evening of the last day of the demo's orders.
pub fn as_of() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(1998, 6, 30, 22, 0, 0).unwrap()
}

/// The campaign of the demo.
pub fn campaign() -> Slug {
    slug("churn_prevention")
}

impl DemoWorkspace {
    /// The demo with its definitions as `change` leaves them.
    pub async fn with(change: impl FnOnce(&mut Definitions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        consign_demo::write(folder.path(), consign_demo::Options::default()).unwrap();
        let mut definitions = read(folder.path());
        change(&mut definitions);
        let data = DataFolder::open(folder.path().join(".consign")).unwrap();
        let secrets = Secrets::of(folder.path());
        let engine = Engine::new(EngineOptions::with_spill(data.spill())).unwrap();
        let tables = engine.open(&definitions, &secrets).await.unwrap();
        let store = SqlStore::open(&data.store()).await.unwrap();
        store.apply(&definitions, &folder.path().display().to_string(), "tester").await.unwrap();
        let registry = Registry::new();
        let problems = consign_model::validate::validate(&definitions, tables.catalog(), &registry);
        let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let (http, sandbox) = (Http::new().unwrap(), "http://127.0.0.1:9".to_owned());
        Self { folder, definitions, registry, store, tables, data, secrets, engine, http, sandbox }
    }

    /// The demo with lists to files alone.
    pub async fn files(change: impl FnOnce(&mut Definitions)) -> Self {
        Self::with(|definitions| {
            keep_only("staging", definitions);
            change(definitions);
        })
        .await
    }

    pub fn workplace<'a>(&'a self, cancel: &'a CancellationToken) -> Workplace<'a> {
        Workplace {
            definitions: &self.definitions,
            tables: &self.tables,
            registry: &self.registry,
            secrets: &self.secrets,
            folder: &self.data,
            engine: &self.engine,
            http: &self.http,
            sandbox: &self.sandbox,
            threads: 2,
            cancel,
            actor: "tester",
            progress: &|_| {},
        }
    }

    pub async fn run(&self) -> Result<RunSummary, RunError> {
        let cancel = CancellationToken::new();
        self.workplace(&cancel).run(&self.store, 1, &campaign(), as_of()).await
    }

    pub async fn preview(&self) -> Result<Preview, RunError> {
        let cancel = CancellationToken::new();
        let options = PreviewOptions { show_rows: 2, diff: true };
        self.workplace(&cancel).preview(&self.store, &campaign(), as_of(), options).await
    }
}

/// Leaves one destination of the campaign, and the sub-audiences that go there.
pub fn keep_only(destination: &str, definitions: &mut Definitions) {
    let campaign = &mut definitions.campaigns[0];
    let of_sub_audiences = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups);
    for group in of_sub_audiences.chain(&mut campaign.remaining) {
        group.destinations.retain(|one| one.id().as_str() == destination);
    }
    campaign.sub_audiences.retain(|one| one.groups.iter().any(|group| !group.destinations.is_empty()));
    campaign.destinations.retain(|id, _| id.as_str() == destination);
}

fn read(folder: &Path) -> Definitions {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().extension().is_some_and(|extension| extension == "yaml") {
            files.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    let reading = document::read(&files);
    assert_eq!(reading.problems, []);
    reading.definitions
}

/// The demo with its platforms in a sandbox of its own.
pub struct Rehearsal {
    pub demo: DemoWorkspace,
    sandbox: Sandbox,
    _stop: DropGuard,
}

impl Rehearsal {
    /// The demo with all its platforms in a sandbox, and changed like that.
    pub async fn with(change: impl FnOnce(&mut Definitions)) -> Self {
        Self::at(Options::default(), change).await
    }

    /// The same, with a sandbox that behaves like that.
    pub async fn at(options: Options, change: impl FnOnce(&mut Definitions)) -> Self {
        let stop = CancellationToken::new();
        let sandbox = serve(options, stop.clone()).await.unwrap();
        let mut demo = DemoWorkspace::with(|definitions| {
            for destination in &mut definitions.destinations {
                destination.sandbox = destination.kind != "local_files";
                destination.credentials.clear();
            }
            change(definitions);
        })
        .await;
        demo.sandbox = format!("http://{}", sandbox.address());
        Self { demo, sandbox, _stop: stop.drop_guard() }
    }

    /// The demo with one destination alone.
    pub async fn of(destination: &str, options: Options) -> Self {
        Self::at(options, |definitions| {
            let campaign = &mut definitions.campaigns[0];
            let groups = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups);
            for group in groups.chain(&mut campaign.remaining) {
                group.destinations.retain(|one| one.id().as_str() == destination);
            }
            campaign.destinations.retain(|id, _| id.as_str() == destination);
        })
        .await
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("http://{}{path}", self.sandbox.address())).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The members of each list at the sandbox, by the list's id.
    pub async fn members(&self) -> BTreeMap<String, u64> {
        let state = self.json("/state.json").await;
        let lists = state["lists"].as_array().unwrap().iter();
        lists.map(|list| (list["id"].as_str().unwrap().to_owned(), list["members"].as_u64().unwrap())).collect()
    }
}
