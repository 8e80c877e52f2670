//! Criteo's calls, sections 4 and 5 of its specification.

use consign_sandbox::Platform;
use serde_json::{Value, json};

use crate::{Got, Rig, body};

const SEGMENTS: &str = "/2026-07/marketing-solutions/audience-segments";

impl Rig {
    async fn criteo_token(&self, form: &str) -> Got {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", &self.url(Platform::Criteo, "/oauth2/token"), &[kind], form.to_owned()).await
    }

    /// A call as an application of this id.
    async fn criteo_as(&self, client: &str, method: &str, path: &str, value: Option<Value>) -> Got {
        let form = format!("grant_type=client_credentials&client_id={client}&client_secret=s3cr3t");
        let token = self.criteo_token(&form).await.json()["access_token"].as_str().expect("a token").to_owned();
        self.criteo_with(&token, method, path, value).await
    }

    async fn criteo_with(&self, token: &str, method: &str, path: &str, value: Option<Value>) -> Got {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let sent = value.as_ref().map(body).unwrap_or_default();
        self.send(method, &self.url(Platform::Criteo, path), &headers, sent).await
    }

    async fn criteo(&self, method: &str, path: &str, value: Option<Value>) -> Got {
        self.criteo_as("abc", method, path, value).await
    }

    async fn criteo_segment(&self, name: &str) -> Got {
        self.criteo("POST", &format!("{SEGMENTS}/create"), Some(segment(name))).await
    }
}

fn segment(name: &str) -> Value {
    json!({"data": [{"type": "AudienceSegment", "attributes": {"advertiserId": "12345", "name": name,
        "description": "Delivered by Consign", "contactList": {}}}]})
}

fn search() -> Value {
    json!({"data": {"type": "AudienceSegment",
        "attributes": {"advertiserIds": ["12345"], "audienceSegmentTypes": ["ContactList"]}}})
}

fn amendment(operation: &str, emails: &[&str]) -> Value {
    json!({"data": {"type": "ContactlistAmendment",
        "attributes": {"operation": operation, "identifierType": "email", "identifiers": emails}}})
}

fn id_of(made: &Got) -> String {
    made.json()["data"][0]["id"].as_str().expect("an id").to_owned()
}

fn code_of(got: &Got) -> Value {
    got.json()["errors"][0]["code"].clone()
}

