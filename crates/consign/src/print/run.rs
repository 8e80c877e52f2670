//! Previews, runs, and the list of runs.

use std::fmt::Write;
use std::path::Path;

use consign_delivery::ListDifference;
use consign_store::{ListCounts, RunMode, Target};

use super::grid::{Column, Grid};
use super::{Shown, Style, moment, number};
use crate::view::{Audience, Delivered, Delivery, Demo, Preview, Reasons, Resumed, RunSummary, Runs};

impl Shown for Preview {
    fn text(&self, style: Style) -> String {
        let mut text = format!("Preview of {} ({})\n", self.campaign_name, self.campaign);
        let _ = writeln!(text, "Definitions version {}, as of {}\n", self.definitions_version, moment(self.as_of));
        text.push_str(&audience(&self.audience, style));
        text.push('\n');
        if self.deliveries.is_empty() {
            text.push_str("Nothing would be sent: no group has a destination\n");
        } else {
            text.push_str(&deliveries(self.deliveries.iter().map(|delivery| (delivery, None)), style));
        }
        for delivery in &self.deliveries {
            let difference = delivery.difference.iter().map(would_change);
            text.push_str(&section(delivery, &difference.chain(delivery.sample.iter().cloned()).collect::<Vec<_>>()));
        }
        if !self.warnings.is_empty() {
            text.push('\n');
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        text
    }
}

impl Shown for RunSummary {
    fn text(&self, style: Style) -> String {
        let what = match self.mode {
            RunMode::Real => "Run",
            RunMode::Rehearsal => "Rehearsal",
        };
        let mut text = format!("{what} {} of {} ({})\n", self.run, self.campaign_name, self.campaign);
        let _ = write!(text, "Definitions version {}, as of {}", self.definitions_version, moment(self.as_of));
        if let Some(date) = self.launch_date {
            let _ = write!(text, ", launch on {date}");
        }
        text.push('\n');
        if let Some(scheduled) = &self.scheduled {
            let late = if scheduled.late { ", late" } else { "" };
            let _ = write!(text, "Scheduled for {}{late}", moment(scheduled.due));
            if scheduled.missed > 0 {
                let _ = write!(text, ", after {} missed", number(scheduled.missed));
            }
            text.push('\n');
        }
        text.push('\n');
        if let Some(counts) = &self.audience {
            text.push_str(&audience(counts, style));
            text.push('\n');
        }
        if !self.deliveries.is_empty() {
            let rows = self.deliveries.iter().map(|delivered| (&delivered.delivery, Some(delivered.state.as_str())));
            text.push_str(&deliveries(rows, style));
        }
        for delivered in &self.deliveries {
            text.push_str(&section(&delivered.delivery, &whereabouts(delivered)));
        }
        if !self.deliveries.is_empty() {
            text.push('\n');
        }
        let state = self.outcome.map_or(self.state.as_str(), |outcome| outcome.word());
        let arrived = self.deliveries.iter().filter(|one| matches!(one.state.as_str(), "delivered" | "submitted"));
        let _ = write!(text, "{}", capitalised(state));
        if !self.deliveries.is_empty() {
            let _ = write!(text, ": {} of {} deliveries arrived", arrived.count(), self.deliveries.len());
        }
        if let Some(finished) = self.finished {
            let seconds = (finished - self.began).num_milliseconds() as f64 / 1000.0;
            let _ = write!(text, ", after {seconds:.1} s");
        }
        text.push('\n');
        if let Some(error) = &self.error {
            let _ = writeln!(text, "error: {error}");
        }
        if let Some(deleted) = self.staged_deleted {
            let _ = writeln!(text, "Its staged data was deleted on {}", deleted.date_naive());
        }
        text
    }
}

impl Shown for Resumed {
    fn text(&self, style: Style) -> String {
        if self.runs.is_empty() {
            return "No run waits to be resumed\n".to_owned();
        }
        self.runs.iter().map(|run| run.text(style)).collect::<Vec<_>>().join("\n")
    }
}

impl Shown for Runs {
    fn text(&self, style: Style) -> String {
        if self.runs.is_empty() {
            return "There are no runs yet: `consign run CAMPAIGN` makes one\n".to_owned();
        }
        let mut grid = Grid::new([
            Column::Text("Run"),
            Column::Text("Campaign"),
            Column::Text("State"),
            Column::Text("Began"),
            Column::Number("Seconds"),
            Column::Number("Customers"),
        ]);
        for run in &self.runs {
            let state = run.outcome.map_or(run.state.as_str(), |outcome| outcome.word());
            let mode = match run.mode {
                RunMode::Real => String::new(),
                mode @ RunMode::Rehearsal => format!(" ({})", mode.word()),
            };
            let seconds = run.finished.map(|finished| (finished - run.began).num_milliseconds() as f64 / 1000.0);
            grid.row([
                run.run.clone(),
                run.campaign.clone(),
                format!("{state}{mode}"),
                moment(run.began),
                seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
                run.customers.map(number).unwrap_or_default(),
            ]);
        }
        grid.text(style)
    }
}

impl Shown for Demo {
    fn text(&self, style: Style) -> String {
        let mut text = self.first.text(style);
        text.push_str(
            "\nSome days later a few customers have another e-mail address, and a few want no more e-mail.\n\n",
        );
        text.push_str(&self.later.text(style));
        text.push_str("\nWhat the sandbox has of it:\n");
        let columns = ["Destination", "List"].map(Column::Text).into_iter();
        let mut grid = Grid::new(columns.chain(["Delivered", "Members"].map(Column::Number)));
        for list in &self.lists {
            let counts = [list.delivered, list.members].map(number);
            grid.row([list.destination.clone(), list.list_name.clone()].into_iter().chain(counts));
        }
        text.push_str(&grid.text(style));
        if self.lists.iter().any(|list| list.members < list.delivered) {
            text.push_str("Rows that share an identifier are one member at TikTok, such as a household's telephone.\n");
        }
        let _ = writeln!(text, "\nThe demo is in `{}`. Try:", self.folder);
        for command in &self.next {
            let _ = writeln!(text, "  {command}");
        }
        text
    }
}

/// The sub-audiences and groups, counted.
fn audience(audience: &Audience, style: Style) -> String {
    let customers = if audience.customers == 1 { "customer" } else { "customers" };
    let mut text = format!("Audience: {} {customers}\n", number(audience.customers));
    if !audience.left_out.is_empty() {
        let _ = writeln!(text, "Left out: {}", reasons(&audience.left_out));
    }
    let columns = [Column::Text("Sub-audience"), Column::Text("Group"), Column::Number("Customers"), Column::Text("")];
    let mut grid = Grid::new(columns);
    for sub in &audience.sub_audiences {
        grid.row([sub.name.clone(), String::new(), number(sub.customers), String::new()]);
        for group in &sub.groups {
            let held_out = if group.control { "held out" } else { "" };
            grid.row([String::new(), group.name.clone(), number(group.customers), held_out.to_owned()]);
        }
    }
    if !audience.sub_audiences.is_empty() {
        text.push_str(&grid.text(style));
    }
    text
}

/// What goes where, with the state where there is one.
pub(super) fn deliveries<'a>(
    rows: impl Iterator<Item = (&'a Delivery, Option<&'a str>)> + Clone,
    style: Style,
) -> String {
    let with_state = rows.clone().any(|(_, state)| state.is_some());
    let mut header = vec![Column::Text("Group"), Column::Text("Destination"), Column::Text("List or file")];
    if with_state {
        header.push(Column::Text("State"));
    }
    header.extend([
        Column::Number("Customers"),
        Column::Number("Shrink"),
        Column::Number("Expansion"),
        Column::Number("Dropped"),
        Column::Number("Rows"),
    ]);
    let mut grid = Grid::new(header);
    for (delivery, state) in rows {
        let mut cells = vec![delivery.group.clone(), delivery.destination.clone(), delivery.list_name.clone()];
        if with_state {
            cells.push(state.unwrap_or_default().to_owned());
        }
        cells.extend([
            number(delivery.customers),
            number(delivery.shrink.values().sum()),
            number(delivery.expansion),
            number(delivery.dropped.values().sum()),
            number(delivery.rows),
        ]);
        grid.row(cells);
    }
    grid.text(style)
}

