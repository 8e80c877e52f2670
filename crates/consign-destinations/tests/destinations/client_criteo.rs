//! Criteo's client to the letter of its specification, sections 4 to 6.

use consign_destinations::client::{Answer, ErrorClass, FoundList, Receipt, Rejection, RowName};
use consign_destinations::encode::{ListTarget, Operation};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::wire::{Rows, Step, Wire, credentials, on, wire, wire_with};

const NAME: &str = "Spring Promo_Treatment A";
const SEARCH: &str = "POST /2026-07/marketing-solutions/audience-segments/search?limit=100&offset=";
const CREATE: &str = "POST /2026-07/marketing-solutions/audience-segments/create";
const AMEND: &str = "PATCH /2026-07/marketing-solutions/audience-segments/778899/contact-list";

/// A token first, then those steps.
fn criteo(steps: Vec<Step>) -> Wire {
    wire("criteo", std::iter::once(token("eyJhbGciOi1")).chain(steps).collect())
}

fn token(token: &str) -> Step {
    on("POST /oauth2/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .no_header("authorization")
        .text("grant_type=client_credentials&client_id=app&client_secret=secret+of+criteo")
        .answer(200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 900}))
}

fn search(offset: u32, segments: &[(&str, &str, bool)], total: u32) -> Step {
    let body = json!({"data": {"type": "AudienceSegment",
        "attributes": {"advertiserIds": ["12345"], "audienceSegmentTypes": ["ContactList"]}}});
    let segment = |(id, name, read_only): &(&str, &str, bool)| {
        json!({"type": "AudienceSegment", "id": id, "attributes": {"advertiserId": "12345", "name": name,
            "type": "ContactList", "contactList": {"isReadOnly": read_only}}})
    };
    let data: Vec<Value> = segments.iter().map(segment).collect();
    on(&format!("{SEARCH}{offset}"))
        .json(body)
        .answer(200, json!({"data": data, "meta": {"totalItems": total}, "errors": [], "warnings": []}))
}

fn errors(class: &str, code: &str) -> Value {
    json!({"data": [], "warnings": [], "errors": [{"traceId": "0a1b", "type": class, "code": code, "title": "No",
        "detail": "jane.doe@example.com"}]})
}

fn rows() -> Rows {
    let emails: &[Option<&str>] = &[Some("jane.doe@example.com"), Some("john.doe+promo@example.com")];
    Rows::new("criteo", &[("email", "email")], &[("email", emails)], "778899", Operation::Add)
}

fn amended(valid: u32, invalid: u32, sample: &[&str]) -> Value {
    json!({"data": {"type": "ContactlistAmendment", "attributes": {"contactListId": 778_899, "operation": "add",
        "nbValidIdentifiers": valid, "nbInvalidIdentifiers": invalid, "sampleInvalidIdentifiers": sample}},
        "errors": [], "warnings": []})
}

#[tokio::test]
async fn the_application_and_its_advertiser_are_shown() {
    let me = |id: &str| json!({"data": [{"type": "advertiser", "id": id}], "errors": [], "warnings": []});
    let wire = criteo(vec![
        on("GET /2026-07/advertisers/me").header("authorization", "Bearer eyJhbGciOi1").answer(200, me("12345")),
        on("GET /2026-07/advertisers/me").answer(200, me("1")),
    ]);
    assert_eq!(wire.client.test().await.expect("it is proved").len(), 2);
    let error = wire.refused(wire.client.test().await);
    assert!(error.class == ErrorClass::Permission && error.what.contains("12345 is not accessible"), "{error}");
    wire.end();
}

#[tokio::test]
async fn a_wrong_secret_is_said_and_not_tried_again() {
    for status in [400, 401] {
        let refused = on("POST /oauth2/token").answer(status, json!({"error": "invalid_client"}));
        let wire = wire("criteo", vec![refused]);
        let error = wire.refused(wire.client.test().await);
        assert!(error.class == ErrorClass::Auth && error.remedy.contains("`client_secret`"), "{error}");
        wire.end();
    }
}