#[tokio::test]
async fn a_token_of_fifteen_minutes_is_given_for_a_form() {
    let rig = Rig::new().await;
    let got = rig.criteo_token("grant_type=client_credentials&client_id=abc&client_secret=s3cr3t").await.json();
    assert_eq!((&got["token_type"], &got["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(got.get("refresh_token"), Some(&Value::Null), "it is named, and there is none");
    let form = "grant_type=refresh_token&client_id=abc&client_secret=s3cr3t&refresh_token=r1";
    let got = rig.criteo_token(form).await.json();
    assert!(got["refresh_token"].as_str().is_some_and(|token| token != "r1"), "it rotates");
    for (form, status, error) in [
        ("grant_type=client_credentials&client_id=wrong&client_secret=s", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=abc&client_secret=wrong", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=abc", 400, "invalid_request"),
        ("grant_type=password&client_id=abc&client_secret=s", 400, "unsupported_grant_type"),
        ("grant_type=refresh_token&client_id=abc&client_secret=s&refresh_token=wrong", 400, "invalid_grant"),
        ("grant_type=client_credentials&client_id=abc&client_secret=s&scope=x", 400, "invalid_request"),
    ] {
        let got = rig.criteo_token(form).await;
        assert_eq!((got.status, &got.json()["error"]), (status, &json!(error)), "{form}");
    }
    let url = rig.url(Platform::Criteo, "/oauth2/token");
    let got = rig.send("POST", &url, &[("content-type", "application/json")], "{}".to_owned()).await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn a_segment_is_made_found_filled_cleared_and_deleted() {
    let rig = Rig::new().await;
    let advertisers = rig.criteo("GET", "/2026-07/advertisers/me", None).await.json();
    assert_eq!(advertisers["data"][0]["id"], json!("12345"));
    let made = rig.criteo_segment("Spring Promo_Treatment A").await;
    assert_eq!(made.status, 200);
    let id = id_of(&made);
    let found = rig.criteo("POST", &format!("{SEGMENTS}/search?limit=100&offset=0"), Some(search())).await.json();
    assert_eq!(found["meta"], json!({"totalItems": 1, "limit": 100, "offset": 0}));
    assert_eq!(found["data"][0]["attributes"]["name"], json!("Spring Promo_Treatment A"));
    assert_eq!(found["data"][0]["attributes"]["contactList"], json!({"isReadOnly": false}));

    let list = format!("{SEGMENTS}/{id}/contact-list");
    let added =
        rig.criteo("PATCH", &list, Some(amendment("add", &["jane.doe@example.com", "no-at-sign"]))).await.json();
    let told = &added["data"]["attributes"];
    assert_eq!((&told["nbValidIdentifiers"], &told["nbInvalidIdentifiers"]), (&json!(1), &json!(1)));
    assert_eq!(told["sampleInvalidIdentifiers"], json!(["no-at-sign"]));
    assert_eq!(told["contactListId"].to_string(), id);
    for _ in 0..2 {
        let both = amendment("add", &["jane.doe@example.com", "john.doe+promo@example.com", crate::JANE]);
        rig.criteo("PATCH", &list, Some(both)).await;
    }
    assert_eq!(rig.members(&id).await.len(), 3);
    rig.criteo("PATCH", &list, Some(amendment("remove", &["jane.doe@example.com", "nobody@example.com"]))).await;
    assert_eq!(rig.members(&id).await[0], json!({"email": "john.doe+promo@example.com"}));
    let statistics = rig.criteo("GET", &format!("{list}/statistics"), None).await.json();
    assert_eq!(statistics["data"]["attributes"]["numberOfIdentifiers"], json!(2));
    let cleared = rig.criteo("DELETE", &list, None).await.json();
    assert_eq!(cleared["data"], json!({"type": "AudienceContactlist", "id": id}));
    assert_eq!(rig.members(&id).await.len(), 0);
    let gone = json!({"data": [{"id": id, "type": "AudienceSegment"}]});
    assert_eq!(rig.criteo("POST", &format!("{SEGMENTS}/delete"), Some(gone)).await.status, 200);
    let got = rig.criteo("PATCH", &list, Some(amendment("add", &["a@example.com"]))).await;
    assert_eq!((got.status, code_of(&got)), (404, json!("segment-not-found")));
}

#[tokio::test]
async fn a_creation_that_failed_is_a_200_with_errors() {
    let rig = Rig::new().await;
    rig.criteo_segment("A").await;
    for (name, code) in [("A", "name-must-be-unique"), (" ", "name-must-not-be-empty")] {
        let got = rig.criteo_segment(name).await;
        assert_eq!((got.status, code_of(&got), &got.json()["data"]), (200, json!(code), &json!([])));
        assert_eq!(got.json()["errors"][0]["instance"], json!("/data/0"));
    }
}

#[tokio::test]
async fn segments_are_found_over_pages() {
    let rig = Rig::new().await;
    for n in 0..5 {
        rig.criteo_segment(&format!("S{n}")).await;
    }
    let found = rig.criteo("POST", &format!("{SEGMENTS}/search?limit=2&offset=4"), Some(search())).await.json();
    assert_eq!((found["data"].as_array().expect("data").len(), &found["meta"]["totalItems"]), (1, &json!(5)));
    for query in ["limit=101", "limit=0", "offset=x", "name=A"] {
        let got = rig.criteo("POST", &format!("{SEGMENTS}/search?{query}"), Some(search())).await;
        assert_eq!(got.status, 400, "{query}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let rig = Rig::new().await;
    let id = id_of(&rig.criteo_segment("A").await);
    let list = format!("{SEGMENTS}/{id}/contact-list");
    let many: Vec<String> = (0..50_001).map(|n| format!("p{n}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut unknown = amendment("add", &["a@example.com"]);
    unknown["data"]["attributes"]["colour"] = json!("red");
    let mut numbers = amendment("add", &[]);
    numbers["data"]["attributes"]["identifiers"] = json!([1, 2]);
    let mut gum = amendment("add", &["x"]);
    gum["data"]["attributes"]["identifierType"] = json!("gum");
    for sent in [
        amendment("add", &many),
        amendment("add", &[]),
        amendment("replace", &["a@example.com"]),
        unknown,
        numbers,
        gum,
    ] {
        let got = rig.criteo("PATCH", &list, Some(sent)).await;
        assert_eq!((got.status, &got.json()["errors"][0]["type"]), (400, &json!("validation")));
    }
    assert_eq!(rig.criteo("PATCH", &list, Some(amendment("add", &many[..50_000]))).await.status, 200);
    let mut number = segment("B");
    number["data"][0]["attributes"]["advertiserId"] = json!(12_345);
    assert_eq!(rig.criteo("POST", &format!("{SEGMENTS}/create"), Some(number)).await.status, 400);
}

#[tokio::test]
async fn tokens_permissions_and_versions_are_checked() {
    let rig = Rig::new().await;
    let me = "/2026-07/advertisers/me";
    let got = rig.send("GET", &rig.url(Platform::Criteo, me), &[], String::new()).await;
    assert_eq!((got.status, code_of(&got)), (401, json!("authorization-token-missing")));
    let got = rig.criteo_with("nonsense", "GET", me, None).await;
    assert_eq!((got.status, code_of(&got)), (401, json!("authorization-token-invalid")));
    let got = rig.criteo_as("expired-12345", "GET", me, None).await;
    assert_eq!((got.status, code_of(&got)), (401, json!("authorization-token-expired")));
    assert_eq!(rig.criteo_as("no-consent", "GET", me, None).await.json()["data"], json!([]));
    let other = rig.criteo_as("app-777", "GET", me, None).await.json();
    assert_eq!(other["data"][0]["id"], json!("777"));
    let create = format!("{SEGMENTS}/create");
    for client in ["app-777", "read-only-12345", "no-permission-12345"] {
        let got = rig.criteo_as(client, "POST", &create, Some(segment("A"))).await;
        assert_eq!((got.status, &got.json()["errors"][0]["type"]), (403, &json!("authorization")), "{client}");
    }
    let got = rig.criteo("GET", "/2020-01/advertisers/me", None).await;
    assert_eq!((got.status, &got.json()["errors"][0]["type"]), (410, &json!("deprecation")));
    assert_eq!(rig.criteo("GET", "/2099-01/advertisers/me", None).await.status, 404);
    assert_eq!(rig.criteo("GET", me, None).await.header("x-ratelimit-limit"), Some("250"));
}

#[tokio::test]
async fn a_read_only_segment_says_so_and_cannot_be_filled() {
    let rig = Rig::new().await;
    let made = rig.criteo_segment("A [read-only]").await;
    assert_eq!(made.json()["data"][0]["attributes"]["contactList"]["isReadOnly"], json!(true));
    let list = format!("{SEGMENTS}/{}/contact-list", id_of(&made));
    assert_eq!(rig.criteo("PATCH", &list, Some(amendment("add", &["a@example.com"]))).await.status, 403);
}
