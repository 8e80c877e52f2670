//! What a state folder keeps over a restart.

use std::fs;

use consign_sandbox::{Options, Platform, SandboxError, serve};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{JANE, JOHN, PHONE, Rig, body, slow_jobs};

impl Rig {
    async fn meta_call(&self, path: &str, sent: &Value) -> Value {
        let headers = [("authorization", "Bearer token"), ("content-type", "application/json")];
        self.send("POST", &self.url(Platform::Meta, &format!("/v25.0{path}")), &headers, body(sent)).await.json()
    }

    async fn klaviyo_call(&self, method: &str, path: &str, sent: &Value) -> Value {
        let headers = [
            ("authorization", "Klaviyo-API-Key pk_1"),
            ("revision", "2026-07-15"),
            ("content-type", "application/json"),
        ];
        let sent = if sent.is_null() { String::new() } else { body(sent) };
        self.send(method, &self.url(Platform::Klaviyo, path), &headers, sent).await.json()
    }

    async fn tiktok_call(&self, path: &str, sent: &Value) -> Value {
        let headers = [("access-token", "token"), ("content-type", "application/json")];
        self.send("POST", &self.url(Platform::Tiktok, &format!("/open_api/v1.3{path}")), &headers, body(sent))
            .await
            .json()
    }

    /// Lists with their members, as they are looked at.
    async fn everything(&self) -> Value {
        let state = self.look("/state.json").await.json();
        let mut all = Vec::new();
        for list in state["lists"].as_array().expect("lists") {
            let id = list["id"].as_str().expect("an id");
            all.push(self.look(&format!("/lists/{id}.json")).await.json());
        }
        json!(all)
    }

