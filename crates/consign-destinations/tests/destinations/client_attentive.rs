//! Attentive's client to the letter of its specification, sections 4 to 6.

use consign_destinations::client::{Answer, ErrorClass, FoundList, Job, JobState, Receipt, RowName, WantedList};
use consign_destinations::encode::Operation;
use consign_destinations::send::{Frame, send_rows};
use serde_json::{Value, json};

use crate::wire::{Rows, Server, Step, Wire, on, wire};

const ID: &str = "consign-42-7";
const NAME: &str = "SpringPromoTreatmentA";
const ADD: &str = "POST /v2/bulk/segments/members";
const SEGMENT: &str = "GET /v2/segments/external/consign-42-7";

fn attentive(steps: Vec<Step>) -> Wire {
    wire("attentive", steps)
}

fn rows(operation: Operation) -> Rows {
    let phones: &[Option<&str>] = &[Some("+12065550100"), Some("+442079460018")];
    Rows::new("attentive", &[("phone", "phone")], &[("phone", phones)], ID, operation)
}

fn wanted() -> WantedList {
    WantedList { name: NAME.into(), id: Some(ID.into()) }
}

fn segment() -> Value {
    json!({"externalId": ID, "name": NAME, "description": "Delivered by Consign"})
}

#[tokio::test]
async fn the_key_is_shown_and_the_permission_of_segments_too() {
    let me = json!({"applicationName": "Consign", "companyName": "Acme", "contactEmail": "jane.doe@example.com"});
    let wire = attentive(vec![
        on("GET /v2/me").header("authorization", "Bearer bearer-of-attentive").answer(200, me),
        on("GET /v2/segments?limit=1").answer(200, json!({"segments": []})),
        on("GET /v2/me").answer(404, json!({})),
        on("GET /v1/me").answer(200, json!({})),
        on("GET /v2/segments?limit=1").answer(403, json!({"message": "no"})),
    ]);
    let proved = wire.client.test().await.expect("it is proved");
    assert_eq!(proved[0], "Attentive knows the key, of the application `Consign` for `Acme`");
    let error = wire.refused(wire.client.test().await);
    assert_eq!((error.class, error.what.as_str()), (ErrorClass::Permission, "the key lacks the segments permission"));
    wire.end();
}

#[tokio::test]
async fn a_segment_is_known_by_the_id_that_we_chose_or_made_with_it() {
    let wire = attentive(vec![
        on(SEGMENT).answer(200, segment()),
        on(SEGMENT).answer(404, json!({})),
        on("POST /v2/segments")
            .json(json!({"name": NAME, "description": "Delivered by Consign", "externalId": ID}))
            .answer(201, segment()),
    ]);
    let found = wire.client.find_or_create(&wanted()).await;
    assert_eq!(found, Ok(FoundList { id: ID.into(), created: false }));
    let made = wire.client.find_or_create(&wanted()).await;
    assert_eq!(made, Ok(FoundList { id: ID.into(), created: true }));
    wire.end();
}

#[tokio::test]
async fn an_id_that_is_taken_meanwhile_is_used() {
    for status in [400, 409] {
        let wire = attentive(vec![
            on(SEGMENT).answer(404, json!({})),
            on("POST /v2/segments").answer(status, json!({"message": "taken"})),
            on(SEGMENT).answer(200, segment()),
        ]);
        assert_eq!(wire.client.find_or_create(&wanted()).await, Ok(FoundList { id: ID.into(), created: false }));
        wire.end();
    }
}

#[tokio::test]
async fn a_segment_that_may_have_been_made_is_looked_for_before_it_is_made_again() {
    let wire = attentive(vec![
        on(SEGMENT).answer(404, json!({})),
        on("POST /v2/segments").closes(),
        on(SEGMENT).answer(404, json!({})),
        on("POST /v2/segments").answer(500, json!({})),
        on(SEGMENT).answer(200, segment()),
    ]);
    assert_eq!(wire.client.find_or_create(&wanted()).await, Ok(FoundList { id: ID.into(), created: true }));
    wire.end();
}

#[tokio::test]
async fn a_bad_name_is_an_error_with_attentives_words() {
    let wire = attentive(vec![
        on(SEGMENT).answer(404, json!({})),
        on("POST /v2/segments").answer(400, json!({"message": "name too long"})),
        on(SEGMENT).answer(404, json!({})),
    ]);
    let error = wire.refused(wire.client.find_or_create(&wanted()).await);
    assert!(error.class == ErrorClass::Config && error.said == "name too long", "{error}");
    wire.end();
}