#[tokio::test]
async fn a_token_is_used_until_a_minute_before_its_end() {
    let amend =
        |token: &str| on(AMEND).header("authorization", &format!("Bearer {token}")).answer(200, amended(2, 0, &[]));
    let wire = criteo(vec![amend("eyJhbGciOi1"), amend("eyJhbGciOi1"), token("eyJhbGciOi2"), amend("eyJhbGciOi2")]);
    wire.send(&rows()).await.expect("it is taken");
    let clock: &dyn consign_destinations::http::Clock = &*wire.clock;
    clock.sleep(std::time::Duration::from_secs(839)).await;
    wire.send(&rows()).await.expect("it is taken");
    clock.sleep(std::time::Duration::from_secs(2)).await;
    wire.send(&rows()).await.expect("it is taken");
    wire.end();
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_once() {
    let expired = || on(AMEND).answer(401, errors("authentication", "authorization-token-expired"));
    let wire = criteo(vec![
        expired(),
        token("eyJhbGciOi2"),
        on(AMEND).header("authorization", "Bearer eyJhbGciOi2").answer(200, amended(2, 0, &[])),
        expired(),
        token("eyJhbGciOi3"),
        expired(),
    ]);
    wire.send(&rows()).await.expect("it is taken");
    let error = wire.refused(wire.client.send(rows().outgoing()).await);
    assert_eq!(error.class, ErrorClass::Auth);
    wire.end();
}

#[tokio::test]
async fn a_refresh_token_that_rotates_is_given_out_to_be_kept() {
    let mut secrets = credentials("criteo");
    secrets.insert("refresh_token".into(), "refresh-of-criteo-1".into());
    let form =
        "grant_type=refresh_token&client_id=app&client_secret=secret+of+criteo&refresh_token=refresh-of-criteo-1";
    let answer = json!({"access_token": "eyJhbGciOi1", "expires_in": 900, "refresh_token": "refresh-of-criteo-2"});
    let steps =
        vec![on("POST /oauth2/token").text(form).answer(200, answer), on(AMEND).answer(200, amended(2, 0, &[]))];
    let wire = wire_with("criteo", &[], &secrets, steps);
    assert!(wire.client.rotated().is_none());
    wire.send(&rows()).await.expect("it is taken");
    let (name, token) = wire.client.rotated().expect("it has rotated");
    assert_eq!((name, token.expose_secret()), ("refresh_token", "refresh-of-criteo-2"));
    wire.end();
}

#[tokio::test]
async fn a_segment_is_found_by_its_exact_name_over_all_pages() {
    let wire = criteo(vec![
        search(0, &[("1", "spring promo_treatment a", false)], 150),
        search(100, &[("778899", NAME, false)], 150),
        search(0, &[("1", NAME, false), ("2", NAME, false)], 2),
        search(0, &[("1", NAME, true)], 1),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "778899".into(), created: false }));
    let error = wire.refused(wire.list(NAME).await);
    assert!(error.class == ErrorClass::Config && error.to_string().contains("`1` and `2`"), "{error}");
    let error = wire.refused(wire.list(NAME).await);
    assert!(error.class == ErrorClass::Config && error.what.contains("read-only"), "{error}");
    wire.end();
}

#[tokio::test]
async fn a_segment_is_made_only_where_its_id_comes_back() {
    let body = json!({"data": [{"type": "AudienceSegment", "attributes": {"advertiserId": "12345", "name": NAME,
        "description": "Delivered by Consign", "contactList": {}}}]});
    let made = json!({"data": [{"id": "778899"}], "errors": [], "warnings": []});
    let warned = json!({"data": [], "errors": [], "warnings": [{"code": "name-must-not-be-empty", "title": "Name"}]});
    let wire = criteo(vec![
        search(0, &[], 0),
        on(CREATE).json(body).answer(200, made),
        search(0, &[], 0),
        on(CREATE).answer(200, errors("validation", "name-must-not-be-empty")),
        search(0, &[], 0),
        on(CREATE).answer(200, warned),
        search(0, &[], 0),
        on(CREATE).answer(200, errors("validation", "name-must-be-unique")),
        search(0, &[("5", NAME, false)], 1),
    ]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "778899".into(), created: true }));
    for _ in 0..2 {
        let error = wire.refused(wire.list(NAME).await);
        assert!(error.class == ErrorClass::Config && error.what.contains("did not make the segment"), "{error}");
    }
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "5".into(), created: false }));
    wire.end();
}

#[tokio::test]
async fn a_segment_that_may_have_been_made_is_looked_for() {
    let wire = criteo(vec![search(0, &[], 0), on(CREATE).closes(), search(0, &[("9", NAME, false)], 1)]);
    assert_eq!(wire.list(NAME).await, Ok(FoundList { id: "9".into(), created: true }));
    wire.end();
}

