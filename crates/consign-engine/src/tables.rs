//! The tables of a workspace, opened.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{Field, SchemaRef};
use chrono::{DateTime, Utc};
use consign_model::definition::{
    Connection, Definitions, FileConnection, PostgresConnection, Source, Table, TableFormat,
};
use consign_model::forgotten::Forgotten;
use consign_model::problem::{Path, Problem};
use consign_model::schema::{CAMPAIGN_RECIPIENTS, Catalog, Column, ColumnType, TableSchema, semantic_of};
use consign_model::word;
use consign_secrets::Secrets;
use datafusion::catalog::TableProvider;
use url::Url;

use crate::error::EngineError;
use crate::keys::KeyCounts;
use crate::moment::Moment;
use crate::recipients::recipients;
use crate::session::{Session, Shared};
use crate::source::location::{Location, shown};
use crate::source::postgres::{Database, Relation};
use crate::source::text::TextTable;
use crate::source::types::column_type;
use crate::source::{Trouble, parquet};

/// The tables of a workspace, opened: what is in them is known, and plans can be run over them.
#[derive(Debug)]
pub struct Tables {
    pub(crate) shared: Shared,
    pub(crate) open: BTreeMap<String, OpenTable>,
    /// Customers who are left out of every assignment.
    pub(crate) forgotten: Forgotten,
    catalog: Catalog,
    problems: Vec<Problem>,
}

/// A table that can be read.
#[derive(Debug, Clone)]
pub(crate) struct OpenTable {
    pub schema: TableSchema,
    /// Its columns as they are stored.
    pub stored: SchemaRef,
    pub origin: Origin,
    /// When the last of its files was written; `None` for what is no file.
    pub written: Option<DateTime<Utc>>,
    /// What its keys are like, once it was looked at. Files stay as they were when they were opened; what a database
    /// holds is another matter at each operation.
    pub keys: Arc<tokio::sync::OnceCell<KeyCounts>>,
}

/// Where a table's rows come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Parquet, read in place.
    Parquet(Arc<dyn TableProvider>),
    /// Text files, copied once for all plans.
    Text(Arc<TextOrigin>),
    /// A relation of a database, copied for each operation.
    Postgres(Relation),
}

/// Text files, and their copy once there is one.
#[derive(Debug)]
pub(crate) struct TextOrigin {
    pub table: TextTable,
    pub copy: tokio::sync::OnceCell<(tempfile::TempDir, Arc<dyn TableProvider>)>,
}

impl OpenTable {
    /// The stored field of a column.
    pub fn field(&self, column: &str) -> Option<&Field> {
        self.stored.field_with_name(column).ok()
    }

    /// The stored field of the customer key, which was there when the table was opened.
    pub fn key(&self) -> Result<&Field, EngineError> {
        self.field(&self.schema.customer_key).ok_or_else(|| EngineError::Table {
            table: self.schema.name.clone(),
            reason: format!("there is no column `{}`", self.schema.customer_key),
            remedy: "set the table's `customer_key`".into(),
        })
    }
}

impl Tables {
    /// What is in the tables that could be opened.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Why the others could not be, each at its table in the definitions.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// When the last file of a table was written. A database does not say that of its tables.
    pub fn written(&self, table: &str) -> Option<DateTime<Utc>> {
        self.open.get(table)?.written
    }

    /// The same tables, with these customers left out of every assignment.
    #[must_use]
    pub fn without(self, forgotten: Forgotten) -> Self {
        Self { forgotten, ..self }
    }

    pub(crate) fn table(&self, name: &str) -> Result<&OpenTable, EngineError> {
        self.open.get(name).ok_or_else(|| EngineError::Table {
            table: name.to_owned(),
            reason: "it is not open".into(),
            remedy: word::use_nearest(name, self.open.keys().map(String::as_str)),
        })
    }

    pub(crate) async fn open(
        shared: Shared,
        definitions: &Definitions,
        secrets: &Secrets,
    ) -> Result<Self, EngineError> {
        let moment = Moment { as_of: chrono::Utc::now(), time_zone: chrono_tz::UTC };
        let stores = Mutex::new(BTreeMap::new());
        let opener = Opener { session: shared.session(moment)?, secrets, stores };
        let recipients = recipients(&[]).map_err(|trouble| trouble.of(CAMPAIGN_RECIPIENTS))?;
        let mut tables = BTreeMap::from([(CAMPAIGN_RECIPIENTS.to_owned(), recipients)]);
        let mut problems = Vec::new();
        for (i, source) in definitions.sources.iter().enumerate() {
            let path = Path::default().field("sources").item(i);
            for (j, result) in opener.source(source).await.into_iter().enumerate() {
                match result {
                    Ok(table) => {
                        tables.entry(table.schema.name.clone()).or_insert(table);
                    }
                    Err(trouble) => {
                        let name = source.tables.get(j).map_or("", |table| table.name.as_str());
                        let path = path.field("tables").item(j);
                        let reason = format!("the table `{name}` cannot be opened: {}", trouble.reason);
                        problems.push(Problem::error(path, reason, trouble.remedy));
                    }
                }
            }
        }
        let catalog = tables.values().map(|table| table.schema.clone()).collect();
        Ok(Self { shared, open: tables, forgotten: Forgotten::default(), catalog, problems })
    }
}

