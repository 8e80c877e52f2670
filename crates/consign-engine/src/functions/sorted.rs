//! `sorted_rows(list of structs)`: each list in the order of its values, field by field, nulls first. Rows gathered by
//! several threads come in any order; this makes them one.

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::column;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SortedRows {
    signature: Signature,
}

impl SortedRows {
    pub fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for SortedRows {
    fn name(&self) -> &'static str {
        "sorted_rows"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        let Some(lists) = array.as_list_opt::<i32>() else {
            return Err(DataFusionError::Execution("`sorted_rows` takes a list".into()));
        };
        Ok(column(sorted(lists)?))
    }
}

fn sorted(lists: &ListArray) -> Result<ListArray> {
    let DataType::List(field) = lists.data_type() else {
        return Err(DataFusionError::Execution("`sorted_rows` takes a list".into()));
    };
    let values = lists.values();
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(&[Arc::clone(values)])?;
    let mut order = Vec::with_capacity(values.len());
    for ends in lists.value_offsets().windows(2) {
        let number = |offset: i32| u32::try_from(offset).unwrap_or_default();
        let from = order.len();
        order.extend(number(ends[0])..number(ends[1]));
        order[from..].sort_by_key(|row| rows.row(*row as usize));
    }
    let values = take(values, &UInt32Array::from(order), None)?;
    let lengths = lists.value_offsets().windows(2).map(|ends| usize::try_from(ends[1] - ends[0]).unwrap_or_default());
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
    Ok(ListArray::try_new(Arc::clone(field), offsets, values, lists.nulls().cloned())?)
}
