//! The client of `tiktok_ads` to the letter of its specification, sections 4 to 6.

use consign_destinations::client::{
    Answer, ClientError, ErrorClass, Filed, Filing, FoundList, Job, JobReport, JobState, Receipt, WantedList,
};
use consign_destinations::encode::Operation;
use consign_destinations::send::{Frame, send_rows};
use serde_json::{Value, json};

use crate::wire::{Rows, Step, Wire, on, wire};

const NAME: &str = "Spring Promo_Treatment A";
const ADVERTISER: &str = "7012345678901234567";
const JANE: &str = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
const JOHN: &str = "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30";
const PHONE: &str = "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f";
const MAPPING: &str = "POST /open_api/v1.3/segment/mapping/";
const CREATE: &str = "POST /open_api/v1.3/segment/audience/";
const UPLOAD: &str = "POST /open_api/v1.3/dmp/custom_audience/file/upload/";
const CREATE_OF_FILES: &str = "POST /open_api/v1.3/dmp/custom_audience/create/";
const UPDATE: &str = "POST /open_api/v1.3/dmp/custom_audience/update/";
const INFO: &str = "GET /open_api/v1.3/advertiser/info/?advertiser_ids=[\"7012345678901234567\"]";

fn tiktok(steps: Vec<Step>) -> Wire {
    wire("tiktok_ads", steps)
}

fn page(page: u32, size: u32) -> String {
    format!("GET /open_api/v1.3/dmp/custom_audience/list/?advertiser_id={ADVERTISER}&page={page}&page_size={size}")
}

fn envelope(code: i64, message: &str, data: impl Into<Value>) -> Value {
    json!({"code": code, "message": message, "request_id": "20260303100000010245", "data": data.into()})
}

fn audiences(audiences: &[(Value, &str)], pages: u32) -> Value {
    let list: Vec<Value> = audiences.iter().map(|(id, name)| json!({"audience_id": id, "name": name})).collect();
    envelope(0, "OK", json!({"list": list, "page_info": {"total_page": pages}}))
}

fn rows() -> Rows {
    let columns: &[(&str, &[Option<&str>])] = &[("EMAIL", &[Some(JANE), Some(JOHN)]), ("PHONE", &[Some(PHONE), None])];
    Rows::new("tiktok_ads", &[("EMAIL", "email"), ("PHONE", "phone")], columns, "190012345", Operation::Add)
}

#[tokio::test]
async fn the_token_is_shown_by_both_calls() {
    let info = envelope(0, "OK", json!({"list": [{"advertiser_id": ADVERTISER}]}));
    let wire = tiktok(vec![
        on(INFO).header("access-token", "token-of-tiktok").answer(200, info),
        on(&page(1, 1)).answer(200, audiences(&[], 0)),
        on(INFO).answer(200, envelope(40_001, "no permission", json!({}))),
        on(&page(1, 1)).answer(200, audiences(&[], 0)),
        on(INFO).answer(200, envelope(0, "OK", json!({"list": []}))),
    ]);
    assert_eq!(wire.client.test().await.expect("it is proved").len(), 2);
    assert!(wire.client.test().await.expect("it is proved")[0].contains("may not read the advertiser"));
    let error = wire.refused(wire.client.test().await);
    assert!(error.class == ErrorClass::Config && error.remedy.contains("`advertiser_id`"), "{error}");
    wire.end();
}

#[tokio::test]
async fn an_audience_is_found_by_its_exact_name_over_all_pages() {
    let wire = tiktok(vec![
        on(&page(1, 100)).answer(200, audiences(&[(json!("1"), "Spring Promo")], 2)),
        on(&page(2, 100)).answer(200, audiences(&[(json!("190012345"), NAME)], 2)),
        on(&page(1, 100)).answer(200, audiences(&[(json!("1"), NAME), (json!("2"), NAME)], 1)),
        on(&page(1, 100)).answer(200, audiences(&[(json!(1.5), NAME)], 1)),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "190012345".into(), created: false }));
    let error = wire.refused(wire.list(NAME).await);
    assert!(error.class == ErrorClass::Config && error.to_string().contains("`1` and `2`"), "{error}");
    assert_eq!(wire.refused(wire.list(NAME).await).class, ErrorClass::Bug);
    wire.end();
}

