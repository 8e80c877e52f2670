//! Meta's calls, sections 4 and 5 of its specification.

use consign_sandbox::Platform;
use serde_json::{Value, json};

use crate::{Got, JANE, JOHN, Rig, body, slow_jobs};

const SESSION: i64 = 4_611_686_018_427_387_905;
const DIGITS: &str = "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415";

impl Rig {
    async fn meta_as(&self, token: &str, method: &str, path: &str, value: Option<Value>) -> Got {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let sent = value.as_ref().map(body).unwrap_or_default();
        self.send(method, &self.url(Platform::Meta, &format!("/v25.0{path}")), &headers, sent).await
    }

    async fn meta(&self, method: &str, path: &str, value: Option<Value>) -> Got {
        self.meta_as("token", method, path, value).await
    }

    async fn meta_audience(&self, name: &str) -> String {
        let made = self.meta("POST", "/act_123456789/customaudiences", Some(audience(name))).await;
        assert_eq!(made.status, 200, "{made:?}");
        made.json()["id"].as_str().expect("an id").to_owned()
    }
}

fn audience(name: &str) -> Value {
    json!({"name": name, "subtype": "CUSTOM", "description": "Delivered by Consign",
        "customer_file_source": "USER_PROVIDED_ONLY"})
}

fn rows(session: i64, seq: u64, last: bool, data: &Value) -> Value {
    json!({"session": {"session_id": session, "batch_seq": seq, "last_batch_flag": last, "estimated_num_total": 15_000},
        "payload": {"schema": ["EXTERN_ID", "EMAIL", "PHONE"], "data": data}})
}

/// The rows of section 4.4, without the names.
fn example(seq: u64, last: bool) -> Value {
    rows(SESSION, seq, last, &json!([["c-1001", JANE, DIGITS], ["c-1002", JOHN, ""]]))
}

/// Code and subcode of a refusal.
fn code(got: &Got) -> (u64, u64) {
    let error = &got.json()["error"];
    (error["code"].as_u64().unwrap_or_default(), error["error_subcode"].as_u64().unwrap_or_default())
}

#[tokio::test]
async fn an_audience_is_made_found_filled_and_emptied() {
    let rig = Rig::new().await;
    let account = rig.meta("GET", "/act_123456789?fields=id,name,account_status", None).await.json();
    assert_eq!(account, json!({"id": "act_123456789", "name": "Acme", "account_status": 1}));
    let id = rig.meta_audience("Spring Promo_A").await;
    let find = "/act_123456789/customaudiences?fields=id,name,subtype,operation_status&limit=20";
    let found = rig.meta("GET", find, None).await.json();
    assert_eq!(
        found["data"][0],
        json!({"id": id, "name": "Spring Promo_A", "subtype": "CUSTOM",
        "operation_status": {"code": 200, "description": "Normal"}})
    );
    assert_eq!(found["paging"].get("next"), None);

    let added = rig.meta("POST", &format!("/{id}/users"), Some(example(1, false))).await;
    assert_eq!(
        added.json(),
        json!({"audience_id": id, "session_id": "4611686018427387905", "num_received": 2,
        "num_invalid_entries": 0, "invalid_entry_samples": {}})
    );
    assert!(added.header("x-business-use-case-usage").expect("a header").contains("custom_audience"));
    let again = rig.meta("POST", &format!("/{id}/users"), Some(example(1, false))).await.json();
    assert_eq!(again["num_received"], json!(2), "a repeated batch counts once");
    let more = rows(SESSION, 2, true, &json!([["c-1003", "", DIGITS]]));
    let more = rig.meta("POST", &format!("/{id}/users"), Some(more)).await.json();
    assert_eq!(more["num_received"], json!(3), "it is cumulative");
    assert_eq!(rig.members(&id).await.len(), 3);
    assert_eq!(rig.members(&id).await[0], json!({"EXTERN_ID": "c-1001", "EMAIL": JANE, "PHONE": DIGITS}));

    let remove = rows(7, 1, true, &json!([["c-1001", JANE, DIGITS]]));
    assert_eq!(rig.meta("DELETE", &format!("/{id}/users"), Some(remove)).await.status, 200);
    assert_eq!(rig.members(&id).await.len(), 2);
    let sessions = rig.meta("GET", &format!("/{id}/sessions"), None).await.json();
    assert_eq!(sessions["data"].as_array().expect("sessions").len(), 2);
    let everywhere = json!({"payload": {"schema": "EMAIL", "data": [JOHN]}});
    assert_eq!(rig.meta("DELETE", "/act_123456789/usersofanyaudience", Some(everywhere)).await.status, 200);
    assert_eq!(rig.members(&id).await.len(), 1);
    let status = format!("/{id}?fields=operation_status,delivery_status,approximate_count_lower_bound");
    assert_eq!(rig.meta("GET", &status, None).await.json()["approximate_count_lower_bound"], json!(-1));
    assert_eq!(rig.meta("DELETE", &format!("/{id}"), None).await.json(), json!({"success": true}));
    assert_eq!(code(&rig.meta("POST", &format!("/{id}/users"), Some(example(1, true))).await), (100, 33));
}

