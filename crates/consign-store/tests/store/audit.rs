//! Who did what.

use chrono::{TimeDelta, Utc};
use consign_store::{AuditFilter, Store};

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

pub async fn the_log_is_read_page_by_page_and_by_who_and_what(store: &dyn Store) {
    for run in 1..=5 {
        let actor = if run % 2 == 0 { "grace" } else { "ada" };
        store.audit(actor, "run", &format!("r{run}"), "").await.expect("kept");
    }
    store.audit("ada", "cancel", "r5", "").await.expect("kept");
    let read = |filter: AuditFilter, limit| async move {
        let entries = store.audit_page(&filter, limit).await.expect("read");
        entries.iter().map(|one| one.sequence).collect::<Vec<_>>()
    };
    assert_eq!(read(AuditFilter::default(), 3).await, [6, 5, 4]);
    assert_eq!(read(AuditFilter { before: Some(4), ..AuditFilter::default() }, 3).await, [3, 2, 1]);
    let of = |actor: &str, action: &str| AuditFilter {
        actor: Some(actor.to_owned()).filter(|name| !name.is_empty()),
        action: Some(action.to_owned()).filter(|name| !name.is_empty()),
        ..AuditFilter::default()
    };
    assert_eq!(read(of("ada", ""), 9).await, [6, 5, 3, 1]);
    assert_eq!(read(of("ada", "run"), 9).await, [5, 3, 1]);
    assert!(read(of("nobody\0", ""), 9).await.is_empty());
    let later = AuditFilter { since: Some(Utc::now() + TimeDelta::days(1)), ..AuditFilter::default() };
    assert!(read(later, 9).await.is_empty());
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
