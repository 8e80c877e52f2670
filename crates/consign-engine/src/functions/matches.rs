//! `matches(condition, ...)`: the indices of the conditions that hold, as a list; where none does, the list of their
//! number alone, which is the index of **remaining**.

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListBuilder, UInt16Builder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::column;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Matches {
    signature: Signature,
}

impl Matches {
    pub fn new() -> Self {
        Self { signature: Signature::variadic(vec![DataType::Boolean], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &'static str {
        "matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::UInt16, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let conditions = ColumnarValue::values_to_arrays(&args.args)?;
        let conditions: Vec<_> = conditions.iter().map(AsArray::as_boolean).collect();
        let none = index(conditions.len())?;
        let rows = conditions.first().map_or(args.number_rows, Array::len);
        let mut lists = ListBuilder::with_capacity(UInt16Builder::with_capacity(rows), rows);
        for row in 0..rows {
            let mut any = false;
            for (i, condition) in conditions.iter().enumerate() {
                if condition.is_valid(row) && condition.value(row) {
                    lists.values().append_value(index(i)?);
                    any = true;
                }
            }
            if !any {
                lists.values().append_value(none);
            }
            lists.append(true);
        }
        Ok(column(lists.finish()))
    }
}

fn index(i: usize) -> Result<u16> {
    u16::try_from(i).map_err(|_| DataFusionError::Execution("there are more than 65,535 conditions".into()))
}
