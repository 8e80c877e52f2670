//! A tiny interpreter of conditions, row by row, that shares nothing with the compiler but the reading of operands.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use consign_model::condition::{AggregateFunction, AggregateTest, Condition, Span};
use consign_model::schema::ColumnType;
use consign_model::test::{DayTest, Number, NumberTest, Test, TextTest, check_aggregate, check_test};

/// A value that is not null.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    /// Hundredths.
    Cents(i64),
    Boolean(bool),
    Date(NaiveDate),
    Local(NaiveDateTime),
    Moment(DateTime<Utc>),
}

impl Value {
    fn number(&self) -> f64 {
        match self {
            Self::Integer(number) => *number as f64,
            Self::Float(number) => *number,
            Self::Cents(cents) => *cents as f64 / 100.0,
            other => panic!("{other:?} is no number"),
        }
    }
}

/// Columns by name. NaN is put in as null.
pub type Columns = Vec<(&'static str, ColumnType, Option<Value>)>;

/// What conditions are evaluated over.
pub struct World {
    pub as_of: DateTime<Utc>,
    pub zone: Tz,
    /// Customers, each with its orders.
    pub customers: Vec<(Columns, Vec<Columns>)>,
}

impl World {
    pub fn holds(&self, condition: &Condition, customer: usize) -> bool {
        let (columns, orders) = &self.customers[customer];
        let all_customers = || self.customers.iter().map(|(columns, _)| columns).collect();
        match condition {
            Condition::All(all) => all.all.iter().all(|one| self.holds(one, customer)),
            Condition::Any(any) => any.any.iter().any(|one| self.holds(one, customer)),
            Condition::Not(not) => !self.holds(&not.not, customer),
            Condition::Column(_) => self.column(condition, columns, &all_customers),
            Condition::Aggregate(test) => self.aggregate(test, orders),
            Condition::Segment(_) => panic!("no segments here"),
        }
    }

    fn row(&self, condition: &Condition, row: &Columns) -> bool {
        let all_orders = || self.customers.iter().flat_map(|(_, orders)| orders).collect();
        match condition {
            Condition::All(all) => all.all.iter().all(|one| self.row(one, row)),
            Condition::Any(any) => any.any.iter().any(|one| self.row(one, row)),
            Condition::Not(not) => !self.row(&not.not, row),
            other => self.column(other, row, &all_orders),
        }
    }

    fn column<'a>(&self, condition: &Condition, row: &Columns, all: &dyn Fn() -> Vec<&'a Columns>) -> bool {
        let Condition::Column(test) = condition else { panic!("not a column") };
        let place = row.iter().position(|(name, _, _)| *name == test.column.column).unwrap();
        let (_, column_type, value) = &row[place];
        let checked = check_test(*column_type, test.operator, test.value.as_ref()).unwrap();
        let (percent, top) = match checked {
            Test::Number(NumberTest::TopPercent(percent)) => (percent, true),
            Test::Number(NumberTest::BottomPercent(percent)) => (percent, false),
            other => return self.test(value.as_ref(), &other),
        };
        let Some(value) = value else { return false };
        let mut values: Vec<f64> = all().iter().filter_map(|row| row[place].2.as_ref()).map(Value::number).collect();
        values.sort_by(f64::total_cmp);
        if top {
            values.reverse();
        }
        let number = (values.len() as f64 * percent / 100.0).ceil() as usize;
        let threshold = values[number - 1];
        if top { value.number() >= threshold } else { value.number() <= threshold }
    }

    fn aggregate(&self, test: &AggregateTest, orders: &[Columns]) -> bool {
        let rows: Vec<&Columns> =
            orders.iter().filter(|row| test.condition.as_ref().is_none_or(|one| self.row(one, row))).collect();
        let of = |row: &Columns| {
            let name = test.of.as_deref().unwrap();
            row.iter().find(|(column, _, _)| *column == name).unwrap().clone()
        };
        let of_type = test.of.as_ref().map(|name| match name.as_str() {
            "day" => ColumnType::Date,
            _ => ColumnType::Number,
        });
        let values: Vec<Value> = match test.of {
            None => Vec::new(),
            Some(_) => rows.iter().filter_map(|row| of(row).2).collect(),
        };
        let cents = || {
            values
                .iter()
                .map(|value| if let Value::Cents(cents) = value { *cents } else { panic!("cents") })
                .sum::<i64>()
        };
        let by = |a: &Value, b: &Value| match (a, b) {
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            _ => a.number().total_cmp(&b.number()),
        };
        let value = match test.aggregate {
            AggregateFunction::Exists => return !rows.is_empty(),
            AggregateFunction::Count => Some(Value::Integer(rows.len() as i64)),
            _ if values.is_empty() => None,
            AggregateFunction::Sum => Some(Value::Cents(cents())),
            AggregateFunction::Avg => Some(Value::Float(cents() as f64 / 100.0 / values.len() as f64)),
            AggregateFunction::Min => values.iter().cloned().min_by(by),
            AggregateFunction::Max => values.iter().cloned().max_by(by),
        };
        let checked = check_aggregate(test.aggregate, of_type, test.operator, test.value.as_ref()).unwrap().unwrap();
        self.test(value.as_ref(), &checked)
    }

    fn test(&self, value: Option<&Value>, test: &Test) -> bool {
        match (test, value) {
            (Test::IsNull, value) => value.is_none(),
            (Test::Text(TextTest::Blank), None) => true,
            (_, None) => false,
            (Test::IsNotNull, Some(_)) => true,
            (Test::Boolean(wanted), Some(value)) => *value == Value::Boolean(*wanted),
            (Test::Text(test), Some(Value::Text(value))) => text(value, test),
            (Test::Number(test), Some(value)) => number(value.number(), test),
            (Test::Day(test), Some(value)) => self.day(value, *test),
            (test, value) => panic!("{test:?} of {value:?}"),
        }
    }

    fn day(&self, value: &Value, test: DayTest) -> bool {
        let now = self.as_of.with_timezone(&self.zone).naive_local();
        let today = now.date();
        let (day, past, future) = match value {
            Value::Date(day) => (*day, *day <= today, *day >= today),
            Value::Local(local) => (local.date(), *local <= now, *local >= now),
            Value::Moment(moment) => {
                (moment.with_timezone(&self.zone).date_naive(), *moment <= self.as_of, *moment >= self.as_of)
            }
            other => panic!("{other:?} is no day"),
        };
        let before = |span| match span {
            Span::Days(days) => today - Days::new(u64::from(days)),
            Span::Weeks(weeks) => today - Days::new(u64::from(weeks) * 7),
            Span::Months(months) => today - Months::new(months),
        };
        let after = |span| match span {
            Span::Days(days) => today + Days::new(u64::from(days)),
            Span::Weeks(weeks) => today + Days::new(u64::from(weeks) * 7),
            Span::Months(months) => today + Months::new(months),
        };
        let celebrated = |on: NaiveDate| {
            (on.month(), on.day()) == (day.month(), day.day())
                || ((day.month(), day.day()) == (2, 29) && (on.month(), on.day()) == (2, 28) && !on.leap_year())
        };
        match test {
            DayTest::On(wanted) => day == wanted,
            DayTest::Before(wanted) => day < wanted,
            DayTest::After(wanted) => day > wanted,
            DayTest::Between(from, to) => from <= day && day <= to,
            DayTest::InLast(span) => past && before(span) <= day,
            DayTest::MoreThanAgo(span) => day < before(span),
            DayTest::InNext(span) => future && day <= after(span),
            DayTest::AnniversaryInNext(span) => today.iter_days().take_while(|on| *on <= after(span)).any(celebrated),
            DayTest::AnniversaryInNextMonth => day.month() == today.month() % 12 + 1,
            DayTest::DayOfMonth(wanted) => day.day() == wanted,
            DayTest::Month(wanted) => day.month() == wanted,
        }
    }
}

