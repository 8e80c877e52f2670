//! Klaviyo's client to the letter of its specification, sections 4 to 6.

use consign_destinations::client::{Answer, ErrorClass, Fix, FoundList, Job, JobState, Receipt, RowName};
use consign_destinations::encode::{ListTarget, Operation};
use consign_destinations::send::{Frame, JobEnd, Stop, await_job, send_rows};
use serde_json::{Value, json};

use crate::wire::{Rows, Server, Step, Wire, credentials, on, wire, wire_with};

const NAME: &str = "Spring Promo_Treatment A";
const FIND: &str = "GET /api/lists?filter=equals(name,\"Spring Promo_Treatment A\")&page[size]=10";
const IMPORT: &str = "POST /api/profile-bulk-import-jobs";

fn klaviyo(steps: Vec<Step>) -> Wire {
    wire("klaviyo", steps)
}

fn lists(lists: &[(&str, &str)], next: Option<&str>) -> Value {
    let list = |(id, name): &(&str, &str)| json!({"type": "list", "id": id, "attributes": {"name": name}});
    json!({"data": lists.iter().map(list).collect::<Vec<_>>(), "links": {"self": "x", "prev": null, "next": next}})
}

fn rows() -> Rows {
    let columns: &[(&str, &[Option<&str>])] = &[
        ("email", &[Some("jane.doe@example.com"), Some("john.doe+promo@example.com"), Some("mary@example.com")]),
        ("phone_number", &[Some("+12065550100"), None, Some("+442079460018")]),
    ];
    Rows::new("klaviyo", &[("email", "email"), ("phone_number", "phone")], columns, "Zk4Tq9", Operation::Add)
}

/// The body of an import of these profiles.
fn import(profiles: &[Value]) -> Value {
    let profiles: Vec<Value> = profiles.iter().map(|p| json!({"type": "profile", "attributes": p})).collect();
    json!({"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": profiles}},
        "relationships": {"lists": {"data": [{"type": "list", "id": "Zk4Tq9"}]}}}})
}

fn profiles() -> [Value; 3] {
    [
        json!({"email": "jane.doe@example.com", "phone_number": "+12065550100"}),
        json!({"email": "john.doe+promo@example.com"}),
        json!({"email": "mary@example.com", "phone_number": "+442079460018"}),
    ]
}

fn job(id: &str) -> Value {
    json!({"data": {"type": "profile-bulk-import-job", "id": id, "attributes": {"status": "queued"}}})
}

fn refused(errors: &[(&str, &str)]) -> Value {
    let error = |(pointer, detail): &(&str, &str)| {
        json!({"id": "e1", "status": 400, "code": "invalid", "title": "Invalid input.", "detail": detail,
            "source": {"pointer": pointer}})
    };
    json!({"errors": errors.iter().map(error).collect::<Vec<_>>()})
}

#[tokio::test]
async fn every_call_is_signed_and_names_its_revision() {
    let step = on("GET /api/lists?page[size]=1")
        .header("authorization", "Klaviyo-API-Key pk_test-of-klaviyo")
        .header("revision", "2026-07-15")
        .header("accept", "application/vnd.api+json")
        .no_header("content-type")
        .answer(200, lists(&[], None));
    let wire = klaviyo(vec![step]);
    let proved = wire.client.test().await.expect("it is proved");
    assert!(proved[0].contains("knows the API key"));
    wire.end();
}

#[tokio::test]
async fn a_list_is_found_by_its_exact_name_over_all_pages_of_our_own_host() {
    let next = "https://a.klaviyo.com/api/lists?page%5Bcursor%5D=bmV4dA";
    let wire = klaviyo(vec![
        on(FIND).answer(200, lists(&[("A1", "spring promo_treatment a")], Some(next))),
        on("GET /api/lists?page[cursor]=bmV4dA").answer(200, lists(&[("Y6nRLr", NAME)], None)),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "Y6nRLr".into(), created: false }));
    wire.end();
}