#[tokio::test]
async fn names_match_exactly_over_all_pages() {
    let page = "GET /v2/segments?name=SpringPromoTreatmentA&limit=1000";
    let other = json!({"externalId": "x", "name": "SpringPromoTreatmentA2"});
    let twice = json!({"segments": [segment(), {"externalId": "y", "name": NAME}], "hasMore": false});
    let wire = attentive(vec![
        on(page).answer(200, json!({"segments": [other], "cursor": "b2Zm", "hasMore": true})),
        on(&format!("{page}&cursor=b2Zm")).answer(200, json!({"segments": [segment()], "hasMore": false})),
        on(page).answer(200, twice),
    ]);
    assert_eq!(wire.list(NAME).await.unwrap().id, ID);
    let error = wire.refused(wire.list(NAME).await);
    assert!(error.to_string().contains("`consign-42-7` and `y`"), "{error}");
    wire.end();
}

#[tokio::test]
async fn members_are_added_and_removed_by_jobs() {
    let body = json!({"externalId": ID, "members": [{"phone": "+12065550100"}, {"phone": "+442079460018"}]});
    let taken = json!({"message": "Accepted", "batchJobId": "5f0c6a8e"});
    let wire = attentive(vec![
        on(ADD).header("content-type", "application/json").json(body.clone()).answer(202, taken.clone()),
        on("DELETE /v2/bulk/segments/members").json(body).answer(202, taken),
    ]);
    let receipt = || Receipt { job: Some(Job { id: "5f0c6a8e".into() }), ..Receipt::default() };
    assert_eq!(wire.send(&rows(Operation::Add)).await, Ok(Answer::Accepted(receipt())));
    assert_eq!(wire.send(&rows(Operation::Remove)).await, Ok(Answer::Accepted(receipt())));
    wire.end();
}

#[tokio::test]
async fn the_one_bad_member_is_found_by_halving() {
    let rows = rows(Operation::Add);
    let refused = |members: Value| {
        let body = json!({"externalId": ID, "members": members});
        on(ADD).json(body).answer(400, json!({"message": "bad member +12065550100"}))
    };
    let wire = attentive(vec![
        refused(json!([{"phone": "+12065550100"}, {"phone": "+442079460018"}])),
        refused(json!([{"phone": "+12065550100"}])),
        on(ADD).answer(202, json!({"batchJobId": "J1"})),
    ]);
    let frame =
        Frame { list: &rows.list, operation: rows.operation, sequence: &rows.sequence, envelope: &rows.envelope };
    let sent = send_rows(&*wire.client, &rows.encoded, 0..2, frame, |_| {}).await;
    assert_eq!(sent.rejected.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0]);
    assert!(sent.rejected[0].1.contains("bad member [number]"), "{:?}", sent.rejected);
    assert_eq!(sent.taken[0].rows.iter().collect::<Vec<_>>(), [1]);
    wire.end();
}

#[tokio::test]
async fn a_segment_that_is_gone_is_said() {
    let wire = attentive(vec![on(ADD).answer(404, json!({}))]);
    assert_eq!(wire.send(&rows(Operation::Add)).await, Ok(Answer::ListGone));
    wire.end();
}

#[tokio::test]
async fn refusals_have_their_class_and_say_what_to_do() {
    let long = "x ".repeat(600);
    let cases = [(401, ErrorClass::Auth, "`api_key`"), (403, ErrorClass::Permission, "segments permission")];
    for (status, class, words) in cases {
        let wire = attentive(vec![on(ADD).with(status, &[], format!("jane.doe@example.com {long}"))]);
        let error = wire.refused(wire.client.send(rows(Operation::Add).outgoing()).await);
        assert_eq!(error.class, class);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.said.starts_with("[e-mail] x x") && error.said.chars().count() <= 501, "{error}");
        wire.end();
    }
}

