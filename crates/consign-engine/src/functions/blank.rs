//! `is_blank(text)`: null, or nothing but white space (as Unicode has it).

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{column, text};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IsBlank {
    signature: Signature,
}

impl IsBlank {
    pub fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for IsBlank {
    fn name(&self) -> &'static str {
        "is_blank"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = text(&args.args[0], args.number_rows)?;
        let blank = values.iter().map(|value| Some(value.is_none_or(|value| value.trim().is_empty())));
        Ok(column(blank.collect::<BooleanArray>()))
    }
}
