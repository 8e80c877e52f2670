//! Columns as they are read: one Arrow type for texts and days, NaN as null, everything else as it is.

use arrow::datatypes::{DataType, Field};
use consign_model::schema::ColumnType;
use datafusion::logical_expr::{Expr, cast};

use crate::compile::named;
use crate::functions::nan_to_null;

/// The type of a column, as far as conditions and attributes care.
pub(crate) fn column_type(data_type: &DataType) -> ColumnType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::Text,
        DataType::Dictionary(_, value) => column_type(value),
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Boolean => ColumnType::Boolean,
        other if other.is_numeric() => ColumnType::Number,
        _ => ColumnType::Other,
    }
}

/// The type in which a column is read.
pub(crate) fn read_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => read_type(value),
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Date64 => DataType::Date32,
        other => other.clone(),
    }
}

/// A column of a scan as it is read. NaN is null.
pub(crate) fn read(field: &Field) -> Expr {
    let read_type = read_type(field.data_type());
    let mut value = named(field.name());
    if read_type != *field.data_type() {
        value = cast(value, read_type.clone());
    }
    if read_type.is_floating() { nan_to_null(value) } else { value }
}

/// A customer key as text.
pub(crate) fn key(field: &Field) -> Expr {
    let value = named(field.name());
    match field.data_type() {
        DataType::Utf8View => value,
        _ => cast(value, DataType::Utf8View),
    }
}

/// A guess of the bytes that a value takes in memory.
pub(crate) fn width(data_type: &DataType) -> u64 {
    match data_type {
        DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::BinaryView => 32,
        DataType::List(_) | DataType::Struct(_) => 256,
        _ => 8,
    }
}