fn text(value: &str, test: &TextTest) -> bool {
    match test {
        TextTest::Is(wanted) => value == wanted,
        TextTest::IsNot(wanted) => value != wanted,
        TextTest::In(wanted) => wanted.iter().any(|one| one == value),
        TextTest::NotIn(wanted) => wanted.iter().all(|one| one != value),
        TextTest::Contains(part) => value.contains(part.as_str()),
        TextTest::DoesNotContain(part) => !value.contains(part.as_str()),
        TextTest::StartsWith(part) => value.starts_with(part.as_str()),
        TextTest::EndsWith(part) => value.ends_with(part.as_str()),
        TextTest::Like(pattern) => like(&pattern.chars().collect::<Vec<_>>(), &value.chars().collect::<Vec<_>>()),
        TextTest::Blank => value.chars().all(char::is_whitespace),
        TextTest::NotBlank => !value.chars().all(char::is_whitespace),
    }
}

fn like(pattern: &[char], value: &[char]) -> bool {
    match pattern {
        [] => value.is_empty(),
        ['%', rest @ ..] => (0..=value.len()).any(|skip| like(rest, &value[skip..])),
        ['_', rest @ ..] => !value.is_empty() && like(rest, &value[1..]),
        ['\\', escaped, rest @ ..] => value.first() == Some(escaped) && like(rest, &value[1..]),
        [wanted, rest @ ..] => value.first() == Some(wanted) && like(rest, &value[1..]),
    }
}

fn number(value: f64, test: &NumberTest) -> bool {
    let equal = |wanted: &Number| value == wanted.as_f64();
    match test {
        NumberTest::Is(wanted) => equal(wanted),
        NumberTest::IsNot(wanted) => !equal(wanted),
        NumberTest::In(wanted) => wanted.iter().any(equal),
        NumberTest::NotIn(wanted) => !wanted.iter().any(equal),
        NumberTest::GreaterThan(bound) => value > bound.as_f64(),
        NumberTest::AtLeast(bound) => value >= bound.as_f64(),
        NumberTest::LessThan(bound) => value < bound.as_f64(),
        NumberTest::AtMost(bound) => value <= bound.as_f64(),
        NumberTest::Between(from, to) => from.as_f64() <= value && value <= to.as_f64(),
        NumberTest::NotBetween(from, to) => value < from.as_f64() || to.as_f64() < value,
        NumberTest::TopPercent(_) | NumberTest::BottomPercent(_) => panic!("ranks need all values"),
    }
}
