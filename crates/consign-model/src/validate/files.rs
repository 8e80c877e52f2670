//! How files are written.

use super::Validator;
use crate::definition::{Compression, FileFormat, FileOptions};
use crate::problem::Path;

impl Validator<'_> {
    pub(super) fn file_options(&mut self, options: &FileOptions, path: &Path) {
        let delimiter = path.field("delimiter");
        let usable = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '"' | '\n' | '\r' | '\0');
        match (options.format, options.delimiter) {
            (FileFormat::Delimited, None) => {
                self.error(&delimiter, "`format: delimited` needs a delimiter", "add one, such as `delimiter: ';'`");
            }
            (FileFormat::Delimited, Some(c)) if !usable(c) => self.error(
                &delimiter,
                "the delimiter is not one ASCII character that readers tell from text",
                "choose one such as `;`, not a letter, digit, quote or line break",
            ),
            (FileFormat::Delimited, Some(_)) | (_, None) => {}
            (_, Some(_)) => self.error(
                &delimiter,
                "only `format: delimited` takes a delimiter",
                "write `format: delimited`, or remove `delimiter`",
            ),
        }
        if options.rows_per_file == Some(0) {
            self.error(&path.field("rows_per_file"), "a file of no rows holds nothing", "write at least 1");
        }
        if options.format == FileFormat::Parquet && options.compression != Compression::None {
            self.error(
                &path.field("compression"),
                "Parquet files are compressed inside, and readers do not take compressed ones",
                "remove `compression`",
            );
        }
        if options.escape_formulas && matches!(options.format, FileFormat::Parquet | FileFormat::JsonLines) {
            self.error(
                &path.field("escape_formulas"),
                "formulas are escaped for spreadsheets, which read delimited files",
                "remove `escape_formulas`, or choose `csv`",
            );
        }
    }
}
