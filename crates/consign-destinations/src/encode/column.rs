//! One staged column, read row by row without allocating.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringViewArray};
use arrow::compute::{cast, nullif};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};

use consign_model::spec::Hash;

use super::EncodeError;
use super::json::write_text;

static OPTIONS: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

/// A staged column, brought once a batch to a type that is read row by row.
#[derive(Debug)]
pub struct Column {
    array: ArrayRef,
    field: FieldRef,
}

impl Column {
    /// The column of that attribute, with its type: text is sent as text, numbers and booleans as such, dates and
    /// timestamps as ISO text, lists as arrays.
    pub fn typed(staged: &RecordBatch, attribute: &str) -> Result<Self, EncodeError> {
        let given = find(staged, attribute)?;
        let array = match given.data_type() {
            DataType::LargeUtf8 => cast(given, &DataType::Utf8View),
            DataType::Dictionary(_, value) => cast(given, value),
            DataType::RunEndEncoded(_, value) => cast(given, value.data_type()),
            _ => Ok(Arc::clone(given)),
        };
        Self::new(attribute, given, array.map(|array| without_non_finite(&array)))
    }

    /// The column of that attribute as text, whatever its type.
    pub fn text(staged: &RecordBatch, attribute: &str) -> Result<Self, EncodeError> {
        let given = find(staged, attribute)?;
        let array = match given.data_type() {
            DataType::Utf8 | DataType::Utf8View => Ok(Arc::clone(given)),
            _ => cast(given, &DataType::Utf8View),
        };
        Self::new(attribute, given, array)
    }

    /// The column of an attribute as text. Where it is sent hashed, every value must be a hash, whatever staging did.
    pub fn hashed(staged: &RecordBatch, attribute: &str, hash: Hash) -> Result<Self, EncodeError> {
        let column = Self::text(staged, attribute)?;
        if hash == Hash::Sha256 {
            let reader = column.reader()?;
            let plain = (0..staged.num_rows()).any(|row| reader.text(row).is_some_and(|text| !is_sha256(text)));
            if plain {
                return Err(EncodeError::NotHashed(attribute.to_owned()));
            }
        }
        Ok(column)
    }

    fn new(attribute: &str, given: &ArrayRef, array: Result<ArrayRef, ArrowError>) -> Result<Self, EncodeError> {
        let array = array.map_err(|reason| unsupported(attribute, given.data_type(), reason))?;
        let field = Arc::new(Field::new(attribute, array.data_type().clone(), true));
        Ok(Self { array, field })
    }

    /// What reads its rows.
    pub fn reader(&self) -> Result<Reader<'_>, EncodeError> {
        Ok(match self.array.data_type() {
            DataType::Utf8 => Reader::Text(self.array.as_string()),
            DataType::Utf8View => Reader::View(self.array.as_string_view()),
            other => Reader::Other(
                make_encoder(&self.field, &self.array, &OPTIONS)
                    .map_err(|reason| unsupported(self.field.name(), other, reason))?,
            ),
        })
    }
}

/// Reads the rows of a [`Column`].
pub enum Reader<'a> {
    /// Text.
    Text(&'a StringArray),
    /// Text as views.
    View(&'a StringViewArray),
    /// Anything else, with what writes it as JSON.
    Other(NullableEncoder<'a>),
}

impl<'a> Reader<'a> {
    /// The text of a row; `None` where it is missing (null or blank) or the column is not one of text.
    pub fn text(&self, row: usize) -> Option<&'a str> {
        let text = match self {
            Self::Text(array) if array.is_valid(row) => array.value(row),
            Self::View(array) if array.is_valid(row) => array.value(row),
            _ => return None,
        };
        (!is_blank(text)).then_some(text)
    }

    /// Appends the value of a row as JSON after what `before` appends; nothing at all where it is missing.
    pub fn write(&mut self, row: usize, into: &mut Vec<u8>, before: impl FnOnce(&mut Vec<u8>)) {
        if let Self::Other(encoder) = self {
            if !encoder.is_null(row) {
                before(into);
                encoder.encode(row, into);
            }
        } else if let Some(text) = self.text(row) {
            before(into);
            write_text(text, into);
        }
    }
}

/// 64 lower-case hex characters. All are looked at, so that the compiler looks at many at once.
fn is_sha256(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() | matches!(byte, b'a'..=b'f');
    text.len() == 64 && text.bytes().fold(true, |all, byte| all & hex(byte))
}

/// Nothing but white space, by the rule that values are trimmed with.
fn is_blank(text: &str) -> bool {
    // Nearly every text begins with a character that one sees.
    if text.bytes().next().is_some_and(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')).is_empty()
}

fn find<'a>(staged: &'a RecordBatch, attribute: &str) -> Result<&'a ArrayRef, EncodeError> {
    staged.column_by_name(attribute).ok_or_else(|| EncodeError::MissingColumn(attribute.to_owned()))
}

fn unsupported(attribute: &str, data_type: &DataType, reason: ArrowError) -> EncodeError {
    EncodeError::UnsupportedType { attribute: attribute.to_owned(), data_type: data_type.to_string(), reason }
}

/// JSON has no NaN and no infinity: they are missing.
fn without_non_finite(array: &ArrayRef) -> ArrayRef {
    fn mask<T: ArrowPrimitiveType>(array: &ArrayRef, non_finite: impl Fn(T::Native) -> bool) -> Option<ArrayRef> {
        let mask = BooleanArray::from_unary(array.as_primitive::<T>(), non_finite);
        // The one error of `nullif` is arrays of different lengths.
        mask.has_true().then(|| nullif(array, &mask).ok()).flatten()
    }
    let masked = match array.data_type() {
        DataType::Float32 => mask::<Float32Type>(array, |value| !value.is_finite()),
        DataType::Float64 => mask::<Float64Type>(array, |value| !value.is_finite()),
        _ => None,
    };
    masked.unwrap_or_else(|| Arc::clone(array))
}
