//! When a campaign is due: the times of its schedule, one after the other. Pure: what time it is comes from outside.
//!
//! Days, weeks, months, quarters and cron expressions follow the clocks of the schedule's time zone. A time that clocks
//! skip is the first moment after the skip; one that they show twice counts once, at the first. A month that is too
//! short for the day of the start has it on its last. Hours are hours that pass, whatever clocks do; so a cron expression
//! of several times a day also runs through an hour that clocks show twice.

use std::iter;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

use crate::definition::{Cadence, End, Recurring, Schedule};
use crate::test::parse_date;

/// How long after a time a run may begin and still be in time.
pub const IN_TIME: TimeDelta = TimeDelta::seconds(60);

/// The times of a schedule.
#[derive(Debug, Clone)]
pub struct Timetable {
    zone: Tz,
    /// Nothing of what recurs is due before the schedule was made.
    since: DateTime<Utc>,
    rule: Rule,
    end: Limit,
}

#[derive(Debug, Clone)]
enum Rule {
    Soon,
    Once(DateTime<Utc>),
    Hours(DateTime<Utc>),
    Days(NaiveDateTime, u64),
    Months(NaiveDateTime, u32),
    Cron(DateTime<Utc>, Box<Cron>),
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    None,
    LastDay(NaiveDate),
    Times(usize),
}

/// A time that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The time.
    pub at: DateTime<Utc>,
    /// How many times before it came as well, without anybody there.
    pub missed: u64,
}

type Times<'a> = Box<dyn Iterator<Item = DateTime<Utc>> + 'a>;

impl Timetable {
    /// The times of a schedule that was made at that moment, in a workspace with that zone. `None` where a campaign runs
    /// by hand only, and for a schedule that validation refuses.
    pub fn of(schedule: &Schedule, workspace: Tz, since: DateTime<Utc>) -> Option<Self> {
        let zone = |own: &Option<String>| own.as_ref().map_or(Some(workspace), |name| name.parse().ok());
        match schedule {
            Schedule::Manual => None,
            Schedule::AsSoonAsPossible => Some(Self { zone: workspace, since, rule: Rule::Soon, end: Limit::None }),
            Schedule::At(at) => {
                let zone = zone(&at.time_zone)?;
                let rule = Rule::Once(moment(parse_local_time(&at.time)?, zone));
                Some(Self { zone, since, rule, end: Limit::None })
            }
            Schedule::Recurring(recurring) => Self::recurring(recurring, zone(&recurring.time_zone)?, since),
        }
    }

    fn recurring(recurring: &Recurring, zone: Tz, since: DateTime<Utc>) -> Option<Self> {
        let start = parse_local_time(&recurring.start)?;
        let rule = match &recurring.every {
            Cadence::Hour => Rule::Hours(moment(start, zone)),
            Cadence::Day => Rule::Days(start, 1),
            Cadence::Week => Rule::Days(start, 7),
            Cadence::Month => Rule::Months(start, 1),
            Cadence::Quarter => Rule::Months(start, 3),
            Cadence::Cron(expression) => Rule::Cron(moment(start, zone), Box::new(cron(expression).ok()?)),
        };
        let end = match &recurring.end {
            End::Never => Limit::None,
            End::On(day) => Limit::LastDay(parse_date(day)?),
            End::After(times) => Limit::Times(usize::try_from(*times).ok()?),
        };
        Some(Self { zone, since, rule, end })
    }

