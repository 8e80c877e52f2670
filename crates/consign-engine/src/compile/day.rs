//! Tests of calendar days. A date is a day; a timestamp is compared with the instants at which days begin in the
//! workspace's zone, and one without a zone with what clocks show then.

use arrow::datatypes::{DataType, Date32Type, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use consign_model::condition::Span;
use consign_model::test::DayTest;
use datafusion::functions::datetime::expr_fn::date_part;
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::scalar::ScalarValue;

use crate::moment::Moment;

/// Whether a date or timestamp passes; null where it is null.
pub(super) fn test(value: Expr, data_type: &DataType, test: DayTest, moment: Moment) -> Expr {
    let column = Days { value, data_type, moment };
    match test {
        DayTest::On(day) => column.between(day, day),
        DayTest::Before(day) => column.before(day),
        DayTest::After(day) => column.after(day),
        DayTest::Between(from, to) => column.between(from, to),
        DayTest::InLast(span) => column.from(moment.before(span)).and(column.not_after_now()),
        DayTest::MoreThanAgo(span) => column.before(moment.before(span)),
        DayTest::InNext(span) => column.not_before_now().and(column.until(moment.after(span))),
        DayTest::AnniversaryInNext(span) => column.anniversary(span),
        DayTest::AnniversaryInNextMonth => column.part("month").eq(lit(number(moment.next_month()))),
        DayTest::DayOfMonth(day) => column.part("day").eq(lit(number(day))),
        DayTest::Month(month) => column.part("month").eq(lit(number(month))),
    }
}

fn number(small: u32) -> i32 {
    i32::try_from(small).unwrap_or(i32::MAX)
}

struct Days<'a> {
    value: Expr,
    data_type: &'a DataType,
    moment: Moment,
}

/// Which way a moment between two ticks of a column's unit goes.
#[derive(Clone, Copy)]
enum Round {
    Down,
    Up,
}

impl Days<'_> {
    fn between(&self, from: NaiveDate, to: NaiveDate) -> Expr {
        self.from(from).and(self.until(to))
    }

    /// On that day or later.
    fn from(&self, day: NaiveDate) -> Expr {
        self.value.clone().gt_eq(self.start(day))
    }

    /// On an earlier day.
    fn before(&self, day: NaiveDate) -> Expr {
        self.value.clone().lt(self.start(day))
    }

    /// On that day or earlier.
    fn until(&self, day: NaiveDate) -> Expr {
        match day.succ_opt() {
            Some(next) => self.before(next),
            None => self.value.clone().is_not_null(),
        }
    }

    /// On a later day.
    fn after(&self, day: NaiveDate) -> Expr {
        match day.succ_opt() {
            Some(next) => self.from(next),
            None => lit(false),
        }
    }

    /// Not after `as_of`; a date not after its day.
    fn not_after_now(&self) -> Expr {
        match self.data_type {
            DataType::Timestamp(..) => self.value.clone().lt_eq(self.now(Round::Down)),
            _ => self.until(self.moment.today()),
        }
    }

    /// Not before `as_of`; a date not before its day.
    fn not_before_now(&self) -> Expr {
        match self.data_type {
            DataType::Timestamp(..) => self.value.clone().gt_eq(self.now(Round::Up)),
            _ => self.from(self.moment.today()),
        }
    }

    fn anniversary(&self, span: Span) -> Expr {
        let day = self.part("month") * lit(100_i32) + self.part("day");
        let ranges = self.moment.anniversaries(span).into_iter();
        ranges
            .map(|(from, to)| day.clone().between(lit(number(from)), lit(number(to))))
            .reduce(Expr::or)
            .unwrap_or_else(|| lit(false))
    }

    /// The literal at which a day begins, in the column's type.
    fn start(&self, day: NaiveDate) -> Expr {
        let scalar = match self.data_type {
            DataType::Timestamp(unit, None) => {
                timestamp(day.and_time(NaiveTime::MIN).and_utc(), *unit, None, Round::Down)
            }
            DataType::Timestamp(unit, zone) => timestamp(self.moment.start_of(day), *unit, zone.clone(), Round::Down),
            _ => ScalarValue::Date32(Some(Date32Type::from_naive_date(day))),
        };
        Expr::Literal(scalar, None)
    }

    /// `as_of` as a literal of the column's type, which is a timestamp.
    fn now(&self, round: Round) -> Expr {
        let scalar = match self.data_type {
            DataType::Timestamp(unit, None) => timestamp(self.moment.local().and_utc(), *unit, None, round),
            DataType::Timestamp(unit, zone) => timestamp(self.moment.as_of, *unit, zone.clone(), round),
            _ => ScalarValue::Date32(Some(Date32Type::from_naive_date(self.moment.today()))),
        };
        Expr::Literal(scalar, None)
    }

    /// The month or day of the month, in the workspace's zone.
    fn part(&self, part: &str) -> Expr {
        let value = match self.data_type {
            DataType::Timestamp(unit, Some(_)) => {
                let zone = self.moment.time_zone.name();
                cast(self.value.clone(), DataType::Timestamp(*unit, Some(zone.into())))
            }
            _ => self.value.clone(),
        };
        date_part(lit(part), value)
    }
}

/// A moment in ticks of a unit; the nearest that there is where the unit does not reach it.
fn timestamp(moment: DateTime<Utc>, unit: TimeUnit, zone: Option<std::sync::Arc<str>>, round: Round) -> ScalarValue {
    let nanoseconds = i128::from(moment.timestamp()) * 1_000_000_000 + i128::from(moment.timestamp_subsec_nanos());
    let tick: i128 = match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1000,
        TimeUnit::Nanosecond => 1,
    };
    let down = nanoseconds.div_euclid(tick);
    let ticks = match round {
        Round::Up if nanoseconds.rem_euclid(tick) != 0 => down + 1,
        _ => down,
    };
    let ticks = Some(i64::try_from(ticks).unwrap_or(if ticks < 0 { i64::MIN } else { i64::MAX }));
    match unit {
        TimeUnit::Second => ScalarValue::TimestampSecond(ticks, zone),
        TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(ticks, zone),
        TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(ticks, zone),
        TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(ticks, zone),
    }
}
