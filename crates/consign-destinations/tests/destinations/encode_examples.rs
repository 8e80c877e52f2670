//! The bodies that the platforms' own documents show, made from the same values.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use consign_destinations::encode::{EncodeError, Operation, RequestEncoder};
use serde_json::{Value, json};

use crate::workspace::{complete, encoder, list, request, sequence, staged, staged_arrays};

const JANE: &str = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
const JOHN: &str = "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30";
const PHONE: &str = "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f";
const PHONE_DIGITS: &str = "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415";
const FN: &str = "81f8f6dde88365f3928796ec7aa53f72820b06db8664f5fe76a7eb13e24546a2";
const LN: &str = "799ef92a11af918e3fb741df42934f3b568ed2d93ac1df74f1b8d41a27932a6f";

const YEAR: &str = "744b93f9950fc38dad705556931ea48193b99dcb191cc9bd77097f65fbe2f0b8";
const MONTH: &str = "0b8efa5a3bf104413a725c6ff0459a6be12b1fd33314cbb138745baf39504ae5";
const DAY: &str = "3514acf61732f662da19625f7fe781c3e483f2dce8506012f3bb393f5003e105";

fn json_body(encoder: &dyn RequestEncoder, rows: &RecordBatch, list_id: &str, operation: Operation) -> Value {
    let sequence = sequence(1, false, 15_000);
    let (_, body) = request(encoder, rows, &list(list_id), operation, &sequence).expect("it is offered");
    serde_json::from_slice(&body).expect("the body is JSON")
}

#[test]
fn klaviyo_imports_profiles_as_its_guide_shows() {
    let attributes = [
        ("email", "email"),
        ("phone_number", "phone"),
        ("first_name", "given_name"),
        ("last_name", "surname"),
        ("location.city", "city"),
        ("location.region", "state"),
        ("location.zip", "postal"),
        ("location.country", "country"),
        ("properties.loyalty_tier", "note"),
    ];
    let encoder = encoder("klaviyo", complete("klaviyo"), &attributes);
    let rows = staged(&[
        ("email", &[Some("jane.doe@example.com"), Some("john.doe+promo@example.com")]),
        ("phone_number", &[Some("+12065550100"), None]),
        ("first_name", &[Some("Jane"), None]),
        ("last_name", &[Some("Doe"), None]),
        ("location.city", &[Some("Seattle"), None]),
        ("location.region", &[Some("WA"), None]),
        ("location.zip", &[Some("98101"), None]),
        ("location.country", &[Some("US"), None]),
        ("properties.loyalty_tier", &[Some("gold"), None]),
    ]);
    let expected = json!({"data":{"type":"profile-bulk-import-job",
      "attributes":{"profiles":{"data":[
        {"type":"profile","attributes":{"email":"jane.doe@example.com","phone_number":"+12065550100","first_name":"Jane","last_name":"Doe",
          "location":{"city":"Seattle","region":"WA","zip":"98101","country":"US"},
          "properties":{"loyalty_tier":"gold"}}},
        {"type":"profile","attributes":{"email":"john.doe+promo@example.com"}}]}},
      "relationships":{"lists":{"data":[{"type":"list","id":"Zk4Tq9"}]}}}});
    assert_eq!(json_body(&*encoder, &rows, "Zk4Tq9", Operation::Add), expected);
}

#[test]
fn klaviyo_properties_keep_the_types_of_their_columns() {
    let attributes = [
        ("email", "email"),
        ("properties.points", "points"),
        ("properties.member", "member"),
        ("properties.born", "birthdate"),
        ("properties.count", "points"),
        ("properties.a.b", "note"),
    ];
    let encoder = encoder("klaviyo", complete("klaviyo"), &attributes);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("email", Arc::new(StringArray::from(vec!["a@example.com", "b@example.com"]))),
        ("properties.points", Arc::new(Float64Array::from(vec![Some(1.5), Some(f64::NAN)]))),
        ("properties.member", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("properties.born", Arc::new(Date32Array::from(vec![Some(6276), None]))),
        ("properties.count", Arc::new(Int64Array::from(vec![Some(7), None]))),
        ("properties.a.b", Arc::new(StringArray::from(vec![Some("say \"hi\""), Some("  ")]))),
    ];
    let rows = staged_arrays(columns.into_iter().map(|(name, array)| (name.to_owned(), array)).collect());
    let body = json_body(&*encoder, &rows, "Zk4Tq9", Operation::Add);
    assert_eq!(
        body["data"]["attributes"]["profiles"]["data"],
        json!([
            {"type":"profile","attributes":{"email":"a@example.com",
                "properties":{"points":1.5,"member":true,"born":"1987-03-09","count":7,"a.b":"say \"hi\""}}},
            {"type":"profile","attributes":{"email":"b@example.com"}}
        ])
    );
}

