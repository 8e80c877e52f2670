//! Conditions: their columns exist, their operators fit, and each stands where the rows it looks at are.

use super::{Known, Validator};
use crate::condition::{AggregateTest, ColumnTest, Condition};
use crate::definition::{ColumnRef, RowsPerCustomer};
use crate::problem::Path;
use crate::schema::ColumnType;
use crate::test::{InvalidTest, Part, check_aggregate, check_test};
use crate::word;

/// The rows that a condition looks at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows<'a> {
    /// One a customer: columns of one-row tables.
    Customers,
    /// Those of a many-rows table.
    Of(&'a str),
}

impl Validator<'_> {
    /// Checks a condition over customers.
    pub(super) fn condition(&mut self, condition: &Condition, path: &Path) {
        self.condition_over(Rows::Customers, condition, path);
    }

    fn condition_over(&mut self, rows: Rows<'_>, condition: &Condition, path: &Path) {
        match (condition, rows) {
            (Condition::All(all), _) => self.conditions(rows, &all.all, &path.field("all")),
            (Condition::Any(any), _) => self.conditions(rows, &any.any, &path.field("any")),
            (Condition::Not(not), _) => self.condition_over(rows, &not.not, &path.field("not")),
            (Condition::Segment(segment), Rows::Customers) => {
                self.segment_exists(&segment.segment, &path.field("segment"));
            }
            (Condition::Segment(segment), Rows::Of(table)) => self.error(
                &path.field("segment"),
                format!("the segment `{}` is about customers and not about rows of `{table}`", segment.segment),
                "move it out of the aggregate, beside it in an `all`",
            ),
            (Condition::Column(test), _) => self.column_test(rows, test, path),
            (Condition::Aggregate(test), Rows::Customers) => self.aggregate_test(test, path),
            (Condition::Aggregate(_), Rows::Of(table)) => self.error(
                &path.field("aggregate"),
                format!("an aggregate stands within an aggregate over `{table}`"),
                "move it out of the aggregate, beside it in an `all`",
            ),
        }
    }

    fn conditions(&mut self, rows: Rows<'_>, conditions: &[Condition], path: &Path) {
        for (i, condition) in conditions.iter().enumerate() {
            self.condition_over(rows, condition, &path.item(i));
        }
    }

    fn column_test(&mut self, rows: Rows<'_>, test: &ColumnTest, path: &Path) {
        let place = path.field("column");
        let column = &test.column;
        match rows {
            Rows::Of(table) if column.table != table => {
                return self.error(
                    &place,
                    format!("`{column}` is not a column of `{table}`, over which the aggregate is taken"),
                    format!("write a column of `{table}`, or move the condition out of the aggregate"),
                );
            }
            Rows::Customers if self.table(&column.table).rows() == Some(RowsPerCustomer::Many) => {
                return self.error(
                    &place,
                    format!("`{}` has many rows a customer, so `{column}` has no one value", column.table),
                    format!(
                        "write `aggregate: exists` with `table: {}` and this condition as its `where`",
                        column.table
                    ),
                );
            }
            _ => {}
        }
        if let Some(column_type) = self.column_type(column, &place)
            && let Err(mut invalid) = check_test(column_type, test.operator, test.value.as_ref())
        {
            if invalid.part == Part::Operator {
                invalid.reason = format!("{}, which `{column}` is", invalid.reason);
            }
            self.invalid_test(invalid, path);
        }
    }

    fn aggregate_test(&mut self, test: &AggregateTest, path: &Path) {
        let place = path.field("table");
        match self.table(&test.table) {
            Known::Missing => self.missing_table(&test.table, &place),
            known if known.rows() == Some(RowsPerCustomer::One) => self.error(
                &place,
                format!("`{}` has one row a customer, and aggregates are taken over many", test.table),
                format!(
                    "test a column of `{}` directly, or declare the table with `rows: many` if it has many",
                    test.table
                ),
            ),
            _ => {}
        }
        if let Some(condition) = &test.condition {
            self.condition_over(Rows::Of(&test.table), condition, &path.field("where"));
        }
        let of = match &test.of {
            None => None,
            Some(of) => match self.column_type(&ColumnRef::new(&test.table, of), &path.field("of")) {
                Some(column_type) => Some(column_type),
                // Whether the comparison fits an unknown type cannot be said.
                None => return,
            },
        };
        if let Err(invalid) = check_aggregate(test.aggregate, of, test.operator, test.value.as_ref()) {
            self.invalid_test(invalid, path);
        }
    }

    /// The type of a column; `None` where it is unknown, which is reported where it is wrong.
    pub(super) fn column_type(&mut self, column: &ColumnRef, path: &Path) -> Option<ColumnType> {
        match self.table(&column.table) {
            Known::Schema(schema) => {
                let found = schema.column(&column.column).map(|column| column.column_type);
                if found.is_none() {
                    self.missing_column(schema, &column.column, path);
                }
                found
            }
            Known::Missing => {
                let names = self.table_names();
                let remedy = match word::nearest(&column.table, names.iter().copied()) {
                    Some(near) => format!("write `{near}.{}`", column.column),
                    None => word::use_nearest(&column.table, names.iter().copied()),
                };
                self.error(path, format!("there is no table `{}`", column.table), remedy);
                None
            }
            Known::Declared(_) | Known::Perhaps => None,
        }
    }

    fn invalid_test(&mut self, invalid: InvalidTest, path: &Path) {
        let value = path.field("value");
        let place = match invalid.part {
            Part::Operator => path.field("operator"),
            Part::Value => value,
            Part::Item(i) => value.item(i),
            Part::From => value.field("from"),
            Part::To => value.field("to"),
            Part::Of => path.field("of"),
        };
        self.error(&place, invalid.reason, invalid.remedy);
    }
}
