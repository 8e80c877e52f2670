//! JSON lines: one object a row, the attributes in order; a missing value is an absent member.

use std::io::Write as _;

use arrow::array::RecordBatch;
use consign_model::definition::FileOptions;

use super::delimited::line_end;
use super::layer::Layer;
use super::{FormatError, Rows};
use crate::encode::{Column, Key};

/// Bytes of text that are gathered before they are passed on.
const CHUNK: usize = 256 * 1024;

/// Writes rows as objects.
pub(super) struct JsonLines {
    attributes: Vec<(String, Key)>,
    end: &'static [u8],
    text: Vec<u8>,
    out: Box<dyn Layer>,
}

impl JsonLines {
    pub(super) fn new(options: &FileOptions, attributes: &[String], out: Box<dyn Layer>) -> Self {
        let attributes = attributes.iter().map(|name| (name.clone(), Key::new(name))).collect();
        Self { attributes, end: line_end(options), text: Vec::with_capacity(CHUNK + CHUNK / 4), out }
    }

    fn pass_on(&mut self) -> Result<(), FormatError> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

impl Rows for JsonLines {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let columns = self.attributes.iter().map(|(name, _)| Column::typed(batch, name));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let mut readers = columns.iter().map(Column::reader).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            self.text.push(b'{');
            for (reader, (_, key)) in readers.iter_mut().zip(&self.attributes) {
                reader.write(row, &mut self.text, |text| key.write(text));
            }
            self.text.push(b'}');
            self.text.extend_from_slice(self.end);
            if self.text.len() >= CHUNK {
                self.out.write_all(&self.text)?;
                self.text.clear();
            }
        }
        self.pass_on()
    }

    fn finish(self: Box<Self>) -> Result<(), FormatError> {
        Ok(self.out.finish()?)
    }
}