#[test]
fn attentive_takes_members_as_its_specification_shows() {
    let encoder = encoder("attentive", complete("attentive"), &[("phone", "phone")]);
    let rows = staged(&[("phone", &[Some("+12065550100"), Some("+442079460018")])]);
    let expected = json!({"externalId":"consign-42-7","members":[{"phone":"+12065550100"},{"phone":"+442079460018"}]});
    assert_eq!(json_body(&*encoder, &rows, "consign-42-7", Operation::Add), expected);
    assert_eq!(json_body(&*encoder, &rows, "consign-42-7", Operation::Remove), expected);
}

#[test]
fn attentive_reads_files_of_identifier_and_segment() {
    let encoder = encoder("attentive", ATTENTIVE_BY_FILE, &[("phone", "phone")]);
    let rows = staged(&[("phone", &[Some("+12065550100"), Some("+442079460018")])]);
    let first = sequence(1, true, 2);
    let (envelope, body) =
        request(&*encoder, &rows, &list("any"), Operation::Replace, &first).expect("a file replaces its segment");
    assert_eq!(envelope.path, "acme_subscriber_segment_20261201_1.csv");
    assert_eq!(
        String::from_utf8(body).expect("text"),
        "+12065550100,SpringPromoTreatmentA\n+442079460018,SpringPromoTreatmentA\n"
    );
    assert_eq!(encoder.limits().request_rows, Some(500_000));
}

/// Settings of a destination that sends files to Attentive.
pub const ATTENTIVE_BY_FILE: &str = "settings: { transport: sftp, sftp_username: acme, client_domain: acme, \
     sftp_host_key: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU' }, credentials: { sftp_password: \
     env:ATTENTIVE_PASSWORD }";

#[test]
fn tiktok_reads_files_of_one_type_without_a_header_and_nothing_that_is_not_hashed() {
    let destination =
        "settings: { advertiser_id: '1', require_email_and_phone: false }, credentials: { access_token: env:T }";
    let encoder = encoder("tiktok_ads", destination, &[("EMAIL", "email")]);
    let rows = staged(&[("EMAIL", &[Some(JANE), Some(JOHN)])]);
    let one = sequence(1, true, 2);
    let (envelope, body) =
        request(&*encoder, &rows, &list(""), Operation::Replace, &one).expect("files replace an audience");
    assert_eq!(envelope.headers, [("calculate_type", "EMAIL_SHA256".to_owned())]);
    assert_eq!(String::from_utf8(body).expect("text"), format!("{JANE}\n{JOHN}\n"));
    let plain = staged(&[("EMAIL", &[Some("jane.doe@example.com")])]);
    let error = request(&*encoder, &plain, &list(""), Operation::Replace, &one).expect_err("it stays here");
    assert!(matches!(error, EncodeError::NotHashed(name) if name == "EMAIL"));
}

#[test]
fn criteo_amends_a_contact_list_as_its_specification_shows() {
    let encoder = encoder("criteo", complete("criteo"), &[("email", "email")]);
    let rows = staged(&[("email", &[Some("jane.doe@example.com"), Some("john.doe+promo@example.com")])]);
    let expected = |operation| {
        json!({"data":{"type":"ContactlistAmendment","attributes":{"operation":operation,"identifierType":"email",
            "identifiers":["jane.doe@example.com","john.doe+promo@example.com"]}}})
    };
    assert_eq!(json_body(&*encoder, &rows, "778899", Operation::Add), expected("add"));
    assert_eq!(json_body(&*encoder, &rows, "778899", Operation::Remove), expected("remove"));
    // The list is cleared by a call of its own before it is filled.
    assert_eq!(json_body(&*encoder, &rows, "778899", Operation::Replace), expected("add"));
}

