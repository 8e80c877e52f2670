//! What became of one customer.

use std::fmt::Write;

use super::grid::{Column, Grid};
use super::{Shown, Style, moment};
use crate::view::{Explanation, SegmentRole, Test, Treatment};

impl Shown for Explanation {
    fn text(&self, style: Style) -> String {
        let mut text = format!("Customer {} in {} ({})\n", self.customer_key, self.campaign_name, self.campaign);
        match &self.run {
            Some(run) => {
                let _ = writeln!(text, "Run {run}, as of {}\n", moment(self.as_of));
            }
            None => {
                let _ = writeln!(text, "Not run yet; as of {}\n", moment(self.as_of));
            }
        }
        if let Some(at) = self.forgotten {
            let _ = writeln!(text, "This key was forgotten on {}: no run assigns or sends it since", moment(at));
        }
        if !self.exists {
            text.push_str("The customer table has no such customer\n");
            return text;
        }
        text.push_str(if self.in_audience { "In the audience\n" } else { "Not in the audience\n" });
        for segment in &self.segments {
            let role = match segment.role {
                SegmentRole::Included => "included",
                SegmentRole::Excluded => "excluded",
                SegmentRole::AlwaysExcluded => "always excluded",
            };
            tree(&mut text, &segment.test, 1, &format!(" ({role})"));
        }
        if !self.sub_audiences.is_empty() {
            text.push_str("\nSub-audiences\n");
        }
        for test in &self.sub_audiences {
            tree(&mut text, test, 1, "");
        }
        for treatment in &self.treatments {
            text.push('\n');
            text.push_str(&treated(treatment, style));
        }
        text
    }
}

/// A condition and what it is made of, each in a line that begins with whether it holds.
fn tree(text: &mut String, condition: &Test, depth: usize, remark: &str) {
    let holds = if condition.holds { "yes" } else { "no " };
    let _ = writeln!(text, "{}{holds} {}{remark}", "  ".repeat(depth), condition.text);
    for inner in &condition.within {
        tree(text, inner, depth + 1, "");
    }
}

/// What is no reason of the design's is said in words.
fn reason_words(reason: &str) -> &str {
    match reason {
        "failed" => "the delivery failed",
        reason => reason,
    }
}

fn treated(treatment: &Treatment, style: Style) -> String {
    let group = match &treatment.group {
        Some(group) if treatment.control => format!("group {group}, held out"),
        Some(group) => format!("group {group}"),
        None => "no groups".to_owned(),
    };
    let mut text = format!("Sub-audience {}: {group} (position {})\n", treatment.sub_audience, treatment.position);
    if treatment.destinations.is_empty() {
        text.push_str("Sent nowhere\n");
        return text;
    }
    let columns = ["Destination", "List or file", "Sent", "Reasons"];
    let mut grid = Grid::new(columns.map(Column::Text));
    for place in &treatment.destinations {
        let sent = if place.sent { "yes" } else { "no" };
        let reasons: Vec<&str> = place.reasons.iter().map(|reason| reason_words(reason)).collect();
        grid.row([place.destination.clone(), place.list_name.clone(), sent.to_owned(), reasons.join(", ")]);
    }
    text.push_str(&grid.text(style));
    text
}
