//! Small workspaces on disk, and what the engine makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{UInt16Type, UInt64Type};
use chrono::{DateTime, Utc};
use consign_engine::{AssignRequest, Assigned, Engine, EngineError, EngineOptions, Snapshot, Tables};
use consign_model::condition::Condition;
use consign_model::definition::{
    Connection, Definitions, FileConnection, RowsPerCustomer, Source, Split, Table, Workspace as Settings,
};
use consign_model::id::Slug;
use consign_model::plan::{AssignPlan, PlannedGroup, PlannedSubAudience};
use consign_model::snapshot;
use consign_secrets::Secrets;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use url::Url;

/// A folder of tables.
pub struct Workspace {
    pub folder: TempDir,
    pub definitions: Definitions,
    pub threads: usize,
    /// Bytes of the engine's pool.
    pub memory: usize,
}

impl Workspace {
    pub fn new() -> Self {
        let connection = FileConnection { url: ".".into(), options: BTreeMap::new(), credentials: BTreeMap::new() };
        let source = Source { id: slug("files"), connection: Connection::Files(connection), tables: Vec::new() };
        let definitions = Definitions {
            workspace: Some(Settings { customer_table: "Customers".into(), ..Settings::default() }),
            sources: vec![source],
            ..Definitions::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), definitions, threads: 2, memory: 256 << 20 }
    }

    /// Adds a table that is in a file of that name.
    pub fn table(mut self, name: &str, file: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(file), content).unwrap();
        self.declare(name, file, RowsPerCustomer::One);
        self
    }

    /// The same with many rows a customer.
    pub fn rows(mut self, name: &str, file: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(file), content).unwrap();
        self.declare(name, file, RowsPerCustomer::Many);
        self
    }

    /// Adds a table of Parquet.
    pub fn parquet(mut self, name: &str, rows: RowsPerCustomer, batch: &RecordBatch) -> Self {
        let file = format!("{name}.parquet");
        write_parquet(&self.path(&file), batch);
        self.declare(name, &file, rows);
        self
    }

    pub fn declare(&mut self, name: &str, path: &str, rows: RowsPerCustomer) {
        let table = Table {
            name: name.into(),
            path: Some(path.into()),
            format: None,
            rows,
            customer_key: "customer_id".into(),
            semantics: BTreeMap::new(),
        };
        self.definitions.sources[0].tables.push(table);
    }

    pub fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    pub fn engine(&self) -> Engine {
        let spill = self.path("spill");
        Engine::new(EngineOptions { memory: self.memory, threads: self.threads, spill }).unwrap()
    }

    pub async fn open(&self) -> Tables {
        self.engine().open(&self.definitions, &Secrets::of(self.folder.path())).await.unwrap()
    }

    /// The tables, all of which open.
    pub async fn tables(&self) -> Tables {
        let tables = self.open().await;
        assert_eq!(tables.problems(), []);
        tables
    }

    /// Why tables do not open.
    pub async fn problems(&self) -> String {
        let tables = self.open().await;
        let folder = self.folder.path().canonicalize().unwrap().display().to_string();
        let shown = |text: &str| text.replace(&folder, "FOLDER");
        let lines = tables.problems().iter().map(|problem| {
            format!("{}\n  {}\n  -> {}\n", problem.path, shown(&problem.reason), shown(&problem.remedy))
        });
        lines.collect()
    }

    pub fn url(&self, file: &str) -> Url {
        Url::from_file_path(self.path(file)).unwrap()
    }

    /// Assigns into `snapshot.parquet`.
    pub async fn assign(&self, plan: &AssignPlan) -> Result<(Assigned, Vec<Row>), EngineError> {
        self.assign_to(plan, "snapshot.parquet", None).await
    }

    pub async fn assign_to(
        &self,
        plan: &AssignPlan,
        file: &str,
        previous: Option<&str>,
    ) -> Result<(Assigned, Vec<Row>), EngineError> {
        let tables = self.tables().await;
        let url = self.url(file);
        let previous = previous.map(|file| self.url(file));
        let request = AssignRequest {
            snapshot: &url,
            previous: previous.as_ref(),
            progress: &|_| {},
            cancel: &CancellationToken::new(),
        };
        let assigned = tables.assign(plan, &request).await?;
        Ok((assigned, read(&url).await))
    }
}

