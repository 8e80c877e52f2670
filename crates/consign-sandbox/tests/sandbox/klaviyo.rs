//! Klaviyo's calls, sections 4 and 5 of its specification.

use consign_sandbox::{Options, Platform};
use serde_json::{Value, json};

use crate::{Got, Rig, body, slow_jobs};

const KEY: (&str, &str) = ("authorization", "Klaviyo-API-Key pk_0123456789");
const REVISION: (&str, &str) = ("revision", "2026-07-15");
const TYPE: (&str, &str) = ("content-type", "application/vnd.api+json");

impl Rig {
    async fn klaviyo(&self, method: &str, path: &str, value: Option<Value>) -> Got {
        let sent = value.as_ref().map(body).unwrap_or_default();
        self.send(method, &self.url(Platform::Klaviyo, path), &[KEY, REVISION, TYPE], sent).await
    }

    async fn klaviyo_list(&self, name: &str) -> String {
        let made = self
            .klaviyo("POST", "/api/lists", Some(json!({"data": {"type": "list", "attributes": {"name": name}}})))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["data"]["id"].as_str().expect("an id").to_owned()
    }

    async fn klaviyo_import(&self, list: &str, profiles: &[Value]) -> Got {
        self.klaviyo("POST", "/api/profile-bulk-import-jobs", Some(import(list, profiles))).await
    }
}

fn import(list: &str, profiles: &[Value]) -> Value {
    let data: Vec<Value> =
        profiles.iter().map(|attributes| json!({"type": "profile", "attributes": attributes})).collect();
    json!({"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": data}},
        "relationships": {"lists": {"data": [{"type": "list", "id": list}]}}}})
}

/// The two profiles of section 4.4.
fn example() -> Vec<Value> {
    vec![
        json!({"email": "jane.doe@example.com", "phone_number": "+12065550100", "first_name": "Jane",
            "last_name": "Doe",
            "location": {"city": "Seattle", "region": "WA", "zip": "98101", "country": "US"},
            "properties": {"loyalty_tier": "gold"}}),
        json!({"email": "john.doe+promo@example.com"}),
    ]
}

#[tokio::test]
async fn a_list_is_made_found_by_its_exact_name_filled_read_and_emptied() {
    let rig = Rig::new().await;
    assert_eq!(rig.klaviyo("GET", "/api/accounts", None).await.status, 200);
    assert_eq!(rig.klaviyo("GET", "/api/lists?page%5Bsize%5D=1", None).await.json()["data"], json!([]));
    let list = rig.klaviyo_list("Spring \"Promo\"_Treatment A").await;
    rig.klaviyo_list("Spring Promo").await;

    let find = "/api/lists?filter=equals(name%2C%22Spring%20%5C%22Promo%5C%22_Treatment%20A%22)&page%5Bsize%5D=10";
    let found = rig.klaviyo("GET", find, None).await.json();
    assert_eq!(found["data"].as_array().expect("hits").len(), 1);
    assert_eq!(found["data"][0]["id"], json!(list));
    assert_eq!(found["data"][0]["attributes"]["opt_in_process"], json!("double_opt_in"));
    assert_eq!(found["links"]["next"], Value::Null);

    let accepted = rig.klaviyo_import(&list, &example()).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let job = accepted.json()["data"].clone();
    assert_eq!(job["attributes"]["status"], json!("queued"));
    assert_eq!(job["attributes"]["total_count"], json!(2));
    let id = job["id"].as_str().expect("an id");
    let polled = rig.klaviyo("GET", &format!("/api/profile-bulk-import-jobs/{id}"), None).await.json();
    assert_eq!(polled["data"]["attributes"]["status"], json!("complete"));
    assert_eq!(polled["data"]["attributes"]["completed_count"], json!(2));
    assert_eq!(polled["data"]["attributes"]["failed_count"], json!(0));

    // A replayed batch is in effect once.
    rig.klaviyo_import(&list, &example()).await;
    let members = format!("/api/lists/{list}/profiles?fields%5Bprofile%5D=email%2Cphone_number%2Cexternal_id");
    let held = rig.klaviyo("GET", &format!("{members}&page%5Bsize%5D=100"), None).await.json();
    assert_eq!(held["data"].as_array().expect("members").len(), 2);
    assert_eq!(held["data"][0]["attributes"].get("joined_group_at"), None, "it was not asked for");
    let whole = rig.klaviyo("GET", &format!("/api/lists/{list}/profiles"), None).await.json();
    assert!(whole["data"][0]["attributes"]["joined_group_at"].is_string());
    assert_eq!(
        held["data"][0]["attributes"],
        json!({"email": "jane.doe@example.com", "phone_number": "+12065550100", "external_id": null})
    );
    assert_eq!(rig.members(&list).await[0]["properties"], json!({"loyalty_tier": "gold"}));

    let find = "/api/profiles?filter=any(email%2C%5B%22john.doe%2Bpromo%40example.com%22%2C%22b%40example.com%22%5D)\
                &fields%5Bprofile%5D=email&page%5Bsize%5D=100";
    let profile = rig.klaviyo("GET", find, None).await.json()["data"][0]["id"].clone();
    let relate = format!("/api/lists/{list}/relationships/profiles");
    let named =
        json!({"data": [{"type": "profile", "id": profile}, {"type": "profile", "id": "01J9ZQ6T9X3W4V5Y6Z7A8B9C0E"}]});
    assert_eq!(rig.klaviyo("DELETE", &relate, Some(named.clone())).await.status, 204);
    assert_eq!(rig.members(&list).await.len(), 1);
    assert_eq!(rig.klaviyo("DELETE", &relate, Some(named)).await.status, 204, "removing is idempotent");
    let named = json!({"data": [{"type": "profile", "id": profile}]});
    assert_eq!(rig.klaviyo("POST", &relate, Some(named)).await.status, 204);
    assert_eq!(rig.members(&list).await.len(), 2);

    assert_eq!(rig.klaviyo("GET", &format!("/api/lists/{list}"), None).await.status, 200);
    assert_eq!(rig.klaviyo("DELETE", &format!("/api/lists/{list}"), None).await.status, 204);
    let gone = rig.klaviyo_import(&list, &example()).await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.json()["errors"][0]["code"], json!("not_found"));
}

