//! `position(split_key, customer_key)`: a customer's place on the line of 2^64 places.

use arrow::array::UInt64Array;
use arrow::datatypes::DataType;
use consign_model::split::Positions;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{column, literal_text, text};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Position {
    signature: Signature,
}

impl Position {
    pub fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Position {
    fn name(&self) -> &'static str {
        "position"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let split_key = literal_text(&args.args[0], "the split key")?.unwrap_or_default();
        let keys = text(&args.args[1], args.number_rows)?;
        let positions = Positions::new(&split_key);
        Ok(column(keys.iter().map(|key| key.map(|key| positions.of(key))).collect::<UInt64Array>()))
    }
}