/// A row of a snapshot, as far as every snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub position: u64,
    pub key: String,
    pub sub_audience: Option<u16>,
    pub group: Option<u16>,
}

pub async fn batches(url: &Url, columns: &[&str]) -> Vec<RecordBatch> {
    let snapshot = Snapshot::open(url).await.unwrap();
    snapshot.batches(columns).unwrap().try_collect().await.unwrap()
}

pub async fn read(url: &Url) -> Vec<Row> {
    let columns = [snapshot::CUSTOMER_KEY, snapshot::POSITION, snapshot::SUB_AUDIENCE, snapshot::GROUP];
    let mut rows = Vec::new();
    for batch in batches(url, &columns).await {
        let keys = batch.column_by_name(snapshot::CUSTOMER_KEY).unwrap().as_string_view();
        let positions = batch.column_by_name(snapshot::POSITION).unwrap().as_primitive::<UInt64Type>();
        let small = |name: &str, row: usize| {
            let column = batch.column_by_name(name).unwrap().as_primitive::<UInt16Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        for row in 0..batch.num_rows() {
            rows.push(Row {
                position: positions.value(row),
                key: keys.value(row).to_owned(),
                sub_audience: small(snapshot::SUB_AUDIENCE, row),
                group: small(snapshot::GROUP, row),
            });
        }
    }
    rows
}

/// A column of a snapshot as text, by customer key; null is `-`.
pub async fn values(url: &Url, column: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for batch in batches(url, &[snapshot::CUSTOMER_KEY, column]).await {
        let keys = batch.column_by_name(snapshot::CUSTOMER_KEY).unwrap().as_string_view();
        let options = arrow::util::display::FormatOptions::new().with_null("-");
        let column = batch.column_by_name(column).unwrap();
        let shown = arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
        for row in 0..batch.num_rows() {
            values.insert(keys.value(row).to_owned(), shown.value(row).to_string());
        }
    }
    values
}

pub fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn condition(json: Value) -> Condition {
    serde_json::from_value(json).unwrap()
}

pub fn everybody() -> Condition {
    condition(serde_json::json!({ "all": [] }))
}

/// A plan that takes everybody into **remaining**, without groups.
pub fn plan() -> AssignPlan {
    AssignPlan {
        as_of: as_of(),
        time_zone: chrono_tz::UTC,
        customer_table: "Customers".into(),
        sql_segments: BTreeMap::new(),
        include: vec![everybody()],
        exclude: Vec::new(),
        always_exclude: Vec::new(),
        first_match_only: true,
        split: Split::Stable,
        split_key: "churn_prevention".into(),
        sub_audiences: vec![sub_audience("remaining", None, &[])],
        consents: BTreeMap::new(),
        columns: Vec::new(),
        cleaned: Vec::new(),
    }
}

pub fn as_of() -> DateTime<Utc> {
    "2026-06-30T10:00:00Z".parse().unwrap()
}

pub fn sub_audience(id: &str, condition: Option<Condition>, hundredths: &[u32]) -> PlannedSubAudience {
    let groups = hundredths.iter().enumerate().map(|(i, hundredths)| PlannedGroup {
        id: slug(&format!("{id}_{i}")),
        name: format!("{id} {i}"),
        control: i == 0,
        hundredths: *hundredths,
        destinations: Vec::new(),
    });
    PlannedSubAudience { id: slug(id), name: id.into(), condition, groups: groups.collect() }
}

/// The customers for whom a condition holds, in order of their keys.
pub async fn holds(workspace: &Workspace, json: Value) -> Vec<String> {
    let plan = AssignPlan { include: vec![condition(json)], ..plan() };
    let (_, rows) = workspace.assign(&plan).await.unwrap();
    let mut keys: Vec<String> = rows.into_iter().map(|row| row.key).collect();
    keys.sort();
    keys
}

/// An Arrow column.
pub fn array(array: impl Array + 'static) -> Arc<dyn Array> {
    Arc::new(array)
}
