//! Meta's client to the letter of its specification, sections 4 to 6.

use consign_destinations::client::{
    Answer, ErrorClass, FoundList, Job, JobState, Receipt, Rejection, RowName, WantedList,
};
use consign_destinations::encode::Operation;
use serde_json::{Value, json};

use crate::wire::{Rows, Step, Wire, credentials, on, wire, wire_with};
use crate::workspace::sequence;

const NAME: &str = "Spring Promo_A";
const ID: &str = "23850000000000001";
const JANE: &str = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
const JOHN: &str = "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30";
const USERS: &str = "POST /v25.0/23850000000000001/users";
const REPLACE: &str = "POST /v25.0/23850000000000001/usersreplace";
const STATUS: &str = "GET /v25.0/23850000000000001?fields=operation_status,subtype";
const NOTICED: &str = "GET /v25.0/23850000000000001?fields=operation_status";
const FIND: &str = "GET /v25.0/act_123456789/customaudiences?fields=id,name,subtype,operation_status&limit=20";
const CREATE: &str = "POST /v25.0/act_123456789/customaudiences";

fn meta(steps: Vec<Step>) -> Wire {
    wire("meta_ads", steps)
}

fn rows(operation: Operation, number: u64, last: bool) -> Rows {
    let columns: &[(&str, &[Option<&str>])] =
        &[("EXTERN_ID", &[Some("c-1001"), Some("c-1002")]), ("EMAIL", &[Some(JANE), Some(JOHN)])];
    let mapped = [("EXTERN_ID", "customer_id"), ("EMAIL", "email")];
    Rows::with("meta_ads", &mapped, columns, ID, operation, sequence(number, last, 4))
}

fn add() -> Rows {
    rows(Operation::Add, 1, true)
}

fn received(invalid: u64, samples: impl Into<Value>) -> Value {
    json!({"audience_id": ID, "session_id": "4611686018427387905", "num_received": 2, "num_invalid_entries": invalid,
        "invalid_entry_samples": samples.into()})
}

fn error(code: i64, subcode: Option<i64>) -> Value {
    json!({"error": {"message": "m", "type": "OAuthException", "code": code, "error_subcode": subcode,
        "error_user_msg": format!("no {JANE} jane.doe@example.com token-of-meta"), "fbtrace_id": "AbCdEf"}})
}

fn normal() -> Step {
    on(STATUS).answer(200, json!({"operation_status": {"code": 200}, "subtype": "CUSTOM"}))
}

fn taken() -> Receipt {
    Receipt { job: Some(Job { id: ID.into() }), ..Receipt::default() }
}

#[tokio::test]
async fn the_token_and_the_account_are_shown() {
    let path = "GET /v25.0/act_123456789?fields=id,name,account_status";
    let account = |status: i64| json!({"id": "act_123456789", "name": "Acme", "account_status": status});
    let wire = meta(vec![
        on(path).header("authorization", "Bearer token-of-meta").answer(200, account(1)),
        on(path).answer(200, account(2)),
    ]);
    assert_eq!(wire.client.test().await.expect("it is proved").len(), 1);
    assert!(wire.client.test().await.expect("it is proved")[1].starts_with("warning: the ad account is not active"));
    wire.end();
}

#[tokio::test]
async fn the_app_proves_itself_where_its_secret_is_given() {
    let mut secrets = credentials("meta_ads");
    secrets.insert("app_secret".into(), "app-secret-of-meta".into());
    // HMAC-SHA256 of `token-of-meta` under `app-secret-of-meta`, by OpenSSL.
    let proof = "f48cfd5805a4e0ddbaf5781dcaea144d01706c7a20d33c81f1ba80cee5e7aff1";
    let path = format!("GET /v25.0/act_123456789?fields=id,name,account_status&appsecret_proof={proof}");
    let wire = wire_with("meta_ads", &[], &secrets, vec![on(&path).answer(200, json!({"account_status": 1}))]);
    wire.client.test().await.expect("it is proved");
    assert!(wire.records().iter().all(|record| !record.path.contains(proof)));
    wire.end();
}

#[tokio::test]
async fn an_audience_is_found_by_its_exact_name_over_all_pages_of_our_own_host() {
    let next = json!({"cursors": {"after": "QVFJ"}, "next": "https://graph.facebook.com/v25.0/elsewhere"});
    let last = json!({"cursors": {"after": "QVFK"}});
    let wire = meta(vec![
        on(FIND).answer(200, json!({"data": [{"id": "1", "name": "spring promo_a"}], "paging": next})),
        on(&format!("{FIND}&after=QVFJ")).answer(200, json!({"data": [{"id": ID, "name": NAME}], "paging": last})),
        on(FIND).answer(200, json!({"data": [{"id": "1", "name": NAME}, {"id": "2", "name": NAME}]})),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: ID.into(), created: false }));
    let error = wire.refused(wire.list(NAME).await);
    assert!(error.class == ErrorClass::Config && error.to_string().contains("`1` and `2`"), "{error}");
    let known = WantedList { name: NAME.into(), id: Some(ID.into()) };
    assert_eq!(wire.client.find_or_create(&known).await, Ok(FoundList { id: ID.into(), created: false }));
    wire.end();
}

