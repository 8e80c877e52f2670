//! Tests: operators with their operands, checked against the type of what is tested and parsed. The engine compiles
//! conditions from these; validation reports what cannot become one.

use chrono::NaiveDate;

use crate::condition::{AggregateFunction, Operand, Operator, Range, Scalar, Span};
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
        (F::Count, None) => Ok(Some(ColumnType::Number)),
        (F::Exists | F::Count, Some(_)) => {
            wrong(Part::Of, format!("`{name}` looks at rows, not at a column"), "remove `of`")
        }
        (_, None) => wrong(Part::Of, format!("`{name}` of what is not said"), "add `of` with a column of the table"),
        (F::Sum | F::Avg, Some(ColumnType::Number)) => Ok(Some(ColumnType::Number)),
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

fn unfit<T>(operator: Operator) -> Result<T, InvalidTest> {
    wrong(Part::Operator, format!("`{}` does not fit the type", word::word(&operator)), "choose another operator")
}

/// Longest span in days: a hundred years.
const MAX_DAYS: u32 = 36_525;

/// Reads the operand of one operator.
struct Reader<'a> {
    operator: Operator,
    value: Option<&'a Operand>,
}

impl Reader<'_> {
    fn without_value(&self) -> Option<Test> {
        Some(match self.operator {
            Operator::IsNull => Test::IsNull,
            Operator::IsNotNull | Operator::Exists => Test::IsNotNull,
            Operator::IsTrue => Test::Boolean(true),
            Operator::IsFalse => Test::Boolean(false),
            Operator::IsBlank => Test::Text(TextTest::Blank),
            Operator::IsNotBlank => Test::Text(TextTest::NotBlank),
            Operator::AnniversaryInNextMonth => Test::Day(DayTest::AnniversaryInNextMonth),
            _ => return None,
        })
    }

    fn text(&self) -> Result<TextTest, InvalidTest> {
        let one = || self.one("a text").and_then(|value| text(Part::Value, value));
        let part = || match one()? {
            empty if empty.is_empty() => wrong(
                Part::Value,
                format!("every text fits `{}` with an empty text", self.word()),
                "write the text to look for, or use `is_not_null`",
            ),
            some => Ok(some),
        };
        Ok(match self.operator {
            Operator::Is => TextTest::Is(one()?),
            Operator::IsNot => TextTest::IsNot(one()?),
            Operator::InList => TextTest::In(self.items(text)?),
            Operator::NotInList => TextTest::NotIn(self.items(text)?),
            Operator::Contains => TextTest::Contains(part()?),
            Operator::DoesNotContain => TextTest::DoesNotContain(part()?),
            Operator::StartsWith => TextTest::StartsWith(part()?),
            Operator::EndsWith => TextTest::EndsWith(part()?),
            Operator::IsLike => TextTest::Like(pattern(one()?)?),
            _ => return unfit(self.operator),
        })
    }

    fn number(&self) -> Result<NumberTest, InvalidTest> {
        let one = || self.one("a number").and_then(|value| number(Part::Value, value));
        let percent = || match one()?.as_f64() {
            percent if percent > 0.0 && percent <= 100.0 => Ok(percent),
            percent => wrong(
                Part::Value,
                format!("{percent} is not a percentage above 0 and up to 100"),
                "write a number such as `10`",
            ),
        };
        Ok(match self.operator {
            Operator::Is => NumberTest::Is(one()?),
            Operator::IsNot => NumberTest::IsNot(one()?),
            Operator::InList => NumberTest::In(self.items(number)?),
            Operator::NotInList => NumberTest::NotIn(self.items(number)?),
            Operator::GreaterThan => NumberTest::GreaterThan(one()?),
            Operator::AtLeast => NumberTest::AtLeast(one()?),
            Operator::LessThan => NumberTest::LessThan(one()?),
            Operator::AtMost => NumberTest::AtMost(one()?),
            Operator::TopPercent => NumberTest::TopPercent(percent()?),
            Operator::BottomPercent => NumberTest::BottomPercent(percent()?),
            Operator::Between | Operator::NotBetween => {
                let (from, to) = self.ends("{ from: 1, to: 5 }", number)?;
                if from.as_f64() > to.as_f64() {
                    return swapped();
                }
                match self.operator {
                    Operator::Between => NumberTest::Between(from, to),
                    _ => NumberTest::NotBetween(from, to),
                }
            }
            _ => return unfit(self.operator),
        })
    }

    fn day(&self) -> Result<DayTest, InvalidTest> {
        let one = || self.one("an ISO date").and_then(|value| date(Part::Value, value));
        Ok(match self.operator {
            Operator::IsOn => DayTest::On(one()?),
            Operator::IsBefore => DayTest::Before(one()?),
            Operator::IsAfter => DayTest::After(one()?),
            Operator::Between => {
                let (from, to) = self.ends("{ from: 2026-01-01, to: 2026-03-31 }", date)?;
                if from > to {
                    return swapped();
                }
                DayTest::Between(from, to)
            }
            Operator::InLast => DayTest::InLast(self.span(MAX_DAYS, "a hundred years")?),
            Operator::MoreThanAgo => DayTest::MoreThanAgo(self.span(MAX_DAYS, "a hundred years")?),
            Operator::InNext => DayTest::InNext(self.span(MAX_DAYS, "a hundred years")?),
            Operator::AnniversaryInNext => DayTest::AnniversaryInNext(self.span(366, "a year")?),
            Operator::DayIs => DayTest::DayOfMonth(self.whole(31, "a day of the month")?),
            Operator::MonthIs => DayTest::Month(self.whole(12, "a month")?),
            _ => return unfit(self.operator),
        })
    }

    fn word(&self) -> String {
        word::word(&self.operator)
    }

    fn nothing(&self) -> Result<(), InvalidTest> {
        match self.value {
            None => Ok(()),
            Some(_) => wrong(Part::Value, format!("`{}` takes no value", self.word()), "remove `value`"),
        }
    }

    fn some(&self, what: &str) -> Result<&Operand, InvalidTest> {
        match self.value {
            Some(value) => Ok(value),
            None => wrong(Part::Value, format!("`{}` needs a value", self.word()), format!("add `value` with {what}")),
        }
    }

    fn one(&self, what: &str) -> Result<&Scalar, InvalidTest> {
        match self.some(what)? {
            Operand::One(value) => Ok(value),
            other => self.misshapen(other, what),
        }
    }

    fn items<T>(&self, read: fn(Part, &Scalar) -> Result<T, InvalidTest>) -> Result<Vec<T>, InvalidTest> {
        match self.some("a list")? {
            Operand::List(items) if items.is_empty() => {
                wrong(Part::Value, "the list is empty", "write at least one value, such as `[a, b]`")
            }
            Operand::List(items) => items.iter().enumerate().map(|(i, item)| read(Part::Item(i), item)).collect(),
            other => self.misshapen(other, "a list, such as `[a, b]`"),
        }
    }

    fn ends<T>(&self, example: &str, read: fn(Part, &Scalar) -> Result<T, InvalidTest>) -> Result<(T, T), InvalidTest> {
        let what = format!("two ends, such as `{example}`");
        match self.some(&what)? {
            Operand::Range(Range { from, to }) => Ok((read(Part::From, from)?, read(Part::To, to)?)),
            other => self.misshapen(other, &what),
        }
    }

    fn span(&self, max_days: u32, longest: &str) -> Result<Span, InvalidTest> {
        let what = "a length of time, such as `{ days: 90 }`";
        match self.some(what)? {
            Operand::Span(span) => {
                let days = match span {
                    Span::Days(days) => u64::from(*days),
                    Span::Weeks(weeks) => u64::from(*weeks) * 7,
                    Span::Months(months) => u64::from(*months) * 30,
                };
                if days > u64::from(max_days) {
                    return wrong(Part::Value, format!("the length of time exceeds {longest}"), "write a shorter one");
                }
                Ok(*span)
            }
            other => self.misshapen(other, what),
        }
    }

    fn whole(&self, max: u32, what: &str) -> Result<u32, InvalidTest> {
        match self.one(what)? {
            Scalar::Integer(number) if (1..=i64::from(max)).contains(number) => {
                Ok(u32::try_from(*number).unwrap_or(max))
            }
            _ => wrong(Part::Value, format!("the value is not {what}"), format!("write a number from 1 to {max}")),
        }
    }

    fn misshapen<T>(&self, value: &Operand, what: &str) -> Result<T, InvalidTest> {
        let shape = match value {
            Operand::Span(_) => "a length of time",
            Operand::Range(_) => "two ends",
            Operand::List(_) => "a list",
            Operand::One(_) => "one value",
        };
        wrong(Part::Value, format!("`{}` does not take {shape}", self.word()), format!("write {what}"))
    }
}

