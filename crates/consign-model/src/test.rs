//! Tests: operators with their operands, checked against the type of what is tested and parsed. The engine compiles
//! conditions from these; validation reports what cannot become one.

mod operand;

use chrono::NaiveDate;

pub use operand::parse_date;
use operand::{Reader, unfit};

use crate::condition::{AggregateFunction, Operand, Operator, Span};
use crate::schema::ColumnType;
use crate::word;

/// What is asked of one value. Each is true or false; null satisfies [`Test::IsNull`], [`TextTest::Blank`] and nothing
/// else.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is null.
    IsNull,
    /// It is not null.
    IsNotNull,
    /// Of a text.
    Text(TextTest),
    /// Of a number.
    Number(NumberTest),
    /// Of a date, or of the calendar day of a timestamp in the workspace's time zone.
    Day(DayTest),
    /// It is this truth value.
    Boolean(bool),
}

/// What is asked of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// It is this.
    Is(String),
    /// It is another.
    IsNot(String),
    /// It is one of these, of which there is at least one.
    In(Vec<String>),
    /// It is none of these, of which there is at least one.
    NotIn(Vec<String>),
    /// It contains this.
    Contains(String),
    /// It does not contain this.
    DoesNotContain(String),
    /// It begins with this.
    StartsWith(String),
    /// It ends with this.
    EndsWith(String),
    /// It fits this pattern: `%` is any text, `_` one character, `\` escapes the next.
    Like(String),
    /// Null, or nothing but white space.
    Blank,
    /// Neither.
    NotBlank,
}

/// A number as written in a definition. Never NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i64),
    /// Any other.
    Float(f64),
}

impl Number {
    /// The nearest float.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// What is asked of a number.
#[derive(Debug, Clone, PartialEq)]
pub enum NumberTest {
    /// Equal.
    Is(Number),
    /// Not equal.
    IsNot(Number),
    /// One of these, of which there is at least one.
    In(Vec<Number>),
    /// None of these, of which there is at least one.
    NotIn(Vec<Number>),
    /// Greater than.
    GreaterThan(Number),
    /// Greater than or equal.
    AtLeast(Number),
    /// Less than.
    LessThan(Number),
    /// Less than or equal.
    AtMost(Number),
    /// Between these, both included; the first is not above the second.
    Between(Number, Number),
    /// Below the first or above the second, which is not below the first.
    NotBetween(Number, Number),
    /// Among the highest so many percent of the table's values, ties included; above 0, at most 100.
    TopPercent(f64),
    /// Among the lowest so many percent.
    BottomPercent(f64),
}

/// What is asked of a calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayTest {
    /// That day.
    On(NaiveDate),
    /// An earlier day.
    Before(NaiveDate),
    /// A later day.
    After(NaiveDate),
    /// Between these days, both included; the first is not after the second.
    Between(NaiveDate, NaiveDate),
    /// From the start of the day so long before `as_of` up to `as_of`.
    InLast(Span),
    /// Before the start of the day so long before `as_of`.
    MoreThanAgo(Span),
    /// From `as_of` to the end of the day so long after it.
    InNext(Span),
    /// Its anniversary falls on `as_of`'s day or within so long after it, at most a year.
    AnniversaryInNext(Span),
    /// Its anniversary falls in the calendar month after `as_of`'s.
    AnniversaryInNextMonth,
    /// Its day of the month, 1 to 31.
    DayOfMonth(u32),
    /// Its month, 1 to 12.
    Month(u32),
}

/// Why an operator and an operand make no test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {remedy}")]
pub struct InvalidTest {
    /// Which part is wrong.
    pub part: Part,
    /// What is wrong, as in [`Problem`](crate::problem::Problem).
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// A part of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The operator.
    Operator,
    /// The value.
    Value,
    /// An item of the value's list.
    Item(usize),
    /// The lower end of the value's range.
    From,
    /// The upper end of the value's range.
    To,
    /// The column that an aggregate is taken of.
    Of,
}

fn wrong<T>(part: Part, reason: impl Into<String>, remedy: impl Into<String>) -> Result<T, InvalidTest> {
    Err(InvalidTest { part, reason: reason.into(), remedy: remedy.into() })
}

