//! Lists that are read again at their platform, after others have changed them.

use chrono::Utc;
use consign_delivery::Agreed;
use consign_delivery::lists::{Reconciled, Reconciliation, known_lists};
use consign_sandbox::Options;
use consign_store::Store;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::workspace::{Rehearsal, campaign};

async fn reconcile(rehearsal: &Rehearsal) -> Vec<Reconciled> {
    let (demo, cancel) = (&rehearsal.demo, CancellationToken::new());
    demo.workplace(&cancel).reconcile(&demo.store, &campaign(), None, Utc::now()).await.unwrap()
}

/// Asks Klaviyo's side of the sandbox for something, as another program does.
async fn ask(rehearsal: &Rehearsal, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
    let url = format!("{}/klaviyo{path}", rehearsal.demo.sandbox);
    let mut call = reqwest::Client::new().request(method, url).header("authorization", "Klaviyo-API-Key pk_other");
    call = call.header("revision", "2026-07-15").header("accept", "application/vnd.api+json");
    if let Some(body) = body {
        call = call.header("content-type", "application/vnd.api+json").body(body.to_string());
    }
    let answer = call.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn what_others_did_to_a_list_is_known_once_it_is_read() {
    let rehearsal = Rehearsal::of("klaviyo", Options::default()).await;
    let demo = &rehearsal.demo;
    assert!(reconcile(&rehearsal).await.iter().all(|list| list.outcome == Reconciliation::Unknown));
    demo.run().await.unwrap();
    let known = known_lists(&demo.store, &demo.engine, &demo.data).await.unwrap();
    let list = known.iter().max_by_key(|list| list.members).unwrap();
    let (members, id) = (list.members, list.list.list_id.clone());
    for list in reconcile(&rehearsal).await {
        let Reconciliation::Agreed(Agreed { found, gone, members }) = list.outcome else { panic!("{list:?}") };
        assert_eq!((found, gone), (0, 0));
        assert!(members > 0);
    }
    // Somebody takes one member off, and puts two others on.
    let of_list = format!("/api/lists/{id}");
    let first = ask(&rehearsal, reqwest::Method::GET, &format!("{of_list}/profiles"), None).await;
    let someone = json!({"data": [{"type": "profile", "id": first["data"][0]["id"]}]});
    let relation = format!("{of_list}/relationships/profiles");
    ask(&rehearsal, reqwest::Method::DELETE, &relation, Some(someone)).await;
    for email in ["eve@example.com", "mallory@example.com"] {
        let profile = json!({"data": {"type": "profile", "attributes": {"email": email}}});
        let made = ask(&rehearsal, reqwest::Method::POST, "/api/profile-import", Some(profile)).await;
        let profile = json!({"data": [{"type": "profile", "id": made["data"]["id"]}]});
        ask(&rehearsal, reqwest::Method::POST, &relation, Some(profile)).await;
    }
    let read: Vec<_> = reconcile(&rehearsal).await.into_iter().map(|list| list.outcome).collect();
    assert!(read.contains(&Reconciliation::Agreed(Agreed { members: members + 1, found: 2, gone: 1 })), "{read:?}");
    // The next run takes the strangers off, and puts the lost one on again.
    let run = demo.run().await.unwrap();
    let counts: Vec<_> = demo.store.deliveries(&run.run).await.unwrap();
    let counts = counts.into_iter().filter_map(|one| one.counts?.list).find(|list| list.list_id == id).unwrap();
    assert_eq!((counts.sent, counts.removed, counts.kept), (1, 2, members - 1));
    assert_eq!(rehearsal.members().await[&id], members);
    let after = known_lists(&demo.store, &demo.engine, &demo.data).await.unwrap();
    assert!(after.iter().map(|list| list.members).eq(known.iter().map(|list| list.members)), "{after:?}");
}
