//! Mobile ad ids: M of `tiktok_ads`, MADID of `meta_ads`.

use crate::{Cleaned, text};

/// A UUID with its hyphens, lower case. All zeros is how a device says that it has none.
pub(crate) fn clean<'a>(raw: &'a str, scratch: &'a mut String) -> Cleaned<'a> {
    let id = text::trim(raw);
    if id.is_empty() || id == "00000000-0000-0000-0000-000000000000" {
        return Cleaned::Missing;
    }
    let hyphen = |index| matches!(index, 8 | 13 | 18 | 23);
    let fits = |(index, byte): (usize, u8)| if hyphen(index) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    if id.len() == 36 && id.bytes().enumerate().all(fits) { text::lower_ascii(id, scratch) } else { Cleaned::Invalid }
}
