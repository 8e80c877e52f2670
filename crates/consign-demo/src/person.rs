//! The invented person behind a customer's number.

use crate::country::{Country, country};
use crate::draw::{Draw, Purpose};
use crate::email;
use crate::phone::{Numbers, phone};

/// What a shop knows of an invented person. `None` is a NULL; some shops keep empty texts as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) surname: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) postal: Option<String>,
    pub(crate) country: Option<String>,
    /// Days since 1970-01-01.
    pub(crate) birthdate: Option<i32>,
    pub(crate) gender: Option<String>,
    pub(crate) email_opt_in: Option<bool>,
    pub(crate) sms_opt_in: Option<bool>,
}

/// 1935-01-01, the earliest birthdate, in days since 1970-01-01.
const EARLIEST_BIRTH: i32 = -12_784;
/// The days of 48 years, to the end of 1982.
const BIRTH_DAYS: u32 = 17_532;

impl Person {
    /// The person behind a customer's number: the same one always.
    pub(crate) fn of(number: u64, numbers: Numbers) -> Self {
        let head = head_of_household(number);
        let home = Home::of(head);
        let own = Name::of(number, home.country);
        // A household has one surname, and often one e-mail address and one telephone.
        let surname = Name::of(head, home.country).surname;

        let mut draw = Draw::of(number, Purpose::Email);
        let shared = head != number && draw.chance(500);
        let email = if let Some(own_account) = email::own_email(number, own.given, surname) {
            Some(own_account)
        } else {
            or_blank(&mut draw, 55, |draw| {
                let (whose, given) =
                    if shared { (head, Name::of(head, home.country).given) } else { (number, own.given) };
                let address = email::email(whose, given, surname, &mut Draw::of(whose, Purpose::Address));
                Some(email::typed(&address, draw))
            })
        };

        let mut draw = Draw::of(number, Purpose::Phone);
        let shared = head != number && draw.chance(500);
        let whose = if shared { head } else { number };
        let phone = or_blank(&mut draw, 200, |draw| Some(phone(whose, home.country, numbers, draw)));

        let mut draw = Draw::of(number, Purpose::Birth);
        let birthdate = (!draw.chance(350)).then(|| EARLIEST_BIRTH.saturating_add_unsigned(draw.below(BIRTH_DAYS)));
        let gender = gender(own.woman, &mut draw);

        let mut draw = Draw::of(number, Purpose::Consent);
        let email_opt_in = consent(&mut draw, 720, 160);
        let sms_opt_in = consent(&mut draw, 500, 280);

        let mut draw = Draw::of(number, Purpose::Spelling);
        let draw = &mut draw;
        Self {
            email,
            phone,
            given_name: or_blank(draw, 15, |draw| Some(spelt(own.given, draw))),
            surname: or_blank(draw, 15, |draw| Some(spelt(surname, draw))),
            address: or_blank(draw, 80, |_| Some(home.address)),
            city: or_blank(draw, 60, |_| Some(home.city.to_owned())),
            state: or_blank(draw, 50, |_| (!home.state.is_empty()).then(|| home.state.to_owned())),
            postal: or_blank(draw, 60, |_| Some(home.postal)),
            country: or_blank(draw, 30, |_| Some(home.written_country.to_owned())),
            birthdate,
            gender,
            email_opt_in,
            sms_opt_in,
        }
    }
}

/// The number of the customer whose household it is: mostly one's own, sometimes the one before.
fn head_of_household(number: u64) -> u64 {
    let second = |number| Draw::of(number, Purpose::Household).chance(60);
    if number > 1 && second(number) && !second(number - 1) { number - 1 } else { number }
}

/// A value, or in `share` of 1,000 cases a blank: mostly a NULL, sometimes an empty text or a space.
fn or_blank(draw: &mut Draw, share: u32, value: impl FnOnce(&mut Draw) -> Option<String>) -> Option<String> {
    if !draw.chance(share) {
        return value(draw);
    }
    match draw.below(10) {
        0..7 => None,
        7..9 => Some(String::new()),
        _ => Some(" ".to_owned()),
    }
}

fn consent(draw: &mut Draw, yes: u32, no: u32) -> Option<bool> {
    let drawn = draw.below(1_000);
    (drawn < yes + no).then_some(drawn < yes)
}

fn gender(woman: bool, draw: &mut Draw) -> Option<String> {
    let text = match (draw.below(100), woman) {
        (0..15, _) => return None,
        (15..17, _) => "X",
        (17..27, true) => "female",
        (17..27, false) => "male",
        (_, true) => "F",
        (_, false) => "M",
    };
    Some(text.to_owned())
}

/// A name as somebody typed it.
fn spelt(name: &str, draw: &mut Draw) -> String {
    match draw.below(1_000) {
        0..950 => name.to_owned(),
        950..970 => name.to_uppercase(),
        970..985 => name.to_lowercase(),
        _ => format!(" {name} "),
    }
}

struct Name {
    woman: bool,
    given: &'static str,
    surname: &'static str,
}

impl Name {
    fn of(number: u64, country: &'static Country) -> Self {
        let mut draw = Draw::of(number, Purpose::Name);
        let woman = draw.chance(500);
        let given = draw.pick(if woman { country.women } else { country.men });
        Self { woman, given, surname: draw.pick(country.surnames) }
    }
}

struct Home {
    country: &'static Country,
    written_country: &'static str,
    address: String,
    city: &'static str,
    state: &'static str,
    postal: String,
}

impl Home {
    /// The home of the household of that head.
    fn of(head: u64) -> Self {
        let mut draw = Draw::of(head, Purpose::Home);
        let country = country(draw.below(1_000));
        let place = draw.pick(country.places);
        let street = draw.pick(country.streets);
        let house = 1 + draw.below(180);
        let mut address = if country.number_last { format!("{street} {house}") } else { format!("{house} {street}") };
        if draw.chance(120) {
            address = format!("{address}, Apt. {}{}", 1 + draw.below(30), char::from(b'A' + small(draw.below(4))));
        }
        let other_name = draw.chance(60);
        let written_country = if other_name { draw.pick(country.other_names) } else { country.code };
        Self {
            country,
            written_country,
            address,
            city: place.city,
            state: place.state,
            postal: postal(place.postal, &mut draw),
        }
    }
}

fn postal(pattern: &str, draw: &mut Draw) -> String {
    const LETTERS: &[u8] = b"ABCEGHJKLMNPRSTVWXYZ";
    let fill = |c| match c {
        '#' => char::from(b'0' + small(draw.below(10))),
        '@' => char::from(draw.pick(LETTERS)),
        c => c,
    };
    pattern.chars().map(fill).collect()
}

/// A number that is below 256.
fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_always_the_same_person() {
        assert_eq!(Person::of(17, Numbers::Fictional), Person::of(17, Numbers::Fictional));
        assert_ne!(Person::of(17, Numbers::Fictional), Person::of(18, Numbers::Fictional));
    }

    #[test]
    fn households_are_of_two_at_most() {
        for number in 2..5_000 {
            let head = head_of_household(number);
            assert_eq!(head_of_household(head), head);
        }
    }

    #[test]
    fn birthdates_are_between_1935_and_1982() {
        let date = |days| chrono::NaiveDate::from_epoch_days(days).unwrap().to_string();
        assert_eq!(date(EARLIEST_BIRTH), "1935-01-01");
        assert_eq!(date(EARLIEST_BIRTH + i32::try_from(BIRTH_DAYS).unwrap() - 1), "1982-12-31");
    }
}
