//! Personal data and secrets, out of what a platform says, before anybody reads it.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// What is shown of a platform's words, in characters.
const MOST_SHOWN: usize = 500;
/// Digits of a phone number. Ids of platforms have more, codes and counts have fewer.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// From so many hexadecimal digits on it is a hash (MD5 has 32).
const HASH_DIGITS: usize = 32;
/// From so many characters on, letters and digits mixed, it is a token or an id that names a person or a device.
const TOKEN_LENGTH: usize = 20;
/// What secrets of the platforms begin with.
const TOKEN_STARTS: [&str; 3] = ["pk_", "EAA", "eyJ"];
/// Shorter secrets would take ordinary words with them.
const SHORTEST_SECRET: usize = 4;

/// Masks e-mail addresses, phone numbers, hashes, tokens, and the secrets that it was told of.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    secrets: Arc<RwLock<Vec<SecretString>>>,
}

impl Mask {
    /// A mask that also knows these secrets.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mask = Self::default();
        secrets.into_iter().for_each(|secret| mask.learn(secret));
        mask
    }

    /// Masks this secret too from now on.
    pub fn learn(&self, secret: SecretString) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        let known = secrets.iter().any(|known| known.expose_secret() == secret.expose_secret());
        if !known && secret.expose_secret().len() >= SHORTEST_SECRET {
            secrets.push(secret);
        }
    }

    /// The text without them, on one line, at most 500 characters.
    pub fn text(&self, text: &str) -> String {
        let mut text = beginning(text).to_owned();
        for secret in self.secrets.read().unwrap_or_else(PoisonError::into_inner).iter() {
            text = text.replace(secret.expose_secret(), "[secret]");
        }
        let text = mask_words(&text);
        let text = mask_numbers(&text);
        let line = text.split(char::is_whitespace).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if line.chars().count() <= MOST_SHOWN {
            return line;
        }
        line.chars().take(MOST_SHOWN).chain("…".chars()).collect()
    }
}

/// The beginning of a text, as much as may be shown. It ends between two words, so that no part of an address or a
/// secret is left of it that would not be known for one.
fn beginning(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(8 * MOST_SHOWN) else { return text };
    text[..end].rfind(char::is_whitespace).map_or("", |between| &text[..between])
}

/// What words are separated by. An apostrophe is none: it stands in e-mail addresses.
fn separates(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';')
}

/// Masks what is recognised by a word: addresses by their `@`, hashes and tokens by their characters.
fn mask_words(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_scheme = false;
    while let Some(character) = rest.chars().next() {
        if separates(character) {
            masked.push(character);
            rest = &rest[character.len_utf8()..];
            continue;
        }
        let end = rest.find(separates).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if after_scheme {
            masked.push_str("[token]");
        } else if word.contains(['@', '＠']) || word.contains("%40") {
            masked.push_str("[e-mail]");
        } else {
            mask_runs(word, &mut masked);
        }
        after_scheme = matches!(word, "Bearer" | "bearer" | "Klaviyo-API-Key");
        rest = after;
    }
    masked
}

/// Masks the hashes and tokens within a word: runs of letters, digits, `_` and `-`.
fn mask_runs(word: &str, masked: &mut String) {
    let in_run = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let mut rest = word;
    while let Some(character) = rest.chars().next() {
        if !in_run(character) {
            masked.push(character);
            rest = &rest[character.len_utf8()..];
            continue;
        }
        let end = rest.find(|character| !in_run(character)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        masked.push_str(mask_run(run).unwrap_or(run));
        rest = after;
    }
}

/// What stands for such a run, where it must not be shown.
fn mask_run(run: &str) -> Option<&'static str> {
    let hexadecimal = run.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (letters, digits) = (run.bytes().any(|b| b.is_ascii_alphabetic()), run.bytes().any(|b| b.is_ascii_digit()));
    if hexadecimal && run.len() >= HASH_DIGITS {
        Some("[hash]")
    } else if TOKEN_STARTS.iter().any(|start| run.len() > start.len() + 4 && run.starts_with(start)) {
        Some("[token]")
    } else if letters && digits && run.len() >= TOKEN_LENGTH {
        Some("[id]")
    } else {
        None
    }
}