#[tokio::test]
async fn forms_and_parameters_are_taken_as_the_platform_takes_them() {
    let rig = Rig::new().await;
    let id = rig.meta_audience("A").await;
    let sent = example(1, true);
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("session", &sent["session"].to_string())
        .append_pair("payload", &sent["payload"].to_string())
        .append_pair("access_token", "token")
        .finish();
    let url = rig.url(Platform::Meta, &format!("/v25.0/{id}/users"));
    let kind = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(rig.send("POST", &url, &[kind], form.clone()).await.status, 200);
    assert_eq!(rig.members(&id).await.len(), 2);
    let requests = rig.look("/state.json").await.text;
    assert!(!requests.contains("access_token=token"));
}

#[tokio::test]
async fn what_the_platforms_own_sdk_adds_to_a_call_is_taken() {
    let rig = Rig::new().await;
    let id = rig.meta_audience("A").await;
    let clean = |raw: Value| json!({"payload": {"schema": "EMAIL_SHA256", "is_raw": raw, "data": [JANE]}});
    assert_eq!(rig.meta("POST", &format!("/{id}/users"), Some(clean(json!(true)))).await.status, 200);
    assert_eq!(rig.members(&id).await, [json!({"EMAIL": JANE})]);
    assert_eq!(rig.meta("POST", &format!("/{id}/users"), Some(clean(json!("yes")))).await.status, 400);
    let found = rig.meta("GET", "/act_123456789/customaudiences?fields=id&summary=true", None).await.json();
    assert_eq!(found["summary"], json!({"total_count": 1}));
}

#[tokio::test]
async fn audiences_are_found_over_pages_under_the_platforms_own_host() {
    let rig = Rig::new().await;
    for n in 0..23 {
        rig.meta_audience(&format!("A{n}")).await;
    }
    let path = "/act_123456789/customaudiences?fields=name&limit=20";
    let first = rig.meta("GET", path, None).await.json();
    assert_eq!(first["data"].as_array().expect("data").len(), 20);
    assert!(first["paging"]["next"].as_str().expect("more").starts_with("https://graph.facebook.com/v25.0/act_"));
    let after = first["paging"]["cursors"]["after"].as_str().expect("a cursor");
    let second = rig.meta("GET", &format!("{path}&after={after}"), None).await.json();
    assert_eq!(second["data"].as_array().expect("data").len(), 3);
    assert_eq!(second["paging"].get("next"), None);
    assert_eq!(code(&rig.meta("GET", &format!("{path}&after=zz"), None).await).0, 100);
    assert_eq!(code(&rig.meta("GET", "/act_123456789/customaudiences?fields=colour", None).await).0, 100);
}

