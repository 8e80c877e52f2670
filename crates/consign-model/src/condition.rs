//! Conditions: a tree over `(column, operator, value)`. A condition is true or false, never unknown (design,
//! "Conditions").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::ColumnRef;
use crate::id::Slug;

/// A tree of conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Condition {
    /// True when every one of them is. An empty list is true.
    All(All),
    /// True when at least one of them is. An empty list is false.
    Any(Any),
    /// True when it is not.
    Not(Not),
    /// True for the customers of a saved segment.
    Segment(InSegment),
    /// A column compared with a value.
    Column(ColumnTest),
    /// An aggregate over a many-rows table compared with a value.
    Aggregate(Box<AggregateTest>),
}

/// True when every one of them is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct All {
    /// The conditions.
    pub all: Vec<Condition>,
}

/// True when at least one of them is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Any {
    /// The conditions.
    pub any: Vec<Condition>,
}

/// True when it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Not {
    /// The condition.
    pub not: Box<Condition>,
}

/// True for the customers of a saved segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InSegment {
    /// The segment's id.
    pub segment: Slug,
}

/// A column of a one-row table (or, inside an aggregate's `where`, of the aggregate's table) compared with a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnTest {
    /// `Table.column`.
    pub column: ColumnRef,
    /// How they are compared; which operators there are depends on the column's type.
    pub operator: Operator,
    /// What it is compared with; which shape it has depends on the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Operand>,
}

/// An aggregate over the rows of a many-rows table that satisfy `where`, compared with a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateTest {
    /// The function.
    pub aggregate: AggregateFunction,
    /// The many-rows table.
    pub table: String,
    /// The column that `sum`, `min`, `max` and `avg` are taken of; none for `exists` and `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Which rows count; all without it. Its columns are of `table`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// How the aggregate is compared; none for `exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Operand>,
}

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AggregateFunction {
    /// Whether there is a row.
    Exists,
    /// The number of rows; 0 over none.
    Count,
    /// The sum; null over no rows.
    Sum,
    /// The smallest value; null over no rows.
    Min,
    /// The largest value; null over no rows.
    Max,
    /// The mean; null over no rows.
    Avg,
}

/// How a column is compared with a value. The comment names the types it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Text, number: equal.
    Is,
    /// Text, number: not equal, and not null.
    IsNot,
    /// Text, number: one of a list.
    InList,
    /// Text, number: none of a list, and not null.
    NotInList,
    /// Text.
    Contains,
    /// Text.
    DoesNotContain,
    /// Text.
    StartsWith,
    /// Text.
    EndsWith,
    /// Text: a pattern where `%` stands for any text, `_` for one character, `\` escapes.
    IsLike,
    /// Text: null, or nothing but white space.
    IsBlank,
    /// Text: neither.
    IsNotBlank,
    /// Text: not null.
    Exists,
    /// Number.
    GreaterThan,
    /// Number.
    AtLeast,
    /// Number.
    LessThan,
    /// Number.
    AtMost,
    /// Number, date, timestamp: both ends included.
    Between,
    /// Number: outside both ends, and not null.
    NotBetween,
    /// Number: among the highest N % of all values of the table, ties included.
    TopPercent,
    /// Number: among the lowest N %, ties included.
    BottomPercent,
    /// Date, timestamp: on that calendar day.
    IsOn,
    /// Date, timestamp: on an earlier calendar day.
    IsBefore,
    /// Date, timestamp: on a later calendar day.
    IsAfter,
    /// Date, timestamp: from the start of the day N days (weeks, months) before `as_of` up to `as_of`.
    InLast,
    /// Date, timestamp: before the start of the day N days (weeks, months) before `as_of`.
    MoreThanAgo,
    /// Date, timestamp: from `as_of` to the end of the day N days (weeks, months) after it.
    InNext,
    /// Date, timestamp: its anniversary falls on `as_of`'s day or within the next N days (weeks, months).
    AnniversaryInNext,
    /// Date, timestamp: its anniversary falls in the calendar month after `as_of`'s.
    AnniversaryInNextMonth,
    /// Date, timestamp: its day of the month is that number.
    DayIs,
    /// Date, timestamp: its month is that number, 1 to 12.
    MonthIs,
    /// Boolean.
    IsTrue,
    /// Boolean.
    IsFalse,
    /// Any type.
    IsNull,
    /// Any type.
    IsNotNull,
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Operand {
    /// A length of time, for `in_last` and its like: `{ days: 90 }`.
    Span(Span),
    /// Several values, for `in_list`. Before the range, which a list of two would fit as well.
    List(Vec<Scalar>),
    /// Two ends, for `between`: `{ from: 1, to: 5 }`.
    Range(Range),
    /// One value.
    One(Scalar),
}

/// One value. Dates are ISO text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// Two ends, both included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The lower end.
    pub from: Scalar,
    /// The upper end.
    pub to: Scalar,
}

/// A length of time in calendar units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Calendar days.
    Days(u32),
    /// Seven calendar days each.
    Weeks(u32),
    /// Calendar months; a day that a month lacks becomes its last.
    Months(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_two_values_is_no_range() {
        let operand: Operand = serde_json::from_str("[1, 2]").unwrap();
        assert_eq!(operand, Operand::List(vec![Scalar::Integer(1), Scalar::Integer(2)]));
        let operand: Operand = serde_json::from_str(r#"{ "from": 1, "to": 2 }"#).unwrap();
        assert!(matches!(operand, Operand::Range(_)));
    }
}