#[tokio::test]
async fn an_audience_is_made_and_one_that_may_have_been_made_is_looked_for() {
    let body = json!({"advertiser_id": ADVERTISER, "custom_audience_name": NAME, "action": "create"});
    let none = || on(&page(1, 100)).answer(200, audiences(&[], 0));
    let wire = tiktok(vec![
        none(),
        on(CREATE).json(body).answer(200, envelope(0, "OK", json!({"audience_id": "190012345"}))),
        none(),
        on(CREATE).says_nothing(),
        none(),
        on(CREATE).answer(200, envelope(51_010, "timeout", json!({}))),
        on(&page(1, 100)).answer(200, audiences(&[(json!("7"), NAME)], 1)),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "190012345".into(), created: true }));
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "7".into(), created: true }));
    wire.end();
}

#[tokio::test]
async fn success_is_what_the_code_says() {
    let id = |id: &str| json!({"id": id, "audience_ids": ["190012345"]});
    let body = json!({"advertiser_ids": [ADVERTISER], "action": "add", "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
        "batch_data": [[id(JANE), id(PHONE)], [id(JOHN), {}]]});
    let wire = tiktok(vec![
        on(MAPPING).json(body).answer(200, envelope(0, "OK", json!({}))),
        on(MAPPING).answer(200, envelope(40_050, "duplicate request", json!({}))),
        on(MAPPING).answer(200, envelope(20_001, &format!("partial: {JANE}"), json!({}))),
    ]);
    assert_eq!(wire.send(&rows()).await, Ok(Answer::Accepted(Receipt::default())));
    assert_eq!(wire.send(&rows()).await, Ok(Answer::Accepted(Receipt::default())));
    let notes = vec!["TikTok took a part of a request of 2 rows: partial: [hash]".to_owned()];
    assert_eq!(wire.send(&rows()).await, Ok(Answer::Accepted(Receipt { partial: true, notes, ..Receipt::default() })));
    assert_eq!(wire.records()[0].ids, [("request_id".to_owned(), "20260303100000010245".to_owned())]);
    wire.end();
}

#[tokio::test]
async fn too_many_ids_are_halved_for_the_rest_of_the_delivery() {
    let good = || on(MAPPING).answer(200, envelope(0, "OK", json!({})));
    for code in [40_006, 40_007, 40_010, 40_011, 40_061] {
        let wire = tiktok(vec![on(MAPPING).answer(200, envelope(code, "too many", json!({}))), good(), good()]);
        let rows = rows();
        let frame =
            Frame { list: &rows.list, operation: rows.operation, sequence: &rows.sequence, envelope: &rows.envelope };
        let sent = send_rows(&*wire.client, &rows.encoded, 0..2, frame, |_| {}).await;
        assert_eq!((sent.most_rows, sent.taken.len()), (Some(1), 2), "{code}");
        wire.end();
    }
}

#[tokio::test]
async fn codes_have_their_class_and_say_what_to_do() {
    let cases: &[(&[i64], ErrorClass, &str)] = &[
        (&[40_102, 40_104, 40_105, 40_106, 40_113], ErrorClass::Auth, "where `access_token` points"),
        (&[40_300], ErrorClass::Permission, "check `advertiser_id`"),
        (&[40_001, 40_301, 40_118, 41_000], ErrorClass::Permission, "operator or admin"),
        (&[40_000, 45_678], ErrorClass::Config, "refused the request with code"),
        (&[40_907], ErrorClass::Config, "split the group"),
        (&[40_909], ErrorClass::Bug, "what its type says"),
        (&[40_062], ErrorClass::Bug, "not hashed"),
    ];
    for (codes, class, words) in cases {
        for code in *codes {
            let answer = envelope(*code, &format!("bad value {JANE} of token-of-tiktok"), json!({}));
            let wire = tiktok(vec![on(MAPPING).answer(200, answer)]);
            let error = wire.refused(wire.client.send(rows().outgoing()).await);
            assert_eq!(error.class, *class, "{code}");
            assert!(error.to_string().contains(words) && error.said == "bad value [hash] of [secret]", "{error}");
            wire.end();
        }
    }
}