#[tokio::test]
async fn pages_are_followed_behind_a_proxy_with_a_path_of_its_own() {
    let find = FIND.replace("/api", "/klaviyo/api");
    for next in [
        "https://a.klaviyo.com/api/lists?page%5Bcursor%5D=2",
        "https://proxy.example/klaviyo/api/lists?page%5Bcursor%5D=2",
    ] {
        let server = Server::start(vec![
            on(&find).answer(200, lists(&[], Some(next))),
            on("GET /klaviyo/api/lists?page[cursor]=2").answer(200, lists(&[("Y6nRLr", NAME)], None)),
        ]);
        let base_url = [("base_url", json!(format!("{}/klaviyo", server.url())))];
        let wire = wire_with("klaviyo", &base_url, &credentials("klaviyo"), vec![]);
        assert_eq!(wire.list(NAME).await.unwrap().id, "Y6nRLr");
        wire.end();
        server.end();
    }
    let elsewhere = klaviyo(vec![on(FIND).answer(200, lists(&[], Some("https://a.klaviyo.com@evil.example/oauth")))]);
    assert_eq!(elsewhere.refused(elsewhere.list(NAME).await).class, ErrorClass::Bug);
    elsewhere.end();
}

#[tokio::test]
async fn quotes_and_backslashes_of_a_name_are_escaped() {
    let find = on(r#"GET /api/lists?filter=equals(name,"a\"b\\c")&page[size]=10"#);
    let wire = klaviyo(vec![find.answer(200, lists(&[("L1", "a\"b\\c")], None))]);
    assert_eq!(wire.list("a\"b\\c").await.unwrap().id, "L1");
    wire.end();
}

#[tokio::test]
async fn two_lists_of_the_name_are_an_error_that_asks_for_the_id() {
    let wire = klaviyo(vec![on(FIND).answer(200, lists(&[("L1", NAME), ("L2", NAME)], None))]);
    let error = wire.refused(wire.list(NAME).await);
    assert_eq!(error.class, ErrorClass::Config);
    assert!(error.to_string().contains("`L1` and `L2`: set `list_id`"), "{error}");
    wire.end();
}

#[tokio::test]
async fn a_list_that_is_missing_is_made() {
    let body = json!({"data": {"type": "list", "attributes": {"name": NAME}}});
    let made = json!({"data": {"type": "list", "id": "Zk4Tq9", "attributes": {"name": NAME}}});
    let wire = klaviyo(vec![
        on(FIND).answer(200, lists(&[], None)),
        on("POST /api/lists").header("content-type", "application/vnd.api+json").json(body).answer(201, made),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "Zk4Tq9".into(), created: true }));
    wire.end();
}

#[tokio::test]
async fn a_list_that_may_have_been_made_is_looked_for_before_it_is_made_again() {
    for broken in [on("POST /api/lists").closes(), on("POST /api/lists").answer(503, json!({}))] {
        let wire = klaviyo(vec![
            on(FIND).answer(200, lists(&[], None)),
            broken,
            on(FIND).answer(200, lists(&[("Zk4Tq9", NAME)], None)),
        ]);
        assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "Zk4Tq9".into(), created: true }));
        wire.end();
    }
}

#[tokio::test]
async fn the_daily_limit_of_new_lists_is_said() {
    let limited = on("POST /api/lists").with(429, &[("retry-after", "40000")], "{}");
    let wire = klaviyo(vec![on(FIND).answer(200, lists(&[], None)), limited]);
    let error = wire.refused(wire.list(NAME).await);
    assert!(matches!(error.class, ErrorClass::RateLimited { .. }));
    assert!(error.to_string().contains("at most 150 a day"), "{error}");
    wire.end();
}

