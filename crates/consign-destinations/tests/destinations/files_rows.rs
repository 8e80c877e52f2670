//! Rows of invented people, and what the tests of files do with them.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::convert::Infallible;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, StringDictionaryBuilder, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use consign_destinations::files::{FileWriter, Recipient};
use consign_model::definition::FileOptions;
use futures::Stream;

/// What is always in staged batches and never in a file.
pub const KEY: &str = "customer_key";

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

pub fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<StringViewArray>())
}

/// Three rows with a column of each type; the last has nothing but its key.
pub fn people() -> RecordBatch {
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("new"), Some("a \"b\", c")]);
    tags.append_value(std::iter::empty::<Option<&str>>());
    tags.append_null();
    let mut tier = StringDictionaryBuilder::<Int32Type>::new();
    tier.append_value("gold");
    tier.append_value("silver");
    tier.append_null();
    batch(vec![
        (KEY, text(&[Some("00001"), Some("00002"), Some("00003")])),
        ("email", text(&[Some("zoe@example.com"), Some("ann@example.com"), None])),
        ("name", Arc::new(StringArray::from(vec![Some("Zoë, \"Z\""), Some("Ann\r\nLee"), None]))),
        ("orders", Arc::new(Int64Array::from(vec![Some(3), Some(-1), None]))),
        ("spent", Arc::new(Float64Array::from(vec![Some(0.1), Some(1234.5), None]))),
        ("active", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("born", Arc::new(Date32Array::from(vec![Some(0), Some(-1), None]))),
        ("seen", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), Some(0), None]))),
        (
            "seen_at",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), Some(0), None]).with_timezone("UTC")),
        ),
        ("tier", Arc::new(tier.finish())),
        ("tags", Arc::new(tags.finish())),
    ])
}

/// The attributes of [`people`].
pub fn attributes() -> Vec<String> {
    names(&["email", "name", "orders", "spent", "active", "born", "seen", "seen_at", "tier", "tags"])
}

pub fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// `rows` rows of one column of text that compresses badly, in batches.
pub fn numbered(rows: usize) -> Vec<RecordBatch> {
    let all: Vec<_> = (0..rows).collect();
    let column = |rows: &[usize]| {
        let value = |row: &usize| format!("{:016x}", (*row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
    };
    all.chunks(8192).map(|rows| batch(vec![("id", column(rows))])).collect()
}

/// The bytes of a file of these batches.
pub fn written(
    options: &FileOptions,
    attributes: &[String],
    batches: &[RecordBatch],
    recipient: Option<&Recipient>,
) -> Vec<u8> {
    let mut writer = FileWriter::new(options, attributes, "list.csv", recipient).unwrap();
    let mut bytes = Vec::new();
    for batch in batches {
        bytes.extend_from_slice(&writer.write(batch).unwrap());
    }
    bytes.extend_from_slice(&writer.finish().unwrap());
    bytes
}

/// The bytes of a file of these batches, as text.
pub fn written_text(options: &FileOptions, attributes: &[String], batches: &[RecordBatch]) -> String {
    String::from_utf8(written(options, attributes, batches, None)).unwrap()
}

/// Batches as they come from staging.
pub fn stream(batches: Vec<RecordBatch>) -> impl Stream<Item = Result<RecordBatch, Infallible>> {
    futures::stream::iter(batches.into_iter().map(Ok))
}
