//! Words for what specifications say in types.

use consign_model::spec::{Normalisation, SettingType};
use consign_model::word;
use serde_json::Value;

/// A value as it is written in definitions.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number with its thousands apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

pub(super) fn setting_type(setting_type: SettingType) -> String {
    match setting_type {
        SettingType::Text => "text".into(),
        SettingType::Digits => "digits, in quotes".into(),
        SettingType::Integer { min, max } => {
            format!("{} to {}", number(min.unsigned_abs()), number(max.unsigned_abs()))
        }
        SettingType::Boolean => "`true` or `false`".into(),
        SettingType::Choice(words) => word::list(words).replace(" and ", " or "),
        SettingType::Choices(words) => format!("a list of some of {}", word::list(words)),
        SettingType::Url => "a URL".into(),
        SettingType::Region => "a country, two letters".into(),
        SettingType::Column => "a `Table.column`".into(),
    }
}

pub(super) fn normalisation(normalisation: Normalisation) -> String {
    use Normalisation as N;
    let words = match normalisation {
        N::None => "not at all",
        N::Text => "trimmed",
        N::TextUpTo(most) => return format!("trimmed; more than {most} characters are invalid"),
        N::Email => "trimmed, lower case, checked",
        N::EmailWithoutSpace => "all white space removed, lower case, checked",
        N::EmailStripAlias => "white space, `+alias` and dots before `@` removed, lower case, checked",
        N::Phone => "E.164 with `+`",
        N::PhoneDigits => "E.164, digits only",
        N::PersonName => "lower case, without punctuation",
        N::FirstInitial => "the first letter, lower case",
        N::State => "lower case; of the United States two letters",
        N::City => "lower case, letters only",
        N::PostalCode => "lower case, without white space; of the United States five digits",
        N::Country => "two letters, lower case",
        N::Birthdate => "`YYYY-MM-DD`",
        N::BirthYear => "`YYYY`",
        N::BirthMonth => "`MM`",
        N::BirthDay => "`DD`",
        N::Gender => "`m` or `f`",
        N::MobileAdId => "a UUID, lower case",
        N::Latitude => "degrees within ±90, up to 4 decimals",
        N::Longitude => "degrees within ±180, up to 4 decimals",
    };
    words.into()
}
