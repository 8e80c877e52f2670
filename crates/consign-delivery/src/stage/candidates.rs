//! The candidate rows of a delivery: one a customer, or one for each of the customer's rows of a many-rows table.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, nullif, take};
use arrow::datatypes::{DataType, Schema};
use consign_model::plan::{AttributeSource, CleanedColumn};
use consign_model::snapshot;
use consign_model::spec::Hash;
use consign_normalise::hash_column;

use super::StageError;

/// Rows of one group and one expansion, out of one batch of the snapshot.
pub(super) struct Candidates {
    /// Columns by their names in the snapshot; the fields of the many-rows table among them.
    columns: RecordBatch,
    /// The first row of each customer, and behind the last customer the number of rows.
    pub starts: Vec<usize>,
    sent: HashMap<(String, Hash), ArrayRef>,
}

impl Candidates {
    /// The rows of these customers, with one row for each of their rows of the expanded table; a customer without any
    /// has one with nulls there.
    pub fn new(customers: &RecordBatch, expansion: Option<&str>) -> Result<Self, StageError> {
        let Some(table) = expansion else {
            let starts = (0..=customers.num_rows()).collect();
            return Ok(Self { columns: customers.clone(), starts, sent: HashMap::new() });
        };
        let name = snapshot::rows(table);
        let lists = column(customers, &name)?;
        let lists = lists.as_list_opt::<i32>().ok_or_else(|| StageError::Layout(name.clone()))?;
        let rows = lists.values().as_struct_opt().ok_or_else(|| StageError::Layout(name.clone()))?;
        let mut starts = Vec::with_capacity(customers.num_rows() + 1);
        let (mut of_customer, mut of_table) = (Vec::new(), Vec::new());
        for customer in 0..customers.num_rows() {
            starts.push(of_customer.len());
            let index = u32::try_from(customer).unwrap_or(u32::MAX);
            let (from, to) = (lists.value_offsets()[customer], lists.value_offsets()[customer + 1]);
            if lists.is_null(customer) || from == to {
                of_customer.push(index);
                of_table.push(None);
            } else {
                for row in from..to {
                    of_customer.push(index);
                    of_table.push(u32::try_from(row).ok());
                }
            }
        }
        starts.push(of_customer.len());
        let (of_customer, of_table) = (UInt32Array::from(of_customer), UInt32Array::from(of_table));
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (field, array) in customers.schema().fields().iter().zip(customers.columns()) {
            if !matches!(field.data_type(), DataType::List(_)) {
                fields.push(Arc::clone(field));
                arrays.push(take(array, &of_customer, None)?);
            }
        }
        for (field, array) in rows.fields().iter().zip(rows.columns()) {
            fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
            arrays.push(take(array, &of_table, None)?);
        }
        let columns = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        Ok(Self { columns, starts, sent: HashMap::new() })
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.columns.num_rows()
    }

    /// The column of that name in the snapshot.
    pub fn column(&self, name: &str) -> Result<&ArrayRef, StageError> {
        column(&self.columns, name)
    }

    /// A column of text.
    pub fn text(&self, name: &str) -> Result<&StringViewArray, StageError> {
        text(&self.columns, name)
    }

    /// A cleaned column: null is missing, empty invalid.
    pub fn cleaned(&self, cleaned: &CleanedColumn) -> Result<&StringViewArray, StageError> {
        self.text(&cleaned.snapshot_name())
    }

    /// The values of an attribute as they are sent: cleaned, hashed, null where missing or invalid. Deliveries that send
    /// the same values share them.
    pub fn sent(&mut self, source: &AttributeSource, hash: Hash) -> Result<ArrayRef, StageError> {
        let cleaned = match source {
            AttributeSource::Raw(raw) => return self.column(&raw.to_string()).cloned(),
            AttributeSource::Fact(_, text) => return Ok(constant(text, hash, self.len())),
            AttributeSource::Cleaned(cleaned) => cleaned,
        };
        let key = (cleaned.snapshot_name(), hash);
        if let Some(array) = self.sent.get(&key) {
            return Ok(Arc::clone(array));
        }
        let values = self.text(&key.0)?;
        let array: ArrayRef = match hash {
            Hash::Sha256 => Arc::new(hash_column(values, hash)),
            Hash::None | Hash::NoneOrPrehashed => {
                let invalid = values.iter().map(|value| Some(value == Some(""))).collect();
                nullif(values, &invalid)?
            }
        };
        self.sent.insert(key, Arc::clone(&array));
        Ok(array)
    }
}

/// A fact of the campaign on every row; nothing where it is empty.
fn constant(text: &str, hash: Hash, rows: usize) -> ArrayRef {
    if text.is_empty() {
        return Arc::new(StringViewArray::new_null(rows));
    }
    let one = StringViewArray::from_iter_values(std::iter::repeat_n(text, rows));
    if hash == Hash::Sha256 { Arc::new(hash_column(&one, hash)) } else { Arc::new(one) }
}

/// Whether each value of an attribute is there and valid.
pub(super) fn present(candidates: &Candidates, source: &AttributeSource) -> Result<Vec<bool>, StageError> {
    Ok(match source {
        AttributeSource::Fact(_, text) => vec![!text.is_empty(); candidates.len()],
        AttributeSource::Cleaned(cleaned) => {
            candidates.cleaned(cleaned)?.iter().map(|value| value.is_some_and(|text| !text.is_empty())).collect()
        }
        AttributeSource::Raw(raw) => {
            let array = candidates.column(&raw.to_string())?;
            if matches!(array.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
                let texts = cast(array, &DataType::Utf8View)?;
                texts.as_string_view().iter().map(|value| value.is_some_and(|text| !text.trim().is_empty())).collect()
            } else {
                let nulls = array.logical_nulls();
                (0..array.len())
                    .map(|row| nulls.as_ref().is_none_or(|nulls: &NullBuffer| nulls.is_valid(row)))
                    .collect()
            }
        }
    })
}

pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, StageError> {
    batch.column_by_name(name).ok_or_else(|| StageError::Layout(name.to_owned()))
}

pub(super) fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringViewArray, StageError> {
    column(batch, name)?.as_string_view_opt().ok_or_else(|| StageError::Layout(name.to_owned()))
}
