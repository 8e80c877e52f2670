//! E-mail addresses as people write them, all at the domains that are set aside for examples.

use crate::draw::Draw;

/// The only domains.
const DOMAINS: &[&str] = &["example.com", "example.com", "example.com", "example.org", "example.net"];

/// The address of a person. `given` and `surname` as they are spelt, which may be empty.
pub(crate) fn email(number: u64, given: &str, surname: &str, draw: &mut Draw) -> String {
    let given = or_customer(plain(given));
    let surname = or_customer(plain(surname));
    let domain = draw.pick(DOMAINS);
    let local = match draw.below(100) {
        0..50 => format!("{given}.{surname}{number}"),
        50..70 => format!("{}{surname}{number}", given.chars().next().unwrap_or('c')),
        70..88 => format!("{surname}_{given}.{number}"),
        88..96 => format!("{given}{number}"),
        _ => format!("{given}.{surname}{number}+music"),
    };
    format!("{local}@{domain}")
}

/// The address of somebody who works at the shop, or of an account that tests it.
pub(crate) fn own_email(number: u64, given: &str, surname: &str) -> Option<String> {
    let (given, surname) = (or_customer(plain(given)), or_customer(plain(surname)));
    if number.is_multiple_of(811) {
        Some(format!("staff.{given}.{surname}{number}@example.com"))
    } else if number.is_multiple_of(1_571) {
        Some(format!("test.{number}@example.net"))
    } else {
        None
    }
}

/// The address as somebody typed it: mostly as it is, sometimes in capitals, padded, or broken.
pub(crate) fn typed(address: &str, draw: &mut Draw) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, "example.com"));
    match draw.below(1_000) {
        0..900 => address.to_owned(),
        900..945 => address.to_uppercase(),
        945..965 => format!("{}{}@{domain}", local[..1].to_uppercase(), &local[1..]),
        965..978 => format!(" {address} "),
        978..982 => format!("{local}.{domain}"),
        982..986 => format!("{local}@@{domain}"),
        986..990 => format!("{}..{}@{domain}", &local[..1], &local[1..]),
        990..994 => format!("{} {}@{domain}", &local[..1], &local[1..]),
        994..997 => format!("{local}@"),
        _ => "none".to_owned(),
    }
}

fn or_customer(name: String) -> String {
    if name.is_empty() { "customer".to_owned() } else { name }
}

/// The letters of a name that every mail server takes.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' => plain.push(c),
            'ä' => plain.push_str("ae"),
            'ö' | 'ø' | 'œ' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'á' | 'à' | 'â' | 'ã' | 'å' | 'ả' => plain.push('a'),
            'é' | 'è' | 'ê' | 'ë' | 'ễ' => plain.push('e'),
            'í' | 'ì' | 'î' | 'ï' | 'ı' => plain.push('i'),
            'ó' | 'ò' | 'ô' | 'õ' => plain.push('o'),
            'ú' | 'ù' | 'û' => plain.push('u'),
            'ç' => plain.push('c'),
            'ğ' => plain.push('g'),
            'ł' => plain.push('l'),
            'ñ' => plain.push('n'),
            'ş' => plain.push('s'),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Purpose;

    #[test]
    fn names_lose_what_mail_servers_do_not_take() {
        assert_eq!(plain("Jürgen"), "juergen");
        assert_eq!(plain("O’Sullivan"), "osullivan");
        assert_eq!(plain("Nguyễn"), "nguyen");
        assert_eq!(plain("Łukasz"), "lukasz");
    }

    #[test]
    fn some_addresses_are_typed_badly_and_most_are_not() {
        let typed: Vec<String> =
            (0..2_000).map(|n| super::typed("a.b1@example.com", &mut Draw::of(n, Purpose::Email))).collect();
        let good = typed.iter().filter(|text| text.trim().eq_ignore_ascii_case("a.b1@example.com")).count();
        assert!((1_920..1_990).contains(&good), "{good} of 2,000");
    }
}
