//! Copies of a whole store, row by row: what holds in a file holds in a database, since both have whole numbers and text
//! alone. The file says which tables and columns there are.

use std::path::Path;

use futures::TryStreamExt;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

use super::{Fault, SqlStore};
use crate::error::StoreError;
use crate::location::Location;
use crate::open;

/// A table.
struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Text,
}

/// Makes a store there from a copy, which is brought to the latest schema. One that holds anything is left as it is.
pub async fn restore(copy: &Path, into: &Location) -> Result<(), StoreError> {
    let copy = SqlStore::open(Location::from(copy)).await?;
    let restored = async {
        let new = SqlStore::open(into.clone()).await?;
        let file = &mut *copy.read().await?;
        let tables = tables(file).await.map_err(|fault| copy.error(fault))?;
        copy.fill(&new, &tables).await?;
        new.close().await;
        Ok(())
    };
    let restored = restored.await;
    copy.close().await;
    restored
}

impl SqlStore {
    /// Writes all that the store holds at one moment to a new file, which is a store as well. No lease holds in it.
    pub async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        let copy = Self::open(Location::from(file)).await?;
        let tables = {
            let connection = &mut *copy.read().await?;
            tables(connection).await.map_err(|fault| copy.error(fault))?
        };
        self.fill(&copy, &tables).await?;
        copy.close().await;
        Ok(())
    }

    /// Fills another store with what is here, all of it or nothing. What holds a workspace is refused.
    async fn fill(&self, new: &Self, tables: &[Table]) -> Result<(), StoreError> {
        let from = self.pool.begin_with(open::reading(&self.location)).await;
        let mut from = from.map_err(|error| self.error(error))?;
        let mut to = new.begin().await?;
        if !is_new(&mut to).await.map_err(|fault| new.error(fault))? {
            return Err(StoreError::Conflict {
                what: format!("the store {} holds a workspace", new.location),
                remedy: "name one that is empty",
            });
        }
        // What migrations have put there is in the other as well, and may have changed.
        for table in tables.iter().rev() {
            let delete = format!("DELETE FROM \"{}\"", table.name);
            sqlx::query(AssertSqlSafe(delete)).execute(&mut *to).await.map_err(|error| new.error(error))?;
        }
        for table in tables {
            let select = AssertSqlSafe(format!("SELECT {} FROM \"{}\"", table.names(), table.name));
            let insert = table.insert();
            let mut rows = sqlx::query(select).fetch(&mut *from);
            while let Some(row) = rows.try_next().await.map_err(|error| self.error(error))? {
                let mut inserting = sqlx::query(AssertSqlSafe(insert.clone()));
                for (at, (_, kind)) in table.columns.iter().enumerate() {
                    inserting = bind(inserting, &row, at, *kind).map_err(|error| self.error(error))?;
                }
                inserting.execute(&mut *to).await.map_err(|error| new.error(error))?;
            }
        }
        // Nobody holds anything in what was copied; the tokens go on from where they were.
        sqlx::query("UPDATE leases SET until = 0").execute(&mut *to).await.map_err(|error| new.error(error))?;
        new.commit(to).await
    }
}

impl Table {
    fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        names.join(", ")
    }

    fn insert(&self) -> String {
        let values: Vec<_> = (1..=self.columns.len()).map(|at| format!("${at}")).collect();
        format!("INSERT INTO \"{}\" ({}) VALUES ({})", self.name, self.names(), values.join(", "))
    }
}

fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    row: &sqlx::any::AnyRow,
    at: usize,
    kind: Kind,
) -> Result<Query<'q, Any, AnyArguments>, sqlx::Error> {
    Ok(match kind {
        Kind::Number => query.bind(row.try_get::<Option<i64>, _>(at)?),
        Kind::Text => query.bind(row.try_get::<Option<String>, _>(at)?),
    })
}

/// Whether nothing was ever done with a store.
async fn is_new(connection: &mut AnyConnection) -> Result<bool, Fault> {
    let select =
        "SELECT (SELECT COUNT(*) FROM definitions) + (SELECT COUNT(*) FROM runs) + (SELECT COUNT(*) FROM audit)";
    let rows: i64 = sqlx::query_scalar(select).fetch_one(connection).await?;
    Ok(rows == 0)
}

/// The tables of a file, each after those that it refers to: no other order could make them in Postgres.
async fn tables(file: &mut AnyConnection) -> Result<Vec<Table>, Fault> {
    let select = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_sqlx_migrations' \
                  AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY rowid";
    let names: Vec<String> = sqlx::query_scalar(select).fetch_all(&mut *file).await?;
    let mut tables = Vec::new();
    for name in names {
        let select = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";
        let found: Vec<(String, String)> = sqlx::query_as(select).bind(&name).fetch_all(&mut *file).await?;
        let kind = |(column, kind): (String, String)| match kind.as_str() {
            "BIGINT" | "INTEGER" => Ok((column, Kind::Number)),
            "TEXT" => Ok((column, Kind::Text)),
            other => Err(Fault::Unreadable(format!("the type `{other}` of the column `{column}` of `{name}`"))),
        };
        let columns = found.into_iter().map(kind).collect::<Result<_, _>>()?;
        tables.push(Table { name, columns });
    }
    Ok(tables)
}
