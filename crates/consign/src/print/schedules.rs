//! Schedules.

use std::fmt::Write;

use chrono::{DateTime, FixedOffset};

use super::{Shown, Style, number};
use crate::view::{ScheduledTime, Schedules};

impl Shown for Schedules {
    fn text(&self, _: Style) -> String {
        if self.schedules.is_empty() {
            return "No campaign has a schedule\n".to_owned();
        }
        let mut text = String::new();
        for one in &self.schedules {
            if !text.is_empty() {
                text.push('\n');
            }
            let _ = writeln!(text, "{} ({}): {}, {}", one.campaign_name, one.campaign, one.schedule, one.time_zone);
            if let Some(overdue) = &one.overdue {
                let times =
                    if overdue.times > 1 { format!(", the last of {} times", overdue.times) } else { String::new() };
                let _ = writeln!(text, "  due   {}{times}: runs once `consign serve` does", moment(overdue.due));
            }
            if one.next.is_empty() && one.overdue.is_none() {
                text.push_str("  next  none: it is finished\n");
            }
            for (at, next) in one.next.iter().enumerate() {
                let _ = writeln!(text, "  {}  {}", if at == 0 { "next" } else { "    " }, moment(*next));
            }
            if let Some(last) = &one.last {
                let _ = writeln!(text, "  last  {}", became(last));
            }
        }
        text
    }
}

/// What became of a time.
fn became(last: &ScheduledTime) -> String {
    let mut text =
        format!("{}: {}", moment(last.due), last.outcome.map_or(last.state.as_str(), |outcome| outcome.word()));
    if let Some(run) = &last.run {
        let _ = write!(text, ", run {run}");
    }
    if let Some(version) = last.definitions_version {
        let _ = write!(text, ", definitions version {version}");
    }
    if last.late {
        let _ = write!(text, ", late: it began at {}", moment(last.began));
    }
    if last.missed > 0 {
        let times = if last.missed == 1 { "time" } else { "times" };
        let _ = write!(text, ", {} {times} before it missed", number(last.missed));
    }
    if let Some(reason) = &last.reason {
        let _ = write!(text, ": {reason}");
    }
    text
}

/// A time as clocks of the schedule's zone show it.
fn moment(moment: DateTime<FixedOffset>) -> String {
    moment.format("%a %Y-%m-%d %H:%M %:z").to_string()
}
