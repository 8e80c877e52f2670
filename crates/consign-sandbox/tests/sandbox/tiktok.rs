//! `TikTok`'s calls, sections 4 and 5 of its specification.

use consign_sandbox::Platform;
use serde_json::{Value, json};

use crate::{Got, JANE, JOHN, PHONE, Rig, body, slow_jobs};

const ADVERTISER: &str = "7012345678901234567";
const LIST: &str = "/open_api/v1.3/dmp/custom_audience/list/?advertiser_id=7012345678901234567&page=1&page_size=100";

impl Rig {
    async fn tiktok_as(&self, token: &str, method: &str, path: &str, value: Option<Value>) -> Got {
        let headers = [("access-token", token), ("content-type", "application/json")];
        let sent = value.as_ref().map(body).unwrap_or_default();
        self.send(method, &self.url(Platform::Tiktok, path), &headers, sent).await
    }

    /// A call that the platform answers with 200 and a code.
    async fn tiktok(&self, method: &str, path: &str, value: Option<Value>) -> Value {
        let got = self.tiktok_as("token", method, path, value).await;
        assert_eq!(got.status, 200, "{got:?}");
        got.json()
    }

    async fn tiktok_audience(&self, name: &str) -> String {
        let made = self.tiktok("POST", "/open_api/v1.3/segment/audience/", Some(audience(name))).await;
        made["data"]["audience_id"].as_str().expect("an id").to_owned()
    }

    async fn tiktok_map(&self, value: Value) -> Value {
        self.tiktok("POST", "/open_api/v1.3/segment/mapping/", Some(value)).await
    }

    async fn tiktok_upload(&self, kind: &str, file: &str, signature: &str) -> Value {
        let mut form = String::new();
        for (name, value) in [("advertiser_id", ADVERTISER), ("file_signature", signature), ("calculate_type", kind)] {
            let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            form.push_str(&part);
        }
        form.push_str("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n");
        form.push_str(file);
        form.push_str("\r\n--b--\r\n");
        let headers = [("access-token", "token"), ("content-type", "multipart/form-data; boundary=b")];
        let url = self.url(Platform::Tiktok, "/open_api/v1.3/dmp/custom_audience/file/upload/");
        self.send("POST", &url, &headers, form).await.json()
    }
}

fn audience(name: &str) -> Value {
    json!({"advertiser_id": ADVERTISER, "custom_audience_name": name, "action": "create"})
}

/// The body of section 4.4.
fn mapping(action: &str, audience: &str) -> Value {
    let cell = |id: &str| json!({"id": id, "audience_ids": [audience]});
    json!({"advertiser_ids": [ADVERTISER], "action": action, "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
        "batch_data": [[cell(JANE), cell(PHONE)], [cell(JOHN), {}]]})
}

/// A hash of no meaning, by number.
fn hash(n: usize) -> String {
    format!("{n:064x}")
}