/// A delivery's reasons, and what else there is to say of it, below its name; nothing where there is nothing.
pub(super) fn section(delivery: &Delivery, lines: &[String]) -> String {
    let why = [("shrink", &delivery.shrink), ("dropped", &delivery.dropped)];
    // With one row a customer and no duplicates, rows are dropped for the same reasons as customers.
    let why = &why[..if delivery.dropped == delivery.shrink { 1 } else { 2 }];
    let why = why.iter().filter(|(_, each)| !each.is_empty()).map(|(what, each)| format!("{what}: {}", reasons(each)));
    let lines: Vec<String> = why.chain(lines.iter().cloned()).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{} -> {}\n", delivery.group, delivery.destination);
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// The files of a delivery, and why it failed.
fn whereabouts(delivered: &Delivered) -> Vec<String> {
    let size = |rows: u64, bytes: u64| {
        format!("{} {}, {} bytes", number(rows), if rows == 1 { "row" } else { "rows" }, number(bytes))
    };
    let target = |target: &Target| format!("{}  {}", near(&target.location), size(target.rows, target.bytes));
    let shown = if delivered.targets.len() > MOST_TARGETS { MOST_TARGETS - 1 } else { delivered.targets.len() };
    let (shown, others) = delivered.targets.split_at(shown);
    let mut lines: Vec<String> = delivered.list.as_ref().map(at_platform).unwrap_or_default();
    lines.extend(delivered.limited_until.map(|until| format!("rate limited until {}", moment(until))));
    lines.extend(shown.iter().map(target));
    if !others.is_empty() {
        let rows = others.iter().map(|target| target.rows).sum();
        let bytes = others.iter().map(|target| target.bytes).sum();
        lines.push(format!("and {} more beside it  {}", number(others.len() as u64), size(rows, bytes)));
    }
    if let Some(error) = &delivered.error {
        lines.push(format!("error ({}): {}", consign_model::word::word(&error.class), error.message));
    }
    lines
}

/// What a platform has, in a line, and what else there is to be told.
fn at_platform(list: &ListCounts) -> Vec<String> {
    let made = if list.created { ", made now" } else { "" };
    let mut line = format!("list {}{made}: sent {}", list.list_id, number(list.sent));
    let counts = [("kept", list.kept), ("removed", list.removed), ("unknown", list.unknown)];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let _ = write!(line, ", {what} {}", number(count));
    }
    if !list.rejected.is_empty() {
        let _ = write!(line, ", rejected {}", reasons(&list.rejected));
    }
    let jobs =
        list.jobs.iter().map(|job| format!("the platform still works on job {}: {} rows", job.id, number(job.rows)));
    let notes = list.notes.iter().map(|note| format!("note: {note}"));
    std::iter::once(line).chain(jobs).chain(notes).collect()
}