#[tokio::test]
async fn pages_end_where_the_lists_and_members_end() {
    let rig = Rig::new().await;
    for n in 0..13 {
        rig.klaviyo_list(&format!("List {n}")).await;
    }
    let first = rig.klaviyo("GET", "/api/lists", None).await.json();
    assert_eq!(first["data"].as_array().expect("lists").len(), 10);
    let next = first["links"]["next"].as_str().expect("another page").to_owned();
    let path = next.strip_prefix("https://a.klaviyo.com").expect("the platform's own host");
    let second = rig.klaviyo("GET", path, None).await.json();
    assert_eq!(second["data"].as_array().expect("lists").len(), 3);
    assert_eq!(second["links"]["next"], Value::Null);

    let list = second["data"][0]["id"].as_str().expect("an id").to_owned();
    let profiles: Vec<Value> = (0..150).map(|n| json!({"email": format!("p{n}@example.com")})).collect();
    rig.klaviyo_import(&list, &profiles).await;
    let first = rig.klaviyo("GET", &format!("/api/lists/{list}/profiles?page%5Bsize%5D=100"), None).await.json();
    let next = first["links"]["next"].as_str().expect("another page").replace("https://a.klaviyo.com", "");
    let second = rig.klaviyo("GET", &next, None).await.json();
    assert_eq!(second["data"].as_array().expect("members").len(), 50);
    assert_eq!(second["data"][49]["attributes"]["email"], json!("p149@example.com"));
}

#[tokio::test]
async fn nothing_is_in_effect_before_the_job_is_done() {
    let rig = Rig::with(slow_jobs()).await;
    let list = rig.klaviyo_list("Slow").await;
    let id = rig.klaviyo_import(&list, &example()).await.json()["data"]["id"].as_str().expect("an id").to_owned();
    let polled = rig.klaviyo("GET", &format!("/api/profile-bulk-import-jobs/{id}"), None).await.json();
    assert_eq!(polled["data"]["attributes"]["status"], json!("queued"));
    assert_eq!(rig.members(&list).await.len(), 0);
}

#[tokio::test]
async fn a_job_names_the_rows_that_it_refused() {
    let rig = Rig::new().await;
    let list = rig.klaviyo_list("Errors").await;
    let rows = [json!({"email": "jane.doe@example.com", "phone_number": "+1206"}), json!({"email": "a@example.com"})];
    let id = rig.klaviyo_import(&list, &rows).await.json()["data"]["id"].as_str().expect("an id").to_owned();
    let job = rig.klaviyo("GET", &format!("/api/profile-bulk-import-jobs/{id}"), None).await.json();
    assert_eq!(job["data"]["attributes"]["failed_count"], json!(1));
    let path = format!("/api/profile-bulk-import-jobs/{id}/import-errors?page%5Bsize%5D=100");
    let errors = rig.klaviyo("GET", &path, None).await.json();
    assert_eq!(errors["data"].as_array().expect("errors").len(), 1);
    assert_eq!(
        errors["data"][0]["attributes"],
        json!({"code": "invalid", "title": "Invalid input.",
        "detail": "Invalid phone number format.", "source": {"pointer": "/data/attributes/phone_number"},
        "original_payload": {"email": "jane.doe@example.com", "phone_number": "+1206"}})
    );
    assert_eq!(rig.members(&list).await, [json!({"email": "a@example.com"})]);
}

