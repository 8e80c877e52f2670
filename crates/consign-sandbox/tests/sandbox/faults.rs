//! Each fault on each platform, by header and by configuration.

use std::time::{Duration, Instant};

use consign_sandbox::{Fault, Options, Platform, What, When};
use serde_json::{Value, json};

use crate::{Got, Rig, body};

/// A call that creates a list, as each platform takes it.
struct Creation {
    platform: Platform,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

async fn creations(rig: &Rig) -> Vec<Creation> {
    let form = "grant_type=client_credentials&client_id=abc&client_secret=s3cr3t".to_owned();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let token = rig.send("POST", &rig.url(Platform::Criteo, "/oauth2/token"), &[kind], form).await.json();
    let token = token["access_token"].as_str().unwrap_or_default().to_owned();
    let json_type = || ("content-type", "application/json".to_owned());
    vec![
        Creation {
            platform: Platform::Klaviyo,
            method: "POST",
            path: "/api/lists",
            headers: vec![
                ("authorization", "Klaviyo-API-Key pk_1".to_owned()),
                ("revision", "2026-07-15".to_owned()),
                json_type(),
            ],
            body: json!({"data": {"type": "list", "attributes": {"name": "A"}}}),
        },
        Creation {
            platform: Platform::Attentive,
            method: "POST",
            path: "/v2/segments",
            headers: vec![("authorization", "Bearer key".to_owned()), json_type()],
            body: json!({"name": "A", "externalId": "a"}),
        },
        Creation {
            platform: Platform::Criteo,
            method: "POST",
            path: "/2026-07/marketing-solutions/audience-segments/create",
            headers: vec![("authorization", format!("Bearer {token}")), json_type()],
            body: json!({"data": [{"attributes": {"advertiserId": "12345", "name": "A", "contactList": {}}}]}),
        },
        Creation {
            platform: Platform::Tiktok,
            method: "POST",
            path: "/open_api/v1.3/segment/audience/",
            headers: vec![("access-token", "token".to_owned()), json_type()],
            body: json!({"advertiser_id": "7012345678901234567", "custom_audience_name": "A", "action": "create"}),
        },
        Creation {
            platform: Platform::Meta,
            method: "POST",
            path: "/v25.0/act_123456789/customaudiences",
            headers: vec![("authorization", "Bearer token".to_owned()), json_type()],
            body: json!({"name": "A", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}),
        },
    ]
}

impl Rig {
    async fn create(&self, creation: &Creation, fault: Option<&str>) -> Result<Got, reqwest::Error> {
        let mut headers: Vec<(&str, &str)> =
            creation.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if let Some(fault) = fault {
            headers.push(("x-sandbox-fault", fault));
        }
        let url = self.url(creation.platform, creation.path);
        self.try_send(creation.method, &url, &headers, body(&creation.body)).await
    }

