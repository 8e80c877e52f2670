//! Who is in the group: invented people, and what must never be told of them.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// The people whom all platforms take.
const GOOD: u32 = 12;

/// What must stand in no error, log, record or store: what addresses, numbers and secrets have in common, and the hashes
/// that platforms are sent.
pub static FORBIDDEN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let hashes = (1..=GOOD).flat_map(|number| {
        let (email, phone) = (email(number), phone(number));
        [
            hex::encode(Sha256::digest(&email)),
            hex::encode(Sha256::digest(&phone)),
            hex::encode(Sha256::digest(&phone[1..])),
        ]
    });
    ["ada.of.faults", "20655501", "sesame"].map(str::to_owned).into_iter().chain(hashes).collect()
});

fn email(number: u32) -> String {
    format!("ada.of.faults{number:02}@example.com")
}

fn phone(number: u32) -> String {
    format!("+120655501{number:02}")
}

/// The customer table as CSV: twelve whom all platforms take, of whom two leave, and three whom none takes.
pub fn csv() -> String {
    let mut text = "customer_id,email,phone,part\n".to_owned();
    for number in 1..=GOOD + 3 {
        let (part, email, phone) = match number {
            1..=10 => ("stays", email(number), phone(number)),
            11..=GOOD => ("leaves", email(number), phone(number)),
            13 => ("bad", format!("ada.of.faults{number}"), "555-0100".to_owned()),
            _ => ("worse", format!("ada.of.faults{number}"), "555-0100".to_owned()),
        };
        writeln!(text, "c{number:02},{email},{phone},{part}").unwrap();
    }
    text
}