#[tokio::test]
async fn null_leaves_a_field_in_bulk_and_clears_it_in_the_single_import() {
    let rig = Rig::new().await;
    let list = rig.klaviyo_list("Nulls").await;
    rig.klaviyo_import(&list, &example()).await;
    rig.klaviyo_import(&list, &[json!({"email": "jane.doe@example.com", "last_name": null})]).await;
    assert_eq!(rig.members(&list).await[0]["last_name"], json!("Doe"));
    let clear = json!({"data": {"type": "profile", "attributes": {"email": "jane.doe@example.com", "last_name": null},
        "meta": {"patch_properties": {"unset": ["loyalty_tier"]}}}});
    assert_eq!(rig.klaviyo("POST", "/api/profile-import", Some(clear)).await.status, 200);
    let jane = rig.members(&list).await[0].clone();
    assert_eq!((jane.get("last_name"), &jane["properties"]), (None, &json!({})));
    let new = json!({"data": {"type": "profile", "attributes": {"email": "new@example.com"}}});
    assert_eq!(rig.klaviyo("POST", "/api/profile-import", Some(new)).await.status, 201);
}

#[tokio::test]
async fn a_row_of_the_wrong_shape_refuses_the_whole_request_and_is_pointed_at() {
    let rig = Rig::new().await;
    let list = rig.klaviyo_list("Strict").await;
    let at = "/data/attributes/profiles/data/1";
    for (row, pointer) in [
        (json!({"email": "a..b@example.com"}), "/attributes/email"),
        (json!({"email": "a@example.com", "phone_number": "206-555-0100"}), "/attributes/phone_number"),
        (json!({"email": "a@example.com", "surname": "Doe"}), "/attributes/surname"),
        (json!({"email": "a@example.com", "location": {"zip": 98101}}), "/attributes/location/zip"),
        (json!({"email": "a@example.com", "location": {"postal": "98101"}}), "/attributes/location/postal"),
        (json!({"email": 7}), "/attributes/email"),
        (json!({"first_name": "Jane"}), "/attributes"),
        (json!({"email": "a@example.com", "external_id": "x".repeat(256)}), "/attributes/external_id"),
        (json!({"email": "a@example.com", "properties": {"p": "x".repeat(100_000)}}), ""),
    ] {
        let got = rig.klaviyo_import(&list, &[json!({"email": "ok@example.com"}), row]).await;
        assert_eq!(got.status, 400);
        assert_eq!(got.json()["errors"][0]["source"]["pointer"], json!(format!("{at}{pointer}")), "{got:?}");
        assert_eq!(got.json()["errors"][0]["code"], json!("invalid"));
    }
    assert_eq!(rig.members(&list).await.len(), 0);
}

#[tokio::test]
async fn requests_beyond_the_limits_are_refused() {
    let rig = Rig::new().await;
    let list = rig.klaviyo_list("Limits").await;
    let many: Vec<Value> = (0..10_001).map(|n| json!({"email": format!("p{n}@example.com")})).collect();
    assert_eq!(rig.klaviyo_import(&list, &many).await.status, 400);
    assert_eq!(rig.klaviyo_import(&list, &many[..10_000]).await.status, 202);
    let long = "x".repeat(60_000);
    let heavy: Vec<Value> = (0..90).map(|n| json!({"email": format!("p{n}@example.com"), "title": long})).collect();
    assert_eq!(rig.klaviyo_import(&list, &heavy).await.status, 413);
    let ids: Vec<Value> = (0..1_001).map(|n| json!({"type": "profile", "id": format!("01J9ZQ6T9X{n:016}")})).collect();
    let path = format!("/api/lists/{list}/relationships/profiles");
    assert_eq!(rig.klaviyo("DELETE", &path, Some(json!({"data": ids}))).await.status, 400);
    let values: Vec<String> = (0..101).map(|n| format!("%22p{n}%40example.com%22")).collect();
    let path = format!("/api/profiles?filter=any(email%2C%5B{}%5D)", values.join("%2C"));
    assert_eq!(rig.klaviyo("GET", &path, None).await.status, 400);
    assert_eq!(rig.klaviyo("GET", "/api/lists?page%5Bsize%5D=11", None).await.status, 400);
    let got = rig.klaviyo("GET", "/api/lists?size=1", None).await;
    assert_eq!(got.json()["errors"][0]["source"], json!({"parameter": "size"}));
}