    async fn lists(&self) -> usize {
        self.look("/state.json").await.json()["lists"].as_array().expect("lists").len()
    }
}

/// Status and the platform's own code, in words.
fn signal(platform: Platform, got: &Got) -> String {
    let body = got.json();
    let code = match platform {
        Platform::Klaviyo | Platform::Criteo => body["errors"][0]["code"].clone(),
        Platform::Attentive => body["message"].clone(),
        Platform::Tiktok => body["code"].clone(),
        Platform::Meta => json!([body["error"]["code"], body["error"]["error_subcode"]]),
    };
    format!("{platform} {} {code}", got.status)
}

/// What each platform answers to one fault, and how many lists there are then.
async fn signals(fault: &str) -> (Vec<String>, usize) {
    let rig = Rig::new().await;
    let mut signals = Vec::new();
    for creation in creations(&rig).await {
        let got = rig.create(&creation, Some(fault)).await.expect("an answer");
        signals.push(signal(creation.platform, &got));
    }
    (signals, rig.lists().await)
}

#[tokio::test]
async fn a_limit_is_signalled_as_each_platform_does() {
    let (told, lists) = signals("rate-limit:2").await;
    assert_eq!(
        told,
        [
            "klaviyo 429 \"throttled\"",
            "attentive 429 \"Too many requests\"",
            "criteo 429 \"quota-exceeded\"",
            "tiktok 200 40100",
            "meta 400 [80003,2446079]"
        ]
    );
    assert_eq!(lists, 0);
    let rig = Rig::new().await;
    let all = creations(&rig).await;
    let klaviyo = rig.create(&all[0], Some("rate-limit:2")).await.expect("an answer");
    assert_eq!(klaviyo.header("retry-after"), Some("2"));
    let attentive = rig.create(&all[1], Some("rate-limit")).await.expect("an answer");
    assert_eq!(attentive.header("x-ratelimit-remaining"), Some("0"));
    let criteo = rig.create(&all[2], Some("rate-limit:60")).await.expect("an answer");
    assert!(
        criteo.header("x-ratelimit-reset").and_then(|at| at.parse::<i64>().ok()).is_some_and(|at| at > 1_700_000_000)
    );
    let meta = rig.create(&all[4], Some("rate-limit:120")).await.expect("an answer");
    let usage: Value = serde_json::from_str(meta.header("x-business-use-case-usage").expect("a header")).expect("JSON");
    assert_eq!(usage["123456789"][0]["estimated_time_to_regain_access"], json!(2));
}

#[tokio::test]
async fn a_server_error_comes_before_or_after_the_effect() {
    let expected = [
        "klaviyo 503 \"service_unavailable\"",
        "attentive 503 \"Service Unavailable\"",
        "criteo 503 \"service-unavailable\"",
        "tiktok 200 50000",
        "meta 500 [2,null]",
    ];
    assert_eq!(signals("unavailable").await, (expected.map(str::to_owned).to_vec(), 0));
    assert_eq!(signals("unavailable-after-effect").await, (expected.map(str::to_owned).to_vec(), 5));
}

#[tokio::test]
async fn an_expired_credential_is_signalled_as_each_platform_does() {
    let (told, lists) = signals("expired-token").await;
    assert_eq!(
        told,
        [
            "klaviyo 401 \"authentication_failed\"",
            "attentive 401 \"Unauthorized\"",
            "criteo 401 \"authorization-token-expired\"",
            "tiktok 200 40102",
            "meta 400 [190,463]"
        ]
    );
    assert_eq!(lists, 0);
}

#[tokio::test]
async fn any_code_can_be_asked_for() {
    let rig = Rig::new().await;
    let all = creations(&rig).await;
    for (creation, fault, expected) in [
        (&all[0], "code:413", "klaviyo 413 \"error\""),
        (&all[1], "code:403", "attentive 403 \"The fault code:403\""),
        (&all[2], "code:410", "criteo 410 \"fault\""),
        (&all[3], "code:40050", "tiktok 200 40050"),
        (&all[4], "code:2650/1870148", "meta 400 [2650,1870148]"),
    ] {
        let got = rig.create(creation, Some(fault)).await.expect("an answer");
        assert_eq!(signal(creation.platform, &got), expected);
    }
}

#[tokio::test]
async fn a_connection_closes_before_or_after_the_effect_or_within_the_answer() {
    let rig = Rig::new().await;
    for creation in creations(&rig).await {
        assert!(rig.create(&creation, Some("drop")).await.is_err());
    }
    assert_eq!(rig.lists().await, 0);
    for creation in creations(&rig).await {
        assert!(rig.create(&creation, Some("drop-after-effect")).await.is_err());
    }
    assert_eq!(rig.lists().await, 5);
    let state = rig.look("/state.json").await.json();
    assert_eq!(
        (&state["requests"][0]["status"], &state["requests"][0]["fault"]),
        (&json!(0), &json!("drop-after-effect"))
    );

    let rig = Rig::new().await;
    for creation in creations(&rig).await {
        assert!(rig.create(&creation, Some("half-answer")).await.is_err(), "{}", creation.platform);
    }
    assert_eq!(rig.lists().await, 5);
}

#[tokio::test]
async fn pages_redirects_and_slow_answers_come_in_place_of_json() {
    let rig = Rig::new().await;
    for creation in creations(&rig).await {
        let got = rig.create(&creation, Some("html")).await.expect("an answer");
        assert!(got.text.starts_with("<!DOCTYPE html>"));
        let challenged = creation.platform == Platform::Klaviyo;
        assert_eq!(got.status, if challenged { 403 } else { 200 });
        assert_eq!(got.header("cf-mitigated").is_some(), challenged);
        let got = rig.create(&creation, Some("redirect")).await.expect("an answer");
        assert_eq!((got.status, got.header("location")), (302, Some("http://elsewhere.example.com/")));
    }
    assert_eq!(rig.lists().await, 0);
    for creation in creations(&rig).await {
        let began = Instant::now();
        rig.create(&creation, Some("slow:20ms")).await.expect("an answer");
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
    assert_eq!(rig.lists().await, 5, "slow is not failed");
}

#[tokio::test]
async fn a_huge_answer_comes_in_pieces_and_does_not_end_soon() {
    let rig = Rig::new().await;
    let all = creations(&rig).await;
    let request = rig.client.post(rig.url(all[0].platform, all[0].path)).header("x-sandbox-fault", "huge");
    let mut response = request.send().await.expect("an answer");
    assert_eq!(response.content_length(), None);
    let mut bytes = 0;
    while let Some(piece) = response.chunk().await.expect("a piece") {
        if bytes == 0 {
            assert!(piece.starts_with(b"{\"data\":\""));
        }
        bytes += piece.len();
        if bytes > 1_000_000 {
            break;
        }
    }
    assert!(bytes > 1_000_000);
}

#[tokio::test]
async fn odd_ids_are_numbers_or_lists_of_one_text() {
    let rig = Rig::new().await;
    let mut ids = Vec::new();
    for creation in creations(&rig).await {
        let got = rig.create(&creation, Some("odd-ids")).await.expect("an answer").json();
        let place = match creation.platform {
            Platform::Klaviyo => "/data/id",
            Platform::Attentive => "/externalId",
            Platform::Criteo => "/data/0/id",
            Platform::Tiktok => "/data/audience_id",
            Platform::Meta => "/id",
        };
        ids.push(got.pointer(place).is_some_and(|id| id.is_number() || id.is_array()));
    }
    assert_eq!((ids, rig.lists().await), (vec![true; 5], 5));
}

/// Ten rows to each platform, of which a fault refuses three; gives what the platform said of it and
/// the members it holds then.
async fn rejecting(seed: u64) -> Vec<(Value, Vec<Value>)> {
    let rig = Rig::with(Options { seed, ..Options::default() }).await;
    let all = creations(&rig).await;
    let mut outcomes = Vec::new();
    for creation in &all {
        let made = rig.create(creation, None).await.expect("an answer").json();
        let emails: Vec<String> = (0..10).map(|n| format!("p{n}@example.com")).collect();
        let hashes: Vec<String> = (1..=10).map(|n| format!("{n:064x}")).collect();
        let (id, method, path, sent) = match creation.platform {
            Platform::Klaviyo => {
                let id = made["data"]["id"].clone();
                let rows: Vec<Value> =
                    emails.iter().map(|email| json!({"type": "profile", "attributes": {"email": email}})).collect();
                let sent = json!({"data": {"type": "profile-bulk-import-job",
                    "attributes": {"profiles": {"data": rows}},
                    "relationships": {"lists": {"data": [{"type": "list", "id": id}]}}}});
                (id, "POST", "/api/profile-bulk-import-jobs".to_owned(), sent)
            }
            Platform::Attentive => {
                let rows: Vec<Value> = emails.iter().map(|email| json!({"email": email})).collect();
                let sent = json!({"externalId": "a", "members": rows});
                (json!("a"), "POST", "/v2/bulk/segments/members".to_owned(), sent)
            }
            Platform::Criteo => {
                let id = made["data"][0]["id"].clone();
                let path = format!(
                    "/2026-07/marketing-solutions/audience-segments/{}/contact-list",
                    id.as_str().expect("an id")
                );
                let sent = json!({"data": {"attributes": {"operation": "add", "identifierType": "email", "identifiers": emails}}});
                (id, "PATCH", path, sent)
            }
            Platform::Tiktok => {
                let id = made["data"]["audience_id"].clone();
                let rows: Vec<Value> = hashes.iter().map(|hash| json!([{"id": hash, "audience_ids": [id]}])).collect();
                let sent = json!({"advertiser_ids": ["7012345678901234567"], "action": "add",
                    "id_schema": ["EMAIL_SHA256"], "batch_data": rows});
                (id, "POST", "/open_api/v1.3/segment/mapping/".to_owned(), sent)
            }
            Platform::Meta => {
                let id = made["id"].clone();
                let rows: Vec<Value> = hashes.iter().map(|hash| json!([hash])).collect();
                let sent = json!({"payload": {"schema": ["EMAIL"], "data": rows}});
                let path = format!("/v25.0/{}/users", id.as_str().expect("an id"));
                (id, "POST", path, sent)
            }
        };
        let mut headers: Vec<(&str, &str)> =
            creation.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("x-sandbox-fault", "reject-rows:3"));
        let got = rig.send(method, &rig.url(creation.platform, &path), &headers, body(&sent)).await;
        assert!(got.status < 300, "{got:?}");
        outcomes.push((got.json(), rig.members(id.as_str().expect("an id")).await));
    }
    outcomes
}

#[tokio::test]
async fn rows_are_refused_as_each_platform_tells_it_and_the_others_are_taken() {
    let outcomes = rejecting(3).await;
    for (told, members) in &outcomes {
        assert_eq!(members.len(), 7, "{told}");
    }
    assert_eq!(outcomes[2].0["data"]["attributes"]["nbInvalidIdentifiers"], json!(3));
    assert_eq!(outcomes[3].0["code"], json!(20001));
    assert_eq!(outcomes[4].0["num_invalid_entries"], json!(3));
    let members = |outcomes: &[(Value, Vec<Value>)]| -> Vec<Vec<Value>> {
        outcomes.iter().map(|(_, members)| members.clone()).collect()
    };
    assert_eq!(members(&rejecting(3).await), members(&outcomes), "the same rows for the same seed");
    assert_ne!(members(&rejecting(4).await), members(&outcomes));
}

#[tokio::test]
async fn a_job_that_fails_has_no_effect() {
    let rig = Rig::new().await;
    let all = creations(&rig).await;
    let list = rig.create(&all[0], None).await.expect("an answer").json()["data"]["id"].clone();
    let sent = json!({"data": {"type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [{"type": "profile", "attributes": {"email": "a@example.com"}}]}},
        "relationships": {"lists": {"data": [{"type": "list", "id": list}]}}}});
    let mut headers: Vec<(&str, &str)> = all[0].headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("x-sandbox-fault", "fail-job"));
    let url = rig.url(Platform::Klaviyo, "/api/profile-bulk-import-jobs");
    let job = rig.send("POST", &url, &headers, body(&sent)).await.json()["data"]["id"].clone();
    headers.pop();
    let polled = rig.send("GET", &format!("{url}/{}", job.as_str().expect("an id")), &headers, String::new()).await;
    assert_eq!(polled.json()["data"]["attributes"]["status"], json!("cancelled"));
    assert_eq!(rig.members(list.as_str().expect("an id")).await.len(), 0);

