//! Meta FN, LN, FI and GEN.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use crate::{Cleaned, text};

/// Lower case, no punctuation, runs of white space as one space.
pub(crate) fn name<'a>(raw: &str, scratch: &'a mut String) -> Cleaned<'a> {
    text::value(write_name(raw, scratch))
}

/// The first character of the name.
pub(crate) fn initial<'a>(raw: &str, scratch: &'a mut String) -> Cleaned<'a> {
    let name = write_name(raw, scratch);
    let first = name.chars().next().map_or(0, char::len_utf8);
    text::value(&name[..first])
}

/// `m` or `f`; what is neither is missing.
pub(crate) fn gender(raw: &str) -> Cleaned<'static> {
    let is = |words: [&str; 4]| words.iter().any(|word| text::trim(raw).eq_ignore_ascii_case(word));
    if is(["m", "male", "man", "boy"]) {
        Cleaned::Value("m")
    } else if is(["f", "female", "woman", "girl"]) {
        Cleaned::Value("f")
    } else {
        Cleaned::Missing
    }
}

fn write_name<'a>(raw: &str, scratch: &'a mut String) -> &'a str {
    text::write_lower(&text::composed(raw), scratch);
    scratch.retain(|c| !is_punctuation(c));
    let mut after_space = false;
    scratch.retain(|c| {
        let first_space = !after_space;
        after_space = c.is_whitespace();
        !after_space || first_space
    });
    if scratch.contains(|c: char| c.is_whitespace() && c != ' ') {
        *scratch = scratch.replace(char::is_whitespace, " ");
    }
    text::recompose(scratch);
    text::trim(scratch)
}

/// Any of Unicode's categories P*.
pub(crate) fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c);
    }
    matches!(
        get_general_category(c),
        Category::ConnectorPunctuation
            | Category::DashPunctuation
            | Category::OpenPunctuation
            | Category::ClosePunctuation
            | Category::InitialPunctuation
            | Category::FinalPunctuation
            | Category::OtherPunctuation
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_ascii_punctuation_is_that_of_unicode() {
        for c in '\0'..='\x7f' {
            assert_eq!(is_punctuation(c), get_general_category(c).abbreviation().starts_with('P'), "{c:?}");
        }
    }
}
