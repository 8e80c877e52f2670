//! Who was forgotten.

use consign_model::forgotten::KeyHash;
use consign_store::{Forgetting, Store};

fn forgetting(key: &str, token: &str) -> Forgetting {
    Forgetting { hash: KeyHash::of(key), token: token.to_owned() }
}

pub async fn a_tombstone_keeps_its_token_until_all_traces_are_gone_and_stays(store: &dyn Store) {
    assert_eq!(store.tombstones().await.expect("read"), []);
    store.forget(&[forgetting("00001", "first"), forgetting("00002", "other")], "ada").await.expect("kept");
    store.forget(&[forgetting("00001", "second")], "ada").await.expect("kept");
    let tokens = async || {
        let mut tombstones = store.tombstones().await.expect("read");
        tombstones.sort_by_key(|one| one.hash != KeyHash::of("00001"));
        tombstones.into_iter().map(|one| one.token).collect::<Vec<_>>()
    };
    assert_eq!(tokens().await, [Some("first".to_owned()), Some("other".to_owned())]);
    for _ in 0..2 {
        store.note_forgotten(&[KeyHash::of("00001")], "serve").await.expect("noted");
    }
    assert_eq!(tokens().await, [None, Some("other".to_owned())]);
    store.forget(&[forgetting("00001", "third")], "ada").await.expect("kept");
    assert_eq!(tokens().await, [Some("third".to_owned()), Some("other".to_owned())], "traces came back with a backup");
    let audited = store.audited(None).await.expect("read");
    let said: Vec<_> = audited.iter().map(|one| (one.actor.as_str(), one.action.as_str())).collect();
    let asked = ("ada", "forget");
    assert_eq!(said, [asked, asked, asked, ("serve", "forgotten"), asked]);
    assert!(audited.iter().all(|one| one.subject.parse::<KeyHash>().is_ok()), "{audited:?}");
}
