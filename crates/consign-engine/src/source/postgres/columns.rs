//! Columns of Postgres: their types here, how they are asked for, and how rows become batches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, TimeUnit};
use sqlx::postgres::PgRow;
use sqlx::{Row, ValueRef};

use super::quoted;

/// Days from 1970-01-01 to 2000-01-01, where Postgres counts from.
const EPOCH_DAYS: i32 = 10_957;

/// The same in microseconds.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// Digits after the point that are kept of a `numeric` that declares none.
const NUMERIC_SCALE: i8 = 10;

/// The type of a column, as far as this crate reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    /// Any type of which only its text is known.
    AsText,
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Numeric {
        precision: u8,
        scale: i8,
    },
    Date,
    Local,
    Zoned,
}

/// The kind of a type by its name in the catalogue. `modifier` holds what a `numeric` declares.
pub(super) fn kind(type_name: &str, modifier: i32) -> ColumnKind {
    match type_name {
        "text" | "varchar" | "name" => ColumnKind::Text,
        "bool" => ColumnKind::Boolean,
        "int2" => ColumnKind::Int16,
        "int4" => ColumnKind::Int32,
        "int8" => ColumnKind::Int64,
        "float4" => ColumnKind::Float32,
        "float8" => ColumnKind::Float64,
        "numeric" => {
            let declared = modifier - 4;
            let precision = u8::try_from((declared >> 16) & 0xffff);
            let scale = i8::try_from(declared & 0x7ff);
            match (precision, scale) {
                (Ok(precision @ 1..=38), Ok(scale)) if modifier >= 4 && scale.unsigned_abs() <= precision => {
                    ColumnKind::Numeric { precision, scale }
                }
                _ => ColumnKind::Numeric { precision: 38, scale: NUMERIC_SCALE },
            }
        }
        "date" => ColumnKind::Date,
        "timestamp" => ColumnKind::Local,
        "timestamptz" => ColumnKind::Zoned,
        _ => ColumnKind::AsText,
    }
}

impl ColumnKind {
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::AsText => DataType::Utf8View,
            Self::Boolean => DataType::Boolean,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Numeric { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Date => DataType::Date32,
            Self::Local => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Zoned => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The column as a `SELECT` asks for it.
    pub fn select(self, column: &str) -> String {
        let column = quoted(column);
        match self {
            Self::AsText => format!("{column}::text"),
            Self::Numeric { scale, .. } => format!("round({column}, {scale})::text"),
            _ => column,
        }
    }

    pub fn builder(self) -> Builder {
        match self {
            Self::Text | Self::AsText => Builder::Text(StringViewBuilder::new()),
            Self::Boolean => Builder::Boolean(BooleanBuilder::new()),
            Self::Int16 => Builder::Int16(Int16Builder::new()),
            Self::Int32 => Builder::Int32(Int32Builder::new()),
            Self::Int64 => Builder::Int64(Int64Builder::new()),
            Self::Float32 => Builder::Float32(Float32Builder::new()),
            Self::Float64 => Builder::Float64(Float64Builder::new()),
            Self::Numeric { scale, .. } => {
                Builder::Numeric(Decimal128Builder::new().with_data_type(self.data_type()), scale)
            }
            Self::Date => Builder::Date(Date32Builder::new()),
            Self::Local | Self::Zoned => {
                Builder::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(self.data_type()))
            }
        }
    }
}

/// A column of a batch that is being filled.
pub(super) enum Builder {
    Text(StringViewBuilder),
    Boolean(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Numeric(Decimal128Builder, i8),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Builder {
    /// Appends a row's value; what is wrong with it, if anything.
    pub fn append(&mut self, row: &PgRow, i: usize) -> Result<(), String> {
        let failed = |error: sqlx::Error| error.to_string();
        match self {
            Self::Text(builder) => builder.append_option(row.try_get::<Option<&str>, _>(i).map_err(failed)?),
            Self::Boolean(builder) => builder.append_option(row.try_get(i).map_err(failed)?),
            Self::Int16(builder) => builder.append_option(row.try_get(i).map_err(failed)?),
            Self::Int32(builder) => builder.append_option(row.try_get(i).map_err(failed)?),
            Self::Int64(builder) => builder.append_option(row.try_get(i).map_err(failed)?),
            Self::Float32(builder) => builder.append_option(row.try_get(i).map_err(failed)?),
            Self::Float64(builder) => builder.append_option(row.try_get(i).map_err(failed)?),
            Self::Numeric(builder, scale) => {
                let text = row.try_get::<Option<&str>, _>(i).map_err(failed)?.filter(|text| *text != "NaN");
                builder.append_option(text.map(|text| decimal(text, *scale)).transpose()?);
            }
            Self::Date(builder) => {
                let days = bytes(row, i)?.map(i32::from_be_bytes);
                let days = days.map(|days| match days {
                    i32::MAX | i32::MIN => Err("it holds `infinity`, which is no day".to_owned()),
                    days => Ok(days + EPOCH_DAYS),
                });
                builder.append_option(days.transpose()?);
            }
            Self::Timestamp(builder) => {
                let moments = bytes(row, i)?.map(i64::from_be_bytes);
                let moments = moments.map(|moment| match moment {
                    i64::MAX | i64::MIN => Err("it holds `infinity`, which is no moment".to_owned()),
                    moment => Ok(moment + EPOCH_MICROSECONDS),
                });
                builder.append_option(moments.transpose()?);
            }
        }
        Ok(())
    }

    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Numeric(builder, _) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The bytes of a value in the binary format.
fn bytes<const N: usize>(row: &PgRow, i: usize) -> Result<Option<[u8; N]>, String> {
    let value = row.try_get_raw(i).map_err(|error| error.to_string())?;
    if value.is_null() {
        return Ok(None);
    }
    let bytes = value.as_bytes().map_err(|error| error.to_string())?;
    bytes.try_into().map(Some).map_err(|_| "the server sent it in another format than was asked for".to_owned())
}

/// A decimal's digits at a scale, which it was rounded to.
fn decimal(text: &str, scale: i8) -> Result<i128, String> {
    let too_large = || "it holds a number of more than 38 digits".to_owned();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let zeros = usize::try_from(scale).unwrap_or_default().saturating_sub(fraction.len());
    let digits: i128 = format!("{whole}{fraction}{}", "0".repeat(zeros)).parse().map_err(|_| too_large())?;
    if digits.unsigned_abs() >= 10_u128.pow(38) { Err(too_large()) } else { Ok(digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_keeps_what_it_declares() {
        // numeric(10,2) has the modifier ((10 << 16) | 2) + 4.
        assert_eq!(kind("numeric", ((10 << 16) | 2) + 4), ColumnKind::Numeric { precision: 10, scale: 2 });
        assert_eq!(kind("numeric", -1), ColumnKind::Numeric { precision: 38, scale: 10 });
        assert_eq!(kind("uuid", -1), ColumnKind::AsText);
    }

    #[test]
    fn a_decimal_is_read_at_its_scale() {
        assert_eq!(decimal("-12.5", 2), Ok(-1250));
        assert_eq!(decimal("7", 0), Ok(7));
        assert!(decimal(&"9".repeat(39), 0).is_err());
    }
}