#[tokio::test]
async fn limits_and_failures_are_waited_for() {
    let taken = || on(ADD).answer(202, json!({"batchJobId": "J1"}));
    let limited = on(ADD).with(429, &[("retry-after", "20")], "slow down");
    for (step, wait) in
        [(limited, 20..=21), (on(ADD).with(429, &[], ""), 0..=1), (on(ADD).answer(502, json!({})), 0..=1)]
    {
        let wire = attentive(vec![step, taken()]);
        assert!(matches!(wire.send(&rows(Operation::Add)).await, Ok(Answer::Accepted(_))));
        assert!(wire.slept().len() == 1 && wait.contains(&wire.slept()[0]), "{:?}", wire.slept());
        wire.end();
    }
    let used_up = on(ADD).with(202, &[("x-ratelimit-remaining", "0")], "{\"batchJobId\":\"J1\"}");
    let wire = attentive(vec![used_up, taken()]);
    wire.send(&rows(Operation::Add)).await.expect("it is taken");
    wire.send(&rows(Operation::Add)).await.expect("it is taken");
    assert_eq!(wire.slept(), [1]);
    wire.end();
}

#[tokio::test]
async fn jobs_that_have_not_ended_work_and_those_that_failed_say_so() {
    let poll = |status: &str| on("GET /v2/bulk/job/J1").answer(200, json!({"bulkJobId": "J1", "status": status}));
    let states = ["PENDING", "IN_PROGRESS", "SOMETHING_NEW", "FAILED", "CANCELLED"];
    let wire = attentive(states.iter().map(|status| poll(status)).collect());
    for status in states {
        let state = wire.client.poll(&Job { id: "J1".into() }).await.expect("it answers");
        assert_eq!(matches!(state, JobState::Failed(_)), ["FAILED", "CANCELLED"].contains(&status), "{status}");
        assert!(!matches!(state, JobState::Done(_)));
    }
    let polling = wire.client.polling().expect("there are jobs");
    let waits: Vec<u64> = (0..6).map(|looked| polling.wait(looked).as_secs() / 60).collect();
    assert_eq!((waits, polling.awaited), (vec![5, 7, 11, 16, 25, 30], false));
    wire.end();
}

#[tokio::test]
async fn result_lines_come_from_another_host_without_our_token() {
    let line = |phone: &str, response: Value| json!({"request": {"phone": phone}, "response": response}).to_string();
    let lines = [
        line("+12065550100", json!({"status": 422, "message": "not a subscriber: +12065550100"})),
        line("+442079460018", json!({"status": "SUCCESS"})),
    ];
    for name in ["url", "resultUrl"] {
        let files = Server::start(vec![on("GET /job-result.jsonl?signature=abc").no_header("authorization").with(
            200,
            &[],
            lines.join("\n"),
        )]);
        let url = format!("{}/job-result.jsonl?signature=abc", files.url());
        let done = json!({"bulkJobId": "J1", "status": "COMPLETED", "totalRecords": 2, name: url});
        let wire = attentive(vec![on("GET /v2/bulk/job/J1").answer(200, done)]);
        let state = wire.client.poll(&Job { id: "J1".into() }).await.expect("it answers");
        let JobState::Done(report) = state else { panic!("{state:?}") };
        assert!(report.known && report.rejected.len() == 1);
        let phone = RowName::Value { pointer: "/phone".into(), value: "+12065550100".into() };
        assert_eq!(report.rejected[0].row, phone);
        assert_eq!(report.rejected[0].reason, "not a subscriber: [number]");
        assert!(wire.records().iter().all(|record| !record.path.contains("signature")));
        wire.end();
        files.end();
    }
}

#[tokio::test]
async fn results_that_cannot_be_had_or_read_leave_the_rows_unknown() {
    let odd =
        Server::start(vec![on("GET /lines").with(200, &[], "+12065550100;ok"), on("GET /gone").answer(403, json!({}))]);
    let done = |url: Value| on("GET /v2/bulk/job/J1").answer(200, json!({"status": "COMPLETED", "url": url}));
    let urls = [
        json!(format!("{}/lines", odd.url())),
        json!(format!("{}/gone", odd.url())),
        Value::Null,
        json!("file:///etc/passwd"),
    ];
    let wire = attentive(urls.map(done).to_vec());
    for _ in 0..4 {
        let state = wire.client.poll(&Job { id: "J1".into() }).await.expect("it answers");
        let JobState::Done(report) = state else { panic!("{state:?}") };
        assert!(!report.known && report.rejected.is_empty() && report.notes.len() == 1, "{report:?}");
    }
    wire.end();
    odd.end();
}
