//! Postgres: relations as tables whose rows stream in, with columns and simple filters pushed down. Plans never read them
//! in place: what a plan needs is copied first, all in one transaction's view ([`PostgresView`]).

mod columns;
mod filter;
mod scan;

use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use consign_model::definition::{PostgresConnection, Table};
use consign_secrets::Secrets;
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::sync::Mutex;

use super::Trouble;
use columns::{ColumnKind, kind};
pub(crate) use scan::PostgresTable;

/// A Postgres database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    options: PgConnectOptions,
    schema: String,
}

/// A relation of a database.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub database: Arc<Database>,
    pub schema: SchemaRef,
    /// Quoted, with its schema.
    name: String,
    kinds: Vec<ColumnKind>,
}

impl Database {
    /// Reads where the database is, without connecting.
    pub fn new(connection: &PostgresConnection, secrets: &Secrets) -> Result<Self, Trouble> {
        let url = secrets
            .resolve(&connection.url)
            .map_err(|error| Trouble::new(error.to_string(), "see `url` of the source"))?;
        // The parser's message may repeat parts of the URL, which holds a password.
        let options = PgConnectOptions::from_str(url.expose_secret()).map_err(|_| {
            Trouble::new(
                format!("what `{}` holds is no Postgres URL", connection.url),
                "write it as `postgres://user:password@host:5432/database`",
            )
        })?;
        let options = options.application_name("consign").disable_statement_logging();
        Ok(Self { options, schema: connection.schema.clone() })
    }

    pub async fn connect(&self) -> Result<PgConnection, Trouble> {
        PgConnection::connect_with(&self.options).await.map_err(|error| {
            Trouble::new(
                format!("the database cannot be reached: {}", reason(&error)),
                "check host, port, user and password of the source's `url`, and that the server runs",
            )
        })
    }

    /// The relation of a table, as the database describes it.
    pub async fn relation(self: &Arc<Self>, table: &Table, at: &mut PgConnection) -> Result<Relation, Trouble> {
        let path = table.path.as_deref().unwrap_or(&table.name);
        let (schema, relation) = path.split_once('.').unwrap_or((&self.schema, path));
        let name = format!("{}.{}", quoted(schema), quoted(relation));
        let failed = |error: sqlx::Error| {
            Trouble::new(
                format!("the relation {name} cannot be described: {}", reason(&error)),
                "check that the user may use the schema",
            )
        };
        let readable: Option<bool> = sqlx::query_scalar("SELECT has_table_privilege(to_regclass($1), 'SELECT')")
            .bind(&name)
            .fetch_one(&mut *at)
            .await
            .map_err(failed)?;
        match readable {
            None => {
                return Err(Trouble::new(
                    format!("there is no relation {name}"),
                    "set the table's `path` to the relation, such as `public.customers`",
                ));
            }
            Some(false) => {
                return Err(Trouble::new(
                    format!("the user may not read the relation {name}"),
                    format!("grant it: `GRANT SELECT ON {name} TO ...`"),
                ));
            }
            Some(true) => {}
        }
        let rows = sqlx::query(
            "SELECT a.attname::text, t.typname::text, a.atttypmod \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        )
        .bind(&name)
        .fetch_all(&mut *at)
        .await
        .map_err(failed)?;
        let mut fields = Vec::new();
        let mut kinds = Vec::new();
        for row in rows {
            let column: String = row.try_get(0).map_err(failed)?;
            let type_name: String = row.try_get(1).map_err(failed)?;
            let modifier: i32 = row.try_get(2).map_err(failed)?;
            let kind = kind(&type_name, modifier);
            fields.push(Field::new(column, kind.data_type(), true));
            kinds.push(kind);
        }
        Ok(Relation { database: Arc::clone(self), schema: Arc::new(Schema::new(fields)), name, kinds })
    }
}

/// One transaction's view of a database, which any number of connections share.
#[derive(Debug)]
pub(crate) struct PostgresView {
    pub database: Arc<Database>,
    snapshot: String,
    /// Keeps the transaction open that the snapshot belongs to.
    _holder: Mutex<PgConnection>,
}

impl PostgresView {
    pub async fn open(database: &Arc<Database>) -> Result<Self, Trouble> {
        let mut holder = database.connect().await?;
        let failed = |error: sqlx::Error| {
            Trouble::new(format!("no transaction can be opened: {}", reason(&error)), "check the database's state")
        };
        sqlx::raw_sql(BEGIN).execute(&mut holder).await.map_err(failed)?;
        let snapshot: String =
            sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut holder).await.map_err(failed)?;
        Ok(Self { database: Arc::clone(database), snapshot, _holder: Mutex::new(holder) })
    }

    /// A connection whose transaction sees what the view sees.
    async fn connection(&self) -> Result<PgConnection, Trouble> {
        let mut connection = self.database.connect().await?;
        let same = format!("{BEGIN}; SET TRANSACTION SNAPSHOT '{}'", self.snapshot);
        // The snapshot's name is the server's own.
        sqlx::raw_sql(AssertSqlSafe(same)).execute(&mut connection).await.map_err(|error| {
            Trouble::new(format!("the transaction's view is gone: {}", reason(&error)), "start the command again")
        })?;
        Ok(connection)
    }
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A name as SQL has it, case kept.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the server, or the way to it, says; never a value or a secret.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        other => other.to_string(),
    }
}