fn swapped<T>() -> Result<T, InvalidTest> {
    wrong(Part::Value, "`from` is above `to`, so nothing is between them", "swap them")
}

fn text(part: Part, value: &Scalar) -> Result<String, InvalidTest> {
    let number = match value {
        Scalar::Text(text) => return Ok(text.clone()),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
    };
    wrong(
        part,
        "the column is text and this is a number",
        format!("put it in quotes, `'{number}'`, with its leading zeros if it has any"),
    )
}

fn number(part: Part, value: &Scalar) -> Result<Number, InvalidTest> {
    match value {
        Scalar::Integer(number) => Ok(Number::Integer(*number)),
        Scalar::Number(number) if number.is_finite() => Ok(Number::Float(*number)),
        Scalar::Number(_) => wrong(part, "this is not a finite number", "write a number"),
        Scalar::Text(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            wrong(part, "the value is a number and this is text", "remove the quotes")
        }
        Scalar::Text(text) => wrong(part, format!("`{text}` is not a number"), "write a number"),
    }
}

fn date(part: Part, value: &Scalar) -> Result<NaiveDate, InvalidTest> {
    let given = match value {
        Scalar::Text(text) => match parse_date(text) {
            Some(date) => return Ok(date),
            None => text.clone(),
        },
        Scalar::Integer(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
    };
    wrong(part, format!("`{given}` is not a date of the calendar"), "write it as `YYYY-MM-DD`, such as `2026-12-01`")
}

/// A date written `YYYY-MM-DD`, and in no other way.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(i, byte)| if i == 4 || i == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    if shaped { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None }
}

fn pattern(text: String) -> Result<String, InvalidTest> {
    let trailing = text.chars().rev().take_while(|c| *c == '\\').count();
    if trailing % 2 == 1 {
        return wrong(Part::Value, "the pattern ends with an escape of nothing", r"write `\\` for a backslash");
    }
    Ok(text)
}

#[cfg(test)]
#[path = "test_tests.rs"]
mod tests;