#[tokio::test]
async fn invalid_identifiers_are_counted_and_the_sample_is_named() {
    let body = json!({"data": {"type": "ContactlistAmendment", "attributes": {"operation": "add", "identifierType": "email",
        "identifiers": ["jane.doe@example.com", "john.doe+promo@example.com"]}}});
    let wire = criteo(vec![on(AMEND).json(body).answer(200, amended(0, 2, &["john.doe+promo@example.com"]))]);
    let rejection = Rejection {
        row: RowName::Value { pointer: String::new(), value: "john.doe+promo@example.com".into() },
        reason: "Criteo says that the identifier is invalid".into(),
    };
    let answer = wire.send(&rows()).await;
    let receipt = Receipt { rejected: vec![rejection.clone()], unnamed: 1, ..Receipt::default() };
    assert_eq!(answer, Ok(Answer::Accepted(receipt)));
    let (found, unnamed) = consign_destinations::send::find_rows(&rows().encoded, &(0..2).collect(), vec![rejection]);
    assert_eq!((found[0].0, unnamed), (1, 0));
    wire.end();
}

#[tokio::test]
async fn a_list_is_emptied_and_stays() {
    let path = "DELETE /2026-07/marketing-solutions/audience-segments/778899/contact-list";
    let wire = criteo(vec![on(path).answer(200, json!({"data": {"id": "778899"}, "errors": []}))]);
    let emptying = wire.client.emptying().expect("Criteo empties lists");
    emptying.empty(&ListTarget { id: "778899".into(), name: NAME.into() }).await.expect("it is emptied");
    wire.end();
}

#[tokio::test]
async fn a_segment_that_is_gone_and_a_request_that_is_too_large_are_said() {
    let wire = criteo(vec![
        on(AMEND).answer(404, errors("validation", "segment-not-found")),
        on(AMEND).answer(400, errors("validation", "audience-invalid")),
        on(AMEND).answer(413, json!({})),
    ]);
    assert_eq!(wire.send(&rows()).await, Ok(Answer::ListGone));
    assert_eq!(wire.send(&rows()).await, Ok(Answer::ListGone));
    assert_eq!(wire.send(&rows()).await, Ok(Answer::TooLarge { lasting: false }));
    wire.end();
}

#[tokio::test]
async fn refusals_have_their_class_on_a_status_of_success_too() {
    let cases = [
        (403, "authorization", ErrorClass::Permission, "MarketingSolutions_Audience_Manage"),
        (200, "access-control", ErrorClass::Permission, "MarketingSolutions_Audience_Manage"),
        (400, "validation", ErrorClass::Bug, "status 400"),
        (200, "validation", ErrorClass::Bug, "refused the request"),
        (410, "deprecation", ErrorClass::Config, "set `api_version`"),
    ];
    for (status, kind, class, words) in cases {
        let wire = criteo(vec![on(AMEND).answer(status, errors(kind, "some-code"))]);
        let error = wire.refused(wire.client.send(rows().outgoing()).await);
        assert_eq!(error.class, class, "{status} {kind}");
        assert!(error.to_string().contains(words) && error.said == "No: [e-mail]", "{error}");
        assert_eq!(wire.records().last().unwrap().ids, [("traceId".to_owned(), "0a1b".to_owned())]);
        wire.end();
    }
}

#[tokio::test]
async fn limits_and_failures_are_waited_for() {
    // The clock of the tests begins at 2026-12-01T09:00:00Z.
    let epoch = 1_796_115_600;
    let cases = [
        (on(AMEND).with(429, &[("x-ratelimit-reset", &(epoch + 40).to_string())], "{}"), 40..=41),
        (on(AMEND).with(429, &[("x-ratelimit-reset", &(epoch + 4_000).to_string())], "{}"), 300..=301),
        (on(AMEND).answer(429, errors("quota", "q")), 0..=1),
        (on(AMEND).answer(200, errors("quota", "q")), 0..=1),
        (on(AMEND).answer(200, errors("availability", "a")), 0..=1),
        (on(AMEND).answer(503, json!({})), 0..=1),
    ];
    for (step, wait) in cases {
        let wire = criteo(vec![step.clone(), on(AMEND).answer(200, amended(2, 0, &[]))]);
        assert!(matches!(wire.send(&rows()).await, Ok(Answer::Accepted(_))), "{step:?}");
        assert!(wire.slept().len() == 1 && wait.contains(&wire.slept()[0]), "{:?} {step:?}", wire.slept());
        wire.end();
    }
}

#[tokio::test]
async fn the_next_call_waits_for_the_end_of_a_window_that_is_used_up() {
    let headers = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1796115630")];
    let used_up = on(AMEND).with(200, headers, amended(2, 0, &[]).to_string());
    let wire = criteo(vec![used_up, on(AMEND).answer(200, amended(2, 0, &[]))]);
    wire.send(&rows()).await.expect("it is taken");
    wire.send(&rows()).await.expect("it is taken");
    assert_eq!(wire.slept(), [30]);
    wire.end();
}
