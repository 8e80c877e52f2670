//! The audit log.

use super::grid::{Column, Grid};
use super::{Shown, Style, moment};
use crate::view::Audit;

impl Shown for Audit {
    fn text(&self, style: Style) -> String {
        if self.entries.is_empty() {
            return "Nothing is in the audit log\n".to_owned();
        }
        let mut grid = Grid::new(["Time", "Who", "What", "To", "Detail"].map(Column::Text));
        for entry in &self.entries {
            let said = [&entry.actor, &entry.action, &entry.subject, &entry.detail].map(Clone::clone);
            grid.row(std::iter::once(moment(entry.at)).chain(said));
        }
        grid.text(style)
    }
}
