//! Meta ST, CT and ZIP.

use unicode_general_category::{GeneralCategory as Category, get_general_category};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::{Cleaned, text};

const UNITED_STATES: &str = "US";

/// The states, the district and the territories of the United States by the letters of their names.
const STATES: [(&str, &str); 64] = [
    ("alabama", "al"),
    ("alaska", "ak"),
    ("americansamoa", "as"),
    ("arizona", "az"),
    ("arkansas", "ar"),
    ("california", "ca"),
    ("colorado", "co"),
    ("commonwealthofpuertorico", "pr"),
    ("connecticut", "ct"),
    ("delaware", "de"),
    ("districtofcolumbia", "dc"),
    ("florida", "fl"),
    ("georgia", "ga"),
    ("guam", "gu"),
    ("hawaii", "hi"),
    ("idaho", "id"),
    ("illinois", "il"),
    ("indiana", "in"),
    ("iowa", "ia"),
    ("kansas", "ks"),
    ("kentucky", "ky"),
    ("louisiana", "la"),
    ("maine", "me"),
    ("maryland", "md"),
    ("massachusetts", "ma"),
    ("michigan", "mi"),
    ("minnesota", "mn"),
    ("mississippi", "ms"),
    ("missouri", "mo"),
    ("montana", "mt"),
    ("nebraska", "ne"),
    ("nevada", "nv"),
    ("newhampshire", "nh"),
    ("newjersey", "nj"),
    ("newmexico", "nm"),
    ("newyork", "ny"),
    ("northcarolina", "nc"),
    ("northdakota", "nd"),
    ("northernmarianaislands", "mp"),
    ("ohio", "oh"),
    ("oklahoma", "ok"),
    ("oregon", "or"),
    ("pennsylvania", "pa"),
    ("puertorico", "pr"),
    ("rhodeisland", "ri"),
    ("southcarolina", "sc"),
    ("southdakota", "sd"),
    ("tennessee", "tn"),
    ("texas", "tx"),
    ("unitedstatesminoroutlyingislands", "um"),
    ("unitedstatesvirginislands", "vi"),
    ("usvirginislands", "vi"),
    ("utah", "ut"),
    ("vermont", "vt"),
    ("virginia", "va"),
    ("virginislands", "vi"),
    ("virginislandsoftheunitedstates", "vi"),
    ("virginislandsus", "vi"),
    ("washington", "wa"),
    ("washingtondc", "dc"),
    ("washingtondistrictofcolumbia", "dc"),
    ("westvirginia", "wv"),
    ("wisconsin", "wi"),
    ("wyoming", "wy"),
];

/// A state of the United States as its two letters; of other countries in lower case, letters and digits alone,
/// accents kept.
pub(crate) fn state<'a>(raw: &str, country: Option<&str>, scratch: &'a mut String) -> Cleaned<'a> {
    text::write_lower(&text::composed(raw), scratch);
    let mut begun = false;
    scratch.retain(|c| {
        let kept = c.is_alphanumeric() || (begun && is_combining_mark(c));
        begun |= kept;
        kept
    });
    text::recompose(scratch);
    if country == Some(UNITED_STATES)
        && let Ok(found) = STATES.binary_search_by_key(&scratch.as_str(), |(name, _)| name)
    {
        return Cleaned::Value(STATES[found].1);
    }
    text::value(scratch)
}

/// Lower case, `a` to `z` alone, accents taken off; a city without any of these keeps its own letters.
pub(crate) fn city<'a>(raw: &str, scratch: &'a mut String) -> Cleaned<'a> {
    text::write_lower(&text::composed(raw), scratch);
    if scratch.is_ascii() {
        scratch.retain(|c| c.is_ascii_lowercase());
        return text::value(scratch);
    }
    let plain: String = scratch.nfd().filter(char::is_ascii_lowercase).collect();
    if plain.is_empty() {
        scratch.retain(is_letter);
    } else {
        *scratch = plain;
    }
    text::value(scratch)
}

/// Lower case, no white space. Of the United States five digits (first five, or four with the lost zero put back),
/// else missing; that too where neither row nor value says another country.
pub(crate) fn postal_code<'a>(
    raw: &str,
    country: Option<&str>,
    default_country: Option<&str>,
    scratch: &'a mut String,
) -> Cleaned<'a> {
    text::write_lower(&text::composed(raw), scratch);
    scratch.retain(|c| !c.is_whitespace());
    text::recompose(scratch);
    let bare = || scratch.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let american = country.map_or_else(|| default_country == Some(UNITED_STATES) && bare(), |it| it == UNITED_STATES);
    if american {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if scratch.len() == 4 && digits(scratch) {
            scratch.insert(0, '0');
        }
        return match scratch.get(..5) {
            Some(five) if digits(five) => Cleaned::Value(five),
            _ => Cleaned::Missing,
        };
    }
    text::value(scratch)
}

/// Any of Unicode's categories L*.
fn is_letter(c: char) -> bool {
    matches!(
        get_general_category(c),
        Category::LowercaseLetter
            | Category::UppercaseLetter
            | Category::TitlecaseLetter
            | Category::ModifierLetter
            | Category::OtherLetter
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_stand_in_order() {
        assert!(STATES.is_sorted_by(|one, next| one.0 < next.0));
    }
}
