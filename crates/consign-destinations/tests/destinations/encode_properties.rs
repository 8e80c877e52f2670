//! Whatever is staged, bodies are well-formed, hold every row in order and keep the limits.

use std::sync::LazyLock;

use arrow::array::RecordBatch;
use consign_destinations::encode::{EncodedRows, Operation, RequestEncoder, Sequence, body, split_requests};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use crate::workspace::{complete, encoder, list, sequence, staged};

/// A platform, the columns that are staged for it, and how its rows are found in a body.
struct Case {
    kind: &'static str,
    attributes: &'static [(&'static str, &'static str)],
    staged: &'static [&'static str],
    rows: &'static str,
    /// Which of those columns are sent hashed.
    hashed: &'static [&'static str],
    /// The value of a column in a row of a body; `None` where it is missing there.
    value: fn(&Value, usize) -> Option<&str>,
}

const CASES: &[Case] = &[
    Case {
        kind: "klaviyo",
        attributes: &[("email", "email"), ("location.city", "city"), ("properties.note", "note")],
        staged: &["email", "location.city", "properties.note"],
        hashed: &[],
        rows: "/data/attributes/profiles/data",
        value: |row, column| {
            row.pointer(["/attributes/email", "/attributes/location/city", "/attributes/properties/note"][column])?
                .as_str()
        },
    },
    Case {
        kind: "attentive",
        attributes: &[("phone", "phone")],
        staged: &["phone"],
        hashed: &[],
        rows: "/members",
        value: |row, _| present(row.get("phone")),
    },
    Case {
        kind: "criteo",
        attributes: &[("email", "email")],
        staged: &["email"],
        hashed: &[],
        rows: "/data/attributes/identifiers",
        value: |row, _| present(Some(row)),
    },
    Case {
        kind: "tiktok_ads",
        attributes: &[("EMAIL", "email"), ("PHONE", "phone"), ("IDFA", "idfa")],
        staged: &["EMAIL", "PHONE", "IDFA"],
        hashed: &["EMAIL", "PHONE", "IDFA"],
        rows: "/batch_data",
        value: |row, column| row.get(column)?.get("id")?.as_str(),
    },
    Case {
        kind: "meta_ads",
        attributes: &[("EXTERN_ID", "customer_id"), ("EMAIL", "email"), ("CT", "city")],
        staged: &["EXTERN_ID", "EMAIL", "CT"],
        hashed: &["EMAIL", "CT"],
        rows: "/payload/data",
        value: |row, column| present(row.get(column)),
    },
];

/// The encoder of each case.
static ENCODERS: LazyLock<Vec<Box<dyn RequestEncoder>>> =
    LazyLock::new(|| CASES.iter().map(|case| encoder(case.kind, complete(case.kind), case.attributes)).collect());

/// The text of a value; the empty text stands for a missing one.
fn present(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

/// Text that is nothing but white space counts as missing.
fn expected(value: Option<&str>) -> Option<&str> {
    let blank = |text: &str| text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'));
    value.filter(|text| !blank(text))
}

fn batch(case: &Case, rows: &[Vec<Option<String>>]) -> RecordBatch {
    let columns: Vec<Vec<Option<&str>>> =
        (0..case.staged.len()).map(|column| rows.iter().map(|row| row[column].as_deref()).collect()).collect();
    let named: Vec<(&str, &[Option<&str>])> =
        case.staged.iter().zip(&columns).map(|(name, values)| (*name, values.as_slice())).collect();
    staged(&named)
}

/// Staged as it is: what is sent hashed is a hash.
fn stage(case: &Case, rows: &[Vec<Option<String>>]) -> Vec<Vec<Option<String>>> {
    let value = |(column, value): (&&str, &Option<String>)| {
        let value = expected(value.as_deref())?;
        let hash = || hex(value);
        Some(if case.hashed.contains(column) { hash() } else { value.to_owned() })
    };
    rows.iter().map(|row| case.staged.iter().zip(row).map(value).collect()).collect()
}

/// What has the form of a hash and differs for different texts, mostly.
fn hex(text: &str) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).chain(std::iter::repeat('0')).take(64).collect()
}