#[tokio::test]
async fn an_audience_is_made_found_filled_emptied_and_deleted() {
    let rig = Rig::new().await;
    let info = "/open_api/v1.3/advertiser/info/?advertiser_ids=%5B%227012345678901234567%22%5D";
    let got = rig.tiktok("GET", info, None).await;
    assert_eq!((&got["code"], &got["data"]["list"][0]["advertiser_id"]), (&json!(0), &json!(ADVERTISER)));
    let id = rig.tiktok_audience("Spring Promo_Treatment A").await;
    let found = rig.tiktok("GET", LIST, None).await;
    assert_eq!(found["data"]["list"][0]["audience_id"], json!(id));
    assert_eq!(found["data"]["page_info"], json!({"page": 1, "page_size": 100, "total_number": 1, "total_page": 1}));

    for _ in 0..2 {
        let got = rig.tiktok_map(mapping("add", &id)).await;
        assert_eq!((&got["code"], &got["message"], &got["data"]), (&json!(0), &json!("OK"), &json!({})));
        assert!(got["request_id"].is_string());
    }
    assert_eq!(
        rig.members(&id).await,
        [json!({"EMAIL_SHA256": JANE, "PHONE_SHA256": PHONE}), json!({"EMAIL_SHA256": JOHN})]
    );
    let get = format!(
        "/open_api/v1.3/dmp/custom_audience/get/?advertiser_id={ADVERTISER}&custom_audience_ids=%5B%22{id}%22%5D"
    );
    let details = rig.tiktok("GET", &get, None).await;
    assert_eq!(details["data"]["list"][0]["audience_details"]["cover_num"], json!(2));

    // One identifier of two: the person stays by the other.
    let one = json!({"advertiser_ids": [ADVERTISER], "action": "delete", "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
        "batch_data": [[{}, {"id": PHONE, "audience_ids": [id]}]]});
    rig.tiktok_map(one).await;
    assert_eq!(rig.members(&id).await, [json!({"EMAIL_SHA256": JOHN}), json!({"EMAIL_SHA256": JANE})]);
    rig.tiktok_map(mapping("delete", &id)).await;
    assert_eq!(rig.members(&id).await.len(), 0);
    let gone = json!({"advertiser_id": ADVERTISER, "action": "delete", "delete_audience_id": id});
    assert_eq!(rig.tiktok("POST", "/open_api/v1.3/segment/audience/", Some(gone)).await["code"], json!(0));
    assert_eq!(rig.tiktok_map(mapping("add", &id)).await["code"], json!(40002));
}

#[tokio::test]
async fn a_streaming_name_is_cut_and_pages_end() {
    let rig = Rig::new().await;
    rig.tiktok_audience(&"x".repeat(71)).await;
    for n in 0..10 {
        rig.tiktok_audience(&format!("A{n}")).await;
    }
    let first = rig.tiktok("GET", LIST.replace("page_size=100", "page_size=10").as_str(), None).await;
    assert_eq!(first["data"]["list"][0]["name"], json!(format!("{}...", "x".repeat(67))));
    assert_eq!(first["data"]["page_info"]["total_page"], json!(2));
    let second = LIST.replace("page=1&page_size=100", "page=2&page_size=10");
    assert_eq!(rig.tiktok("GET", &second, None).await["data"]["list"].as_array().expect("a list").len(), 1);
    for query in ["page_size=101", "page=0", "name=A"] {
        let path = format!("/open_api/v1.3/dmp/custom_audience/list/?advertiser_id={ADVERTISER}&{query}");
        assert_eq!(rig.tiktok("GET", &path, None).await["code"], json!(40002), "{query}");
    }
    let long = rig.tiktok("POST", "/open_api/v1.3/segment/audience/", Some(audience(""))).await;
    assert_eq!(long["code"], json!(40002));
}

