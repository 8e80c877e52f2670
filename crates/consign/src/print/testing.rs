//! Tests of campaigns.

use std::fmt::Write;

use super::grid::{Column, Grid};
use super::run::{deliveries, section};
use super::{Shown, Style, moment, number};
use crate::view::{CampaignTest, CampaignTests, TestFile, TestedDelivery};

impl Shown for CampaignTest {
    fn text(&self, style: Style) -> String {
        let mut text = format!("Test {} of {} ({})\n", self.test, self.campaign_name, self.campaign);
        let records = number(self.records as u64);
        let _ =
            writeln!(text, "As of {}, at most {records} records a delivery. Nothing was sent\n", moment(self.as_of));
        if self.deliveries.is_empty() {
            text.push_str("Nothing would be sent: no group has a destination\n");
        } else {
            text.push_str(&deliveries(self.deliveries.iter().map(|one| (&one.delivery, None)), style));
        }
        for delivery in &self.deliveries {
            text.push_str(&section(&delivery.delivery, &leaving(delivery)));
        }
        text
    }
}

/// What would leave of a delivery, a line each.
fn leaving(delivery: &TestedDelivery) -> Vec<String> {
    let file = |TestFile { name, request, rows, bytes }: &TestFile| {
        let request = request.as_ref().map(|request| format!("  {request}")).unwrap_or_default();
        let rows = format!("{} {}", number(*rows), if *rows == 1 { "row" } else { "rows" });
        format!("{}/{name}  {rows}, {} bytes{request}", delivery.id, number(*bytes))
    };
    let note = delivery.note.iter().map(|note| format!("note: {note}"));
    let error = delivery.error.iter().map(|error| format!("error: {error}"));
    delivery.files.iter().map(file).chain(note).chain(error).collect()
}

impl Shown for CampaignTests {
    fn text(&self, style: Style) -> String {
        if self.tests.is_empty() {
            return "There are no tests of it yet: `consign test CAMPAIGN` makes one\n".to_owned();
        }
        let columns = [
            Column::Text("Test"),
            Column::Text("Made"),
            Column::Text("By"),
            Column::Number("Records"),
            Column::Number("Deliveries"),
            Column::Number("Failed"),
            Column::Text("Files"),
        ];
        let mut grid = Grid::new(columns);
        for test in &self.tests {
            grid.row([
                test.test.clone(),
                moment(test.tested_at),
                test.tested_by.clone(),
                number(test.records as u64),
                number(test.deliveries as u64),
                number(test.failed as u64),
                if test.has_files { "there" } else { "deleted" }.to_owned(),
            ]);
        }
        grid.text(style)
    }
}