#[tokio::test]
async fn a_replace_swaps_the_content_when_its_last_batch_is_in() {
    let rig = Rig::new().await;
    let id = rig.meta_audience("A").await;
    let old = rows(1, 1, true, &json!([["old", JANE, ""]]));
    rig.meta("POST", &format!("/{id}/users"), Some(old)).await;
    let path = format!("/{id}/usersreplace");
    let one = rows(2, 1, false, &json!([["new-1", JOHN, ""]]));
    let got = rig.meta("POST", &path, Some(one.clone())).await;
    assert_eq!((got.status, &got.json()["account_id"]), (200, &json!("123456789")));
    assert_eq!(rig.members(&id).await[0]["EXTERN_ID"], json!("old"), "nothing is in effect yet");
    let status = rig.meta("GET", &format!("/{id}?fields=operation_status"), None).await.json();
    assert_ne!(status["operation_status"]["code"], json!(200));

    assert_eq!(code(&rig.meta("POST", &path, Some(one)).await), (2650, 1_870_145), "batch 1 is not repeated");
    let other = rows(3, 1, true, &json!([["x", JANE, ""]]));
    assert_eq!(code(&rig.meta("POST", &path, Some(other.clone())).await), (2650, 1_870_145), "one replace at a time");
    assert_eq!(code(&rig.meta("POST", &format!("/{id}/users"), Some(other)).await), (2650, 1_870_145));

    // Batches after the first come in any order, and again.
    let three = rows(2, 3, true, &json!([["new-3", "", DIGITS]]));
    assert_eq!(rig.meta("POST", &path, Some(three.clone())).await.status, 200);
    assert_eq!(rig.meta("POST", &path, Some(three.clone())).await.status, 200);
    let two = rows(2, 2, false, &json!([["new-2", JANE, DIGITS]]));
    let got = rig.meta("POST", &path, Some(two)).await.json();
    assert_eq!(got["num_received"], json!(3));
    let members: Vec<Value> = rig.members(&id).await.iter().map(|member| member["EXTERN_ID"].clone()).collect();
    assert_eq!(members, ["new-1", "new-3", "new-2"]);
    assert_eq!(code(&rig.meta("POST", &path, Some(three)).await), (2650, 1_870_159));
    let status = rig.meta("GET", &format!("/{id}?fields=operation_status"), None).await.json();
    assert_eq!(status["operation_status"]["code"], json!(200));
}

#[tokio::test]
async fn a_replace_without_its_first_batch_or_beyond_its_window_is_refused() {
    let rig = Rig::new().await;
    let id = rig.meta_audience("A").await;
    let path = format!("/{id}/usersreplace");
    assert_eq!(code(&rig.meta("POST", &path, Some(example(2, false))).await), (2650, 1_870_147));
    assert_eq!(rig.meta("POST", &path, Some(example(1, false))).await.status, 200);
    let two = body(&rows(SESSION, 2, true, &json!([["late", JANE, ""]])));
    let headers = [
        ("authorization", "Bearer token"),
        ("content-type", "application/json"),
        ("x-sandbox-fault", "session-expired"),
    ];
    let got = rig.send("POST", &rig.url(Platform::Meta, &format!("/v25.0{path}")), &headers, two).await;
    assert_eq!(code(&got), (2650, 1_870_158));
    assert_eq!(rig.members(&id).await.len(), 2, "what was received so far is the content");
    let rest = rows(9, 1, true, &json!([["late", JANE, ""]]));
    assert_eq!(rig.meta("POST", &format!("/{id}/users"), Some(rest)).await.status, 200);
    let none = json!({"payload": {"schema": ["EMAIL"], "data": [[JANE]]}});
    assert_eq!(code(&rig.meta("POST", &path, Some(none)).await).0, 100, "a replace needs a session");
}

#[tokio::test]
async fn a_replace_settles_before_the_next() {
    let rig = Rig::with(slow_jobs()).await;
    let id = rig.meta_audience("A").await;
    let path = format!("/{id}/usersreplace");
    assert_eq!(rig.meta("POST", &path, Some(example(1, true))).await.status, 200);
    let next = rows(2, 1, true, &json!([["x", JANE, ""]]));
    assert_eq!(code(&rig.meta("POST", &path, Some(next)).await), (2650, 1_870_145));
}

