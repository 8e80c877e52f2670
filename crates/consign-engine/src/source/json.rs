//! JSON lines: one object a line. A field that a line lacks is null there.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::Trouble;
use super::stream::MAX_ROW;

/// Reads a file: each object with its line. `file` is its name in messages.
pub(crate) fn rows(
    read: impl Read,
    file: &str,
    mut row: impl FnMut(u64, &Map<String, Value>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut reader = BufReader::with_capacity(1 << 16, read);
    let mut buffer = Vec::new();
    let mut line = 0;
    loop {
        line += 1;
        buffer.clear();
        let limit = MAX_ROW as u64 + 1;
        let length = reader.by_ref().take(limit).read_until(b'\n', &mut buffer).map_err(|error| {
            Trouble::new(format!("`{file}` cannot be read: {error}"), "check the file and that you may read it")
        })?;
        if length == 0 {
            return Ok(());
        }
        if length > MAX_ROW {
            return Err(Trouble::new(
                format!("`{file}`, line {line}: the line is larger than {} MiB", MAX_ROW >> 20),
                "write one object a line",
            ));
        }
        let mut text = buffer.as_slice();
        if line == 1 {
            text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let text = std::str::from_utf8(text).map_err(|_| {
            Trouble::new(format!("`{file}`, line {line}: the line is not UTF-8"), "save the file as UTF-8")
        })?;
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => "the line is not a JSON object".to_owned(),
                serde_json::error::Category::Eof => "the line ends within its object".to_owned(),
                _ => format!("the line is not JSON (column {})", error.column()),
            };
            Trouble::new(
                format!("`{file}`, line {line}: {what}"),
                "write one object a line, such as `{\"customer_id\": \"1\"}`",
            )
        })?;
        row(line, &object)?;
    }
}