#[tokio::test]
async fn keys_scopes_revisions_and_media_types_are_checked() {
    let rig = Rig::new().await;
    let lists = rig.url(Platform::Klaviyo, "/api/lists");
    let create = body(&json!({"data": {"type": "list", "attributes": {"name": "A"}}}));
    for (headers, status, code) in [
        (vec![REVISION, TYPE], 401, "not_authenticated"),
        (vec![("authorization", "Klaviyo-API-Key abc"), REVISION, TYPE], 401, "authentication_failed"),
        (vec![("authorization", "Klaviyo-API-Key pk_wrong"), REVISION, TYPE], 401, "authentication_failed"),
        (vec![("authorization", "Klaviyo-API-Key pk_no_lists_write"), REVISION, TYPE], 403, "permission_denied"),
        (vec![KEY, TYPE], 400, "invalid"),
        (vec![KEY, ("revision", "2030-01-01"), TYPE], 400, "invalid"),
        (vec![KEY, ("revision", "2020-01-01"), TYPE], 410, "gone"),
        (vec![KEY, REVISION, ("content-type", "text/plain")], 415, "unsupported_media_type"),
    ] {
        let got = rig.send("POST", &lists, &headers, create.clone()).await;
        assert_eq!((got.status, &got.json()["errors"][0]["code"]), (status, &json!(code)), "{headers:?}");
        assert_eq!(got.json()["errors"][0]["status"], json!(status));
    }
    let denied = ("authorization", "Klaviyo-API-Key pk_no_lists_write");
    let got = rig.send("POST", &lists, &[denied, REVISION, TYPE], create.clone()).await;
    assert!(got.json()["errors"][0]["detail"].as_str().expect("a detail").contains("lists:write"));
    assert_eq!(rig.send("GET", &lists, &[denied, REVISION], String::new()).await.status, 200, "it may read");
    let bearer = ("authorization", "Bearer oauth-token");
    assert_eq!(rig.send("POST", &lists, &[bearer, REVISION, TYPE], create).await.status, 201);
    assert_eq!(rig.klaviyo("PATCH", "/api/lists", None).await.status, 405);
    assert_eq!(rig.klaviyo("GET", "/api/segments", None).await.status, 404);
}

#[tokio::test]
async fn bodies_with_unknown_fields_or_wrong_types_are_refused() {
    let rig = Rig::new().await;
    let list = rig.klaviyo_list("A").await;
    for sent in [
        json!({"data": {"type": "list", "attributes": {"name": ""}}}),
        json!({"data": {"type": "list", "attributes": {"name": "A", "colour": "red"}}}),
        json!({"data": {"type": "lists", "attributes": {"name": "A"}}}),
        json!({"data": {"attributes": {"name": "A"}}}),
    ] {
        assert_eq!(rig.klaviyo("POST", "/api/lists", Some(sent)).await.status, 400);
    }
    let mut two = import(&list, &example());
    two["data"]["relationships"]["lists"]["data"] = json!([{"type": "list", "id": list}, {"type": "list", "id": list}]);
    assert_eq!(rig.klaviyo("POST", "/api/profile-bulk-import-jobs", Some(two)).await.status, 400);
    assert_eq!(rig.klaviyo_import(&list, &[]).await.status, 400);
    assert_eq!(rig.klaviyo("GET", "/api/profile-bulk-import-jobs/none", None).await.status, 404);
    let limit = rig.klaviyo("GET", "/api/lists", None).await;
    assert_eq!(limit.header("ratelimit-limit"), Some("750"));
    let raw = rig.klaviyo("GET", "/api/lists?page[size]=1", None).await;
    assert_eq!(raw.status, 400, "brackets are percent-encoded");
}

#[tokio::test]
async fn ids_are_the_same_for_the_same_seed() {
    let (one, two) = (Rig::new().await, Rig::new().await);
    let other = Rig::with(Options { seed: 7, ..Options::default() }).await;
    let ids = [one.klaviyo_list("A").await, two.klaviyo_list("A").await, other.klaviyo_list("A").await];
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}