#[tokio::test]
async fn an_audience_is_made_and_one_that_may_have_been_made_is_looked_for() {
    let body = json!({"name": NAME, "subtype": "CUSTOM", "description": "Delivered by Consign",
        "customer_file_source": "USER_PROVIDED_ONLY"});
    let none = || on(FIND).answer(200, json!({"data": []}));
    let wire = meta(vec![
        none(),
        on(CREATE).json(body).answer(200, json!({"id": ID})),
        none(),
        on(CREATE).closes(),
        on(FIND).answer(200, json!({"data": [{"id": "7", "name": NAME}]})),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: ID.into(), created: true }));
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "7".into(), created: true }));
    wire.end();
}

#[tokio::test]
async fn users_are_added_and_removed_with_their_session() {
    let body = json!({"session": {"session_id": 4_611_686_018_427_387_905_u64, "batch_seq": 1, "last_batch_flag": true,
        "estimated_num_total": 4}, "payload": {"schema": ["EXTERN_ID", "EMAIL"],
        "data": [["c-1001", JANE], ["c-1002", JOHN]]}});
    let wire = meta(vec![
        on(USERS).json(body.clone()).answer(200, received(0, json!({}))),
        on("DELETE /v25.0/23850000000000001/users").json(body).answer(200, received(0, json!([]))),
    ]);
    assert_eq!(wire.send(&add()).await, Ok(Answer::Accepted(taken())));
    assert_eq!(wire.send(&rows(Operation::Remove, 1, true)).await, Ok(Answer::Accepted(taken())));
    wire.end();
}

#[tokio::test]
async fn invalid_entries_are_counted_and_samples_named() {
    let wire = meta(vec![
        on(USERS).answer(200, received(2, json!({"1": ["x"]}))),
        on(USERS).answer(200, received(2, json!([{"index": 0}]))),
        on(USERS).answer(200, received(9, json!([]))),
        on(USERS).answer(200, json!({"ok": true})),
    ]);
    for (index, unnamed) in [(Some(1), 1), (Some(0), 1), (None, 2)] {
        let Ok(Answer::Accepted(receipt)) = wire.send(&add()).await else { panic!("it is taken") };
        let rows: Vec<&RowName> = receipt.rejected.iter().map(|Rejection { row, .. }| row).collect();
        assert_eq!(rows, index.map(RowName::Index).iter().collect::<Vec<_>>());
        assert_eq!(receipt.unnamed, unnamed);
    }
    assert_eq!(wire.refused(wire.client.send(add().outgoing()).await).class, ErrorClass::Bug);
    wire.end();
}

