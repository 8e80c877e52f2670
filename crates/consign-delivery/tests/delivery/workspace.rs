//! The demo workspace, ready to run.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeZone, Utc};
use consign_delivery::folder::DataFolder;
use consign_delivery::{Preview, RunError, RunSummary, Workplace};
use consign_destinations::registry::Registry;
use consign_engine::{Engine, EngineOptions, Tables};
use consign_model::definition::Definitions;
use consign_model::document;
use consign_model::id::Slug;
use consign_model::problem::Severity;
use consign_secrets::Secrets;
use consign_store::{SqliteStore, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::memory::slug;

pub struct DemoWorkspace {
    pub folder: TempDir,
    pub definitions: Definitions,
    pub registry: Registry,
    pub store: SqliteStore,
    pub tables: Tables,
    pub data: DataFolder,
    pub secrets: Secrets,
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
        let store = SqliteStore::open(&data.store()).await.unwrap();
        store.apply(&definitions, &folder.path().display().to_string(), "tester").await.unwrap();
        let registry = Registry::new();
        let problems = consign_model::validate::validate(&definitions, tables.catalog(), &registry);
        let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        Self { folder, definitions, registry, store, tables, data, secrets }
    }

    pub fn workplace<'a>(&'a self, cancel: &'a CancellationToken) -> Workplace<'a> {
        Workplace {
            definitions: &self.definitions,
            tables: &self.tables,
            registry: &self.registry,
            secrets: &self.secrets,
            folder: &self.data,
            threads: 2,
            cancel,
            progress: &|_| {},
        }
    }

    pub async fn run(&self) -> Result<RunSummary, RunError> {
        let cancel = CancellationToken::new();
        self.workplace(&cancel).run(&self.store, 1, &campaign(), as_of()).await
    }

    pub async fn preview(&self, show_rows: usize) -> Result<Preview, RunError> {
        let cancel = CancellationToken::new();
        self.workplace(&cancel).preview(&self.store, &campaign(), as_of(), show_rows).await
    }
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
