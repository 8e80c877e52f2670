//! `nan_to_null(number)`: a float, null where it is NaN.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NanToNull {
    signature: Signature,
}

impl NanToNull {
    pub fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NanToNull {
    fn name(&self) -> &'static str {
        "nan_to_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(match array.data_type() {
            DataType::Float16 => without::<Float16Type>(&array, <Float16Type as ArrowPrimitiveType>::Native::is_nan),
            DataType::Float32 => without::<Float32Type>(&array, f32::is_nan),
            DataType::Float64 => without::<Float64Type>(&array, f64::is_nan),
            _ => array,
        }))
    }
}

fn without<T: ArrowPrimitiveType>(array: &ArrayRef, nan: impl Fn(T::Native) -> bool) -> ArrayRef {
    let numbers: &PrimitiveArray<T> = array.as_primitive();
    if !numbers.values().iter().any(|number| nan(*number)) {
        return Arc::clone(array);
    }
    let kept = numbers.iter().map(|number| number.filter(|number| !nan(*number)));
    Arc::new(kept.collect::<PrimitiveArray<T>>())
}