#[tokio::test]
async fn codes_have_their_class_and_say_what_to_do() {
    let cases = [
        (190, Some(460), ErrorClass::Auth, "system user"),
        (190, None, ErrorClass::Auth, "system user"),
        (102, None, ErrorClass::Auth, "system user"),
        (10, None, ErrorClass::Permission, "`ads_management`"),
        (200, None, ErrorClass::Permission, "`ads_management`"),
        (294, None, ErrorClass::Permission, "`ads_management`"),
        (200, Some(1_870_090), ErrorClass::Permission, "accept them in Meta's Ads Manager"),
        (200, Some(1_870_050), ErrorClass::Permission, "Business Manager"),
        (2_655, None, ErrorClass::Permission, "accept them in Meta's Ads Manager"),
        (368, None, ErrorClass::Permission, "policies"),
        (100, Some(1_713_230), ErrorClass::Permission, "policies"),
        (100, Some(1_713_098), ErrorClass::Config, "(100/1713098)"),
        (105, None, ErrorClass::Config, "(105)"),
        (194, None, ErrorClass::Config, "(194)"),
        (2_635, None, ErrorClass::Config, "set `api_version`"),
    ];
    for (code, subcode, class, words) in cases {
        let wire = meta(vec![on(USERS).answer(400, error(code, subcode))]);
        let error = wire.refused(wire.client.send(add().outgoing()).await);
        assert_eq!(error.class, class, "{code}/{subcode:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.said, "no [hash] [e-mail] [secret]");
        assert!(wire.records()[0].ids.contains(&("fbtrace_id".into(), "AbCdEf".into())));
        wire.end();
    }
    let wire = meta(vec![on(USERS).answer(400, error(100, Some(33)))]);
    assert_eq!(wire.send(&add()).await, Ok(Answer::ListGone));
    wire.end();
}

#[tokio::test]
async fn limits_are_waited_for_as_the_headers_say() {
    let usage = r#"{"123456789":[{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":7}]}"#;
    for code in [4, 17, 32, 613, 80_003] {
        let limited = on(USERS).with(400, &[("x-business-use-case-usage", usage)], error(code, None).to_string());
        let wire = meta(vec![limited, on(USERS).answer(200, received(0, json!({})))]);
        assert_eq!(wire.send(&add()).await, Ok(Answer::Accepted(taken())));
        assert!((420..=421).contains(&wire.slept()[0]), "{:?}", wire.slept());
        wire.end();
        let limited = || on(USERS).answer(400, error(code, None));
        let wire = meta(vec![limited(), limited(), limited(), on(USERS).answer(200, received(0, json!({})))]);
        assert_eq!(wire.send(&add()).await, Ok(Answer::Accepted(taken())));
        assert_eq!(wire.slept(), [30, 60, 120], "{code}");
        wire.end();
    }
}

#[tokio::test]
async fn calls_slow_down_before_the_limit() {
    let business =
        |percent: u32| format!(r#"{{"1":[{{"type":"custom_audience","call_count":12,"total_time":{percent}}}]}}"#);
    let account = r#"{"acc_id_util_pct":96.7,"reset_time_duration":100}"#.to_owned();
    let cases = [
        ("x-business-use-case-usage", business(74), None),
        ("x-business-use-case-usage", business(80), Some(5)),
        ("x-business-use-case-usage", business(91), Some(60)),
        ("x-ad-account-usage", account, Some(60)),
    ];
    for (name, usage, wait) in cases {
        let first = on(USERS).with(200, &[(name, usage.as_str())], received(0, json!({})).to_string());
        let wire = meta(vec![first, on(USERS).answer(200, received(0, json!({})))]);
        wire.send(&add()).await.expect("it is taken");
        wire.send(&add()).await.expect("it is taken");
        assert_eq!(wire.slept(), wait.into_iter().collect::<Vec<u64>>(), "{usage}");
        wire.end();
    }
}

#[tokio::test]
async fn failures_are_tried_again() {
    let transient = json!({"error": {"message": "m", "code": 99, "is_transient": true}});
    let steps = [
        on(USERS).answer(500, error(1, None)),
        on(USERS).answer(400, error(2, None)),
        on(USERS).answer(400, transient),
        on(USERS).with(502, &[], "bad gateway"),
        on(USERS).closes(),
    ];
    for step in steps {
        let wire = meta(vec![step.clone(), on(USERS).answer(200, received(0, json!({})))]);
        assert_eq!(wire.send(&add()).await, Ok(Answer::Accepted(taken())), "{step:?}");
        assert_eq!(wire.slept().len(), 1);
        wire.end();
    }
}

#[tokio::test]
async fn a_replacement_begins_when_the_audience_is_at_rest_and_goes_on_in_order() {
    let at_work = on(STATUS).answer(200, json!({"operation_status": {"code": 414}, "subtype": "CUSTOM"}));
    let request = rows(Operation::Replace, 1, false);
    let wire = meta(vec![
        at_work,
        on(&sessions(&request)).answer(200, json!({"data": [{"session_id": "1"}]})),
        normal(),
        on(REPLACE).answer(200, received(0, json!({}))),
        on(REPLACE).answer(200, received(0, json!({}))),
    ]);
    let first = wire.send(&request).await;
    assert_eq!(first, Ok(Answer::Accepted(Receipt::default())));
    assert_eq!(wire.send(&rows(Operation::Replace, 2, true)).await, Ok(Answer::Accepted(taken())));
    assert_eq!(wire.slept(), [60]);
    assert_eq!(wire.client.session_window().map(|window| window.as_secs()), Some(5_400));
    wire.end();
}

#[tokio::test]
async fn an_audience_of_another_kind_is_not_replaced() {
    let lookalike = json!({"operation_status": {"code": 200}, "subtype": "LOOKALIKE"});
    let wire = meta(vec![on(STATUS).answer(200, lookalike)]);
    let error = wire.refused(wire.client.send(rows(Operation::Replace, 1, false).outgoing()).await);
    assert!(error.class == ErrorClass::Config && error.what.contains("LOOKALIKE"), "{error}");
    wire.end();
}

#[tokio::test]
async fn the_first_request_of_a_replacement_is_not_made_twice() {
    let busy = |code: i64| on(NOTICED).answer(200, json!({"operation_status": {"code": code}}));
    for broken in [on(REPLACE).closes(), on(REPLACE).answer(500, error(1, None))] {
        // Nothing was received: it is sent again.
        let wire =
            meta(vec![normal(), broken.clone(), busy(200), normal(), on(REPLACE).answer(200, received(0, json!({})))]);
        let first = wire.send(&rows(Operation::Replace, 1, false)).await;
        assert_eq!(first, Ok(Answer::Accepted(Receipt::default())));
        assert_eq!(wire.slept(), [10]);
        wire.end();
        // Meta works on it: it was received.
        let wire = meta(vec![normal(), broken, busy(414)]);
        let Ok(Answer::Accepted(receipt)) = wire.send(&rows(Operation::Replace, 1, false)).await else { panic!() };
        assert_eq!((receipt.notes.len(), wire.slept()), (1, vec![10]));
        wire.end();
    }
}

/// The question for the session of a request.
fn sessions(request: &Rows) -> String {
    let session = request.outgoing().sequence.session;
    format!("GET /v25.0/{ID}/sessions?fields=session_id&session_id={session}")
}

#[tokio::test]
async fn a_session_that_a_process_began_and_did_not_note_goes_on() {
    let busy = on(STATUS).answer(200, json!({"operation_status": {"code": 414}, "subtype": "CUSTOM"}));
    let request = rows(Operation::Replace, 1, false);
    let ours = request.outgoing().sequence.session.to_string();
    let wire = meta(vec![busy, on(&sessions(&request)).answer(200, json!({"data": [{"session_id": ours}]}))]);
    let Ok(Answer::Accepted(receipt)) = wire.send(&request).await else { panic!("it was received") };
    assert_eq!((receipt.notes.len(), wire.slept().len()), (1, 0));
    wire.end();
}

#[tokio::test]
async fn what_becomes_of_a_session_is_said() {
    let later = |last| rows(Operation::Replace, 2, last);
    let refused = |subcode| on(REPLACE).answer(400, error(2_650, Some(subcode)));
    let wire = meta(vec![refused(1_870_147), refused(1_870_158), refused(1_870_159)]);
    assert_eq!(wire.send(&later(false)).await, Ok(Answer::SessionLost));
    assert_eq!(wire.send(&later(false)).await, Ok(Answer::SessionOver));
    assert_eq!(wire.send(&later(true)).await, Ok(Answer::SessionOver));
    wire.end();
    // An attempt of the last request of which nothing was heard ended the session.
    let wire = meta(vec![on(REPLACE).closes(), refused(1_870_159)]);
    assert_eq!(wire.send(&later(true)).await, Ok(Answer::Accepted(taken())));
    wire.end();
    for subcode in [1_870_144, 1_870_148] {
        let wire = meta(vec![refused(subcode)]);
        let error = wire.refused(wire.client.send(later(false).outgoing()).await);
        assert!(error.class == ErrorClass::Config && error.remedy.contains("`membership: mirror`"), "{error}");
        wire.end();
    }
}

#[tokio::test]
async fn another_replacement_is_waited_for_up_to_ninety_minutes() {
    let busy = || on(REPLACE).answer(400, error(2_650, Some(1_870_145)));
    let wire = meta(vec![busy(), busy(), on(REPLACE).answer(200, received(0, json!({})))]);
    wire.send(&rows(Operation::Replace, 2, false)).await.expect("it is taken");
    assert_eq!(wire.slept(), [60, 120]);
    wire.end();
    // 1 + 2 + 4 + 8 minutes, then ten each.
    let wire = meta((0..12).map(|_| busy()).collect());
    let error = wire.refused(wire.client.send(rows(Operation::Replace, 2, false).outgoing()).await);
    assert_eq!(error.class, ErrorClass::Unavailable);
    assert_eq!(wire.slept().iter().sum::<u64>(), 5_100);
    wire.end();
}

#[tokio::test]
async fn matching_has_ended_when_the_audience_is_at_rest() {
    const FIELDS: &str = "GET /v25.0/23850000000000001?fields=operation_status,delivery_status,\
                          approximate_count_lower_bound,approximate_count_upper_bound";
    let done = json!({"operation_status": {"code": 200}, "approximate_count_lower_bound": 1_000,
        "approximate_count_upper_bound": 1_200});
    let wire =
        meta(vec![on(FIELDS).answer(200, json!({"operation_status": {"code": 414}})), on(FIELDS).answer(200, done)]);
    let job = Job { id: ID.into() };
    assert_eq!(wire.client.poll(&job).await, Ok(JobState::Working));
    let Ok(JobState::Done(report)) = wire.client.poll(&job).await else { panic!("it is done") };
    assert_eq!(report.notes, ["Meta matches between 1000 and 1200 people"]);
    wire.end();
}