/// The bodies of rows, cut by the limits.
fn bodies(encoder: &dyn RequestEncoder, rows: &RecordBatch, operation: Operation) -> Vec<Vec<u8>> {
    let list = list("list-1");
    let mut buffer = EncodedRows::new();
    encoder.encode_rows(rows, &list, operation, &mut buffer).expect("it is offered");
    let total = rows.num_rows() as u64;
    let widest = Sequence { number: total, ..sequence(1, false, total) };
    let overhead = encoder.envelope(&list, operation, &widest).expect("it is offered").overhead();
    let requests = split_requests(&buffer, &encoder.limits(), overhead);
    let count = requests.len() as u64;
    let made = requests.into_iter().zip(1..).map(|(range, number)| {
        let envelope = encoder.envelope(&list, operation, &sequence(number, number == count, total));
        body(&envelope.expect("it is offered"), &buffer, range)
    });
    made.collect()
}

proptest! {
    #[test]
    fn any_rows_become_json_with_each_row_in_its_place(
        rows in vec(vec(option::weighted(0.8, any::<String>()), 3), 0..12),
        index in 0..CASES.len(),
    ) {
        let case = &CASES[index];
        let rows = stage(case, &rows);
        let mut found: Vec<Vec<Option<String>>> = Vec::new();
        for body in bodies(&*ENCODERS[index], &batch(case, &rows), Operation::Add) {
            let body: Value = serde_json::from_slice(&body).expect("the body is JSON");
            for row in body.pointer(case.rows).and_then(Value::as_array).expect("rows are where they belong") {
                let value = |column| (case.value)(row, column).map(ToOwned::to_owned);
                found.push((0..case.staged.len()).map(value).collect());
            }
        }
        prop_assert_eq!(found, rows);
    }

    #[test]
    fn what_needs_a_hash_and_is_none_is_never_encoded(
        plain in "[a-z0-9.@+]{12,70}",
        index in 3..CASES.len(),
        column in any::<prop::sample::Index>(),
    ) {
        let case = &CASES[index];
        let column = column.get(case.hashed);
        let row: Vec<Option<String>> = case
            .staged
            .iter()
            .map(|name| Some(if name == column { plain.clone() } else { hex(name) }))
            .collect();
        let mut buffer = EncodedRows::new();
        let made = ENCODERS[index].encode_rows(&batch(case, &[row]), &list("1"), Operation::Add, &mut buffer);
        let message = made.expect_err("it is no hash").to_string();
        prop_assert!(!message.contains(&plain), "{}", message);
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn requests_keep_the_limits_of_their_platform(
        lengths in vec(0_usize..200, 1..4),
        batch_size in 1_usize..50,
    ) {
        let destination = format!(
            "settings: {{ advertiser_id: '1', batch_size: {batch_size} }}, credentials: {{ access_token: env:T }}"
        );
        let case = &CASES[3];
        let encoder = encoder(case.kind, &destination, case.attributes);
        let rows: Vec<Vec<Option<String>>> =
            lengths.iter().flat_map(|length| vec![vec![Some("a".repeat(64)), None, None]; *length]).collect();
        for body in bodies(&*encoder, &batch(case, &rows), Operation::Remove) {
            prop_assert!(body.len() <= 1_000_000);
            let body: Value = serde_json::from_slice(&body).expect("the body is JSON");
            prop_assert!(body["batch_data"].as_array().is_some_and(|rows| rows.len() <= batch_size));
        }
    }
}

#[test]
fn a_request_to_klaviyo_stays_below_its_bytes() {
    let encoder = encoder("klaviyo", complete("klaviyo"), &[("email", "email"), ("properties.note", "note")]);
    let note = "n".repeat(90_000);
    let rows = staged(&[("email", &[Some("a@example.com"); 120]), ("properties.note", &[Some(note.as_str()); 120])]);
    let bodies = bodies(&*encoder, &rows, Operation::Add);
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| body.len() <= 4_500_000));
}
