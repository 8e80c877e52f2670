//! The functions of ours that plans call. All are registered here, by name, and take their settings as literals: a plan
//! that calls them can be shipped to another machine that has registered the same.

mod blank;
mod clean;
mod matches;
mod nan;
mod position;
mod sorted;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarUDF};
use datafusion::scalar::ScalarValue;

pub(crate) use clean::clean;

/// Every function of ours.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::new_from_impl(position::Position::new())),
        Arc::new(ScalarUDF::new_from_impl(blank::IsBlank::new())),
        Arc::new(ScalarUDF::new_from_impl(matches::Matches::new())),
        Arc::new(ScalarUDF::new_from_impl(nan::NanToNull::new())),
        Arc::new(ScalarUDF::new_from_impl(sorted::SortedRows::new())),
        Arc::new(ScalarUDF::new_from_impl(clean::Clean::new())),
    ]
}

/// The position of a customer under a split key.
pub(crate) fn position(split_key: &str, customer_key: Expr) -> Expr {
    let split_key = Expr::Literal(ScalarValue::Utf8(Some(split_key.to_owned())), None);
    ScalarUDF::new_from_impl(position::Position::new()).call(vec![split_key, customer_key])
}

/// Whether a text is null or nothing but white space. Never null.
pub(crate) fn is_blank(text: Expr) -> Expr {
    ScalarUDF::new_from_impl(blank::IsBlank::new()).call(vec![text])
}

/// Which of the conditions hold, as a list of their indices; where none does, the list of their number alone.
pub(crate) fn matches(conditions: Vec<Expr>) -> Expr {
    ScalarUDF::new_from_impl(matches::Matches::new()).call(conditions)
}

/// A float, null where it is NaN.
pub(crate) fn nan_to_null(number: Expr) -> Expr {
    ScalarUDF::new_from_impl(nan::NanToNull::new()).call(vec![number])
}

/// A list of structs ordered by its values, nulls first.
pub(crate) fn sorted_rows(list: Expr) -> Expr {
    ScalarUDF::new_from_impl(sorted::SortedRows::new()).call(vec![list])
}

/// An argument as text of the batch's length.
fn text(argument: &ColumnarValue, rows: usize) -> Result<StringViewArray> {
    let array = argument.to_array(rows)?;
    let array = match array.data_type() {
        DataType::Utf8View => array,
        _ => cast(&array, &DataType::Utf8View)?,
    };
    Ok(array.as_string_view().clone())
}

/// An argument that is a literal text; `None` where it is null.
fn literal_text(argument: &ColumnarValue, what: &str) -> Result<Option<String>> {
    match argument {
        ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
            Some(text) => Ok(text.map(ToOwned::to_owned)),
            None if scalar.is_null() => Ok(None),
            None => Err(DataFusionError::Execution(format!("{what} is not a text"))),
        },
        ColumnarValue::Array(array) if array.is_empty() => Ok(None),
        ColumnarValue::Array(_) => Err(DataFusionError::Execution(format!("{what} is not a literal"))),
    }
}

fn column(array: impl Array + 'static) -> ColumnarValue {
    let array: ArrayRef = Arc::new(array);
    ColumnarValue::Array(array)
}