/// The operators for values of a type, in the order in which they are offered.
pub fn operators(column_type: ColumnType) -> &'static [Operator] {
    use Operator as O;
    match column_type {
        ColumnType::Text => &[
            O::Is,
            O::IsNot,
            O::InList,
            O::NotInList,
            O::Contains,
            O::DoesNotContain,
            O::StartsWith,
            O::EndsWith,
            O::IsLike,
            O::IsBlank,
            O::IsNotBlank,
            O::Exists,
            O::IsNull,
            O::IsNotNull,
        ],
        ColumnType::Number => &[
            O::Is,
            O::IsNot,
            O::GreaterThan,
            O::AtLeast,
            O::LessThan,
            O::AtMost,
            O::Between,
            O::NotBetween,
            O::InList,
            O::NotInList,
            O::TopPercent,
            O::BottomPercent,
            O::IsNull,
            O::IsNotNull,
        ],
        ColumnType::Date | ColumnType::Timestamp => &[
            O::IsOn,
            O::IsBefore,
            O::IsAfter,
            O::Between,
            O::InLast,
            O::MoreThanAgo,
            O::InNext,
            O::AnniversaryInNext,
            O::AnniversaryInNextMonth,
            O::DayIs,
            O::MonthIs,
            O::IsNull,
            O::IsNotNull,
        ],
        ColumnType::Boolean => &[O::IsTrue, O::IsFalse, O::IsNull, O::IsNotNull],
        ColumnType::Other => &[O::IsNull, O::IsNotNull],
    }
}

/// The test that an operator and an operand make of values of a type.
pub fn check_test(column_type: ColumnType, operator: Operator, value: Option<&Operand>) -> Result<Test, InvalidTest> {
    if !operators(column_type).contains(&operator) {
        return wrong(
            Part::Operator,
            format!("`{}` is not an operator for a {}", word::word(&operator), type_name(column_type)),
            format!("choose one of {}", word::list(operators(column_type).iter().map(word::word))),
        );
    }
    let read = Reader { operator, value };
    if let Some(test) = read.without_value() {
        read.nothing()?;
        return Ok(test);
    }
    match column_type {
        ColumnType::Text => read.text().map(Test::Text),
        ColumnType::Number => read.number().map(Test::Number),
        ColumnType::Date | ColumnType::Timestamp => read.day().map(Test::Day),
        ColumnType::Boolean | ColumnType::Other => unfit(operator),
    }
}

/// The test that an aggregate's operator and operand make; `None` for `exists`, which is a test itself. `of` is the type
/// of the column that the aggregate is taken of, where it names one.
pub fn check_aggregate(
    function: AggregateFunction,
    of: Option<ColumnType>,
    operator: Option<Operator>,
    value: Option<&Operand>,
) -> Result<Option<Test>, InvalidTest> {
    let Some(result) = aggregate_type(function, of)? else {
        return match (operator, value) {
            (None, None) => Ok(None),
            (Some(_), _) => {
                wrong(Part::Operator, "`exists` is true or false by itself", "remove `operator` and `value`")
            }
            (None, Some(_)) => wrong(Part::Value, "`exists` is true or false by itself", "remove `value`"),
        };
    };
    let Some(operator) = operator else {
        return wrong(
            Part::Operator,
            format!("`{}` is compared with nothing", word::word(&function)),
            "add `operator` and `value`, such as `operator: at_least` and `value: 2`",
        );
    };
    if matches!(operator, Operator::TopPercent | Operator::BottomPercent) {
        return wrong(
            Part::Operator,
            format!("`{}` ranks the values of a column and not of an aggregate", word::word(&operator)),
            "compare the aggregate with a number, or rank a column of a one-row table that holds it",
        );
    }
    check_test(result, operator, value).map(Some)
}

/// The type of an aggregate's value; `None` for `exists`.
pub fn aggregate_type(function: AggregateFunction, of: Option<ColumnType>) -> Result<Option<ColumnType>, InvalidTest> {
    use AggregateFunction as F;
    let name = word::word(&function);
    match (function, of) {
        (F::Exists, None) => Ok(None),
        (F::Count, None) | (F::Sum | F::Avg, Some(ColumnType::Number)) => Ok(Some(ColumnType::Number)),
        (F::Exists | F::Count, Some(_)) => {
            wrong(Part::Of, format!("`{name}` looks at rows, not at a column"), "remove `of`")
        }
        (_, None) => wrong(Part::Of, format!("`{name}` of what is not said"), "add `of` with a column of the table"),
        (F::Sum | F::Avg, Some(other)) => wrong(
            Part::Of,
            format!("`{name}` is taken of a number and this is a {}", type_name(other)),
            "choose a column of numbers, or `count`, which takes none",
        ),
        (F::Min | F::Max, Some(ColumnType::Number | ColumnType::Date | ColumnType::Timestamp)) => Ok(of),
        (F::Min | F::Max, Some(other)) => wrong(
            Part::Of,
            format!("`{name}` is taken of a number, date or timestamp and this is a {}", type_name(other)),
            "choose a column of numbers or dates",
        ),
    }
}

/// A type as messages say it.
pub fn type_name(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Text => "text",
        ColumnType::Number => "number",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Boolean => "boolean",
        ColumnType::Other => "column of another type (list, struct, binary)",
    }
}

#[cfg(test)]
mod tests;
