//! What a platform checks in a value, written from the specifications alone.

/// 64 hexadecimal digits in lower case, and not the hash of an empty value.
pub(crate) fn is_sha256(text: &str) -> bool {
    is_hex(text, 64) && text != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

/// So many hexadecimal digits in lower case.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A UUID in lower case that is not all zeros.
pub(crate) fn is_mobile_id(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
        && text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|byte| !matches!(byte, b'-' | b'0'))
}

/// An address that a platform would take: one `@`, no white space, a dotted domain.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"' | '@');
    if text.chars().count() > 254 || text.contains("..") || local.contains(strange) || domain.contains(strange) {
        return false;
    }
    if local.is_empty() || local.starts_with('.') || local.ends_with('.') || domain.starts_with('.') {
        return false;
    }
    domain.rsplit_once('.').is_some_and(|(_, last)| last.chars().count() >= 2)
}

/// The shape of E.164: `+`, no leading zero, 4 to 15 digits. `+1206` has it too; a platform's job
/// refuses such a number later, by [`is_phone`].
pub(crate) fn has_phone_shape(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (4..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A possible number: ten national digits from 2 to 9 under `+1`, 8 to 15 digits elsewhere.
pub(crate) fn is_phone(text: &str) -> bool {
    if !has_phone_shape(text) {
        return false;
    }
    match text.strip_prefix("+1") {
        Some(national) => national.len() == 10 && matches!(national.as_bytes().first(), Some(b'2'..=b'9')),
        None => text.len() >= 9 && text.bytes().skip(2).any(|byte| byte != b'0'),
    }
}