#[tokio::test]
async fn mappings_that_break_a_rule_are_refused_whole() {
    let rig = Rig::new().await;
    let id = rig.tiktok_audience("A").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut sent = mapping("add", &id);
        change(&mut sent);
        sent
    };
    let rows: Vec<Value> = (1..=1_001).map(|n| json!([{"id": hash(n), "audience_ids": [id]}, {}])).collect();
    for (sent, code) in [
        (with(&|sent| sent["batch_data"] = json!(rows)), 40061),
        (with(&|sent| sent["batch_data"][0][0]["id"] = json!("jane.doe@example.com")), 40062),
        (with(&|sent| sent["batch_data"][0][0]["id"] = json!(JANE.to_uppercase())), 40062),
        (with(&|sent| sent["batch_data"][0][0]["audience_ids"] = json!([190_012_345])), 40002),
        (with(&|sent| sent["batch_data"][0][0]["colour"] = json!("red")), 40002),
        (with(&|sent| sent["batch_data"][1] = json!([{}, {}])), 40002),
        (with(&|sent| sent["batch_data"][1] = json!([{}])), 40002),
        (with(&|sent| sent["batch_data"] = json!([])), 40002),
        (with(&|sent| sent["id_schema"] = json!(["PHONE_SHA256", "EMAIL_SHA256"])), 40002),
        (with(&|sent| sent["id_schema"] = json!(["EMAIL_SHA256", "EMAIL_SHA256"])), 40002),
        (with(&|sent| sent["id_schema"] = json!(["EMAIL", "PHONE"])), 40002),
        (with(&|sent| sent["action"] = json!("remove")), 40002),
        (with(&|sent| sent["advertiser_ids"] = json!([7_012_345_678_901_234_567_u64])), 40002),
        (with(&|sent| sent["advertiser_ids"] = json!(["9999345678901234567"])), 40300),
        (with(&|sent| sent["colour"] = json!("red")), 40002),
    ] {
        assert_eq!(rig.tiktok_map(sent).await["code"], json!(code));
    }
    assert_eq!(rig.members(&id).await.len(), 0);
    assert_eq!(rig.tiktok_map(with(&|sent| sent["batch_data"] = json!(rows[..1_000]))).await["code"], json!(0));
    let found = rig.tiktok("GET", LIST, None).await;
    assert_eq!(
        (&found["data"]["list"][0]["is_valid"], &found["data"]["list"][0]["cover_num"]),
        (&json!(true), &json!(1_000))
    );
    let heavy = with(&|sent| sent["padding"] = json!("x".repeat(1_000_000)));
    assert_eq!(rig.tiktok_map(heavy).await["code"], json!(40061), "over 1 MB");
}

#[tokio::test]
async fn tokens_paths_and_versions_are_checked() {
    let rig = Rig::new().await;
    for (token, code) in [
        ("", 40104),
        ("expired", 40102),
        ("wrong", 40105),
        ("no-application", 40106),
        ("blocked", 41000),
        ("analyst", 0),
        ("no-audiences", 40001),
    ] {
        let got = rig.tiktok_as(token, "GET", LIST, None).await;
        assert_eq!((got.status, &got.json()["code"]), (200, &json!(code)), "{token}");
    }
    let got = rig.tiktok_as("analyst", "POST", "/open_api/v1.3/segment/audience/", Some(audience("A"))).await;
    assert_eq!(got.json()["code"], json!(40001));
    let info = "/open_api/v1.3/advertiser/info/?advertiser_ids=%5B%227012345678901234567%22%5D";
    assert_eq!(rig.tiktok_as("no-advertiser-info", "GET", info, None).await.json()["code"], json!(40001));
    let got = rig.tiktok_as("token", "POST", "/open_api/v1.3/segment/audience", Some(audience("A"))).await;
    assert_eq!(got.status, 404, "the trailing slash is missing");
    let got = rig.tiktok_as("token", "POST", "/open_api/v1.2/segment/audience/", Some(audience("A"))).await;
    assert_eq!(got.json()["code"], json!(40002));
    let numeric =
        json!({"advertiser_id": 7_012_345_678_901_234_567_u64, "custom_audience_name": "A", "action": "create"});
    assert_eq!(rig.tiktok("POST", "/open_api/v1.3/segment/audience/", Some(numeric)).await["code"], json!(40002));
    let raw = "/open_api/v1.3/advertiser/info/?advertiser_ids=[\"7012345678901234567\"]";
    assert_eq!(rig.tiktok("GET", raw, None).await["code"], json!(40002), "arrays are percent-encoded");
}

/// A file with one hash a line.
fn lines(numbers: std::ops::RangeInclusive<usize>) -> String {
    let mut lines: Vec<String> = numbers.map(hash).collect();
    lines.push(String::new());
    lines.join("\n")
}

/// MD5 of a file, in hex.
fn md5(file: &str) -> String {
    use md5::{Digest, Md5};
    hex::encode(Md5::digest(file.as_bytes()))
}

