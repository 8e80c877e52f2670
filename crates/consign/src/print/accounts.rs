//! Users and tokens as text.

use super::grid::{Column, Grid};
use super::{Shown, Style, moment};
use crate::view::{NewTokenSecret, Tokens, Users};

impl Shown for Users {
    fn text(&self, style: Style) -> String {
        if self.users.is_empty() {
            return "Nobody can log in yet: `consign users add NAME --role admin` adds the first user\n".to_owned();
        }
        let mut grid = Grid::new(["Name", "Role", "Added", "May log in"].map(Column::Text));
        for user in &self.users {
            let may = if user.disabled { "no" } else { "yes" };
            grid.row([user.name.clone(), user.role.to_string(), moment(user.created_at), may.to_owned()]);
        }
        grid.text(style)
    }
}

impl Shown for Tokens {
    fn text(&self, style: Style) -> String {
        if self.tokens.is_empty() {
            return "There are no tokens: `consign tokens add NAME --user USER --role ROLE` makes one\n".to_owned();
        }
        let mut grid = Grid::new(["User", "Name", "Role", "Made", "Last used", "Until", "Id"].map(Column::Text));
        for token in &self.tokens {
            grid.row([
                token.owner.clone(),
                token.name.clone(),
                token.role.to_string(),
                moment(token.created_at),
                token.used_at.map_or_else(|| "never".to_owned(), moment),
                token.until.map_or_else(|| "removed".to_owned(), moment),
                token.id.clone(),
            ]);
        }
        grid.text(style)
    }
}

impl Shown for NewTokenSecret {
    fn text(&self, _: Style) -> String {
        format!("{}\n", self.secret)
    }
}