#[tokio::test]
async fn sessions_out_of_order_are_refused() {
    let rig = Rig::new().await;
    let (id, other) = (rig.meta_audience("A").await, rig.meta_audience("B").await);
    let users = format!("/{id}/users");
    assert_eq!(code(&rig.meta("POST", &users, Some(example(2, false))).await).0, 100, "a session begins at 1");
    assert_eq!(rig.meta("POST", &users, Some(example(1, false))).await.status, 200);
    assert_eq!(code(&rig.meta("POST", &users, Some(example(3, false))).await).0, 100, "2 is missing");
    assert_eq!(code(&rig.meta("POST", &format!("/{other}/users"), Some(example(1, true))).await).0, 100);
    assert_eq!(code(&rig.meta("DELETE", &users, Some(example(2, true))).await).0, 100, "another operation");
    let mut schema = example(2, true);
    schema["payload"] = json!({"schema": ["EMAIL"], "data": [[JANE]]});
    assert_eq!(code(&rig.meta("POST", &users, Some(schema)).await).0, 100, "another schema");
    assert_eq!(rig.meta("POST", &users, Some(example(2, true))).await.status, 200);
    assert_eq!(code(&rig.meta("POST", &users, Some(example(3, true))).await).0, 100, "the last batch was 2");
}

#[tokio::test]
async fn values_that_are_not_hashes_are_invalid_entries_and_others_are_taken() {
    let rig = Rig::new().await;
    let id = rig.meta_audience("A").await;
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let data =
        json!([["1", JANE, ""], ["2", "jane.doe@example.com", ""], ["3", JOHN.to_uppercase(), ""], ["4", empty, ""]]);
    let got = rig.meta("POST", &format!("/{id}/users"), Some(rows(1, 1, true, &data))).await.json();
    assert_eq!((&got["num_received"], &got["num_invalid_entries"]), (&json!(4), &json!(3)));
    assert_eq!(got["invalid_entry_samples"]["1"], json!("jane.doe@example.com"));
    assert_eq!(rig.members(&id).await.len(), 1);
    let refusals = rig.look("/state.json").await.json()["refusals"].to_string();
    assert!(refusals.contains("EMAIL") && !refusals.contains("jane.doe"), "{refusals}");
    let sent =
        json!({"payload": {"schema": ["MADID"], "data": [["aece52e7-03ee-455a-b3c4-e57283966239"], ["AECE52E7"]]}});
    let got = rig.meta("POST", &format!("/{id}/users"), Some(sent)).await.json();
    assert_eq!(got["num_invalid_entries"], json!(1), "and a session is optional");
}

#[tokio::test]
async fn payloads_that_break_a_rule_are_refused_whole() {
    let rig = Rig::new().await;
    let id = rig.meta_audience("A").await;
    let many: Vec<Value> = (0..10_001).map(|n| json!([format!("{n:064x}")])).collect();
    for payload in [
        json!({"schema": ["email"], "data": [[JANE]]}),
        json!({"schema": ["BIRTH"], "data": [[JANE]]}),
        json!({"schema": ["EMAIL", "EMAIL"], "data": [[JANE, JANE]]}),
        json!({"schema": ["EMAIL", "PHONE"], "data": [[JANE]]}),
        json!({"schema": ["EMAIL"], "data": [[7]]}),
        json!({"schema": ["EMAIL"], "data": []}),
        json!({"schema": ["EMAIL"], "data": many}),
        json!({"schema": ["EMAIL"], "data": [[JANE]], "colour": "red"}),
        json!({"schema": [], "data": [[]]}),
    ] {
        let got = rig.meta("POST", &format!("/{id}/users"), Some(json!({"payload": payload}))).await;
        assert_eq!((got.status, code(&got).0), (400, 100));
    }
    for session in [
        json!({"session_id": 0, "batch_seq": 1, "last_batch_flag": true}),
        json!({"session_id": -5, "batch_seq": 1, "last_batch_flag": true}),
        json!({"session_id": 9_223_372_036_854_775_808_u64, "batch_seq": 1, "last_batch_flag": true}),
        json!({"session_id": 5, "batch_seq": 0, "last_batch_flag": true}),
        json!({"session_id": 5, "batch_seq": 1, "last_batch_flag": 1}),
        json!({"session_id": 5, "batch_seq": 1, "last_batch_flag": true, "colour": "red"}),
    ] {
        let sent = json!({"session": session, "payload": {"schema": ["EMAIL"], "data": [[JANE]]}});
        assert_eq!(code(&rig.meta("POST", &format!("/{id}/users"), Some(sent)).await).0, 100, "{session}");
    }
    assert_eq!(rig.members(&id).await.len(), 0);
    let sent = json!({"payload": {"schema": ["EMAIL"], "data": many[1..]}});
    assert_eq!(rig.meta("POST", &format!("/{id}/users"), Some(sent)).await.json()["num_received"], json!(10_000));
    let ldu = json!({"payload": {"schema": ["EMAIL", "DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY",
        "DATA_PROCESSING_OPTIONS_STATE"], "data": [[JANE, ["LDU"], 0, 0]]}});
    assert_eq!(rig.meta("POST", &format!("/{id}/users"), Some(ldu)).await.status, 200);
}