#[tokio::test]
async fn a_bad_parameter_may_be_an_audience_that_is_gone() {
    let get = format!(
        "GET /open_api/v1.3/dmp/custom_audience/get/?advertiser_id={ADVERTISER}&custom_audience_ids=[\"190012345\"]"
    );
    let refused = || on(MAPPING).answer(200, envelope(40_002, "audience_id: no such audience", json!({})));
    let there = || envelope(0, "OK", json!({"list": [{"audience_details": {"audience_id": "190012345"}}]}));
    let wire = tiktok(vec![
        refused(),
        on(&get).answer(200, envelope(40_002, "custom_audience_ids: no such audience", json!({}))),
        refused(),
        on(&get).answer(200, envelope(0, "OK", json!({"list": []}))),
        refused(),
        on(&get).answer(200, there()),
        refused(),
        on(&get).answer(200, envelope(40_102, "expired", json!({}))),
    ]);
    assert_eq!(wire.send(&rows()).await, Ok(Answer::ListGone));
    assert_eq!(wire.send(&rows()).await, Ok(Answer::ListGone));
    for _ in 0..2 {
        let error = wire.refused(wire.client.send(rows().outgoing()).await);
        assert!(error.class == ErrorClass::Config && error.to_string().contains("40002"), "{error}");
    }
    wire.end();
}

#[tokio::test]
async fn limits_name_their_window() {
    let good = || on(MAPPING).answer(200, envelope(0, "OK", json!({})));
    for code in [40_100, 40_016, 40_132, 40_133] {
        let limit = |window: &str| {
            on(MAPPING).answer(200, envelope(code, &format!("Too many requests per {window}"), json!({})))
        };
        let wire =
            tiktok(vec![limit("second"), limit("minute"), limit("minute"), limit("minute"), limit("minute"), good()]);
        wire.send(&rows()).await.expect("it is taken");
        assert_eq!(wire.slept(), [1, 60, 120, 240, 300], "{code}");
        wire.end();
        let wire = tiktok(vec![limit("day")]);
        let error = wire.refused(wire.client.send(rows().outgoing()).await);
        let ErrorClass::RateLimited { until } = error.class else { panic!("{error:?}") };
        assert_eq!(until.date_naive().to_string(), "2026-12-02");
        assert!(wire.slept().is_empty());
        wire.end();
    }
}

#[tokio::test]
async fn an_audience_at_work_is_waited_for_three_times() {
    let busy = || on(MAPPING).answer(200, envelope(40_002, "The audience is processing", json!({})));
    let wire = tiktok(vec![busy(), busy(), busy(), busy()]);
    let error = wire.refused(wire.client.send(rows().outgoing()).await);
    assert_eq!(error.class, ErrorClass::Unavailable);
    assert_eq!(wire.slept(), [300, 300, 300]);
    wire.end();
}

#[tokio::test]
async fn failures_are_tried_again_whatever_their_form() {
    let good = || on(MAPPING).answer(200, envelope(0, "OK", json!({})));
    let code = |code| on(MAPPING).answer(200, envelope(code, "error", json!({})));
    let mut steps: Vec<Step> = [50_000, 50_002, 51_003, 51_063, 52_001, 60_001, 61_000].map(code).to_vec();
    steps.extend([
        on(MAPPING).with(429, &[], ""),
        on(MAPPING).with(502, &[], "bad gateway"),
        on(MAPPING).with(200, &[("content-type", "text/html")], "<html></html>"),
        on(MAPPING).closes(),
    ]);
    for step in steps {
        let wire = tiktok(vec![step.clone(), good()]);
        assert!(matches!(wire.send(&rows()).await, Ok(Answer::Accepted(_))), "{step:?}");
        assert_eq!(wire.slept().len(), 1);
        wire.end();
    }
}

