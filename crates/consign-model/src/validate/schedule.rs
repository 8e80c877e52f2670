//! When campaigns run and start downstream.

use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::Validator;
use crate::definition::{Cadence, Campaign, End, Launch, Recurring, Schedule};
use crate::problem::Path;
use crate::schedule;
use crate::test::parse_date;
use crate::word;

/// Any moment: whether a cron expression ever runs does not depend on it.
const ANY: DateTime<Utc> = DateTime::from_timestamp(1_796_115_600, 0).expect("a moment of the year 2026");

impl Validator<'_> {
    pub(super) fn schedule(&mut self, campaign: &Campaign, path: &Path) {
        let schedule = path.field("schedule");
        match &campaign.schedule {
            Schedule::Manual | Schedule::AsSoonAsPossible => {}
            Schedule::At(at) => {
                let path = schedule.field("at");
                let zone = self.zone(at.time_zone.as_deref(), &path);
                self.local_time(&at.time, zone, &path.field("time"));
            }
            Schedule::Recurring(recurring) => self.recurring(recurring, &schedule.field("recurring")),
        }
        if let Some(Launch::On(day)) = &campaign.launch {
            self.day(day, &path.field("launch").field("on"));
        }
    }

    /// The zone of a schedule, where it is one.
    fn zone(&mut self, own: Option<&str>, path: &Path) -> Option<Tz> {
        match own {
            Some(name) => self.time_zone(name, &path.field("time_zone")),
            None => self.workspace.time_zone.parse().ok(),
        }
    }

    pub(super) fn time_zone(&mut self, name: &str, path: &Path) -> Option<Tz> {
        if let Ok(zone) = Tz::from_str(name) {
            return Some(zone);
        }
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let remedy = match word::nearest(name, known) {
            Some(near) => format!("write `{near}`"),
            None => "write an IANA name such as `Europe/Berlin` or `America/New_York`".into(),
        };
        self.error(path, format!("`{name}` is not a time zone"), remedy);
        None
    }

    fn recurring(&mut self, recurring: &Recurring, path: &Path) {
        let zone = self.zone(recurring.time_zone.as_deref(), path);
        let start = self.local_time(&recurring.start, zone, &path.field("start"));
        if let Cadence::Cron(expression) = &recurring.every {
            self.cron(expression, &path.field("every").field("cron"));
        }
        let end = path.field("end");
        match &recurring.end {
            End::After(0) => {
                self.error(&end.field("after"), "a schedule of no occurrences never runs", "write at least 1");
            }
            End::Never | End::After(_) => {}
            End::On(day) => {
                let place = end.field("on");
                if let (Some(day), Some(start)) = (self.day(day, &place), start)
                    && day < start.date()
                {
                    self.error(&place, format!("the schedule ends on {day}, before it starts"), "write a later day");
                }
            }
        }
    }

    fn cron(&mut self, expression: &str, path: &Path) {
        let example = "write five fields: minute, hour, day, month and weekday, such as `0 9 * * 1`";
        match schedule::cron(expression) {
            Err(error) => {
                let why = error.to_string();
                self.error(
                    path,
                    format!("`{expression}` is not a cron expression: {}", why.trim_end_matches('.')),
                    example,
                );
            }
            Ok(cron) if cron.find_next_occurrence(&ANY, false).is_err() => {
                self.error(path, format!("`{expression}` never comes: there is no such day"), example);
            }
            Ok(_) => {}
        }
    }

    fn local_time(&mut self, text: &str, zone: Option<Tz>, path: &Path) -> Option<NaiveDateTime> {
        let Some(time) = schedule::parse_local_time(text) else {
            self.error(
                path,
                format!("`{text}` is not a local date and time"),
                "write it as `YYYY-MM-DDTHH:MM`, such as `2026-12-01T09:00`, without a zone",
            );
            return None;
        };
        if let Some(zone) = zone
            && matches!(zone.from_local_datetime(&time), LocalResult::None)
        {
            self.error(
                path,
                format!("`{text}` does not exist in {}: clocks are put forward over it", zone.name()),
                "write a time an hour later",
            );
        }
        Some(time)
    }

    fn day(&mut self, text: &str, path: &Path) -> Option<NaiveDate> {
        let day = parse_date(text);
        if day.is_none() {
            self.error(
                path,
                format!("`{text}` is not a date of the calendar"),
                "write it as `YYYY-MM-DD`, such as `2026-12-01`",
            );
        }
        day
    }
}
