//! What a plan needs of the tables: columns, aggregates, mapped rows, SQL segments, ranks.

use std::collections::{BTreeMap, BTreeSet};

use consign_model::condition::{AggregateFunction, AggregateTest, Condition};
use consign_model::definition::{ColumnRef, RowsPerCustomer};
use consign_model::id::Slug;
use consign_model::plan::CleanedColumn;
use consign_model::test::{NumberTest, Test};

use crate::compile::{checked_column, counts};
use crate::error::EngineError;
use crate::source::types::{column_type, width};
use crate::tables::{OpenTable, Tables};

/// A guess of the bytes that a row takes besides its columns: its key, and its place in a hash table or a sort.
pub(crate) const ROW: u64 = 64;

/// What a plan needs of the tables.
#[derive(Default)]
pub(crate) struct Needs {
    /// Columns of one-row tables, by table. The customer table is always there.
    pub columns: BTreeMap<String, BTreeSet<String>>,
    /// Aggregates, by many-rows table, each once.
    pub aggregates: BTreeMap<String, Vec<Aggregate>>,
    /// Mapped many-rows tables.
    pub rows: BTreeMap<String, MappedRows>,
    /// SQL segments.
    pub segments: BTreeSet<Slug>,
    /// Ranked columns.
    pub ranks: Vec<(ColumnRef, NumberTest)>,
}

/// An aggregate over the rows of a table that satisfy a condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub function: AggregateFunction,
    pub of: Option<String>,
    pub condition: Option<Condition>,
}

impl From<&AggregateTest> for Aggregate {
    fn from(test: &AggregateTest) -> Self {
        let function = if counts(test.aggregate) { AggregateFunction::Count } else { test.aggregate };
        Self { function, of: test.of.clone(), condition: test.condition.clone() }
    }
}

/// What of a many-rows table is mapped.
#[derive(Debug, Clone, Default)]
pub(crate) struct MappedRows {
    pub raw: BTreeSet<String>,
    pub cleaned: BTreeSet<CleanedColumn>,
}

impl Needs {
    /// What a condition over customers needs.
    pub fn condition(&mut self, condition: &Condition, tables: &Tables) -> Result<(), EngineError> {
        match condition {
            Condition::All(all) => all.all.iter().try_for_each(|one| self.condition(one, tables)),
            Condition::Any(any) => any.any.iter().try_for_each(|one| self.condition(one, tables)),
            Condition::Not(not) => self.condition(&not.not, tables),
            Condition::Segment(segment) => {
                self.segments.insert(segment.segment.clone());
                Ok(())
            }
            Condition::Column(test) => {
                self.columns.entry(test.column.table.clone()).or_default().insert(test.column.column.clone());
                self.rank(test, tables)
            }
            Condition::Aggregate(test) => {
                let aggregates = self.aggregates.entry(test.table.clone()).or_default();
                let aggregate = Aggregate::from(&**test);
                if !aggregates.contains(&aggregate) {
                    aggregates.push(aggregate);
                }
                match &test.condition {
                    Some(condition) => self.ranks_of_rows(condition, tables),
                    None => Ok(()),
                }
            }
        }
    }

    /// A column that goes into the snapshot as it is.
    pub fn raw(&mut self, column: &ColumnRef, tables: &Tables) -> Result<(), EngineError> {
        let columns = match tables.table(&column.table)?.schema.rows {
            RowsPerCustomer::One => self.columns.entry(column.table.clone()).or_default(),
            RowsPerCustomer::Many => &mut self.rows.entry(column.table.clone()).or_default().raw,
        };
        columns.insert(column.column.clone());
        Ok(())
    }

    /// A column that goes into the snapshot cleaned.
    pub fn cleaned(&mut self, cleaned: &CleanedColumn, tables: &Tables) -> Result<(), EngineError> {
        let column = &cleaned.column;
        if tables.table(&column.table)?.schema.rows == RowsPerCustomer::Many {
            self.rows.entry(column.table.clone()).or_default().cleaned.insert(cleaned.clone());
            return Ok(());
        }
        let columns = self.columns.entry(column.table.clone()).or_default();
        columns.insert(column.column.clone());
        columns.extend(country(cleaned).map(|country| country.column.clone()));
        Ok(())
    }

