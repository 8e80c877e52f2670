//! Words of the definitions in messages: the word of an enum's value, the nearest known word, a list of words.

use serde::Serialize;
use serde_json::Value;

/// The word that stands for a value of a plain enum in definitions, such as `in_last`.
pub fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The known word that is nearest to an unknown one, where one is near enough to be meant.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let unknown = plain(unknown);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&unknown, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (word.chars().count().max(unknown.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `a`, `b` and `c`, each in backticks.
pub fn list<I>(words: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.split_last() {
        None => "none".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// What to do about an unknown word: write the nearest known one, or choose one of those there are.
pub fn use_nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(unknown, known.clone()) {
        Some(word) => format!("write `{word}`"),
        None => match known.clone().into_iter().count() {
            0 => "there is none to choose from".into(),
            _ => format!("choose one of {}", list(known)),
        },
    }
}

/// `1 day`, `2 days`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_in_spite_of_case_and_hyphens_and_a_far_one_is_not_guessed() {
        let known = ["in_last", "is_null", "greater_than"];
        assert_eq!(nearest("in-lst", known), Some("in_last"));
        assert_eq!(nearest("Greater_Then", known), Some("greater_than"));
        assert_eq!(nearest("email", known), None);
    }

    #[test]
    fn words_are_listed_as_a_sentence_does() {
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(use_nearest("x", ["alpha", "beta"]), "choose one of `alpha` and `beta`");
    }
}