/// Masks runs of digits, and of what people put between them, that may be a phone number.
fn mask_numbers(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        if !(character.is_numeric() || character == '+') {
            masked.push(character);
            at += 1;
            continue;
        }
        // As far as digits go on with at most two separators between them.
        let (mut end, mut digits, mut unbroken) = (at + 1, usize::from(character.is_numeric()), true);
        let mut ahead = end;
        while ahead < characters.len() && ahead - end <= 2 {
            let next = characters[ahead];
            if next.is_numeric() {
                unbroken &= ahead == end;
                digits += 1;
                end = ahead + 1;
            } else if !matches!(next, ' ' | '.' | '-' | '(' | ')' | '/' | '\u{a0}') {
                break;
            }
            ahead += 1;
        }
        let long_id = unbroken && character != '+' && digits > *PHONE_DIGITS.end();
        if digits >= *PHONE_DIGITS.start() && !long_id {
            masked.push_str("[number]");
        } else {
            masked.extend(&characters[at..end]);
        }
        at = end;
    }
    masked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(text: &str) -> String {
        Mask::new(["s3cr3t-of-app".into()]).text(text)
    }

    #[test]
    fn what_names_a_person_is_masked_and_the_rest_stays() {
        let cases = [
            ("Invalid email jane.doe@example.com.", "Invalid email [e-mail]"),
            ("'o'brien@example.ie' is taken", "[e-mail] is taken"),
            ("filter=any(email,[\"a%40example.com\"])", "filter=any(email,[\"[e-mail]\"])"),
            ("émilie＠exemple.fr", "[e-mail]"),
            ("phone +12065550100 and (206) 555-0100", "phone [number] and ([number]"),
            ("phone +1 206.555.0100x", "phone [number]x"),
            ("２０６-５５５-０１００", "[number]"),
            ("86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d!", "[hash]!"),
            ("aece52e7-03ee-455a-b3c4-e57283966239", "[id]"),
            ("Authorization: Bearer abc", "Authorization: Bearer [token]"),
            ("key pk_0123456789", "key [token]"),
            ("client_secret=s3cr3t-of-app&x=1", "client_secret=[secret]&x=1"),
            ("audience 23850000000000001 of account 12345", "audience 23850000000000001 of account 12345"),
            ("Expected available in 12 seconds.\n (1 of 3)", "Expected available in 12 seconds. (1 of 3)"),
            ("/data/attributes/profiles/data/3/attributes/email", "/data/attributes/profiles/data/3/attributes/email"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(mask(&"ab ".repeat(1_000)).chars().count(), MOST_SHOWN + 1);
        // So many hashes that what is behind them comes near, cut in the middle of an address.
        let hashes = "0123456789abcdef".repeat(249);
        let masked = mask(&format!("{hashes} jane.doe.with.a.long.name@example.com"));
        assert_eq!(masked, "[hash]");
        assert_eq!(mask(&"x".repeat(5_000)), "");
    }

    proptest! {
        #[test]
        fn no_address_number_or_hash_comes_through(
            before in "[a-z ,.:\"'=&]{0,30}",
            local in "[a-z0-9.+_'-]{1,20}",
            number in "[1-9][0-9]{8,12}",
            hash in "[0-9a-f]{64}",
            after in "[a-z ,.:\"'=&]{0,30}",
        ) {
            let address = format!("{local}@example.com");
            for secret in [address, format!("+{number}"), hash, "s3cr3t-of-app".into()] {
                let masked = mask(&format!("{before} {secret} {after}"));
                prop_assert!(!masked.contains(&secret), "{masked}");
                let inner = secret.trim_start_matches('+');
                prop_assert!(!masked.contains(inner), "{masked}");
            }
        }
    }
}