    /// The zone whose clocks it follows.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Its times after that moment, or all of them, in order and each once.
    pub fn times(&self, after: Option<DateTime<Utc>>) -> Times<'_> {
        let later = move |time: &DateTime<Utc>| after.is_none_or(|after| *time > after);
        match self.end {
            Limit::None => Box::new(self.endless(after).filter(later)),
            Limit::LastDay(day) => {
                let within = move |time: &DateTime<Utc>| time.with_timezone(&self.zone).date_naive() <= day;
                Box::new(self.endless(after).take_while(within).filter(later))
            }
            // Which one is the last is known by counting from the first.
            Limit::Times(times) => Box::new(self.endless(None).take(times).filter(later)),
        }
    }

    /// The last time that has come by now and is later than what was decided already.
    pub fn due(&self, decided: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Due> {
        let come = self.times(decided).take_while(|time| *time <= now);
        come.fold(None, |due: Option<Due>, at| Some(Due { at, missed: due.map_or(0, |due| due.missed + 1) }))
    }

    /// Whether a run for that time is late if it begins at that moment. As soon as possible is never late.
    pub fn is_late(&self, due: DateTime<Utc>, begins: DateTime<Utc>) -> bool {
        !matches!(self.rule, Rule::Soon) && begins - due > IN_TIME
    }

    /// The times without an end, in order and each once, from the last one before that moment at the latest.
    fn endless(&self, from: Option<DateTime<Utc>>) -> Times<'_> {
        let from = from.map_or(self.since, |from| from.max(self.since));
        let since = self.since;
        let mut last = None;
        let once = move |time: &DateTime<Utc>| last.replace(*time) != Some(*time);
        let recurring: Times<'_> = match &self.rule {
            Rule::Soon => return Box::new(iter::once(since)),
            // One that was past already when the schedule was made is due at once.
            Rule::Once(time) => return Box::new(iter::once(*time)),
            Rule::Hours(first) => {
                let begin = (from - *first).num_hours().max(0);
                Box::new((begin..).map_while(|hours| first.checked_add_signed(TimeDelta::try_hours(hours)?)))
            }
            Rule::Days(start, step) => {
                let days = (self.local(from).date() - start.date()).num_days() / step.cast_signed() - 1;
                let day = move |k: u64| start.checked_add_days(Days::new(k.checked_mul(*step)?));
                Box::new((days.max(0).cast_unsigned()..).map_while(day).map(|local| moment(local, self.zone)))
            }
            Rule::Months(start, step) => {
                let months = |time: NaiveDateTime| i64::from(time.year()) * 12 + i64::from(time.month0());
                let begin = (months(self.local(from)) - months(*start)) / i64::from(*step) - 1;
                let begin = u32::try_from(begin.max(0)).unwrap_or(u32::MAX);
                let month = move |k: u32| start.checked_add_months(Months::new(k.checked_mul(*step)?));
                Box::new((begin..).map_while(month).map(|local| moment(local, self.zone)))
            }
            Rule::Cron(start, cron) => {
                let zoned = |moment: DateTime<Utc>| moment.with_timezone(&self.zone);
                let first = cron.find_next_occurrence(&zoned((*start).max(from)), true).ok();
                let times = iter::successors(first, |last| cron.find_next_occurrence(last, false).ok());
                Box::new(times.map(|time| time.with_timezone(&Utc)))
            }
        };
        Box::new(recurring.skip_while(move |time| *time < since).filter(once))
    }

    fn local(&self, moment: DateTime<Utc>) -> NaiveDateTime {
        moment.with_timezone(&self.zone).naive_local()
    }
}

/// The moment at which clocks of a zone show a local time: the first of two; one that they skip is the first moment
/// after the skip.
pub fn moment(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let at = |local: NaiveDateTime| Some(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc));
    // Clocks are put forward to a full minute, and by a day at most.
    let minute = local.with_second(0).and_then(|local| local.with_nanosecond(0)).unwrap_or(local);
    let after = |minutes| at(minute.checked_add_signed(TimeDelta::minutes(minutes))?);
    at(local).or_else(|| (1..=25 * 60).find_map(after)).unwrap_or_else(|| local.and_utc())
}

/// A local date and time written `YYYY-MM-DDTHH:MM`, or with seconds.
pub fn parse_local_time(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = text.split_once('T')?;
    let time = ["%H:%M", "%H:%M:%S"].iter().find_map(|form| chrono::NaiveTime::parse_from_str(time, form).ok())?;
    Some(parse_date(date)?.and_time(time))
}

/// A cron expression of five fields.
pub(crate) fn cron(expression: &str) -> Result<Cron, CronError> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(expression)
}
