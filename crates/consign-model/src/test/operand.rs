//! Operands read as what their operator compares with.

use chrono::NaiveDate;

use super::{DayTest, InvalidTest, Number, NumberTest, Part, Test, TextTest, wrong};
use crate::condition::{Operand, Operator, Range, Scalar, Span};
use crate::word;

/// The operator is not one for the type, which is checked first.
pub(super) fn unfit<T>(operator: Operator) -> Result<T, InvalidTest> {
    wrong(Part::Operator, format!("`{}` does not fit the type", word::word(&operator)), "choose another operator")
}

/// Longest span in days: a hundred years.
const MAX_DAYS: u32 = 36_525;

/// Reads the operand of one operator.
pub(super) struct Reader<'a> {
    pub operator: Operator,
    pub value: Option<&'a Operand>,
}

impl Reader<'_> {
    pub fn without_value(&self) -> Option<Test> {
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

    pub fn text(&self) -> Result<TextTest, InvalidTest> {
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

    pub fn number(&self) -> Result<NumberTest, InvalidTest> {
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

    pub fn day(&self) -> Result<DayTest, InvalidTest> {
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

    pub fn nothing(&self) -> Result<(), InvalidTest> {
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