#[tokio::test]
async fn creations_that_break_a_rule_are_refused() {
    let rig = Rig::new().await;
    let mut changed: Vec<Value> = Vec::new();
    for (name, value) in [
        ("name", json!("")),
        ("subtype", json!("LOOKALIKE")),
        ("customer_file_source", json!("OTHER")),
        ("colour", json!("red")),
    ] {
        let mut sent = audience("A");
        sent[name] = value;
        changed.push(sent);
    }
    changed.push(json!({"name": "A", "subtype": "CUSTOM"}));
    for sent in changed {
        let got = rig.meta("POST", "/act_123456789/customaudiences", Some(sent)).await;
        assert_eq!((got.status, code(&got).0), (400, 100));
        assert!(got.json()["error"]["fbtrace_id"].is_string());
    }
}

#[tokio::test]
async fn tokens_permissions_accounts_and_versions_are_checked() {
    let rig = Rig::new().await;
    for (token, expected) in [
        ("expired", (190, 463)),
        ("wrong", (190, 0)),
        ("no-permission", (10, 0)),
        ("no-management", (200, 0)),
        ("no-terms", (200, 1_870_090)),
        ("no-business", (200, 1_870_050)),
        ("blocked", (368, 0)),
    ] {
        let got = rig.meta_as(token, "POST", "/act_123456789/customaudiences", Some(audience("A"))).await;
        assert_eq!(code(&got), expected, "{token}");
    }
    assert_eq!(code(&rig.meta("GET", "/act_404?fields=id", None).await), (100, 33));
    assert_eq!(rig.meta("GET", "/act_999?fields=account_status", None).await.json()["account_status"], json!(2));
    assert_eq!(code(&rig.meta("GET", "/23850000000099999", None).await), (100, 33));
    assert_eq!(code(&rig.meta("GET", "/act_123456789?fields=colour", None).await).0, 100);
    let bearer = [("authorization", "Bearer token")];
    let old = rig.send("GET", &rig.url(Platform::Meta, "/v12.0/act_123456789"), &bearer, String::new()).await;
    assert_eq!(code(&old).0, 2635);
    let none = rig.send("GET", &rig.url(Platform::Meta, "/v25.0/act_123456789"), &[], String::new()).await;
    assert_eq!(code(&none).0, 2500);
}

#[tokio::test]
async fn a_proof_is_checked_where_the_token_demands_one() {
    let rig = Rig::new().await;
    // HMAC-SHA256 with the key `secret` of the token, computed elsewhere.
    let proof = "4b697bd8aef1eeecd744cb26257c872bb6ca22ac8e34eb9977e6977cf2eef2fb";
    let path = |proof: &str| format!("/act_123456789?fields=id&appsecret_proof={proof}");
    assert_eq!(rig.meta_as("proof.secret.token", "GET", &path(proof), None).await.status, 200);
    assert_eq!(code(&rig.meta_as("proof.secret.token", "GET", &path(JANE), None).await).0, 100);
    assert_eq!(code(&rig.meta_as("proof.secret.token", "GET", "/act_123456789", None).await).0, 100);
    assert_eq!(code(&rig.meta_as("token", "GET", &path("short"), None).await).0, 100);
}