struct Opener<'a> {
    session: Session,
    secrets: &'a Secrets,
    /// The settings of each object store that is used. Plans know a store by its address, so it has one set of them.
    stores: Mutex<BTreeMap<Url, FileConnection>>,
}

impl Opener<'_> {
    /// Each table of a source, opened or not.
    async fn source(&self, source: &Source) -> Vec<Result<OpenTable, Trouble>> {
        match &source.connection {
            Connection::Files(connection) => self.files(source, connection).await,
            Connection::Postgres(connection) => self.relations(source, connection).await,
        }
    }

    async fn relations(&self, source: &Source, connection: &PostgresConnection) -> Vec<Result<OpenTable, Trouble>> {
        let connected = async {
            let database = Arc::new(Database::new(connection, self.secrets)?);
            let at = database.connect().await?;
            Ok::<_, Trouble>((database, at))
        };
        let (database, mut at) = match connected.await {
            Ok(connected) => connected,
            Err(trouble) => return source.tables.iter().map(|_| Err(trouble.clone())).collect(),
        };
        let mut opened = Vec::new();
        for table in &source.tables {
            let relation = database.relation(table, &mut at).await;
            opened.push(
                relation
                    .and_then(|relation| open_table(table, Arc::clone(&relation.schema), Origin::Postgres(relation))),
            );
        }
        opened
    }

    async fn files(&self, source: &Source, connection: &FileConnection) -> Vec<Result<OpenTable, Trouble>> {
        let location = match Location::open(connection, self.secrets) {
            Ok(location) => location,
            Err(trouble) => return source.tables.iter().map(|_| Err(trouble.clone())).collect(),
        };
        if let Err(trouble) = self.same_settings(&location.root, connection) {
            return source.tables.iter().map(|_| Err(trouble.clone())).collect();
        }
        self.session.state.runtime_env().register_object_store(&location.root, Arc::clone(&location.store));
        let mut opened = Vec::new();
        for table in &source.tables {
            opened.push(self.file_table(&location, table).await);
        }
        opened
    }

    /// Refuses a second set of settings for one object store.
    fn same_settings(&self, root: &Url, connection: &FileConnection) -> Result<(), Trouble> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let first = stores.entry(root.clone()).or_insert_with(|| connection.clone());
        if first.options == connection.options && first.credentials == connection.credentials {
            return Ok(());
        }
        Err(Trouble::new(
            format!("another source reads `{root}` with other options or credentials"),
            "give both sources the same, or make them one",
        ))
    }

    async fn file_table(&self, location: &Location, table: &Table) -> Result<OpenTable, Trouble> {
        let files = location.files(table).await?;
        let written = files.all.iter().map(|file| file.last_modified).max();
        let (stored, origin) = match files.format {
            TableFormat::Parquet => {
                parquet::check(&files).await?;
                let urls: Vec<Url> = files.all.iter().map(|file| files.url(file)).collect();
                let names: Vec<String> = files.all.iter().map(|file| shown(&files.root, &file.location)).collect();
                let provider = parquet::open(&self.session.state, &urls, &names).await?;
                (provider.schema(), Origin::Parquet(provider))
            }
            TableFormat::Csv | TableFormat::JsonLines => {
                let key = table.customer_key.clone();
                let inferred = tokio::task::spawn_blocking(move || TextTable::infer(files, &key)).await;
                let text = inferred.map_err(|error| Trouble::new(error.to_string(), "start the command again"))??;
                let stored = Arc::clone(&text.schema);
                let copy = tokio::sync::OnceCell::new();
                (stored, Origin::Text(Arc::new(TextOrigin { table: text, copy })))
            }
        };
        Ok(OpenTable { written, ..open_table(table, stored, origin)? })
    }
}

/// A table with these columns, once its customer key is found among them.
pub(crate) fn open_table(table: &Table, stored: SchemaRef, origin: Origin) -> Result<OpenTable, Trouble> {
    let Some((_, key)) = stored.column_with_name(&table.customer_key) else {
        let names = stored.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
        let remedy = match word::nearest(&table.customer_key, names.iter().copied()) {
            Some(near) => format!("set `customer_key: {near}`"),
            None => format!("set `customer_key` to one of {}", word::list(names)),
        };
        return Err(Trouble::new(format!("it has no column `{}`, its customer key", table.customer_key), remedy));
    };
    if column_type(key.data_type()) == ColumnType::Other {
        return Err(Trouble::new(
            format!("its customer key `{}` is neither text nor number", table.customer_key),
            "set `customer_key` to a column of texts or whole numbers",
        ));
    }
    let columns = stored.fields().iter().map(|field| Column {
        name: field.name().clone(),
        column_type: column_type(field.data_type()),
        semantic: table
            .semantics
            .get(field.name())
            .cloned()
            .or_else(|| semantic_of(field.name()).map(ToOwned::to_owned)),
    });
    let schema = TableSchema {
        name: table.name.clone(),
        customer_key: table.customer_key.clone(),
        rows: table.rows,
        columns: columns.collect(),
    };
    Ok(OpenTable { schema, stored, origin, written: None, keys: Arc::default() })
}

/// The address of a file on disk.
pub(crate) fn file_url(path: &PathBuf) -> Result<Url, Trouble> {
    Url::from_file_path(path)
        .map_err(|()| Trouble::new(format!("`{}` is no absolute path", path.display()), "name an absolute folder"))
}
