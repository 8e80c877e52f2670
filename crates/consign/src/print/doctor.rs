//! How a workspace is, as text.

use consign_delivery::doctor::Health;

use super::grid::{Column, Grid};
use super::{Shown, Style};

impl Shown for Health {
    fn text(&self, style: Style) -> String {
        let mut grid = Grid::new(["State", "Of", "What"].map(Column::Text));
        for finding in &self.findings {
            grid.row([finding.state.word().to_owned(), finding.check.words().to_owned(), finding.message.clone()]);
        }
        grid.text(style)
    }
}
