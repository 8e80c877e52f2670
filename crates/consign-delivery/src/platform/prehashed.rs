//! Values that were hashes already where plain ones are sent: a platform may match them worse, so they are counted.

use arrow::array::{AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::DataType;
use consign_model::plan::PlannedDelivery;
use consign_model::spec::Hash;

/// Characters of a SHA-256 and of an MD5 as text.
const HASHES: [usize; 2] = [64, 32];

/// How many values of a delivery's rows are hashes that were let through where a plain value is sent.
pub(super) fn count(rows: &RecordBatch, delivery: &PlannedDelivery) -> u64 {
    let plain = delivery.attributes.iter().filter(|attribute| attribute.hash == Hash::NoneOrPrehashed);
    let columns = plain.filter_map(|attribute| rows.column_by_name(&attribute.name));
    let texts = columns.filter(|column| column.data_type() == &DataType::Utf8View);
    texts.map(|column| in_column(column.as_string_view())).sum()
}

fn in_column(values: &StringViewArray) -> u64 {
    let hash = |value: &&str| HASHES.contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    values.iter().flatten().filter(hash).count() as u64
}
