//! Tables.

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::Style;

/// A table: a header, and rows of cells. Columns of numbers are flush right.
pub struct Grid {
    header: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Copy)]
pub enum Column {
    /// Text.
    Text(&'static str),
    /// Numbers.
    Number(&'static str),
}

impl Grid {
    /// A table with those columns and no rows.
    pub fn new(header: impl IntoIterator<Item = Column>) -> Self {
        Self { header: header.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row, with as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(one_line).collect());
    }

    /// The table as text that ends with a line break.
    pub fn text(&self, style: Style) -> String {
        let mut table = Table::new();
        table.force_no_tty();
        let align = |column: &Column, text: &str| match column {
            Column::Text(_) => Cell::new(text),
            Column::Number(_) => Cell::new(text).set_alignment(CellAlignment::Right),
        };
        table.set_header(self.header.iter().map(|column| align(column, column.title())));
        for row in &self.rows {
            table.add_row(self.header.iter().zip(row).map(|(column, text)| align(column, text)));
        }
        if style.framed {
            table.load_style(UTF8_FULL_CONDENSED).set_width(style.width);
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
            for column in table.column_iter_mut() {
                column.set_padding((0, 2));
            }
        }
        let mut text = table.trim_fmt();
        text.push('\n');
        text
    }
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) => title,
        }
    }
}

/// A cell's text without what would break the table, or the terminal.
fn one_line(text: String) -> String {
    if text.contains(char::is_control) {
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    } else {
        text
    }
}
