//! Who did what.

use chrono::{TimeDelta, Utc};
use consign_store::Store;

use crate::suite::{FOLDER, definitions};

pub async fn what_was_done_is_kept_in_order(store: &dyn Store) {
    assert_eq!(store.audited(None).await.expect("read"), []);
    let before = Utc::now() - TimeDelta::seconds(1);
    store.audit("ada", "run", "r1", "campaign `churn`").await.expect("kept");
    store.audit("retention", "delete", "r1", "").await.expect("kept");
    let entries = store.audited(Some(before)).await.expect("read");
    let said: Vec<_> = entries
        .iter()
        .map(|one| (one.sequence, one.actor.as_str(), one.action.as_str(), one.subject.as_str()))
        .collect();
    assert_eq!(said, [(1, "ada", "run", "r1"), (2, "retention", "delete", "r1")]);
    assert_eq!(entries[0].detail, "campaign `churn`");
    assert_eq!(store.audited(Some(Utc::now() + TimeDelta::days(1))).await.expect("read"), []);
}

pub async fn applying_says_so_once(store: &dyn Store) {
    for _ in 0..2 {
        store.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    }
    let entries = store.audited(None).await.expect("read");
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let said = [&entry.actor, &entry.action, &entry.subject, &entry.detail].map(String::as_str);
    assert_eq!(said, ["ada", "apply", "version 1", FOLDER]);
}