/// What a preview says of a list that was delivered before.
fn would_change(difference: &ListDifference) -> String {
    let ListDifference { members, added, kept, removed } = *difference;
    let [members, added, kept, removed] = [members, added, kept, removed].map(number);
    format!("of {members} members {kept} would be kept and {removed} removed, and {added} added")
}

/// Most lines of files of one delivery; `--json` has all.
const MOST_TARGETS: usize = 4;

/// A file from where the command was called, where it is below that.
fn near(location: &str) -> String {
    let here = std::env::current_dir().ok();
    let below =
        here.and_then(|here| Path::new(location).strip_prefix(here).ok().map(|path| path.display().to_string()));
    below.unwrap_or_else(|| location.to_owned())
}

/// `12 (no_consent 10, invalid_email 2)`, the most frequent first.
fn reasons(reasons: &Reasons) -> String {
    let total: u64 = reasons.values().sum();
    if total == 0 {
        return "0".to_owned();
    }
    let mut each: Vec<(&String, &u64)> = reasons.iter().filter(|(_, number)| **number > 0).collect();
    each.sort_by(|a, b| b.1.cmp(a.1));
    let each: Vec<String> = each.iter().map(|(reason, count)| format!("{reason} {}", number(**count))).collect();
    format!("{} ({})", number(total), each.join(", "))
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