    /// Something at three platforms whose state has different shapes.
    async fn fill(&self) -> String {
        let made = self
            .klaviyo_call("POST", "/api/lists", &json!({"data": {"type": "list", "attributes": {"name": "K"}}}))
            .await;
        let list = made["data"]["id"].as_str().expect("an id").to_owned();
        let profile = |email: &str| json!({"type": "profile", "attributes": {"email": email, "first_name": "Zoë"}});
        let import = json!({"data": {"type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [profile("a@example.com"), profile("b@example.com")]}},
            "relationships": {"lists": {"data": [{"type": "list", "id": list}]}}}});
        let job = self.klaviyo_call("POST", "/api/profile-bulk-import-jobs", &import).await;
        let made = self
            .meta_call(
                "/act_1/customaudiences",
                &json!({"name": "M", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}),
            )
            .await;
        let id = made["id"].as_str().expect("an id").to_owned();
        let data = json!([["c1", JANE], ["c2", JOHN]]);
        let users = json!({"session": {"session_id": 5, "batch_seq": 1, "last_batch_flag": true},
            "payload": {"schema": ["EXTERN_ID", "EMAIL"], "data": data}});
        self.meta_call(&format!("/{id}/users"), &users).await;
        let advertiser = "7012345678901234567";
        let made = self
            .tiktok_call(
                "/segment/audience/",
                &json!({"advertiser_id": advertiser, "custom_audience_name": "T", "action": "create"}),
            )
            .await;
        let audience = made["data"]["audience_id"].clone();
        let cell = |id: &str| json!({"id": id, "audience_ids": [audience]});
        let map = json!({"advertiser_ids": [advertiser], "action": "add", "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
            "batch_data": [[cell(JANE), cell(PHONE)], [cell(JOHN), {}]]});
        assert_eq!(self.tiktok_call("/segment/mapping/", &map).await["code"], json!(0));
        job["data"]["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn a_restart_keeps_lists_members_and_jobs() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::in_folder(folder.path()).await;
    let job = rig.fill().await;
    let before = rig.everything().await;
    assert_eq!(before.as_array().expect("lists").len(), 3);
    rig.stop().await;
    // Twice: the second start reads the snapshot that the first wrote.
    for _ in 0..2 {
        let rig = Rig::in_folder(folder.path()).await;
        assert_eq!(rig.everything().await, before);
        let polled = rig.klaviyo_call("GET", &format!("/api/profile-bulk-import-jobs/{job}"), &Value::Null).await;
        assert_eq!(polled["data"]["attributes"]["status"], json!("complete"));
        rig.stop().await;
    }
    let rig = Rig::in_folder(folder.path()).await;
    rig.fill().await;
    let lists = rig.everything().await;
    let mut ids: Vec<&str> = lists.as_array().expect("lists").iter().filter_map(|list| list["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "no id is given out twice");
}

#[tokio::test]
async fn work_that_was_accepted_is_done_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::with(Options { state: Some(folder.path().to_owned()), ..slow_jobs() }).await;
    let job = rig.fill().await;
    rig.stop().await;
    let rig = Rig::with(Options { state: Some(folder.path().to_owned()), ..slow_jobs() }).await;
    let polled = rig.klaviyo_call("GET", &format!("/api/profile-bulk-import-jobs/{job}"), &Value::Null).await;
    assert_eq!(polled["data"]["attributes"]["status"], json!("queued"));
    rig.stop().await;
    // Let its time come: the log says when it is due.
    let path = folder.path().join("events.jsonl");
    let text = fs::read_to_string(&path).expect("a log");
    let at = text.find("\"due\":\"").expect("a job") + 7;
    let changed = format!("{}2020{}", &text[..at], &text[at + 4..]);
    fs::write(&path, changed).expect("written");
    let rig = Rig::in_folder(folder.path()).await;
    let polled = rig.klaviyo_call("GET", &format!("/api/profile-bulk-import-jobs/{job}"), &Value::Null).await;
    assert_eq!(polled["data"]["attributes"]["status"], json!("complete"));
    assert_eq!(rig.everything().await[0]["total"], json!(2));
}

#[tokio::test]
async fn a_replace_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::in_folder(folder.path()).await;
    rig.fill().await;
    let state = rig.look("/state.json").await.json();
    let list = state["lists"].as_array().expect("lists").iter().find(|list| list["platform"] == "meta").expect("one");
    let path = format!("/{}/usersreplace", list["id"].as_str().expect("an id"));
    let batch = |seq: u64, last: bool, id: &str, email: &str| {
        json!({"session": {"session_id": 6, "batch_seq": seq, "last_batch_flag": last},
            "payload": {"schema": ["EXTERN_ID", "EMAIL"], "data": [[id, email]]}})
    };
    rig.meta_call(&path, &batch(1, false, "n1", JANE)).await;
    rig.stop().await;
    let rig = Rig::in_folder(folder.path()).await;
    let got = rig.meta_call(&path, &batch(2, true, "n2", JOHN)).await;
    assert_eq!(got["num_received"], json!(2), "{got}");
    assert_eq!(rig.members(list["id"].as_str().expect("an id")).await.len(), 2);
    assert_eq!(rig.members(list["id"].as_str().expect("an id")).await[0]["EXTERN_ID"], json!("n1"));
}

#[tokio::test]
async fn a_line_cut_by_a_crash_did_not_happen_and_a_damaged_one_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::in_folder(folder.path()).await;
    rig.fill().await;
    let before = rig.everything().await;
    rig.stop().await;
    let path = folder.path().join("events.jsonl");
    let whole = fs::read_to_string(&path).expect("a log");
    fs::write(&path, format!("{whole}{{\"list_gone\":{{\"pla")).expect("written");
    let rig = Rig::in_folder(folder.path()).await;
    assert_eq!(rig.everything().await, before);
    rig.stop().await;

    fs::write(&path, format!("{{\"surprise\":{{}}}}\n{whole}")).expect("written");
    let options = Options { state: Some(folder.path().to_owned()), ..Options::default() };
    let error = serve(options, CancellationToken::new()).await.expect_err("damaged");
    assert!(matches!(error, SandboxError::Damaged { line: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_folder_serves_one_sandbox_and_a_port_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::in_folder(folder.path()).await;
    let options = Options { state: Some(folder.path().to_owned()), ..Options::default() };
    let error = serve(options, CancellationToken::new()).await.expect_err("busy");
    assert!(matches!(error, SandboxError::Busy { .. }), "{error}");
    let options = Options { listen: rig.sandbox.address(), ..Options::default() };
    let error = serve(options, CancellationToken::new()).await.expect_err("taken");
    assert!(error.to_string().contains("--port"), "{error}");
}

#[tokio::test]
async fn a_reset_forgets_everything_for_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::in_folder(folder.path()).await;
    rig.fill().await;
    let reset = format!("http://{}/reset", rig.sandbox.address());
    let foreign = rig.send("POST", &reset, &[("origin", "http://elsewhere.example.com")], String::new()).await;
    assert_eq!(foreign.status, 403);
    assert_eq!(rig.send("POST", &reset, &[], String::new()).await.status, 204);
    assert_eq!(rig.everything().await, json!([]));
    rig.fill().await;
    rig.stop().await;
    let rig = Rig::in_folder(folder.path()).await;
    assert_eq!(rig.everything().await.as_array().expect("lists").len(), 3, "what came after the reset is kept");
}
