//! Rule E, and the two readings of it in `tiktok_ads`.

use crate::{Cleaned, text};

/// The longest address, in characters.
const LONGEST: usize = 254;

/// What is taken out of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmailRule {
    /// Nothing.
    Plain,
    /// Inner white space (`plain` of `tiktok_ads`).
    WithoutSpace,
    /// Inner white space, then all from the first `+` of the local part, then its dots (the same, `strip_alias`).
    StripAlias,
}

pub(crate) fn clean<'a>(raw: &'a str, rule: EmailRule, scratch: &'a mut String) -> Cleaned<'a> {
    if raw.is_ascii() { ascii(raw, rule, scratch) } else { unicode(raw, rule, scratch) }
}

/// The fast path: no NFC, and a clean address is not copied.
fn ascii<'a>(raw: &'a str, rule: EmailRule, scratch: &'a mut String) -> Cleaned<'a> {
    let text = text::trim(raw);
    if text.is_empty() {
        return Cleaned::Missing;
    }
    if rule == EmailRule::Plain && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return if at_sign(text).is_some() { Cleaned::Value(text) } else { Cleaned::Invalid };
    }
    scratch.clear();
    if rule == EmailRule::Plain {
        scratch.push_str(text);
    } else {
        scratch.extend(text.split(char::is_whitespace));
    }
    scratch.make_ascii_lowercase();
    finish(rule, scratch)
}

fn unicode<'a>(raw: &str, rule: EmailRule, scratch: &'a mut String) -> Cleaned<'a> {
    let text = text::composed(raw);
    if text.is_empty() {
        return Cleaned::Missing;
    }
    if rule == EmailRule::Plain {
        text::write_lower(&text, scratch);
    } else {
        text::write_lower(&text.split(char::is_whitespace).collect::<String>(), scratch);
    }
    finish(rule, scratch)
}

fn finish(rule: EmailRule, scratch: &mut String) -> Cleaned<'_> {
    let Some(mut at) = at_sign(scratch) else {
        return Cleaned::Invalid;
    };
    if rule == EmailRule::StripAlias {
        if let Some(plus) = scratch[..at].find('+') {
            scratch.replace_range(plus..at, "");
            at = plus;
        }
        while let Some(dot) = scratch[..at].find('.') {
            scratch.remove(dot);
            at -= 1;
        }
        if at == 0 {
            return Cleaned::Invalid;
        }
    }
    Cleaned::Value(scratch)
}

/// Where the `@` of a valid address is: one `@`; no white space, `,` `;` `<` `>` `"`; no `..`; something before the
/// `@` that neither begins nor ends with a dot; a domain with a dot whose last label has two characters; not too long.
fn at_sign(address: &str) -> Option<usize> {
    let mut at = None;
    let mut last = 0;
    for (index, byte) in address.bytes().enumerate() {
        match byte {
            b'@' if at.is_some() => return None,
            b'@' => at = Some(index),
            b'.' if last == b'.' => return None,
            b',' | b';' | b'<' | b'>' | b'"' | b' ' | b'\t'..=b'\r' => return None,
            _ => {}
        }
        last = byte;
    }
    let at = at?;
    let local = &address[..at];
    let (_, label) = address[at + 1..].rsplit_once('.')?;
    let fits = address.len() <= LONGEST || address.chars().count() <= LONGEST;
    let dots = local.starts_with('.') || local.ends_with('.');
    let spaces = !address.is_ascii() && address.contains(char::is_whitespace);
    (!local.is_empty() && !dots && !spaces && fits && label.chars().nth(1).is_some()).then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_general_path(
            raw in prop_oneof!["[ -~\t\r\n\u{b}]{0,40}", "[ \t]{0,2}[A-Za-z.+ ]{1,8}@[A-Za-z. ]{1,8}[.]?[a-zA-Z]{0,3} ?"],
        ) {
            for rule in [EmailRule::Plain, EmailRule::WithoutSpace, EmailRule::StripAlias] {
                let (mut one, mut other) = (String::from("left over"), String::from("left over"));
                prop_assert!(ascii(&raw, rule, &mut one) == unicode(&raw, rule, &mut other), "{rule:?} of {raw:?}");
            }
        }
    }
}
