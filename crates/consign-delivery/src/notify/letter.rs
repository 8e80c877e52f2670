//! What somebody is told, as an e-mail: plain text, from the message that others get as JSON.

use std::fmt::Write as _;

use serde_json::Value;

/// The subject and the text of a message.
pub(super) fn written(message: &Value) -> (String, String) {
    let subject = text(message, "subject").unwrap_or_default();
    let mut letter = format!("{subject}\n\n");
    let fields = [
        ("When", "at"),
        ("What to do", "what_to_do"),
        ("Reason", "reason"),
        ("Campaign", "campaign"),
        ("Run", "run"),
        ("Due", "scheduled_for"),
        ("Customers", "customers"),
    ];
    for (name, field) in fields {
        if let Some(value) = text(message, field) {
            let _ = writeln!(letter, "{name}: {value}");
        }
    }
    let deliveries = message["deliveries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !deliveries.is_empty() {
        letter.push_str("\nDeliveries\n");
    }
    for delivery in deliveries {
        letter.push_str(&delivered(delivery));
    }
    (format!("Consign: {subject}"), letter)
}

fn delivered(delivery: &Value) -> String {
    let field = |name: &str| text(delivery, name).unwrap_or_default();
    let mut line = format!("- `{}` to `{}`: {}", field("list_name"), field("destination"), field("state"));
    for (name, words) in [("rows", "rows"), ("sent", "sent"), ("rejected", "rejected")] {
        if let Some(count) = text(delivery, name) {
            let _ = write!(line, ", {count} {words}");
        }
    }
    line.push('\n');
    if let Some(error) = text(delivery, "error") {
        let _ = writeln!(line, "  {error}");
    }
    line
}

/// A field as text; `None` where there is none.
fn text(of: &Value, field: &str) -> Option<String> {
    match &of[field] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_letter_says_what_happened_and_what_to_do() {
        let message = json!({
            "occasion": "partial",
            "subject": "campaign `churn` succeeded in part: 1 of 2 deliveries did not arrive whole",
            "what_to_do": "do what each delivery's error says, then `consign retry r1`",
            "at": "2026-11-25T10:00:00Z",
            "campaign": "churn",
            "run": "r1",
            "rehearsal": false,
            "customers": 120,
            "deliveries": [
                { "delivery": "r1/a.b.mail", "destination": "mail", "list_name": "Churn", "state": "failed", "rows": 103, "sent": 0,
                  "rejected": 103, "class": "auth", "error": "the key is refused: check `api_key`" },
                { "delivery": "r1/a.b.files", "destination": "files", "list_name": "churn", "state": "delivered", "rows": 103 },
            ],
        });
        let (subject, text) = written(&message);
        insta::assert_snapshot!(format!("{subject}\n---\n{text}"), @r"
        Consign: campaign `churn` succeeded in part: 1 of 2 deliveries did not arrive whole
        ---
        campaign `churn` succeeded in part: 1 of 2 deliveries did not arrive whole

        When: 2026-11-25T10:00:00Z
        What to do: do what each delivery's error says, then `consign retry r1`
        Campaign: churn
        Run: r1
        Customers: 120

        Deliveries
        - `Churn` to `mail`: failed, 103 rows, 0 sent, 103 rejected
          the key is refused: check `api_key`
        - `churn` to `files`: delivered, 103 rows
        ");
    }

    #[test]
    fn a_test_is_told_in_few_words() {
        let message =
            json!({ "occasion": "test", "subject": "a test", "what_to_do": "nothing: it arrived", "at": "now" });
        assert_eq!(written(&message).1, "a test\n\nWhen: now\nWhat to do: nothing: it arrived\n");
    }
}
