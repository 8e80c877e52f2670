//! Tests of numbers. Whole numbers and decimals are compared as what they are; a float only with floats.

use arrow::datatypes::DataType;
use consign_model::test::{Number, NumberTest};
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit};
use datafusion::scalar::ScalarValue;

/// Largest whole number of which every smaller one is a float too.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Digits of the widest decimal of 128 bits.
const MAX_DIGITS: usize = 38;

/// Whether a number passes; null where it is null.
pub(super) fn test(value: &Expr, data_type: &DataType, test: &NumberTest) -> Expr {
    let compare = |operator, number: &Number| compare(value.clone(), data_type, operator, *number);
    let any = |numbers: &[Number], operator, join: fn(Expr, Expr) -> Expr, of_none| {
        numbers.iter().map(|number| compare(operator, number)).reduce(join).unwrap_or_else(|| lit(of_none))
    };
    match test {
        NumberTest::Is(number) => compare(Operator::Eq, number),
        NumberTest::IsNot(number) => compare(Operator::NotEq, number),
        NumberTest::GreaterThan(number) => compare(Operator::Gt, number),
        NumberTest::AtLeast(number) => compare(Operator::GtEq, number),
        NumberTest::LessThan(number) => compare(Operator::Lt, number),
        NumberTest::AtMost(number) => compare(Operator::LtEq, number),
        NumberTest::Between(from, to) => compare(Operator::GtEq, from).and(compare(Operator::LtEq, to)),
        NumberTest::NotBetween(from, to) => compare(Operator::Lt, from).or(compare(Operator::Gt, to)),
        NumberTest::In(numbers) => any(numbers, Operator::Eq, Expr::or, false),
        NumberTest::NotIn(numbers) => any(numbers, Operator::NotEq, Expr::and, true),
        // Ranks are of a column, never of an aggregate, and are compiled by `ranked`.
        NumberTest::TopPercent(_) | NumberTest::BottomPercent(_) => lit(false),
    }
}

/// Whether a number is on the right side of the threshold of its rank; no threshold: the table has no value.
pub(super) fn ranked(value: Expr, test: &NumberTest, threshold: Option<&ScalarValue>) -> Expr {
    let Some(threshold) = threshold else { return lit(false) };
    let threshold = Expr::Literal(threshold.clone(), None);
    match test {
        NumberTest::BottomPercent(_) => value.lt_eq(threshold),
        _ => value.gt_eq(threshold),
    }
    .is_true()
}

fn compare(value: Expr, data_type: &DataType, operator: Operator, number: Number) -> Expr {
    let as_float = |value: Expr| binary_expr(cast(value, DataType::Float64), operator, lit(number.as_f64()));
    match (data_type, number) {
        (DataType::Float16 | DataType::Float32, number) => {
            // The nearest float of that size, so that 0.1 is 0.1.
            #[expect(clippy::cast_possible_truncation, reason = "meant")]
            let literal = number.as_f64() as f32;
            binary_expr(cast(value, DataType::Float32), operator, lit(literal))
        }
        (DataType::Float64, number) => binary_expr(value, operator, lit(number.as_f64())),
        (DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale), number) => {
            match decimal(number) {
                Some((digits, literal_scale)) if literal_scale <= *scale => {
                    let precision = u8::try_from(digits.unsigned_abs().to_string().len()).unwrap_or(38);
                    let precision = precision.max(literal_scale.unsigned_abs());
                    let literal = ScalarValue::Decimal128(Some(digits), precision, literal_scale);
                    binary_expr(value, operator, Expr::Literal(literal, None))
                }
                _ => as_float(value),
            }
        }
        (DataType::Decimal256(..), _) => as_float(value),
        (_, Number::Integer(number)) => binary_expr(value, operator, lit(number)),
        (_, Number::Float(number)) if number.fract() == 0.0 && number.abs() < MAX_EXACT => {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
            let whole = number as i64;
            binary_expr(value, operator, lit(whole))
        }
        _ => as_float(value),
    }
}

/// A number as decimal digits and scale, exactly as it is written; `None` where it has too many.
fn decimal(number: Number) -> Option<(i128, i8)> {
    let text = match number {
        Number::Integer(number) => number.to_string(),
        Number::Float(number) => number.to_string(),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{fraction}");
    if digits.len() > MAX_DIGITS {
        return None;
    }
    Some((digits.parse().ok()?, i8::try_from(fraction.len()).ok()?))
}
