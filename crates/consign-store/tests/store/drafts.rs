//! What every store does with drafts.

use consign_model::id::Slug;
use consign_store::Drafts;
use serde_json::json;

fn churn() -> Slug {
    "churn".parse().expect("a slug")
}

pub async fn a_draft_is_kept_as_it_was_sent(store: &dyn Drafts) {
    assert_eq!(store.draft(&churn()).await.expect("read"), None);
    let content = json!({ "name": "Zoë 🎉", "include": 7, "anything": null });
    let put = store.put_draft(&churn(), &content, 0, "ada").await.expect("kept").expect("the first");
    assert_eq!((put.version, &put.content, put.edited_by.as_str()), (1, &content, "ada"));
    assert_eq!(store.draft(&churn()).await.expect("read"), Some(put.clone()));
    assert_eq!(store.drafts().await.expect("read"), [put]);
}

pub async fn of_two_edits_of_one_version_of_a_draft_one_is_kept(store: &dyn Drafts) {
    let put = |over, name: &'static str| async move {
        store.put_draft(&churn(), &json!({ "name": name }), over, "ada").await.expect("answered")
    };
    assert!(put(0, "first").await.is_some());
    assert_eq!(put(0, "late").await, None);
    assert_eq!(put(2, "early").await, None);
    assert_eq!(put(1, "second").await.map(|draft| draft.version), Some(2));
    assert_eq!(put(1, "late").await, None);
    let kept = store.draft(&churn()).await.expect("read").expect("there");
    assert_eq!(kept.content, json!({ "name": "second" }));
}

pub async fn only_the_version_that_was_seen_of_a_draft_is_discarded(store: &dyn Drafts) {
    for over in 0..2 {
        store.put_draft(&churn(), &json!({}), over, "ada").await.expect("kept").expect("in turn");
    }
    assert!(!store.discard_draft(&churn(), 1).await.expect("answered"));
    assert!(store.discard_draft(&churn(), 2).await.expect("answered"));
    assert!(!store.discard_draft(&churn(), 2).await.expect("answered"));
    assert_eq!(store.drafts().await.expect("read"), []);
}