#[tokio::test]
async fn an_audience_is_made_from_a_file_and_replaced_by_another() {
    let rig = Rig::new().await;
    let file = lines(1..=1_200);
    let upload = rig.tiktok_upload("EMAIL_SHA256", &file, &md5(&file)).await;
    let path = upload["data"]["file_path"].clone();
    assert!(path.is_string(), "{upload}");
    let create = json!({"advertiser_id": ADVERTISER, "custom_audience_name": "Filed", "file_paths": [path],
        "calculate_type": "EMAIL_SHA256"});
    let create_path = "/open_api/v1.3/dmp/custom_audience/create/";
    let made = rig.tiktok("POST", create_path, Some(create.clone())).await;
    let id = made["data"]["custom_audience_id"].as_str().expect("an id").to_owned();
    assert_eq!(rig.members(&id).await.len(), 1_000, "as many as one page shows");
    assert_eq!(rig.look(&format!("/lists/{id}.json")).await.json()["total"], json!(1_200));
    assert_eq!(rig.tiktok("POST", create_path, Some(create)).await["code"], json!(40002), "a path is used once");

    let rows = lines(5_001..=6_000).replace('\n', ",\n");
    let other = format!("email_SHA256,phone_SHA256\n{rows}");
    let upload = rig.tiktok_upload("MULTIPLE_TYPES", &other, &md5(&other)).await;
    let update = json!({"advertiser_id": ADVERTISER, "custom_audience_id": id,
        "file_paths": [upload["data"]["file_path"]], "action": "REPLACE"});
    let update_path = "/open_api/v1.3/dmp/custom_audience/update/";
    assert_eq!(rig.tiktok("POST", update_path, Some(update)).await["code"], json!(0));
    assert_eq!(rig.look(&format!("/lists/{id}.json")).await.json()["total"], json!(1_000));

    let few = format!("{}\n", hash(1));
    let upload = rig.tiktok_upload("EMAIL_SHA256", &few, &md5(&few)).await;
    let update =
        json!({"advertiser_id": ADVERTISER, "custom_audience_id": id, "file_paths": [upload["data"]["file_path"]]});
    assert_eq!(rig.tiktok("POST", update_path, Some(update)).await["code"], json!(40002), "fewer than 1,000 are left");
    assert_eq!(rig.tiktok_map(mapping("add", &id)).await["code"], json!(40002), "streaming and files do not mix");
    for (kind, file, signature, code) in [
        ("EMAIL_SHA256", "jane.doe@example.com\n", None, 40062),
        ("EMAIL_SHA256", file.as_str(), Some("0"), 40002),
        ("EMAIL", file.as_str(), None, 40909),
        ("MULTIPLE_TYPES", "name\nJane\n", None, 40909),
    ] {
        let signature = signature.map_or_else(|| md5(file), str::to_owned);
        assert_eq!(rig.tiktok_upload(kind, file, &signature).await["code"], json!(code), "{kind}");
    }
}

#[tokio::test]
async fn an_audience_is_not_changed_by_files_while_it_is_processed() {
    let rig = Rig::with(slow_jobs()).await;
    let file = lines(1..=1_200);
    let path = rig.tiktok_upload("EMAIL_SHA256", &file, &md5(&file)).await["data"]["file_path"].clone();
    let create = json!({"advertiser_id": ADVERTISER, "custom_audience_name": "Filed", "file_paths": [path],
        "calculate_type": "EMAIL_SHA256"});
    let made = rig.tiktok("POST", "/open_api/v1.3/dmp/custom_audience/create/", Some(create)).await;
    assert_eq!(rig.tiktok("GET", LIST, None).await["data"]["list"][0]["is_valid"], json!(false));
    let path = rig.tiktok_upload("EMAIL_SHA256", &file, &md5(&file)).await["data"]["file_path"].clone();
    let update = json!({"advertiser_id": ADVERTISER, "custom_audience_id": made["data"]["custom_audience_id"], "file_paths": [path]});
    let got = rig.tiktok("POST", "/open_api/v1.3/dmp/custom_audience/update/", Some(update)).await;
    assert!(got["message"].as_str().expect("a message").contains("being processed"), "{got}");
}
