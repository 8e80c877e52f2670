//! The frame of a plan: one row a customer with everything that its conditions and columns need.

use std::sync::Arc;

use arrow::datatypes::DataType;
use consign_model::condition::{AggregateFunction, AggregateTest};
use consign_model::definition::ColumnRef;
use consign_model::id::Slug;
use consign_model::plan::CleanedColumn;
use consign_model::snapshot;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::functions::core::expr_fn::{coalesce, named_struct};
use datafusion::functions_aggregate::expr_fn::{array_agg, count, max, min, sum};
use datafusion::logical_expr::{Expr, ExprFunctionExt, JoinType, LogicalPlanBuilder, cast, lit};

use crate::compile::{Compiler, Names, named};
use crate::error::EngineError;
use crate::functions::clean;
use crate::needs::{Aggregate, MappedRows, Needs, country, field};
use crate::parts::Part;
use crate::source::types::{key, read, read_type};
use crate::tables::{OpenTable, Tables};
use crate::view::View;

/// Float sums are taken in steps of 10^-12, so that they do not depend on the order of the rows and 0.1 + 0.2 is 0.3.
const FLOAT_SUM: DataType = DataType::Decimal128(38, 12);

/// Sums of whole numbers, which never overflow.
const WHOLE_SUM: DataType = DataType::Decimal128(38, 0);

/// A cleaned column of the frame. `value` is only taken where `kept` says so.
pub(crate) fn cleaned(column: &CleanedColumn, keep: impl Fn(Expr) -> Expr, this_year: i32) -> Expr {
    let value = cast(keep(named(column.column.to_string())), DataType::Utf8View);
    let country = country(column).map(|country| cast(named(country.to_string()), DataType::Utf8View));
    clean(column, value, country, this_year)
}

/// One row a customer, with everything that is needed under these names: columns of one-row tables as `Table.column`,
/// mapped rows as in the snapshot (still in any order), aggregates and SQL segments as [`Names`] says.
pub(crate) struct Frame<'a> {
    pub tables: &'a Tables,
    pub customer_table: &'a str,
    pub needs: &'a Needs,
    pub compiler: Compiler<'a>,
    pub view: &'a View,
    pub part: &'a Part,
    /// Only this customer.
    pub only: Option<&'a str>,
}

