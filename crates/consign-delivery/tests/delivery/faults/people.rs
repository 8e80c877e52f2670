//! Who is in the group: invented people with what must never be told of them.

use std::fmt::Write as _;

/// The rows of everyone.
pub const ROWS: u64 = 12;

/// Beginnings of addresses, numbers and secrets, which must stand in no error, log, record or store. The hashes of the
/// first person are those of `ada.of.faults01@example.com`, `+12065550101` and `12065550101`.
pub const FORBIDDEN: &[&str] = &["ada.of.faults", "20655501", "sesame"];

/// The customer table as CSV: twelve whom all platforms take, of whom two leave, and three whom none takes.
pub fn csv() -> String {
    let mut text = "customer_id,email,phone,part\n".to_owned();
    for number in 1..=ROWS + 3 {
        let part = match number {
            1..=10 => "stays",
            11..=12 => "leaves",
            13 => "bad",
            _ => "worse",
        };
        let (email, phone) = match part {
            "bad" | "worse" => (format!("ada.of.faults{number:02}"), "555-0100".to_owned()),
            _ => (format!("ada.of.faults{number:02}@example.com"), format!("+120655501{number:02}")),
        };
        writeln!(text, "c{number:02},{email},{phone},{part}").unwrap();
    }
    text
}