/// The rows of a file of two types, and of one.
fn file_rows() -> Rows {
    let columns: &[(&str, &[Option<&str>])] = &[("EMAIL", &[Some(JANE), Some(JOHN)]), ("PHONE", &[Some(PHONE), None])];
    Rows::new("tiktok_ads", &[("EMAIL", "email"), ("PHONE", "phone")], columns, "", Operation::Replace)
}

fn filing(wire: &Wire) -> &dyn Filing {
    wire.client.filing().expect("TikTok takes files")
}

fn wanted(id: Option<&str>) -> WantedList {
    WantedList { name: NAME.to_owned(), id: id.map(ToOwned::to_owned) }
}

async fn publish(wire: &Wire, found: Option<&str>) -> Result<Filed, ClientError> {
    let rows = file_rows();
    filing(wire).publish(&wanted(None), found, &rows.envelope, &["one".to_owned(), "two".to_owned()]).await
}

#[tokio::test]
async fn a_file_is_uploaded_with_its_signature_and_type_and_again_after_a_failure() {
    let file = format!("email_SHA256,phone_SHA256\n{JANE},{PHONE}\n{JOHN},\n");
    let signature = {
        use md5::{Digest, Md5};
        hex::encode(Md5::digest(file.as_bytes()))
    };
    let upload = || {
        on(UPLOAD).header("access-token", "token-of-tiktok").holding(&[
            &format!("name=\"advertiser_id\"\r\n\r\n{ADVERTISER}\r\n--"),
            &format!("name=\"file_signature\"\r\n\r\n{signature}\r\n--"),
            "name=\"calculate_type\"\r\n\r\nMULTIPLE_TYPES\r\n--",
            "name=\"file\"; filename=\"list.csv\"\r\nContent-Type: text/csv\r\n\r\n",
            &file,
        ])
    };
    let wire = tiktok(vec![
        upload().answer(200, envelope(51_010, "timeout", json!({}))),
        upload().answer(200, envelope(0, "OK", json!({"file_path": "70/one.csv"}))),
        upload().answer(200, envelope(0, "OK", json!({}))),
        upload().answer(200, envelope(40_907, "too large", json!({}))),
    ]);
    let rows = file_rows();
    assert_eq!(filing(&wire).put(rows.outgoing()).await, Ok("70/one.csv".to_owned()));
    assert_eq!(wire.refused(filing(&wire).put(rows.outgoing()).await).class, ErrorClass::Bug);
    assert_eq!(wire.refused(filing(&wire).put(rows.outgoing()).await).class, ErrorClass::Config);
    wire.end();
}

#[tokio::test]
async fn an_audience_is_made_of_files_and_one_that_is_there_is_replaced() {
    let made = json!({"advertiser_id": ADVERTISER, "custom_audience_name": NAME, "file_paths": ["one", "two"],
        "calculate_type": "MULTIPLE_TYPES"});
    let replaced = json!({"advertiser_id": ADVERTISER, "custom_audience_id": "7", "file_paths": ["one", "two"],
        "action": "REPLACE"});
    let wire = tiktok(vec![
        on(&page(1, 100)).answer(200, audiences(&[], 1)),
        on(CREATE_OF_FILES).json(made).answer(200, envelope(0, "OK", json!({"custom_audience_id": "190012345"}))),
        on(UPDATE).json(replaced).answer(200, envelope(0, "OK", json!({}))),
    ]);
    let filed = |id: &str, created| Filed {
        list: FoundList { id: id.into(), created },
        job: Some(Job { id: id.into() }),
        notes: Vec::new(),
    };
    assert_eq!(publish(&wire, None).await, Ok(filed("190012345", true)));
    assert_eq!(publish(&wire, Some("7")).await, Ok(filed("7", false)));
    wire.end();
}

