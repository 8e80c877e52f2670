//! Rule T, which every other begins with: trimmed, NFC.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::Cleaned;

/// The value without Unicode white space, U+200B and U+FEFF at both ends.
pub(crate) fn trim(raw: &str) -> &str {
    raw.trim_matches(|c: char| c.is_whitespace() || c == '\u{200B}' || c == '\u{FEFF}')
}

/// The value by rule T; empty is missing. Nearly always what came, not a copy.
pub(crate) fn composed(raw: &str) -> Cow<'_, str> {
    let trimmed = trim(raw);
    if trimmed.is_ascii() || is_nfc(trimmed) { Cow::Borrowed(trimmed) } else { Cow::Owned(trimmed.nfc().collect()) }
}

/// Rule T, and that no more than so many characters are left.
pub(crate) fn clean<'a>(raw: &'a str, longest: Option<usize>, scratch: &'a mut String) -> Cleaned<'a> {
    let text = composed(raw);
    if longest.is_some_and(|longest| text.len() > longest && text.chars().count() > longest) {
        return Cleaned::Invalid;
    }
    match text {
        Cow::Borrowed(text) => value(text),
        Cow::Owned(text) => {
            *scratch = text;
            value(scratch)
        }
    }
}

/// What is left of a value: nothing is missing.
pub(crate) fn value(left: &str) -> Cleaned<'_> {
    if left.is_empty() { Cleaned::Missing } else { Cleaned::Value(left) }
}

/// ASCII text in lower case.
pub(crate) fn lower_ascii<'a>(text: &'a str, scratch: &'a mut String) -> Cleaned<'a> {
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return value(text);
    }
    scratch.clear();
    scratch.push_str(text);
    scratch.make_ascii_lowercase();
    value(scratch)
}

/// Writes the text in Unicode lower case, NFC, over what the scratch held.
pub(crate) fn write_lower(text: &str, scratch: &mut String) {
    scratch.clear();
    if text.is_ascii() {
        scratch.push_str(text);
        scratch.make_ascii_lowercase();
        return;
    }
    if text.contains('Σ') {
        // The one letter whose lower case depends on its place in the word.
        scratch.push_str(&text.to_lowercase());
    } else {
        scratch.extend(text.chars().flat_map(char::to_lowercase));
    }
    // `İ` becomes two characters, and the second may belong behind an accent that follows.
    recompose(scratch);
}

/// Composes again what lower case or a removal brought together.
pub(crate) fn recompose(scratch: &mut String) {
    if !scratch.is_ascii() && !is_nfc(scratch) {
        *scratch = scratch.nfc().collect();
    }
}
