//! Who the rows of a delivery are: an identity of each, a hash of what it is sent with, and what taking it off needs.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch, StringViewArray, UInt8Array, UInt64Array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use consign_destinations::client::Member as PlatformMember;
use consign_engine::rows_schema;
use consign_model::forgotten::Forgotten;
use consign_model::plan::{PlannedAttribute, PlannedDelivery};
use consign_model::spec::UniqueBy;
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::PlatformError;
use crate::stage::{CUSTOMER_KEY, StagedBatch};
use crate::staged;

/// In a delivery's working folder: the identities of its rows.
pub(super) const ROWS: &str = "rows.parquet";

/// How the rows of a delivery are told from each other, and from what they were before.
pub(super) struct Identifying {
    /// The attributes that say who a row is.
    pub names: Vec<String>,
    /// Whether what is missing is cleared at the platform, and so is a part of what a row is sent with.
    pub clears: bool,
}

/// Rows are told from each other by the attributes by which they are duplicates; by all where nothing is said.
pub(super) fn identifying(delivery: &PlannedDelivery) -> Identifying {
    let names = delivery.attributes.iter().map(|attribute| attribute.name.clone());
    let names = telling(names, &delivery.rules.unique_by);
    Identifying { names, clears: delivery.settings.flag("clear_nulls") }
}

/// Those of the attributes that tell rows from each other.
pub(super) fn telling(attributes: impl Iterator<Item = String>, unique_by: &UniqueBy) -> Vec<String> {
    match unique_by {
        UniqueBy::Attributes(identifying) => attributes.filter(|name| identifying.contains(name)).collect(),
        UniqueBy::WholeRow | UniqueBy::Nothing => attributes.collect(),
    }
}

/// Staged rows as texts, with their identities.
pub(super) struct Identified {
    pub keys: StringViewArray,
    pub identities: Vec<[u8; 32]>,
    pub attributes: Vec<[u8; 32]>,
    /// The identifying attributes and their values.
    identifying: Vec<(String, StringViewArray)>,
    /// The others and theirs, where what is missing of them is cleared.
    cleared: Vec<(String, StringViewArray)>,
}

impl Identified {
    /// Of a staged batch, with its customer keys.
    pub fn of(batch: &RecordBatch, identifying: &Identifying) -> Result<Self, PlatformError> {
        let mut keys = StringViewArray::new_null(0);
        let mut texts = Vec::new();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let text = cast(array, &DataType::Utf8View)?;
            let text = text.as_string_view().clone();
            if field.name() == CUSTOMER_KEY {
                keys = text;
            } else {
                texts.push((field.name().clone(), text));
            }
        }
        let is_who = |(name, _): &&(String, _)| identifying.names.contains(name);
        let who: Vec<_> = texts.iter().filter(is_who).cloned().collect();
        let cleared: Vec<_> = texts.iter().filter(|text| identifying.clears && !is_who(text)).cloned().collect();
        let rows = 0..batch.num_rows();
        let identities = rows.clone().map(|row| digest(&who, &[], row)).collect();
        let attributes = rows.map(|row| digest(&texts, &cleared, row)).collect();
        Ok(Self { keys, identities, attributes, identifying: who, cleared })
    }

    /// What the platform knows a row by: the first of its identifying attributes that it has.
    pub fn known_by(&self, row: usize) -> Option<(&str, &str)> {
        let mut known = self.identifying.iter().filter(|(_, values)| values.is_valid(row));
        known.next().map(|(name, values)| (name.as_str(), values.value(row)))
    }

    /// The attributes that a row lacks, where they are cleared.
    pub fn missing(&self, row: usize) -> Vec<&str> {
        let missing = self.cleared.iter().filter(|(_, values)| values.is_null(row));
        missing.map(|(name, _)| name.as_str()).collect()
    }

    /// What taking a row off needs: its identifying attributes, as a JSON object.
    pub fn removal(&self, row: usize) -> Vec<u8> {
        let values = self.identifying.iter().filter(|(_, values)| values.is_valid(row));
        let object: Map<String, Value> =
            values.map(|(name, values)| (name.clone(), Value::from(values.value(row)))).collect();
        Value::Object(object).to_string().into_bytes()
    }
}

/// SHA-256 over names and values, and then the names of what is to be cleared, each with its length, so that no two rows
/// look alike.
fn digest(columns: &[(String, StringViewArray)], cleared: &[(String, StringViewArray)], row: usize) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    for (name, values) in columns.iter().filter(|(_, values)| values.is_valid(row)) {
        part(name);
        part(values.value(row));
    }
    for (name, _) in cleared.iter().filter(|(_, values)| values.is_null(row)) {
        part("");
        part(name);
    }
    hash.finalize().into()
}

/// Writes the identities of a delivery's rows into its working folder. Those of forgotten customers are left out, and the
/// places of the others are what they were.
pub(super) fn write_rows(
    batches: &[StagedBatch],
    forgotten: &Forgotten,
    identifying: &Identifying,
    work: &Path,
) -> Result<(), PlatformError> {
    let file =
        File::create(work.join(ROWS)).map_err(|reason| PlatformError::Members { path: work.to_owned(), reason })?;
    let mut writer = ArrowWriter::try_new(file, rows_schema(), None)?;
    let mut first = 0_u64;
    for batch in batches {
        for rows in staged::read(&batch.path)? {
            let rows = rows?;
            let places = first..first + rows.num_rows() as u64;
            first = places.end;
            let known = staged::are_known(&rows, forgotten);
            let identified = Identified::of(&filter_record_batch(&rows, &known)?, identifying)?;
            let places = places.zip(known.values()).filter(|(_, known)| *known).map(|(place, _)| place);
            let columns: Vec<ArrayRef> = vec![
                Arc::new(UInt64Array::from_iter_values(places)),
                Arc::new(BinaryArray::from_iter_values(&identified.identities)),
                Arc::new(UInt8Array::from_iter_values(identified.identities.iter().map(|identity| identity[0]))),
                Arc::new(BinaryArray::from_iter_values(&identified.attributes)),
            ];
            writer.write(&RecordBatch::try_new(rows_schema(), columns)?)?;
        }
    }
    writer.close()?;
    Ok(())
}

/// Rows to take off a list: one column for each attribute, texts where the removals have them.
pub(super) fn removal_rows(
    removals: &[Map<String, Value>],
    attributes: &[PlannedAttribute],
) -> Result<RecordBatch, PlatformError> {
    let columns = attributes.iter().map(|attribute| {
        let values = removals.iter().map(|removal| removal.get(&attribute.name).and_then(Value::as_str));
        (attribute.name.as_str(), Arc::new(values.collect::<StringViewArray>()) as ArrayRef, true)
    });
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

/// The identity of a member that was read from a list, and what taking it off needs: its identifying attribute, else the
/// platform's id.
pub(super) fn of_member(member: &PlatformMember, identifying: &[String]) -> ([u8; 32], Vec<u8>) {
    let value = identifying.first().and_then(|name| Some((name, member.identifiers.get(name)?)));
    let (name, value) = value.map_or((ID, member.id.as_str()), |(name, value)| (name.as_str(), value.as_str()));
    let column = StringViewArray::from_iter_values([value]);
    let identity = digest(&[(name.to_owned(), column)], &[], 0);
    let removal = Map::from_iter([(name.to_owned(), Value::from(value))]);
    (identity, Value::Object(removal).to_string().into_bytes())
}

/// Under this name a removal holds the platform's own id of a member.
pub(super) const ID: &str = "#id";
