//! Attentive's calls, sections 4 and 5 of its specification.

use consign_sandbox::Platform;
use serde_json::{Value, json};

use crate::{Got, Rig, body, slow_jobs};

const TYPE: (&str, &str) = ("content-type", "application/json");

impl Rig {
    async fn attentive(&self, method: &str, path: &str, value: Option<Value>) -> Got {
        self.attentive_as("key", method, path, value).await
    }

    async fn attentive_as(&self, token: &str, method: &str, path: &str, value: Option<Value>) -> Got {
        let token = format!("Bearer {token}");
        let sent = value.as_ref().map(body).unwrap_or_default();
        self.send(method, &self.url(Platform::Attentive, path), &[("authorization", &token), TYPE], sent).await
    }

    async fn attentive_segment(&self) -> Got {
        let segment = json!({"name": "SpringPromoTreatmentA", "description": "Delivered by Consign",
            "externalId": "consign-42-7"});
        self.attentive("POST", "/v2/segments", Some(segment)).await
    }
}

fn example() -> Value {
    json!({"externalId": "consign-42-7", "members": [{"phone": "+12065550100"}, {"phone": "+442079460018"}]})
}

#[tokio::test]
async fn a_segment_is_made_filled_emptied_renamed_and_archived() {
    let rig = Rig::new().await;
    assert_eq!(rig.attentive("GET", "/v2/me", None).await.json()["applicationName"], json!("Consign"));
    assert_eq!(rig.attentive("GET", "/v1/me", None).await.status, 200);
    assert_eq!(rig.attentive("GET", "/v2/segments/external/consign-42-7", None).await.status, 404);
    let made = rig.attentive_segment().await;
    assert_eq!(made.status, 201);
    assert_eq!(
        made.json(),
        json!({"externalId": "consign-42-7", "name": "SpringPromoTreatmentA",
        "description": "Delivered by Consign"})
    );
    assert_eq!(rig.attentive("GET", "/v2/segments/external/consign-42-7", None).await.json(), made.json());
    assert_eq!(rig.attentive_segment().await.status, 409);

    let accepted = rig.attentive("POST", "/v2/bulk/segments/members", Some(example())).await;
    assert_eq!((accepted.status, &accepted.json()["message"]), (202, &json!("Accepted")));
    let id = accepted.json()["batchJobId"].as_str().expect("an id").to_owned();
    let job = rig.attentive("GET", &format!("/v2/bulk/job/{id}"), None).await.json();
    assert_eq!((&job["status"], &job["totalRecords"]), (&json!("COMPLETED"), &json!(2)));
    let url = job["url"].as_str().expect("a result file");
    let lines = rig.send("GET", url, &[], String::new()).await.text;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    assert_eq!(lines[1], json!({"request": {"phone": "+442079460018"}, "response": {"status": 200, "message": "OK"}}));
    let with_token = rig.send("GET", url, &[("authorization", "Bearer key")], String::new()).await;
    assert_eq!(with_token.status, 400, "the token is not for the host of the files");

    rig.attentive("POST", "/v2/bulk/segments/members", Some(example())).await;
    assert_eq!(
        rig.members("consign-42-7").await,
        [json!({"phone": "+12065550100"}), json!({"phone": "+442079460018"})]
    );
    let gone = json!({"externalId": "consign-42-7", "members": [{"phone": "+12065550100"}]});
    assert_eq!(rig.attentive("DELETE", "/v2/bulk/segments/members", Some(gone)).await.status, 202);
    assert_eq!(rig.members("consign-42-7").await, [json!({"phone": "+442079460018"})]);

    let path = "/v2/segments/external/consign-42-7";
    assert_eq!(rig.attentive("PATCH", path, Some(json!({"name": "Renamed"}))).await.json()["name"], json!("Renamed"));
    assert_eq!(rig.attentive("DELETE", path, None).await.status, 204);
    assert_eq!(rig.attentive("POST", "/v2/bulk/segments/members", Some(example())).await.status, 404);
}