    rig.create(&all[1], None).await.expect("an answer");
    let mut headers: Vec<(&str, &str)> = all[1].headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("x-sandbox-fault", "fail-job"));
    let sent = json!({"externalId": "a", "members": [{"email": "a@example.com"}]});
    let url = rig.url(Platform::Attentive, "/v2/bulk/segments/members");
    let job = rig.send("POST", &url, &headers, body(&sent)).await.json()["batchJobId"].clone();
    headers.pop();
    let url = rig.url(Platform::Attentive, &format!("/v2/bulk/job/{}", job.as_str().expect("an id")));
    assert_eq!(rig.send("GET", &url, &headers, String::new()).await.json()["status"], json!("FAILED"));
    assert_eq!(rig.members("a").await.len(), 0);
}

/// The statuses of twenty creations under these faults.
async fn twenty(faults: Vec<Fault>, seed: u64) -> Vec<u16> {
    let rig = Rig::with(Options { faults, seed, ..Options::default() }).await;
    let all = creations(&rig).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(rig.create(&all[0], None).await.expect("an answer").status);
    }
    statuses
}

#[tokio::test]
async fn configured_faults_strike_the_named_calls_and_no_others() {
    let fault = |text: &str| -> Fault { text.parse().expect("a fault") };
    let statuses = twenty(vec![fault("klaviyo:create:3:rate-limit")], 0).await;
    assert_eq!(statuses.iter().position(|status| *status == 429), Some(2));
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 19);
    assert_eq!(twenty(vec![fault("*:*:*:unavailable")], 0).await, [503; 20].to_vec());
    assert_eq!(
        twenty(vec![fault("meta:*:*:unavailable"), fault("klaviyo:import:*:unavailable")], 0).await,
        [201; 20].to_vec()
    );

    let chance = || vec![fault("klaviyo:*:50%:unavailable")];
    let first = twenty(chance(), 5).await;
    assert!(first.contains(&503) && first.contains(&201));
    assert_eq!(twenty(chance(), 5).await, first, "the same calls for the same seed");
    assert_ne!(twenty(chance(), 6).await, first);
}

