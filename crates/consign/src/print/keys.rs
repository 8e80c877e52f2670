//! Stored credentials and the workspace key as text.

use std::fmt::Write as _;

use consign_delivery::Rotated;

use super::grid::{Column, Grid};
use super::{Shown, Style, moment, number};
use crate::view::Credentials;

impl Shown for Credentials {
    fn text(&self, style: Style) -> String {
        if self.credentials.is_empty() {
            return "No credentials are stored: `consign credentials set NAME` stores one\n".to_owned();
        }
        let mut grid = Grid::new(["Name", "Set", "By"].map(Column::Text));
        for one in &self.credentials {
            grid.row([one.name.clone(), moment(one.set_at), one.set_by.clone()]);
        }
        grid.text(style)
    }
}

impl Shown for Rotated {
    fn text(&self, _: Style) -> String {
        let mut text = format!(
            "The workspace key is {} now: {} and {} are sealed again\n",
            self.key,
            consign_model::word::count(usize::try_from(self.credentials).unwrap_or(usize::MAX), "credential"),
            consign_model::word::count(usize::try_from(self.values).unwrap_or(usize::MAX), "other value"),
        );
        if self.unreadable > 0 {
            let _ = writeln!(text, "{} could be opened with no key, and stay as they are", number(self.unreadable));
        }
        if !self.older_removed {
            text.push_str("The older keys are not needed any more: take them out\n");
        }
        text
    }
}