#[tokio::test]
async fn an_id_that_is_no_text_is_an_error() {
    let made = json!({"data": {"type": "list", "id": {"a": 1}}});
    let wire = klaviyo(vec![on(FIND).answer(200, lists(&[], None)), on("POST /api/lists").answer(201, made)]);
    let error = wire.refused(wire.list(NAME).await);
    assert_eq!(error.class, ErrorClass::Bug);
    assert!(error.to_string().contains("without the id of the new list"), "{error}");
    wire.end();
}

#[tokio::test]
async fn rows_are_imported_into_one_list_and_the_job_is_told() {
    let wire = klaviyo(vec![on(IMPORT).json(import(&profiles())).answer(202, job("am9iLTAwMQ"))]);
    let receipt = Receipt { job: Some(Job { id: "am9iLTAwMQ".into() }), ..Receipt::default() };
    assert_eq!(wire.send(&rows()).await, Ok(Answer::Accepted(receipt)));
    wire.end();
}

#[tokio::test]
async fn pointers_of_a_refusal_name_fields_and_rows() {
    let errors = refused(&[
        ("/data/attributes/profiles/data/0/attributes/phone_number", "Invalid phone +12065550100"),
        ("/data/attributes/profiles/data/1/attributes/email", "Invalid email john.doe+promo@example.com"),
        ("/data/attributes/profiles/data/2/attributes/location/latitude", "no"),
        ("/data/attributes/profiles/data/99/attributes/email", "not one of ours"),
        ("/data/relationships", "not of a row"),
    ]);
    let wire = klaviyo(vec![on(IMPORT).answer(400, errors)]);
    let fix = |row, without: Option<&str>, reason: &str| Fix {
        row,
        without: without.map(ToOwned::to_owned),
        reason: reason.to_owned(),
    };
    let fixes = vec![
        fix(0, Some("/attributes/phone_number"), "invalid: Invalid phone [number]"),
        fix(1, None, "invalid: Invalid email [e-mail]"),
        fix(2, Some("/attributes/location/latitude"), "invalid: no"),
    ];
    assert_eq!(wire.send(&rows()).await, Ok(Answer::Refused(fixes)));
    wire.end();
}

fn frame(rows: &Rows) -> Frame<'_> {
    Frame { list: &rows.list, operation: rows.operation, sequence: &rows.sequence, envelope: &rows.envelope }
}