    fn ranks_of_rows(&mut self, condition: &Condition, tables: &Tables) -> Result<(), EngineError> {
        match condition {
            Condition::All(all) => all.all.iter().try_for_each(|one| self.ranks_of_rows(one, tables)),
            Condition::Any(any) => any.any.iter().try_for_each(|one| self.ranks_of_rows(one, tables)),
            Condition::Not(not) => self.ranks_of_rows(&not.not, tables),
            Condition::Column(test) => self.rank(test, tables),
            Condition::Segment(_) | Condition::Aggregate(_) => Ok(()),
        }
    }

    fn rank(&mut self, test: &consign_model::condition::ColumnTest, tables: &Tables) -> Result<(), EngineError> {
        let field = field(tables.table(&test.column.table)?, &test.column)?;
        let checked = checked_column(column_type(field.data_type()), test.operator, test.value.as_ref())?;
        if let Test::Number(ranked @ (NumberTest::TopPercent(_) | NumberTest::BottomPercent(_))) = checked {
            self.ranks.push((test.column.clone(), ranked));
        }
        Ok(())
    }

    /// Every table that is read, with the columns that are.
    pub fn tables(&self, customer_table: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut tables = self.columns.clone();
        tables.entry(customer_table.to_owned()).or_default();
        for (table, aggregates) in &self.aggregates {
            let columns = tables.entry(table.clone()).or_default();
            for aggregate in aggregates {
                columns.extend(aggregate.of.clone());
                if let Some(condition) = &aggregate.condition {
                    row_columns(condition, columns);
                }
            }
        }
        for (table, rows) in &self.rows {
            let columns = tables.entry(table.clone()).or_default();
            columns.extend(rows.raw.iter().cloned());
            for cleaned in &rows.cleaned {
                columns.insert(cleaned.column.column.clone());
                columns.extend(country(cleaned).map(|country| country.column.clone()));
            }
        }
        for (column, _) in &self.ranks {
            tables.entry(column.table.clone()).or_default().insert(column.column.clone());
        }
        tables
    }

    /// The many-rows tables.
    pub fn many(&self) -> BTreeSet<&String> {
        self.aggregates.keys().chain(self.rows.keys()).collect()
    }

    /// A guess of the bytes that a plan over all of it holds: the tables in joins, the customers in the sort. `rows` of
    /// each table.
    pub fn bytes(&self, tables: &Tables, customer_table: &str, rows: &BTreeMap<String, u64>) -> u64 {
        let held = self.tables(customer_table).into_iter();
        held.map(|(name, columns)| rows.get(&name).copied().unwrap_or_default() * row_bytes(tables, &name, &columns))
            .sum()
    }

    /// The same of a plan that counts: its customers stream by, and of a table of many rows it holds one a customer,
    /// where its keys are those of customers.
    pub fn bytes_of_count(&self, tables: &Tables, customer_table: &str, rows: &BTreeMap<String, u64>) -> u64 {
        let rows_of = |table: &str| rows.get(table).copied().unwrap_or_default();
        let customers = rows_of(customer_table);
        let held = self.tables(customer_table).into_iter().filter(|(name, _)| name != customer_table);
        held.map(|(name, columns)| rows_of(&name).min(customers) * row_bytes(tables, &name, &columns)).sum()
    }
}

fn row_bytes(tables: &Tables, table: &str, columns: &BTreeSet<String>) -> u64 {
    let fields =
        tables.open.get(table).into_iter().flat_map(|table| columns.iter().filter_map(|name| table.field(name)));
    fields.map(|field| width(field.data_type())).sum::<u64>() + ROW
}

fn row_columns(condition: &Condition, columns: &mut BTreeSet<String>) {
    match condition {
        Condition::All(all) => all.all.iter().for_each(|one| row_columns(one, columns)),
        Condition::Any(any) => any.any.iter().for_each(|one| row_columns(one, columns)),
        Condition::Not(not) => row_columns(&not.not, columns),
        Condition::Column(test) => {
            columns.insert(test.column.column.clone());
        }
        Condition::Segment(_) | Condition::Aggregate(_) => {}
    }
}

/// The column of a row's country, where a cleaned column looks at one.
pub(crate) fn country(cleaned: &CleanedColumn) -> Option<&ColumnRef> {
    cleaned.region.as_ref().and_then(|region| region.column.as_ref())
}

/// The stored field of a column.
pub(crate) fn field<'a>(table: &'a OpenTable, column: &ColumnRef) -> Result<&'a arrow::datatypes::Field, EngineError> {
    table.field(&column.column).ok_or_else(|| EngineError::Condition {
        reason: format!("there is no column `{column}`"),
        remedy: consign_model::word::use_nearest(
            &column.column,
            table.schema.columns.iter().map(|column| column.name.as_str()),
        ),
    })
}