impl Frame<'_> {
    /// The plan of the frame.
    pub fn plan(&self) -> Result<LogicalPlanBuilder, EngineError> {
        let customers = self.customer_table;
        let mut plan = self.one_row(customers, snapshot::CUSTOMER_KEY)?;
        for table in self.needs.columns.keys().filter(|table| *table != customers) {
            plan = self.left_join(plan, self.one_row(table, &key_of(table))?, &key_of(table))?;
        }
        for table in self.needs.many() {
            plan = self.left_join(plan, self.many_rows(table)?, &key_of(table))?;
        }
        for segment in &self.needs.segments {
            let name = segment_name(segment);
            let keys = self.part.segments.get(segment).map(Arc::clone).ok_or_else(|| EngineError::Condition {
                reason: format!("there is no SQL segment `{segment}` in the plan"),
                remedy: "name a segment of the workspace".into(),
            })?;
            let keys = LogicalPlanBuilder::scan(name.clone(), provider_as_source(keys), None)
                .and_then(|keys| keys.project([named(snapshot::CUSTOMER_KEY).alias(&name)]))
                .map_err(|error| self.view.error(error))?;
            plan = self.left_join(plan, keys, &name)?;
        }
        Ok(plan)
    }

    /// Joins a table to the customers on their left. Hash joins hold the side that comes first in the plan: the table,
    /// while the customers stream by.
    fn left_join(
        &self,
        customers: LogicalPlanBuilder,
        table: LogicalPlanBuilder,
        key: &str,
    ) -> Result<LogicalPlanBuilder, EngineError> {
        let on = (vec![Column::from_name(key)], vec![Column::from_name(snapshot::CUSTOMER_KEY)]);
        let joined = customers.build().and_then(|customers| table.join(customers, JoinType::Right, on, None));
        joined.map_err(|error| self.view.error(error))
    }

    /// The rows of a table that have a customer key.
    fn scan(&self, table: &OpenTable) -> Result<LogicalPlanBuilder, EngineError> {
        let name = &table.schema.name;
        let provider = self.part.tables.get(name).map(Arc::clone).ok_or_else(|| EngineError::Table {
            table: name.clone(),
            reason: "it was not made ready".into(),
            remedy: "report this".into(),
        })?;
        let key = key(table.key()?);
        let mut has_key = key.clone().is_not_null().and(key.clone().not_eq(text("")));
        if let Some(only) = self.only {
            has_key = has_key.and(key.eq(text(only)));
        }
        LogicalPlanBuilder::scan(
            datafusion::common::TableReference::bare(name.clone()),
            provider_as_source(provider),
            None,
        )
        .and_then(|plan| plan.filter(has_key))
        .map_err(|error| self.view.error(error))
    }

    fn one_row(&self, name: &str, key_name: &str) -> Result<LogicalPlanBuilder, EngineError> {
        let table = self.tables.table(name)?;
        let mut columns = vec![key(table.key()?).alias(key_name)];
        for column in self.needs.columns.get(name).into_iter().flatten() {
            let column = ColumnRef::new(name, column);
            columns.push(read(field(table, &column)?).alias(column.to_string()));
        }
        self.scan(table)?.project(columns).map_err(|error| self.view.error(error))
    }

    fn many_rows(&self, name: &str) -> Result<LogicalPlanBuilder, EngineError> {
        let table = self.tables.table(name)?;
        let read_columns = self.needs.tables(self.customer_table).remove(name).unwrap_or_default();
        let mut columns = vec![key(table.key()?).alias(key_of(name))];
        for column in &read_columns {
            let column = ColumnRef::new(name, column);
            columns.push(read(field(table, &column)?).alias(column.to_string()));
        }
        let names = RowNames { table };
        let mut looked_at = Vec::new();
        let mut aggregates = Vec::new();
        for (i, aggregate) in self.needs.aggregates.get(name).into_iter().flatten().enumerate() {
            let condition = aggregate.condition.as_ref();
            let filter = condition.map(|condition| self.compiler.condition(condition, &names)).transpose()?;
            aggregates.extend(self.aggregate(table, aggregate, filter.as_ref(), &aggregate_name(name, i))?);
            looked_at.push(filter);
        }
        let mapped = self.needs.rows.get(name);
        if let Some(rows) = mapped {
            aggregates.push(array_agg(self.row(name, rows)).alias(snapshot::rows(name)));
        }
        let error = |error| self.view.error(error);
        let mut plan = self.scan(table)?.project(columns).map_err(error)?;
        // Rows that no aggregate looks at are left out before they are grouped.
        let looked_at: Option<Vec<Expr>> = looked_at.into_iter().collect();
        if let (None, Some(filters)) = (mapped, looked_at)
            && let Some(any) = filters.into_iter().reduce(Expr::or)
        {
            plan = plan.filter(any).map_err(error)?;
        }
        plan.aggregate([named(key_of(name))], aggregates).map_err(error)
    }

    fn row(&self, table: &str, rows: &MappedRows) -> Expr {
        let mut fields = Vec::new();
        for column in &rows.raw {
            let name = ColumnRef::new(table, column).to_string();
            fields.extend([lit(name.clone()), named(name)]);
        }
        let this_year = self.compiler.moment.this_year();
        for column in &rows.cleaned {
            fields.extend([lit(column.snapshot_name()), cleaned(column, |value| value, this_year)]);
        }
        named_struct(fields)
    }

    /// The aggregate under its name; of an average its sum, and its count beside it.
    fn aggregate(
        &self,
        table: &OpenTable,
        aggregate: &Aggregate,
        filter: Option<&Expr>,
        name: &str,
    ) -> Result<Vec<Expr>, EngineError> {
        let filtered = |expr: Expr, name: String| match filter {
            None => Ok(expr.alias(name)),
            Some(filter) => {
                let filtered = expr.filter(filter.clone()).build();
                filtered.map(|expr| expr.alias(name)).map_err(|error| self.view.error(error))
            }
        };
        let rows = |name: &str| filtered(count(lit(1_i64)), name.to_owned());
        let Some(of) = &aggregate.of else { return Ok(vec![rows(name)?]) };
        let of = ColumnRef::new(&table.schema.name, of);
        let stored = field(table, &of)?.data_type();
        let value = named(of.to_string());
        let total = || sum(cast_for_sum(value.clone(), stored));
        Ok(vec![match aggregate.function {
            AggregateFunction::Min => filtered(min(value), name.to_owned())?,
            AggregateFunction::Max => filtered(max(value), name.to_owned())?,
            AggregateFunction::Sum => filtered(total(), name.to_owned())?,
            AggregateFunction::Avg => {
                return Ok(vec![
                    filtered(total(), name.to_owned())?,
                    filtered(count(value.clone()), count_beside(name))?,
                ]);
            }
            AggregateFunction::Exists | AggregateFunction::Count => rows(name)?,
        }])
    }
}

