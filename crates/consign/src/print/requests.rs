//! Requests to platforms.

use std::fmt::Write;

use super::grid::{Column, Grid};
use super::{Shown, Style, moment, number};
use crate::view::Requests;

impl Shown for Requests {
    fn text(&self, style: Style) -> String {
        let mut text = format!("Requests of run {}\n", self.run);
        if self.requests.is_empty() {
            text.push_str("There are none\n");
            return text;
        }
        let mut columns = ["Time", "Delivery", "Method", "Path", "Status"].map(Column::Text).to_vec();
        columns.extend([Column::Number("ms"), Column::Text("Ids"), Column::Text("Concluded")]);
        let mut grid = Grid::new(columns);
        for request in &self.requests {
            let ids: Vec<String> = request.ids.iter().map(|(name, id)| format!("{name}={id}")).collect();
            grid.row([
                moment(request.at),
                request.delivery.clone(),
                request.method.clone(),
                request.path.clone(),
                request.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
                number(request.milliseconds),
                ids.join(" "),
                request.concluded.clone(),
            ]);
        }
        text.push_str(&grid.text(style));
        if self.before > 0 {
            let _ = writeln!(text, "{} earlier ones are not shown: `--last N` shows more", number(self.before));
        }
        text
    }
}
