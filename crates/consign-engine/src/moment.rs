//! The moment of a run in the workspace's time zone: calendar days as bounds of instants, safe over changes of the
//! clock.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use consign_model::condition::Span;
use consign_model::plan::AssignPlan;

/// `as_of`, and the zone in which its day begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub as_of: DateTime<Utc>,
    pub time_zone: Tz,
}

impl From<&AssignPlan> for Moment {
    fn from(plan: &AssignPlan) -> Self {
        Self { as_of: plan.as_of, time_zone: plan.time_zone }
    }
}

impl Moment {
    /// What clocks show at `as_of`.
    pub fn local(self) -> NaiveDateTime {
        self.as_of.with_timezone(&self.time_zone).naive_local()
    }

    /// The calendar day of `as_of`.
    pub fn today(self) -> NaiveDate {
        self.local().date()
    }

    /// The year of `as_of`.
    pub fn this_year(self) -> i32 {
        self.today().year()
    }

    /// The first instant of a day: midnight, or the end of the gap where clocks skip it.
    pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
        let mut local = day.and_time(NaiveTime::MIN);
        // No zone ever skipped more than a day.
        for _ in 0..=2 * 24 * 60 * 60 {
            if let Some(start) = self.time_zone.from_local_datetime(&local).earliest() {
                return start.with_timezone(&Utc);
            }
            local += TimeDelta::seconds(1);
        }
        Utc.from_utc_datetime(&day.and_time(NaiveTime::MIN))
    }

    /// The day so long before `as_of`'s.
    pub fn before(self, span: Span) -> NaiveDate {
        let day = match span {
            Span::Days(days) => self.today().checked_sub_days(Days::new(u64::from(days))),
            Span::Weeks(weeks) => self.today().checked_sub_days(Days::new(u64::from(weeks) * 7)),
            Span::Months(months) => self.today().checked_sub_months(Months::new(months)),
        };
        day.unwrap_or(NaiveDate::MIN)
    }

    /// The day so long after `as_of`'s.
    pub fn after(self, span: Span) -> NaiveDate {
        let day = match span {
            Span::Days(days) => self.today().checked_add_days(Days::new(u64::from(days))),
            Span::Weeks(weeks) => self.today().checked_add_days(Days::new(u64::from(weeks) * 7)),
            Span::Months(months) => self.today().checked_add_months(Months::new(months)),
        };
        day.unwrap_or(NaiveDate::MAX)
    }

    /// The days of the year, as `month * 100 + day`, whose anniversary falls on `as_of`'s day or within so long after
    /// it, as ranges with both ends. A 29 February is celebrated on the 28th in common years.
    pub fn anniversaries(self, span: Span) -> Vec<(u32, u32)> {
        let number = |day: NaiveDate| day.month() * 100 + day.day();
        let until = self.after(span);
        let mut celebrated = std::collections::BTreeSet::new();
        for day in self.today().iter_days().take_while(|day| *day <= until).take(367) {
            celebrated.insert(number(day));
            if number(day) == 228 && !day.leap_year() {
                celebrated.insert(229);
            }
        }
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        // 2000 has all 366 days.
        let year = NaiveDate::from_ymd_opt(2000, 1, 1).into_iter().flat_map(|first| first.iter_days().take(366));
        let mut open = false;
        for day in year.map(number) {
            let inside = celebrated.contains(&day);
            match (inside, open, ranges.last_mut()) {
                (true, true, Some(range)) => range.1 = day,
                (true, _, _) => ranges.push((day, day)),
                (false, _, _) => {}
            }
            open = inside;
        }
        ranges
    }

    /// The number of the calendar month after `as_of`'s, 1 to 12.
    pub fn next_month(self) -> u32 {
        self.today().month() % 12 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(as_of: &str, time_zone: &str) -> Moment {
        Moment { as_of: as_of.parse().unwrap(), time_zone: time_zone.parse().unwrap() }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_when_its_clocks_do() {
        let berlin = moment("2026-03-29T12:00:00Z", "Europe/Berlin");
        assert_eq!(berlin.start_of(day("2026-03-29")).to_rfc3339(), "2026-03-28T23:00:00+00:00");
        assert_eq!(berlin.start_of(day("2026-03-30")).to_rfc3339(), "2026-03-29T22:00:00+00:00");
        // In Beirut clocks skip the midnight itself.
        let beirut = moment("2026-03-29T12:00:00Z", "Asia/Beirut");
        assert_eq!(beirut.start_of(day("2026-03-29")).to_rfc3339(), "2026-03-28T22:00:00+00:00");
        // Samoa skipped the whole 30 December 2011.
        let apia = moment("2011-12-29T12:00:00Z", "Pacific/Apia");
        assert_eq!(apia.start_of(day("2011-12-30")), apia.start_of(day("2011-12-31")));
    }

    #[test]
    fn the_29_february_is_celebrated_on_the_28th_in_common_years_only() {
        let common = moment("2027-02-28T12:00:00Z", "UTC");
        assert_eq!(common.anniversaries(Span::Days(0)), [(228, 229)]);
        let leap = moment("2028-02-28T12:00:00Z", "UTC");
        assert_eq!(leap.anniversaries(Span::Days(0)), [(228, 228)]);
        assert_eq!(leap.anniversaries(Span::Days(1)), [(228, 229)]);
    }

    #[test]
    fn anniversaries_go_round_the_end_of_the_year() {
        let eve = moment("2026-12-30T12:00:00Z", "UTC");
        assert_eq!(eve.anniversaries(Span::Days(4)), [(101, 103), (1230, 1231)]);
        assert_eq!(eve.anniversaries(Span::Days(366)), [(101, 1231)]);
        assert_eq!(eve.next_month(), 1);
    }

    #[test]
    fn a_month_before_the_31st_ends_with_its_month() {
        assert_eq!(moment("2026-03-31T12:00:00Z", "UTC").before(Span::Months(1)), day("2026-02-28"));
    }
}
