//! What tables look like: the names and types that conditions and attributes are checked against.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{ColumnRef, RowsPerCustomer};

/// The type of a column, as far as conditions and attributes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// Any integer, float or decimal.
    Number,
    /// A calendar day.
    Date,
    /// A moment. Without a zone it is in the workspace's time zone.
    Timestamp,
    /// True or false.
    Boolean,
    /// Anything else: it can be tested for null and nothing more.
    Other,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, case kept.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What it means (`email`, `phone`, `given-name`, `country`, ...), if that is known.
    pub semantic: Option<String>,
}

/// A table as the engine found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// Its name, case kept.
    pub name: String,
    /// The customer key column.
    pub customer_key: String,
    /// One row a customer, or many.
    pub rows: RowsPerCustomer,
    /// The columns, in the table's order.
    pub columns: Vec<Column>,
}

impl TableSchema {
    /// The column of that name, case and all.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The first column with that meaning.
    pub fn column_with(&self, semantic: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.semantic.as_deref() == Some(semantic))
    }
}

/// Every table of a workspace, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    tables: BTreeMap<String, TableSchema>,
}

impl Catalog {
    /// The table of that name, case and all.
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.get(name)
    }

    /// The column that a reference names.
    pub fn column(&self, reference: &ColumnRef) -> Option<&Column> {
        self.table(&reference.table)?.column(&reference.column)
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &TableSchema> {
        self.tables.values()
    }
}

impl FromIterator<TableSchema> for Catalog {
    fn from_iter<I: IntoIterator<Item = TableSchema>>(tables: I) -> Self {
        Self { tables: tables.into_iter().map(|table| (table.name.clone(), table)).collect() }
    }
}
