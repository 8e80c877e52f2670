//! A view: the tables as one operation sees them, all of them Parquet. What is stored otherwise is copied first, with
//! the columns that are needed. Ends with the operation, and its copies with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use consign_model::id::Slug;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use futures::StreamExt;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::compile::named;
use crate::error::{EngineError, query_error};
use crate::moment::Moment;
use crate::parts::Part;
use crate::session::{Session, Shared};
use crate::source::copy::ParquetCopy;
use crate::source::postgres::{Database, PostgresTable, PostgresView};
use crate::source::{Trouble, parquet};
use crate::tables::{OpenTable, Origin, Tables, TextOrigin, file_url};

/// The tables as one operation sees them.
pub(crate) struct View {
    shared: Shared,
    moment: Moment,
    folder: TempDir,
    providers: BTreeMap<String, Arc<dyn TableProvider>>,
    segments: BTreeMap<Slug, (Arc<dyn TableProvider>, u64)>,
    databases: Vec<Arc<PostgresView>>,
    pub cancel: CancellationToken,
}

impl View {
    /// An empty view.
    pub fn new(shared: &Shared, moment: Moment, cancel: &CancellationToken) -> Result<Self, EngineError> {
        let folder = temporary(shared)?;
        let (providers, segments) = (BTreeMap::new(), BTreeMap::new());
        let (databases, cancel) = (Vec::new(), cancel.clone());
        Ok(Self { shared: shared.clone(), moment, folder, providers, segments, databases, cancel })
    }

    /// Makes tables ready, each with the columns that are needed.
    pub async fn prepare(
        &mut self,
        tables: &Tables,
        needed: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<(), EngineError> {
        for (name, columns) in needed {
            self.stop_if_cancelled()?;
            let table = tables.table(name)?;
            let mut provider = self.live(tables, name).await?;
            if let Origin::Postgres(_) = &table.origin {
                provider = self.copied(table, columns, provider).await?;
            }
            self.providers.insert(name.clone(), provider);
        }
        Ok(())
    }

    /// A table with all its columns, read where it is if it is not of text files.
    pub async fn live(&mut self, tables: &Tables, name: &str) -> Result<Arc<dyn TableProvider>, EngineError> {
        match &tables.table(name)?.origin {
            Origin::Parquet(provider) => Ok(Arc::clone(provider)),
            Origin::Text(text) => self.text(name, text).await,
            Origin::Postgres(relation) => {
                let view = self.database(&relation.database).await.map_err(|trouble| trouble.of(name))?;
                Ok(Arc::new(PostgresTable { table: name.to_owned(), relation: relation.clone(), view }))
            }
        }
    }

    /// The one transaction's view of a database that all of its tables are read in.
    async fn database(&mut self, database: &Arc<Database>) -> Result<Arc<PostgresView>, Trouble> {
        if let Some(view) = self.databases.iter().find(|view| Arc::ptr_eq(&view.database, database)) {
            return Ok(Arc::clone(view));
        }
        let view = Arc::new(PostgresView::open(database).await?);
        self.databases.push(Arc::clone(&view));
        Ok(view)
    }

    /// A copy of some columns of a table, and its key.
    async fn copied(
        &self,
        table: &OpenTable,
        columns: &BTreeSet<String>,
        provider: Arc<dyn TableProvider>,
    ) -> Result<Arc<dyn TableProvider>, EngineError> {
        let name = &table.schema.name;
        let mut columns = columns.clone();
        columns.insert(table.schema.customer_key.clone());
        let scan = LogicalPlanBuilder::scan(TableReference::bare(name.clone()), provider_as_source(provider), None)
            .and_then(|scan| scan.project(columns.iter().map(named))?.build())
            .map_err(|error| self.error(error))?;
        let path = self.path(&format!("table-{}.parquet", self.providers.len()));
        self.write(&scan, &path).await.map_err(|error| match error {
            WriteError::Engine(error) => error,
            WriteError::Disk(trouble) => trouble.of(name),
        })?;
        self.open(&path).await
    }

    /// Writes what a plan returns to a file of the view; how many rows.
    pub async fn write(&self, plan: &LogicalPlan, path: &PathBuf) -> Result<u64, WriteError> {
        let session = self.session()?;
        let mut stream = session.run(plan).await?;
        let file = std::fs::File::create(path).map_err(|error| {
            Trouble::new(format!("its copy cannot be made: {error}"), "free space in the spill folder")
        })?;
        let mut copy = ParquetCopy::create(file, stream.schema())?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            self.stop_if_cancelled()?;
            let batch = batch.map_err(|error| self.error(error))?;
            rows += batch.num_rows() as u64;
            copy.write(&batch)?;
        }
        copy.finish()?;
        Ok(rows)
    }