#[test]
fn tiktok_maps_ids_as_its_connectors_do() {
    let encoder = encoder("tiktok_ads", complete("tiktok_ads"), &[("PHONE", "phone"), ("EMAIL", "email")]);
    let rows = staged(&[("PHONE", &[Some(PHONE), None]), ("EMAIL", &[Some(JANE), Some(JOHN)])]);
    let expected = |action| {
        json!({"advertiser_ids":["7012345678901234567"],
        "action":action,
        "id_schema":["EMAIL_SHA256","PHONE_SHA256"],
        "batch_data":[
         [{"id":JANE,"audience_ids":["190012345"]},
          {"id":PHONE,"audience_ids":["190012345"]}],
         [{"id":JOHN,"audience_ids":["190012345"]},
          {}]
        ]})
    };
    assert_eq!(json_body(&*encoder, &rows, "190012345", Operation::Add), expected("add"));
    assert_eq!(json_body(&*encoder, &rows, "190012345", Operation::Remove), expected("delete"));
}

#[test]
fn meta_takes_users_as_its_reference_shows() {
    let attributes =
        [("EXTERN_ID", "customer_id"), ("EMAIL", "email"), ("PHONE", "phone"), ("FN", "given_name"), ("LN", "surname")];
    let encoder = encoder("meta_ads", complete("meta_ads"), &attributes);
    let rows = staged(&[
        ("EXTERN_ID", &[Some("c-1001"), Some("c-1002")]),
        ("EMAIL", &[Some(JANE), Some(JOHN)]),
        ("PHONE", &[Some(PHONE_DIGITS), None]),
        ("FN", &[Some(FN), None]),
        ("LN", &[Some(LN), None]),
    ]);
    let expected = json!({"session":{"session_id":4_611_686_018_427_387_905_u64,"batch_seq":1,"last_batch_flag":false,"estimated_num_total":15000},
     "payload":{"schema":["EXTERN_ID","EMAIL","PHONE","FN","LN"],
      "data":[["c-1001",JANE,PHONE_DIGITS,FN,LN],["c-1002",JOHN,"","",""]]}});
    for operation in [Operation::Add, Operation::Remove, Operation::Replace] {
        assert_eq!(json_body(&*encoder, &rows, "23850000000000001", operation), expected);
    }
}

#[test]
fn meta_gets_a_birthdate_as_year_month_and_day() {
    let attributes = [("EXTERN_ID", "customer_id"), ("EMAIL", "email"), ("BIRTH", "birthdate")];
    let encoder = encoder("meta_ads", complete("meta_ads"), &attributes);
    let rows = staged(&[
        ("EXTERN_ID", &[Some("c-1001")]),
        ("EMAIL", &[Some(JANE)]),
        ("DOBY", &[Some(YEAR)]),
        ("DOBM", &[Some(MONTH)]),
        ("DOBD", &[Some(DAY)]),
    ]);
    let body = json_body(&*encoder, &rows, "1", Operation::Add);
    assert_eq!(body["payload"]["schema"], json!(["EXTERN_ID", "EMAIL", "DOBY", "DOBM", "DOBD"]));
    assert_eq!(body["payload"]["data"], json!([["c-1001", JANE, YEAR, MONTH, DAY]]));
}

#[test]
fn meta_marks_rows_for_limited_use_where_that_is_set() {
    let destination =
        "settings: { ad_account_id: '1', data_processing_options: ldu }, credentials: { access_token: env:T }";
    let encoder = encoder("meta_ads", destination, &[("EXTERN_ID", "customer_id"), ("EMAIL", "email")]);
    let rows = staged(&[("EXTERN_ID", &[Some("c-1001")]), ("EMAIL", &[Some(JANE)])]);
    let body = json_body(&*encoder, &rows, "1", Operation::Add);
    assert_eq!(
        body["payload"],
        json!({"schema":["EXTERN_ID","EMAIL","DATA_PROCESSING_OPTIONS","DATA_PROCESSING_OPTIONS_COUNTRY","DATA_PROCESSING_OPTIONS_STATE"],
            "data":[["c-1001",JANE,["LDU"],0,0]]})
    );
}