#[tokio::test]
async fn one_bad_field_and_one_bad_row_do_not_hold_up_the_rest() {
    let errors = refused(&[
        ("/data/attributes/profiles/data/0/attributes/phone_number", "Invalid phone number."),
        ("/data/attributes/profiles/data/1/attributes/email", "Invalid email."),
    ]);
    let rest = import(&[json!({"email": "jane.doe@example.com"}), profiles()[2].clone()]);
    let wire = klaviyo(vec![
        on(IMPORT).json(import(&profiles())).answer(400, errors),
        on(IMPORT).json(rest).answer(202, job("J2")),
    ]);
    let rows = rows();
    let mut told = Vec::new();
    let sent = send_rows(&*wire.client, &rows.encoded, 0..3, frame(&rows), |taken| told.push(taken.clone())).await;
    assert_eq!(sent.taken, told);
    assert_eq!(sent.taken[0].rows.iter().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(sent.rejected, [(1, "invalid: Invalid email.".to_owned())]);
    assert_eq!(sent.changed, [(0, "invalid: Invalid phone number.".to_owned())]);
    assert_eq!(sent.stopped, None);
    wire.end();
}

#[tokio::test]
async fn a_platform_that_names_one_row_a_round_is_halved_after_five_rounds() {
    let emails: Vec<String> = (0..12).map(|i| format!("p{i}@example.com")).collect();
    let emails: Vec<Option<&str>> = emails.iter().map(|email| Some(email.as_str())).collect();
    let rows = Rows::new("klaviyo", &[("email", "email")], &[("email", &emails)], "Zk4Tq9", Operation::Add);
    let first = || on(IMPORT).answer(400, refused(&[("/data/attributes/profiles/data/0/attributes/email", "no")]));
    let mut steps: Vec<Step> = (0..5).map(|_| first()).collect();
    steps.extend([on(IMPORT).answer(202, job("J1")), on(IMPORT).answer(202, job("J2"))]);
    let wire = klaviyo(steps);
    let sent = send_rows(&*wire.client, &rows.encoded, 0..12, frame(&rows), |_| {}).await;
    assert_eq!(sent.rejected.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let taken: Vec<usize> = sent.taken.iter().map(|taken| taken.rows.len()).collect();
    assert_eq!(taken, [4, 3]);
    wire.end();
}

#[tokio::test]
async fn a_request_that_is_too_big_is_halved_and_a_list_that_is_gone_stops_it() {
    let wire = klaviyo(vec![
        on(IMPORT).answer(413, json!({})),
        on(IMPORT).json(import(&profiles()[..2])).answer(202, job("J1")),
        on(IMPORT).json(import(&profiles()[2..])).answer(404, json!({"errors": [{"code": "not_found"}]})),
    ]);
    let rows = rows();
    let sent = send_rows(&*wire.client, &rows.encoded, 0..3, frame(&rows), |_| {}).await;
    assert_eq!(sent.stopped, Some(Stop::ListGone));
    assert_eq!(sent.rest.iter().collect::<Vec<_>>(), [2]);
    assert_eq!(sent.taken.len(), 1);
    wire.end();
}

fn state(status: &str, failed: u64) -> Value {
    json!({"data": {"id": "J1", "attributes": {"status": status, "total_count": 3, "failed_count": failed}}})
}

#[tokio::test]
async fn a_complete_job_names_the_rows_that_it_did_not_take() {
    let error = |source: &str, payload: Value| {
        json!({"type": "import-error", "id": "x", "attributes": {"code": "invalid", "title": "Invalid input.",
            "detail": "Invalid phone number format: +1206555010.", "source": {"pointer": source},
            "original_payload": payload}})
    };
    let phone = "/data/attributes/phone_number";
    let first = json!({"data": [
        error(phone, json!({"email": "jane.doe@example.com", "phone_number": "+1206555010"})),
        error(phone, json!({"attributes": {"phone_number": "+442079460018"}})),
    ], "links": {"next": "https://a.klaviyo.com/api/profile-bulk-import-jobs/J1/import-errors?page%5Bcursor%5D=2"}});
    let second = json!({"data": [
        error("/data/attributes/profiles/data/1/attributes/email", Value::Null),
        error(phone, Value::Null),
    ], "links": {"next": null}});
    let wire = klaviyo(vec![
        on("GET /api/profile-bulk-import-jobs/J1").answer(200, state("complete", 5)),
        on("GET /api/profile-bulk-import-jobs/J1/import-errors?page[size]=100").answer(200, first),
        on("GET /api/profile-bulk-import-jobs/J1/import-errors?page[cursor]=2").answer(200, second),
    ]);
    let state = wire.client.poll(&Job { id: "J1".into() }).await.expect("it answers");
    let JobState::Done(report) = state else { panic!("{state:?}") };
    let value =
        |name: &str, value: &str| RowName::Value { pointer: format!("/attributes/{name}"), value: value.into() };
    let rows: Vec<RowName> = report.rejected.iter().map(|rejection| rejection.row.clone()).collect();
    let jane = value("email", "jane.doe@example.com");
    assert_eq!(rows, [jane, value("phone_number", "+442079460018"), RowName::Index(1), RowName::Unnamed]);
    assert_eq!(report.rejected[0].reason, "invalid: Invalid phone number format: [number].");
    assert_eq!((report.unnamed, report.known), (1, true));
    let set = (0..3).collect();
    let (found, unnamed) = consign_destinations::send::find_rows(&self::rows().encoded, &set, report.rejected);
    assert_eq!(found.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(unnamed, 1);
    wire.end();
}

#[tokio::test]
async fn a_job_is_looked_at_less_and_less_often_and_given_up_as_unknown() {
    let poll = || on("GET /api/profile-bulk-import-jobs/J1");
    let wire = klaviyo(vec![
        poll().answer(200, state("queued", 0)),
        poll().answer(200, state("processing", 0)),
        poll().answer(200, state("cancelled", 0)),
    ]);
    let end = await_job(&*wire.client, &Job { id: "J1".into() }, &*wire.clock).await.expect("it answers");
    assert!(matches!(end, JobEnd::Failed(_)));
    assert_eq!(wire.slept(), [2, 3, 4]);
    wire.end();

    // 2, 3, 4.5, ... 60 s: a little more than two hours.
    let wire = klaviyo((0..127).map(|_| poll().answer(200, state("processing", 0))).collect());
    let end = await_job(&*wire.client, &Job { id: "J1".into() }, &*wire.clock).await.expect("it answers");
    assert_eq!(end, JobEnd::Unknown);
    wire.end();
}

#[tokio::test]
async fn members_are_read_page_by_page_and_removed_by_their_ids() {
    let member =
        |id: &str| json!({"type": "profile", "id": id, "attributes": {"email": null, "phone_number": "+12065550100"}});
    let next = "https://a.klaviyo.com/api/lists/Zk4Tq9/profiles?page%5Bcursor%5D=2";
    let ids = json!({"data": [{"type": "profile", "id": "P1"}, {"type": "profile", "id": "P2"}]});
    let wire = klaviyo(vec![
        on("GET /api/lists/Zk4Tq9/profiles?fields[profile]=email,phone_number,external_id&page[size]=100")
            .answer(200, json!({"data": [member("P1")], "links": {"next": next}})),
        on("GET /api/lists/Zk4Tq9/profiles?page[cursor]=2")
            .answer(200, json!({"data": [member("P2")], "links": {"next": null}})),
        on("DELETE /api/lists/Zk4Tq9/relationships/profiles").json(ids.clone()).with(204, &[], ""),
        on("POST /api/lists/Zk4Tq9/relationships/profiles").json(ids).with(204, &[], ""),
    ]);
    let by_id = wire.client.by_id().expect("Klaviyo removes by id");
    assert_eq!((by_id.most_ids(), by_id.most_values()), (1_000, 100));
    let list = ListTarget { id: "Zk4Tq9".into(), name: NAME.into() };
    let first = by_id.members(&list, None).await.expect("it answers");
    assert_eq!(first.members[0].identifiers.keys().collect::<Vec<_>>(), ["phone_number"]);
    let second = by_id.members(&list, first.next.as_deref()).await.expect("it answers");
    assert_eq!((second.members[0].id.as_str(), second.next), ("P2", None));
    let ids = ["P1".to_owned(), "P2".to_owned()];
    by_id.remove(&list, &ids).await.expect("they are removed");
    by_id.add(&list, &ids).await.expect("they are added");
    wire.end();
}

#[tokio::test]
async fn fields_are_cleared_and_identifiers_never() {
    let body = json!({"data": {"type": "profile",
        "attributes": {"email": "jane.doe@example.com", "last_name": null, "location": {"city": null}},
        "meta": {"patch_properties": {"unset": ["loyalty_tier"]}}}});
    let wire = klaviyo(vec![on("POST /api/profile-import").json(body).answer(200, json!({"data": {"id": "P1"}}))]);
    let clearing = wire.client.clearing().expect("Klaviyo clears fields");
    let identifier = ("email", "jane.doe@example.com");
    let attributes = ["last_name", "location.city", "properties.loyalty_tier", "phone_number"];
    clearing.clear(identifier, &attributes).await.expect("they are cleared");
    clearing.clear(identifier, &["phone_number"]).await.expect("there is nothing to do");
    wire.end();
}

#[tokio::test]
async fn every_refusal_has_its_class_and_says_what_to_do() {
    let body = |code: &str| json!({"errors": [{"id": "e1", "code": code, "detail": "jane.doe@example.com pk_test-of-klaviyo"}]});
    let cases = [
        (401, "not_authenticated", ErrorClass::Auth, "create a private key with the scopes"),
        (401, "authentication_failed", ErrorClass::Auth, "create a private key with the scopes"),
        (403, "permission_denied", ErrorClass::Permission, "lists:write"),
        (400, "invalid", ErrorClass::Bug, "status 400"),
        (405, "method_not_allowed", ErrorClass::Bug, "status 405"),
        (409, "duplicate_profile", ErrorClass::Bug, "status 409"),
        (410, "gone", ErrorClass::Config, "set `api_revision`"),
        (415, "unsupported", ErrorClass::Bug, "status 415"),
    ];
    for (status, code, class, words) in cases {
        let wire = klaviyo(vec![on(IMPORT).answer(status, body(code))]);
        let error = wire.refused(wire.client.send(rows().outgoing()).await);
        assert_eq!(error.class, class, "{status}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("it says: [e-mail] [secret]"), "{error}");
        assert_eq!(wire.records()[0].ids, [("error".to_owned(), "e1".to_owned())]);
        wire.end();
    }
}

#[tokio::test]
async fn limits_and_failures_are_waited_for_as_klaviyo_says() {
    let detail =
        "{\"errors\":[{\"code\":\"throttled\",\"detail\":\"Request was throttled. Expected available in 7 second.\"}]}";
    let cases: [(Step, std::ops::RangeInclusive<u64>); 6] = [
        (on(IMPORT).with(429, &[("retry-after", "12")], "{}"), 12..=13),
        (on(IMPORT).with(429, &[], detail), 7..=8),
        (on(IMPORT).with(429, &[], "{}"), 0..=1),
        (on(IMPORT).with(403, &[("content-type", "text/html")], "<html>challenge</html>"), 0..=1),
        (on(IMPORT).with(403, &[("cf-mitigated", "challenge")], "{}"), 0..=1),
        (on(IMPORT).answer(504, json!({})), 0..=1),
    ];
    for (step, wait) in cases {
        let wire = klaviyo(vec![step.clone(), on(IMPORT).json(import(&profiles())).answer(202, job("J1"))]);
        assert!(matches!(wire.send(&rows()).await, Ok(Answer::Accepted(_))), "{step:?}");
        let slept = wire.slept();
        assert!(slept.len() == 1 && wait.contains(&slept[0]), "{slept:?} {step:?}");
        wire.end();
    }
}

#[tokio::test]
async fn the_next_call_waits_where_the_limit_is_reached() {
    let headers = &[("ratelimit-remaining", "0"), ("ratelimit-reset", "9"), ("content-type", "application/json")];
    let wire = klaviyo(vec![on(IMPORT).with(202, headers, job("J1").to_string()), on(IMPORT).answer(202, job("J2"))]);
    wire.send(&rows()).await.expect("it is taken");
    wire.send(&rows()).await.expect("it is taken");
    assert_eq!(wire.slept(), [9]);
    wire.end();
}

#[tokio::test]
async fn the_identifier_that_rows_must_have_is_the_setting() {
    let errors = || refused(&[("/data/attributes/profiles/data/0/attributes/email", "no")]);
    let settings = [("primary_key", json!("phone_number"))];
    let wire = wire_with("klaviyo", &settings, &credentials("klaviyo"), vec![on(IMPORT).answer(400, errors())]);
    let Ok(Answer::Refused(fixes)) = wire.send(&rows()).await else { panic!("it is refused") };
    assert_eq!(fixes[0].without.as_deref(), Some("/attributes/email"));
    wire.end();
}