fn cast_for_sum(value: Expr, stored: &DataType) -> Expr {
    match stored {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => cast(value, FLOAT_SUM),
        other if other.is_integer() => cast(value, WHOLE_SUM),
        _ => value,
    }
}

/// The type of a sum of such values.
fn sum_type(stored: &DataType) -> DataType {
    match stored {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => FLOAT_SUM,
        other if other.is_integer() => WHOLE_SUM,
        DataType::Decimal128(precision, scale) => DataType::Decimal128((precision + 10).min(38), *scale),
        other => other.clone(),
    }
}

impl Names for Frame<'_> {
    fn column(&self, column: &ColumnRef) -> Option<(Expr, DataType)> {
        let field = self.tables.open.get(&column.table)?.field(&column.column)?;
        Some((named(column.to_string()), read_type(field.data_type())))
    }

    fn aggregate(&self, test: &AggregateTest) -> Option<(Expr, DataType)> {
        let aggregate = Aggregate::from(test);
        let i = self.needs.aggregates.get(&test.table)?.iter().position(|one| *one == aggregate)?;
        let name = aggregate_name(&test.table, i);
        let column = named(name.clone());
        let Some(of) = &test.of else { return Some((coalesce(vec![column, lit(0_i64)]), DataType::Int64)) };
        let stored = self.tables.open.get(&test.table)?.field(of)?.data_type();
        let data_type = match test.aggregate {
            AggregateFunction::Sum => sum_type(stored),
            AggregateFunction::Avg => {
                let float = |expr| cast(expr, DataType::Float64);
                return Some((float(column) / float(named(count_beside(&name))), DataType::Float64));
            }
            _ => read_type(stored),
        };
        Some((column, data_type))
    }

    fn segment(&self, segment: &Slug) -> Option<Expr> {
        self.needs.segments.contains(segment).then(|| named(segment_name(segment)).is_not_null())
    }
}

/// Names within an aggregate: columns of its table.
struct RowNames<'a> {
    table: &'a OpenTable,
}

impl Names for RowNames<'_> {
    fn column(&self, column: &ColumnRef) -> Option<(Expr, DataType)> {
        let field = self.table.field(&column.column).filter(|_| column.table == self.table.schema.name)?;
        Some((named(column.to_string()), read_type(field.data_type())))
    }

    fn aggregate(&self, _: &AggregateTest) -> Option<(Expr, DataType)> {
        None
    }

    fn segment(&self, _: &Slug) -> Option<Expr> {
        None
    }
}

fn key_of(table: &str) -> String {
    format!("#key.{table}")
}

fn aggregate_name(table: &str, i: usize) -> String {
    format!("#aggregate.{table}.{i}")
}

/// The count that makes an average of a sum.
fn count_beside(aggregate: &str) -> String {
    format!("{aggregate}.count")
}

fn segment_name(segment: &Slug) -> String {
    format!("#segment.{segment}")
}

/// A literal text.
pub(crate) fn text(text: &str) -> Expr {
    Expr::Literal(datafusion::scalar::ScalarValue::Utf8View(Some(text.to_owned())), None)
}