#[tokio::test]
async fn segments_are_found_by_a_part_of_their_name_over_pages() {
    let rig = Rig::new().await;
    for n in 0..25 {
        let segment = json!({"name": format!("Spring{n}"), "externalId": format!("consign-{n}")});
        rig.attentive("POST", "/v2/segments", Some(segment)).await;
    }
    let first = rig.attentive("GET", "/v2/segments?name=Spring", None).await.json();
    assert_eq!((first["segments"].as_array().expect("segments").len(), &first["hasMore"]), (20, &json!(true)));
    let cursor = first["cursor"].as_str().expect("a cursor");
    let second = rig.attentive("GET", &format!("/v2/segments?name=Spring&cursor={cursor}"), None).await.json();
    assert_eq!((second["segments"].as_array().expect("segments").len(), &second["hasMore"]), (5, &json!(false)));
    let one = rig.attentive("GET", "/v2/segments?name=Spring24&limit=1000", None).await.json();
    assert_eq!(one["segments"][0]["externalId"], json!("consign-24"));
    let by_id = rig.attentive("GET", "/v2/segments?externalId=consign-3&updatedSince=2020-01-01T00:00:00Z", None).await;
    assert_eq!(by_id.json()["segments"].as_array().expect("segments").len(), 1);
    for query in ["limit=1001", "limit=x", "cursor=zz", "colour=red", "updatedSince=yesterday"] {
        assert_eq!(rig.attentive("GET", &format!("/v2/segments?{query}"), None).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_completed_job_still_refuses_rows_and_a_pending_one_has_no_effect() {
    let rig = Rig::new().await;
    rig.attentive_segment().await;
    let members =
        json!({"externalId": "consign-42-7", "members": [{"phone": "+11065550100"}, {"email": "a@example.com"}]});
    let accepted = rig.attentive("POST", "/v2/bulk/segments/members", Some(members)).await.json();
    let id = accepted["batchJobId"].as_str().expect("an id");
    let job = rig.attentive("GET", &format!("/v2/bulk/job/{id}"), None).await.json();
    let lines = rig.send("GET", job["url"].as_str().expect("a file"), &[], String::new()).await.text;
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        first,
        json!({"request": {"phone": "+11065550100"},
        "response": {"status": 400, "message": "Invalid phone number"}})
    );
    assert_eq!(rig.members("consign-42-7").await, [json!({"email": "a@example.com"})]);

    let rig = Rig::with(slow_jobs()).await;
    rig.attentive_segment().await;
    let accepted = rig.attentive("POST", "/v2/bulk/segments/members", Some(example())).await.json();
    let id = accepted["batchJobId"].as_str().expect("an id");
    let job = rig.attentive("GET", &format!("/v2/bulk/job/{id}"), None).await.json();
    assert_eq!((&job["status"], job.get("url")), (&json!("PENDING"), None));
    assert_eq!(rig.members("consign-42-7").await.len(), 0);
    let early = rig.send("GET", &rig.url(Platform::Attentive, &format!("/files/{id}.jsonl")), &[], String::new()).await;
    assert_eq!(early.status, 404);
    assert_eq!(rig.attentive("GET", "/v2/bulk/job/none", None).await.status, 404);
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let rig = Rig::new().await;
    rig.attentive_segment().await;
    for segment in [
        json!({"externalId": "x"}),
        json!({"name": "", "externalId": "x"}),
        json!({"name": "A".repeat(241), "externalId": "x"}),
        json!({"name": "A", "externalId": "x".repeat(256)}),
        json!({"name": "A", "externalId": "x", "description": "d"}),
        json!({"name": "A", "externalId": "x", "colour": "red"}),
        json!({"name": "A", "externalId": 7}),
    ] {
        assert_eq!(rig.attentive("POST", "/v2/segments", Some(segment)).await.status, 400);
    }
    let many: Vec<Value> = (0..10_001).map(|n| json!({"phone": format!("+1206{n:07}")})).collect();
    for members in [
        json!([]),
        json!(many),
        json!([{"phone": "(206) 555-0100"}]),
        json!([{"email": "no-at-sign"}]),
        json!([{"phone": "+12065550100", "name": "Jane"}]),
        json!([{}]),
        json!([{"phone": 12_065_550_100_u64}]),
    ] {
        let sent = json!({"externalId": "consign-42-7", "members": members});
        assert_eq!(rig.attentive("POST", "/v2/bulk/segments/members", Some(sent)).await.status, 400);
    }
    assert_eq!(rig.members("consign-42-7").await.len(), 0);
    let url = rig.url(Platform::Attentive, "/v2/segments");
    let plain = [("authorization", "Bearer key"), ("content-type", "text/plain")];
    assert_eq!(rig.send("POST", &url, &plain, "{}".to_owned()).await.status, 415);
    assert_eq!(rig.send("POST", &url, &[("authorization", "Bearer key"), TYPE], "{".to_owned()).await.status, 400);
}

#[tokio::test]
async fn tokens_and_permissions_are_checked() {
    let rig = Rig::new().await;
    for (token, path, status) in [
        ("wrong", "/v2/me", 401),
        ("expired", "/v2/me", 401),
        ("no-segments", "/v2/me", 200),
        ("no-segments", "/v2/segments?limit=1", 403),
        ("v1-only", "/v2/me", 404),
        ("v1-only", "/v1/me", 200),
    ] {
        assert_eq!(rig.attentive_as(token, "GET", path, None).await.status, status, "{token} {path}");
    }
    assert_eq!(rig.send("GET", &rig.url(Platform::Attentive, "/v2/me"), &[], String::new()).await.status, 401);
    assert_eq!(rig.attentive("GET", "/v2/me", None).await.header("x-ratelimit-limit"), Some("100"));
}

#[tokio::test]
async fn attributes_of_users_are_accepted_within_their_limits() {
    let rig = Rig::new().await;
    let user = json!({"identifiers": {"phone": "+12065550100"}, "attributes": {"loyalty_tier": "gold"}});
    let path = "/v2/bulk/user/attributes";
    assert_eq!(rig.attentive("POST", path, Some(json!({"users": [user]}))).await.status, 202);
    for users in [
        json!(vec![user.clone(); 257]),
        json!([{"identifiers": {}, "attributes": {}}]),
        json!([{"identifiers": {"phone": "+12065550100"}, "attributes": {"a": ["not a scalar"]}}]),
    ] {
        assert_eq!(rig.attentive("POST", path, Some(json!({"users": users}))).await.status, 400);
    }
    assert_eq!(rig.attentive_as("no-attributes", "POST", path, Some(json!({"users": [user]}))).await.status, 403);
}