#[tokio::test]
async fn files_are_not_used_twice_where_nobody_knows_what_became_of_them() {
    let wire = tiktok(vec![
        on(UPDATE).says_nothing(),
        on(&page(1, 100)).answer(200, audiences(&[], 1)),
        on(CREATE_OF_FILES).says_nothing(),
        on(&page(1, 100)).answer(200, audiences(&[(json!("7"), NAME)], 1)),
        on(&page(1, 100)).answer(200, audiences(&[(json!("8"), NAME)], 1)),
    ]);
    assert_eq!(wire.refused(publish(&wire, Some("7")).await).class, ErrorClass::Unavailable);
    assert_eq!(publish(&wire, None).await.expect("it was made").list.id, "7");
    let error = wire.refused(publish(&wire, None).await);
    assert!(error.to_string().contains("was made while its files were uploaded"), "{error}");
    wire.end();
}

#[tokio::test]
async fn an_audience_at_work_is_waited_for_before_it_is_replaced() {
    let wire = tiktok(vec![
        on(UPDATE).answer(200, envelope(40_002, "The audience is being processed.", json!({}))),
        on(UPDATE).answer(200, envelope(0, "OK", json!({}))),
    ]);
    publish(&wire, Some("7")).await.expect("it is replaced");
    assert_eq!(wire.slept(), [300]);
    wire.end();
}

#[tokio::test]
async fn what_files_cannot_hold_is_said_before_any_call() {
    let wire = tiktok(vec![on(&page(1, 100)).answer(200, audiences(&[(json!("7"), NAME)], 1))]);
    let filing = filing(&wire);
    assert!(filing.keeps_apart());
    assert_eq!(filing.find(&wanted(Some("9"))).await, Ok(Some("9".into())));
    assert_eq!(filing.find(&wanted(None)).await, Ok(Some("7".into())));
    assert_eq!(filing.rows_per_file(1, false), Ok(50_000));
    assert_eq!(filing.rows_per_file(1_000, true), Ok(50_000));
    // Below 50 files, and none above 250 MB.
    assert_eq!(filing.rows_per_file(10_000_000, true), Ok(204_082));
    assert!(filing.rows_per_file(47_000_000, true).expect("it fits") * 4 * 65 <= 250_000_000);
    let few = wire.heard(filing.rows_per_file(999, true).expect_err("it is refused"));
    assert!(few.class == ErrorClass::Config && few.what.contains("fewer than 1,000"), "{few}");
    let many = wire.heard(filing.rows_per_file(48_000_000, false).expect_err("it is refused"));
    assert!(many.class == ErrorClass::Config && many.remedy.contains("mirror"), "{many}");
    wire.end();
}

#[tokio::test]
async fn files_are_read_when_the_audience_is_valid() {
    let get = format!(
        "GET /open_api/v1.3/dmp/custom_audience/get/?advertiser_id={ADVERTISER}&custom_audience_ids=[\"190012345\"]"
    );
    let details = |details: Value| envelope(0, "OK", json!({"list": [{"audience_details": details}]}));
    let wire = tiktok(vec![
        on(&get).answer(200, details(json!({"is_valid": false, "error_msg": ""}))),
        on(&get).answer(200, details(json!({"is_valid": true, "error_msg": ""}))),
        on(&get).answer(200, details(json!({"is_valid": false, "error_msg": format!("bad line {JANE}")}))),
        on(&get).answer(200, envelope(0, "OK", json!({"list": []}))),
    ]);
    let job = Job { id: "190012345".into() };
    assert_eq!(wire.client.poll(&job).await, Ok(JobState::Working));
    assert_eq!(wire.client.poll(&job).await, Ok(JobState::Done(JobReport { known: true, ..JobReport::default() })));
    assert_eq!(
        wire.client.poll(&job).await,
        Ok(JobState::Failed("TikTok did not read the files: bad line [hash]".into()))
    );
    assert_eq!(wire.refused(wire.client.poll(&job).await).class, ErrorClass::Bug);
    let polling = wire.client.polling().expect("it is polled");
    assert!(!polling.awaited && polling.give_up.as_secs() == 48 * 3_600);
    wire.end();
}