#[tokio::test]
async fn a_fault_on_every_call_of_a_token_also_strikes_the_token() {
    let faults = vec!["criteo:token:1:expired-token".parse().expect("a fault")];
    let rig = Rig::with(Options { faults, ..Options::default() }).await;
    let form = "grant_type=client_credentials&client_id=abc&client_secret=s3cr3t".to_owned();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let got = rig.send("POST", &rig.url(Platform::Criteo, "/oauth2/token"), &[kind], form).await;
    assert_eq!((got.status, &got.json()["error"]), (401, &json!("invalid_client")));
}

#[test]
fn faults_are_read_from_text_and_what_cannot_be_read_is_explained() {
    let fault: Fault = "meta:replace:2:code:2650/1870145".parse().expect("a fault");
    assert_eq!(fault.platform, Some(Platform::Meta));
    assert_eq!((fault.when, fault.what), (When::Nth(2), What::Code(2650, Some(1_870_145))));
    let fault: Fault = "*:*:12.5%:slow:1.5s".parse().expect("a fault");
    assert_eq!((fault.when, fault.what), (When::Chance(0.125), What::Slow(Duration::from_millis(1_500))));
    for (text, part) in [
        ("klaviyo:import:rate-limit", "four parts"),
        ("pinterest:*:*:drop", "no such platform"),
        ("*:*:0:drop", "number of a call"),
        ("*:*:101%:drop", "percentage"),
        ("*:*:*:explode", "no such fault"),
        ("*:*:*:slow:soon", "2s"),
        ("*:*:*:reject-rows:all", "number of rows"),
    ] {
        let error = text.parse::<Fault>().expect_err("no fault").to_string();
        assert!(error.contains(part) && error.contains(text.split(':').next().unwrap_or_default()), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_fault_in_the_header_is_said_to_be_one() {
    let rig = Rig::new().await;
    let all = creations(&rig).await;
    let got = rig.create(&all[0], Some("explode")).await.expect("an answer");
    assert_eq!(got.status, 400);
    assert!(got.text.contains("no such fault"));
}
