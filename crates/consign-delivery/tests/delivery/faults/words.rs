//! What became of a delivery, in words.

use std::fmt::Write as _;

use consign_delivery::DeliverySummary;
use consign_store::ListCounts;

/// A delivery's end, on one line.
pub fn words(state: &str, delivery: &DeliverySummary, list: &ListCounts, retries: usize) -> String {
    let mut words = state.to_owned();
    if retries > 0 {
        write!(words, " after {retries} {}", if retries == 1 { "retry" } else { "retries" }).unwrap();
    }
    let not_sent = list.rejected.get("not_sent").copied().unwrap_or_default();
    let dropped: u64 = delivery.counts.dropped.values().sum();
    let counts = [
        ("refused", list.rejected.values().sum::<u64>() - not_sent),
        ("unknown", list.unknown),
        ("not sent", not_sent),
        ("dropped", dropped),
    ];
    for (what, rows) in counts {
        if rows > 0 {
            write!(words, ", {rows} {what}").unwrap();
        }
    }
    if delivery.counts.rows == 0 {
        words.push_str(", no rows");
    }
    if let Some((class, message)) = &delivery.error {
        write!(words, "; {}: {}", class_word(*class), short(message)).unwrap();
    }
    words
}

fn class_word(class: consign_store::ErrorClass) -> String {
    serde_json::to_value(class).unwrap().as_str().unwrap_or_default().to_owned()
}

/// The beginning of a message: what went wrong, without the words of the platform and the machine.
fn short(message: &str) -> String {
    let what = message.split(": ").next().unwrap_or_default();
    let mut said = String::new();
    let mut depth = 0;
    for character in what.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => said.push(character),
            _ => {}
        }
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
