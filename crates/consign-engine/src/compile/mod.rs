//! Conditions to expressions. Every expression of a condition is true or false and never null: a leaf is wrapped in
//! `IS TRUE`, and the tree above it only joins what is not null.

mod day;
mod number;
mod text;

use arrow::datatypes::DataType;
use consign_model::condition::{AggregateFunction, AggregateTest, ColumnTest, Condition, Operand, Operator};
use consign_model::definition::ColumnRef;
use consign_model::id::Slug;
use consign_model::schema::ColumnType;
use consign_model::test::{InvalidTest, NumberTest, Test, check_aggregate, check_test};
use datafusion::common::Column;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator as Operation, lit};

use crate::error::EngineError;
use crate::moment::Moment;
use crate::rank::Ranks;
use crate::source::types::column_type;

/// What a condition's names stand for.
pub(crate) trait Names {
    /// The column of the plan that holds a column of a table, and its type as read.
    fn column(&self, column: &ColumnRef) -> Option<(Expr, DataType)>;
    /// The column of the plan that holds an aggregate, and its type. Count is never null.
    fn aggregate(&self, test: &AggregateTest) -> Option<(Expr, DataType)>;
    /// Whether the customer is in a SQL segment; never null.
    fn segment(&self, segment: &Slug) -> Option<Expr>;
}

/// Compiles conditions of one moment.
#[derive(Clone, Copy)]
pub(crate) struct Compiler<'a> {
    pub moment: Moment,
    pub ranks: &'a Ranks,
}

impl Compiler<'_> {
    /// The expression of a condition: true or false.
    pub fn condition(&self, condition: &Condition, names: &dyn Names) -> Result<Expr, EngineError> {
        match condition {
            Condition::All(all) => self.joined(&all.all, names, Expr::and, true),
            Condition::Any(any) => self.joined(&any.any, names, Expr::or, false),
            Condition::Not(not) => Ok(Expr::Not(Box::new(self.condition(&not.not, names)?))),
            Condition::Column(test) => self.column_test(test, names),
            Condition::Aggregate(test) => self.aggregate_test(test, names),
            Condition::Segment(segment) => names.segment(&segment.segment).ok_or_else(|| EngineError::Condition {
                reason: format!("there is no SQL segment `{}` in the plan", segment.segment),
                remedy: "name a segment of the workspace".into(),
            }),
        }
    }

    /// Whether any of the conditions holds; false for none.
    pub fn any(&self, conditions: &[Condition], names: &dyn Names) -> Result<Expr, EngineError> {
        self.joined(conditions, names, Expr::or, false)
    }

    fn joined(
        &self,
        conditions: &[Condition],
        names: &dyn Names,
        join: fn(Expr, Expr) -> Expr,
        of_none: bool,
    ) -> Result<Expr, EngineError> {
        let parts = conditions.iter().map(|one| self.condition(one, names)).collect::<Result<Vec<_>, _>>()?;
        Ok(parts.into_iter().reduce(join).unwrap_or_else(|| lit(of_none)))
    }

    fn column_test(&self, test: &ColumnTest, names: &dyn Names) -> Result<Expr, EngineError> {
        let (value, data_type) = names.column(&test.column).ok_or_else(|| missing(&test.column))?;
        let checked = checked_column(column_type(&data_type), test.operator, test.value.as_ref())?;
        if let Test::Number(ranked @ (NumberTest::TopPercent(_) | NumberTest::BottomPercent(_))) = &checked {
            let threshold = self.ranks.threshold(&test.column, ranked);
            return Ok(number::ranked(value, ranked, threshold));
        }
        Ok(self.test(value, &data_type, &checked))
    }

    fn aggregate_test(&self, test: &AggregateTest, names: &dyn Names) -> Result<Expr, EngineError> {
        let (value, data_type) = names.aggregate(test).ok_or_else(|| EngineError::Condition {
            reason: format!("there is no table `{}`", test.table),
            remedy: "name a table of a source".into(),
        })?;
        let of = test.of.as_ref().map(|_| column_type(&data_type));
        match check_aggregate(test.aggregate, of, test.operator, test.value.as_ref()).map_err(invalid)? {
            None => Ok(value.gt(lit(0_i64))),
            Some(checked) => Ok(self.test(value, &data_type, &checked)),
        }
    }

    /// The expression of a test of a value: true or false.
    fn test(&self, value: Expr, data_type: &DataType, test: &Test) -> Expr {
        match test {
            Test::IsNull => value.is_null(),
            Test::IsNotNull => value.is_not_null(),
            Test::Boolean(true) => value.is_true(),
            Test::Boolean(false) => value.is_false(),
            Test::Text(test) => text::test(value, test),
            Test::Number(test) => number::test(&value, data_type, test).is_true(),
            Test::Day(test) => day::test(value, data_type, *test, self.moment).is_true(),
        }
    }
}

/// A condition's expression as a filter, for which null is as good as false. Without `IS TRUE` around its leaves the
/// optimiser sees which of them a customer without a row fails, and filters where it scans.
pub(crate) fn filter(condition: Expr) -> Expr {
    match condition {
        Expr::IsTrue(test) => *test,
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operation::And | Operation::Or), right }) => {
            Expr::BinaryExpr(BinaryExpr::new(Box::new(filter(*left)), op, Box::new(filter(*right))))
        }
        other => other,
    }
}

fn missing(column: &ColumnRef) -> EngineError {
    EngineError::Condition {
        reason: format!("there is no column `{column}`"),
        remedy: "name a column of a table that can be opened".into(),
    }
}

pub(crate) fn invalid(invalid: InvalidTest) -> EngineError {
    EngineError::Condition { reason: invalid.reason, remedy: invalid.remedy }
}

/// The test that an operator and an operand make of a column of that type.
pub(crate) fn checked_column(
    column_type: ColumnType,
    operator: Operator,
    value: Option<&Operand>,
) -> Result<Test, EngineError> {
    check_test(column_type, operator, value).map_err(invalid)
}

/// Whether an aggregate counts rows, so that over none it is 0 and not null.
pub(crate) fn counts(function: AggregateFunction) -> bool {
    matches!(function, AggregateFunction::Exists | AggregateFunction::Count)
}

/// A column of a plan by its name, taken as it is: neither split at dots nor lower-cased.
pub(crate) fn named(name: impl Into<String>) -> Expr {
    Expr::Column(Column::from_name(name))
}