    /// The copy of a table of text files, made with the first view that needs it and kept for the others.
    async fn text(&self, name: &str, text: &Arc<TextOrigin>) -> Result<Arc<dyn TableProvider>, EngineError> {
        let copied = text.copy.get_or_try_init(|| async {
            let folder = temporary(&self.shared)?;
            let path = folder.path().join("copy.parquet");
            let (origin, cancel, target) = (Arc::clone(text), self.cancel.clone(), path.clone());
            let copying = tokio::task::spawn_blocking(move || {
                let file = std::fs::File::create(&target).map_err(|error| {
                    Trouble::new(format!("its copy cannot be made: {error}"), "free space in the spill folder")
                })?;
                let copy = ParquetCopy::create(file, Arc::clone(&origin.table.schema))?;
                origin.table.copy(copy, &cancel)
            });
            let copied = copying.await.map_err(|error| EngineError::Query(error.to_string()))?;
            self.stop_if_cancelled()?;
            copied.map_err(|trouble| trouble.of(name))?;
            let provider = self.open(&path).await?;
            Ok::<_, EngineError>((folder, provider))
        });
        copied.await.map(|(_, provider)| Arc::clone(provider))
    }

    /// A Parquet file of ours as a table.
    pub async fn open(&self, path: &PathBuf) -> Result<Arc<dyn TableProvider>, EngineError> {
        let session = self.session()?;
        let opened = match file_url(path) {
            Ok(url) => parquet::open(&session.state, &[url], &[path.display().to_string()]).await,
            Err(trouble) => Err(trouble),
        };
        opened.map_err(|trouble| EngineError::Query(format!("{}: {}", trouble.reason, trouble.remedy)))
    }

    /// A new path in the view's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The provider of a table that was made ready.
    pub fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        self.providers.get(table).map(Arc::clone)
    }

    /// The keys of each SQL segment that was evaluated.
    pub fn segments(&self) -> impl Iterator<Item = (&Slug, Arc<dyn TableProvider>)> {
        self.segments.iter().map(|(segment, (keys, _))| (segment, Arc::clone(keys)))
    }

    /// All of it, as the one part of a plan.
    pub fn whole(&self) -> Part {
        Part {
            tables: self.providers.clone(),
            segments: self.segments().map(|(segment, keys)| (segment.clone(), keys)).collect(),
        }
    }

    /// Keeps the keys of a SQL segment, and how many they are.
    pub fn put_segment(&mut self, segment: &Slug, keys: Arc<dyn TableProvider>, count: u64) {
        self.segments.insert(segment.clone(), (keys, count));
    }

    /// How many keys the SQL segments have together.
    pub fn segment_keys(&self) -> u64 {
        self.segments.values().map(|(_, count)| count).sum()
    }

    /// A session at the view's moment.
    pub fn session(&self) -> Result<Session, EngineError> {
        self.shared.session(self.moment)
    }

    pub fn error(&self, error: DataFusionError) -> EngineError {
        query_error(error, self.shared.memory)
    }

    pub fn stop_if_cancelled(&self) -> Result<(), EngineError> {
        if self.cancel.is_cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
    }
}

/// Why a plan's rows are not in a file.
pub(crate) enum WriteError {
    Engine(EngineError),
    Disk(Trouble),
}

impl From<EngineError> for WriteError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Trouble> for WriteError {
    fn from(trouble: Trouble) -> Self {
        Self::Disk(trouble)
    }
}

impl Tables {
    /// A folder for what is needed for a moment. It goes when this is dropped.
    pub fn temporary(&self) -> Result<TempDir, EngineError> {
        temporary(&self.shared)
    }
}

fn temporary(shared: &Shared) -> Result<TempDir, EngineError> {
    tempfile::Builder::new()
        .prefix("view-")
        .tempdir_in(shared.spill.path())
        .map_err(|reason| EngineError::SpillFolder { folder: shared.spill.path().display().to_string(), reason })
}
