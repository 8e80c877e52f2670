//! The page and the JSON that it stands on.

use consign_sandbox::Platform;
use serde_json::json;

use crate::{Rig, body};

#[tokio::test]
async fn the_page_shows_lists_and_refusals_without_running_anything() {
    let rig = Rig::new().await;
    let headers = [("authorization", "Bearer key"), ("content-type", "application/json")];
    let url = rig.url(Platform::Attentive, "/v2/segments");
    let made = json!({"name": "<script>alert(1)</script>", "externalId": "a & b"});
    assert_eq!(rig.send("POST", &url, &headers, body(&made)).await.status, 201);
    let refused = json!({"name": "B", "externalId": "b", "description": "d"});
    assert_eq!(rig.send("POST", &url, &headers, body(&refused)).await.status, 400);

    let page = rig.look("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").expect("a policy").contains("default-src 'none'"));
    assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<th scope=\"col\">"));
    assert!(page.text.contains("&lt;script&gt;") && !page.text.contains("<script"));
    assert!(page.text.contains("description has 2 to 500 characters"));
    assert!(!page.text.contains("http"), "no external assets");

    let state = rig.look("/state.json").await.json();
    assert_eq!(state["requests"].as_array().expect("requests").len(), 2);
    assert_eq!(state["refusals"].as_array().expect("refusals").len(), 1);
    assert_eq!(state["refusals"][0]["call"], json!("create"));
    assert_eq!(state["lists"][0]["members"], json!(0));
    let list = rig.look("/lists/a%20&%20b.json?platform=attentive").await;
    assert_eq!(list.json()["name"], json!("<script>alert(1)</script>"));
    assert_eq!(rig.look("/lists/none.json").await.status, 404);
    assert_eq!(rig.look("/lists/a%20&%20b.json?platform=meta").await.status, 404);
    let other = rig.look("/pinterest/lists").await;
    assert!(other.status == 404 && other.text.contains("klaviyo"));
}
