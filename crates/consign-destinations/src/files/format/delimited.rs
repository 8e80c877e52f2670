//! Delimited text: CSV as in RFC 4180, and the same with other delimiters.
//!
//! NULL is an empty field. Dates are ISO 8601, timestamps too (with a zone: RFC 3339), floats the shortest text that
//! reads back, lists and structs JSON. Where a line would be empty, its one field is quoted, since readers skip empty
//! lines.

use std::fmt::Write as _;
use std::io::Write as _;
use std::mem;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use consign_model::definition::{FileFormat, FileOptions, LineEnding, Quote};

use super::layer::Layer;
use super::{FormatError, Rows, columns, unsupported};
use crate::encode::{self, Column};

/// Bytes of text that are gathered before they are passed on.
const CHUNK: usize = 256 * 1024;

static SHOWN: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

/// A reader would take these three bytes at the beginning of a file as a mark and not as text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Writes rows as lines.
pub(super) struct Delimited {
    attributes: Vec<String>,
    line: Line,
    /// What a value looks like before it is a field.
    shown: String,
    out: Box<dyn Layer>,
}

/// The text that is gathered, and how fields are added to it.
struct Line {
    text: Vec<u8>,
    delimiter: u8,
    end: &'static [u8],
    always_quote: bool,
    escape_formulas: bool,
    /// Whether lines have one field.
    narrow: bool,
}

impl Delimited {
    pub(super) fn new(options: &FileOptions, attributes: &[String], out: Box<dyn Layer>) -> Result<Self, FormatError> {
        let delimiter = match options.format {
            FileFormat::Tsv => b'\t',
            FileFormat::Psv => b'|',
            // Validation demands one that is ASCII.
            FileFormat::Delimited => options.delimiter.and_then(|c| u8::try_from(c).ok()).unwrap_or(b','),
            _ => b',',
        };
        let line = Line {
            text: Vec::with_capacity(CHUNK + CHUNK / 4),
            delimiter,
            end: line_end(options),
            always_quote: options.quote == Quote::Always,
            escape_formulas: options.escape_formulas,
            narrow: attributes.len() == 1,
        };
        let mut rows = Self { attributes: attributes.to_vec(), line, shown: String::new(), out };
        if options.header {
            for (i, attribute) in attributes.iter().enumerate() {
                rows.line.begin(i);
                rows.line.text_field(attribute);
            }
            rows.line.end();
            rows.pass_on()?;
        }
        Ok(rows)
    }

    fn pass_on(&mut self) -> Result<(), FormatError> {
        self.out.write_all(&self.line.text)?;
        self.line.text.clear();
        Ok(())
    }
}

/// What ends a line.
pub(super) fn line_end(options: &FileOptions) -> &'static [u8] {
    match options.line_ending {
        LineEnding::Lf => b"\n",
        LineEnding::Crlf => b"\r\n",
    }
}

impl Rows for Delimited {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let arrays = columns(batch, &self.attributes)?;
        let json = |(attribute, array): (&String, &ArrayRef)| {
            array.data_type().is_nested().then(|| Column::typed(batch, attribute)).transpose()
        };
        let json = self.attributes.iter().zip(&arrays).map(json).collect::<Result<Vec<_>, _>>()?;
        let columns = self.attributes.iter().zip(&arrays).zip(&json);
        let readers = columns.map(|((attribute, array), json)| Reader::new(attribute, array, json.as_ref()));
        let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
        let mut shown = mem::take(&mut self.shown);
        for row in 0..batch.num_rows() {
            for (i, reader) in readers.iter_mut().enumerate() {
                self.line.begin(i);
                reader.write(row, &mut self.line, &mut shown).map_err(|error| FormatError::Value {
                    attribute: self.attributes[i].clone(),
                    reason: error.to_string(),
                })?;
            }
            self.line.end();
            if self.line.text.len() >= CHUNK {
                self.pass_on()?;
            }
        }
        self.shown = shown;
        self.pass_on()
    }

    fn finish(self: Box<Self>) -> Result<(), FormatError> {
        Ok(self.out.finish()?)
    }
}

impl Line {
    fn begin(&mut self, field: usize) {
        if field > 0 {
            self.text.push(self.delimiter);
        }
    }

    fn end(&mut self) {
        self.text.extend_from_slice(self.end);
    }

    fn null(&mut self) {
        self.field(b"");
    }

    /// A field that a person or a system wrote, in which a formula may stand.
    fn text_field(&mut self, text: &str) {
        if self.escape_formulas && text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            self.write(text.as_bytes(), b"'");
        } else {
            self.field(text.as_bytes());
        }
    }

    fn field(&mut self, text: &[u8]) {
        self.write(text, b"");
    }

    fn write(&mut self, text: &[u8], before: &[u8]) {
        let special = |byte: &u8| *byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let quoted = self.always_quote
            || self.narrow && text.is_empty()
            || text.starts_with(BYTE_ORDER_MARK)
            || before.iter().chain(text).any(special);
        if !quoted {
            self.text.extend_from_slice(before);
            self.text.extend_from_slice(text);
            return;
        }
        self.text.push(b'"');
        self.text.extend_from_slice(before);
        for run in text.split_inclusive(|byte| *byte == b'"') {
            self.text.extend_from_slice(run);
            if run.last() == Some(&b'"') {
                self.text.push(b'"');
            }
        }
        self.text.push(b'"');
    }
}

/// Reads one column row by row, without allocating.
enum Reader<'a> {
    Text(&'a StringArray),
    View(&'a StringViewArray),
    Shown(&'a dyn Array, ArrayFormatter<'a>),
    Json(encode::Reader<'a>, Vec<u8>),
}

impl<'a> Reader<'a> {
    /// `json` is the same column where its values are lists or structs.
    fn new(attribute: &str, array: &'a ArrayRef, json: Option<&'a Column>) -> Result<Self, FormatError> {
        if let Some(json) = json {
            return Ok(Self::Json(json.reader()?, Vec::new()));
        }
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Utf8View => Self::View(array.as_string_view()),
            _ => Self::Shown(
                array,
                ArrayFormatter::try_new(array, &SHOWN).map_err(|reason| unsupported(attribute, array, reason))?,
            ),
        })
    }

    fn write(&mut self, row: usize, line: &mut Line, shown: &mut String) -> std::fmt::Result {
        match self {
            Self::Text(array) if array.is_valid(row) => line.text_field(array.value(row)),
            Self::View(array) if array.is_valid(row) => line.text_field(array.value(row)),
            Self::Shown(array, formatter) if array.is_valid(row) => {
                shown.clear();
                write!(shown, "{}", formatter.value(row))?;
                line.field(shown.as_bytes());
            }
            Self::Json(reader, json) => {
                json.clear();
                reader.write(row, json, |_| {});
                line.field(json);
            }
            _ => line.null(),
        }
        Ok(())
    }
}
