//! The exact requests of each platform: method, path, headers and bytes.

use arrow::array::RecordBatch;
use consign_destinations::encode::{EncodedRows, ListTarget, Operation, RequestEncoder, body, split_requests};
use insta::assert_snapshot;

use crate::encode_examples::ATTENTIVE_BY_FILE;
use crate::workspace::{complete, encoder, list, request, sequence, shown, staged};

/// What each operation makes of rows, or why it is not offered.
fn operations(encoder: &dyn RequestEncoder, rows: &RecordBatch, list: &ListTarget) -> String {
    let all = [Operation::Add, Operation::Remove, Operation::Replace];
    let total = rows.num_rows() as u64;
    let shown = all.map(|operation| {
        format!("# {operation:?}\n{}", shown(request(encoder, rows, list, operation, &sequence(1, true, total))))
    });
    shown.join("\n")
}

/// What stands for hashes.
const AA: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BB: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const CC: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
const DD: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
const EE: &str = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
const FF: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const GG: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Values that need care: missing, with what JSON escapes, and beyond ASCII.
const CARE: &[Option<&str>] = &[Some("Zoë \"Z\" \\ /"), None, Some("a\tb\u{1}\n"), Some("정 🎁"), Some(" ")];

#[test]
fn requests_to_klaviyo() {
    let attributes = [
        ("properties.Favourite \"colour\"", "note"),
        ("location.zip", "postal"),
        ("email", "email"),
        ("first_name", "given_name"),
        ("location.city", "city"),
    ]
    .map(|(name, column)| (if name.contains('"') { "'properties.Favourite \"colour\"'" } else { name }, column));
    let encoder = encoder("klaviyo", complete("klaviyo"), &attributes);
    let emails: Vec<Option<&str>> = vec![
        Some("a@example.com"),
        Some("b@example.com"),
        Some("c@example.com"),
        Some("d@example.com"),
        Some("é@example.com"),
    ];
    let rows = staged(&[
        ("properties.Favourite \"colour\"", CARE),
        ("location.zip", &[Some("02139"), None, None, Some("1"), None]),
        ("email", &emails),
        ("first_name", CARE),
        ("location.city", &[None, None, Some("São Paulo"), None, None]),
    ]);
    assert_snapshot!(operations(&*encoder, &rows, &list("Y6\"nRLr")));
}

#[test]
fn requests_to_attentive() {
    let encoder = encoder("attentive", complete("attentive"), &[("email", "email")]);
    let rows = staged(&[("email", &[Some("jane.doe@example.com"), Some("émilie.dupont@example.com")])]);
    assert_snapshot!(operations(&*encoder, &rows, &list("consign-spring-group_a")));
}

#[test]
fn files_for_attentive() {
    let encoder = encoder("attentive", ATTENTIVE_BY_FILE, &[("phone", "phone")]);
    let rows = staged(&[("phone", &[Some("+12065550100"), Some("+442079460018")])]);
    let list = ListTarget { id: "any".into(), name: "Spring,\"A\"".into() };
    assert_snapshot!(operations(&*encoder, &rows, &list));
}

#[test]
fn requests_to_criteo() {
    let encoder = encoder("criteo", complete("criteo"), &[("email", "email")]);
    let rows = staged(&[("email", &[Some("jane.doe@example.com"), Some("émilie.dupont@example.com")])]);
    assert_snapshot!(operations(&*encoder, &rows, &list("77/../88")));
}

#[test]
fn requests_to_tiktok() {
    let attributes = [("EMAIL", "email"), ("PHONE", "phone"), ("IDFA", "idfa")];
    let encoder = encoder("tiktok_ads", complete("tiktok_ads"), &attributes);
    let rows = staged(&[
        ("EMAIL", &[Some(AA), None, None]),
        ("PHONE", &[Some(BB), Some(CC), None]),
        ("IDFA", &[None, None, Some(DD)]),
    ]);
    assert_snapshot!(operations(&*encoder, &rows, &list("190012345")));
}

#[test]
fn requests_to_meta() {
    let attributes = [("EXTERN_ID", "customer_id"), ("EMAIL", "email"), ("BIRTH", "birthdate")];
    let encoder = encoder("meta_ads", complete("meta_ads"), &attributes);
    let rows = staged(&[
        ("EXTERN_ID", CARE),
        ("EMAIL", &[Some(AA), Some(BB), Some(CC), None, Some(DD)]),
        ("DOBY", &[Some(EE), None, None, None, None]),
        ("DOBM", &[Some(FF), None, None, None, None]),
        ("DOBD", &[Some(GG), None, None, None, None]),
    ]);
    assert_snapshot!(operations(&*encoder, &rows, &list("23850000000000001")));
}

#[test]
fn first_and_last_requests_of_a_session_at_meta() {
    let destination = "settings: { ad_account_id: '1', batch_size: 2 }, credentials: { access_token: env:T }";
    let encoder = encoder("meta_ads", destination, &[("EXTERN_ID", "customer_id"), ("EMAIL", "email")]);
    let ids: &[Option<&str>] = &[Some("1"), Some("2"), Some("3")];
    let rows = staged(&[("EXTERN_ID", ids), ("EMAIL", &[Some(AA), Some(BB), Some(CC)])]);
    let list = list("23850000000000001");
    let mut buffer = EncodedRows::new();
    encoder.encode_rows(&rows, &list, Operation::Replace, &mut buffer).expect("it is offered");
    let requests = split_requests(&buffer, &encoder.limits(), 0);
    assert_eq!(requests, [0..2, 2..3]);
    let made = requests.iter().zip(1..).map(|(range, number)| {
        let sequence = sequence(number, number == 2, 3);
        let envelope = encoder.envelope(&list, Operation::Replace, &sequence).expect("it is offered");
        let body = body(&envelope, &buffer, range.clone());
        shown(Ok((envelope, body)))
    });
    assert_snapshot!(made.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_request_of_no_rows_is_still_whole() {
    let encoder = encoder("criteo", complete("criteo"), &[("email", "email")]);
    let rows = staged(&[("email", &[])]);
    let made = request(&*encoder, &rows, &list("1"), Operation::Add, &sequence(1, true, 0));
    let (_, body) = made.expect("it is offered");
    let value: serde_json::Value = serde_json::from_slice(&body).expect("the body is JSON");
    assert_eq!(value["data"]["attributes"]["identifiers"], serde_json::json!([]));
}
