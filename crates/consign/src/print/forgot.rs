//! What became of customers who are to be forgotten.

use std::fmt::Write;

use consign_delivery::Forgot;
use consign_model::word;

use super::grid::{Column, Grid};
use super::{Shown, Style, number};

impl Shown for Forgot {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        if !self.lists.is_empty() {
            let columns = [Column::Text("Destination"), Column::Text("List"), Column::Number("Taken off")];
            let mut grid = Grid::new(columns.into_iter().chain([Column::Text("Problem")]));
            for list in &self.lists {
                let list_id = list.list_id.clone().unwrap_or_else(|| "(not known any more)".to_owned());
                let problem = list.problem.clone().unwrap_or_default();
                grid.row([list.destination.clone(), list_id, number(list.removed), problem]);
            }
            text.push_str(&grid.text(style));
        }
        if !self.runs.is_empty() {
            let runs = word::list(self.runs.iter().map(String::as_str));
            let _ = writeln!(text, "Staged data deleted, so that these runs cannot be retried: {runs}");
        }
        for file in &self.files {
            let _ = writeln!(text, "Delivered, and still there: {file}");
        }
        for waiting in &self.waiting {
            let _ = writeln!(text, "Not yet: {waiting}");
        }
        let customers = word::count(self.customers, "customer");
        let _ = if self.customers == 0 {
            writeln!(text, "Nobody is to be forgotten")
        } else if self.is_done() {
            writeln!(text, "{customers} forgotten")
        } else {
            writeln!(
                text,
                "{customers} will not be assigned or sent any more; the next run, `consign serve` or `consign forget` removes \
                 the traces that are left"
            )
        };
        text
    }
}
