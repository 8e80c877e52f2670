//! Sealed credentials.

use consign_model::id::Slug;
use consign_store::{Resealed, Store};

fn name(text: &str) -> Slug {
    text.parse().expect("a slug")
}

pub async fn a_credential_is_kept_as_it_was_set_last(store: &dyn Store) {
    for (credential, sealed, by) in
        [("mail", b"one".as_slice(), "ada"), ("ads", b"two", "ada"), ("mail", b"new", "eve")]
    {
        store.set_credential(&name(credential), sealed, by).await.expect("set");
    }
    let kept = store.credentials().await.expect("read");
    let kept: Vec<_> = kept.iter().map(|one| (one.name.as_str(), one.sealed.as_slice(), one.set_by.as_str())).collect();
    assert_eq!(kept, [("ads", b"two".as_slice(), "ada"), ("mail", b"new", "eve")]);
    assert!(store.remove_credential(&name("ads")).await.expect("removed"));
    assert!(!store.remove_credential(&name("ads")).await.expect("nothing to remove"));
    assert_eq!(store.credentials().await.expect("read").len(), 1);
}

pub async fn sealing_again_leaves_alone_what_was_set_since(store: &dyn Store) {
    store.set_credential(&name("mail"), b"old", "ada").await.expect("set");
    store.set_credential(&name("ads"), b"old", "ada").await.expect("set");
    let set_at = store.credentials().await.expect("read")[0].set_at;
    store.set_credential(&name("mail"), b"since", "eve").await.expect("set");
    let resealed = |credential| Resealed { name: name(credential), before: b"old".to_vec(), sealed: b"again".to_vec() };
    store.reseal_credentials(&[resealed("mail"), resealed("ads")]).await.expect("sealed again");
    let kept = store.credentials().await.expect("read");
    assert_eq!(
        (kept[0].sealed.as_slice(), kept[0].set_at, kept[0].set_by.as_str()),
        (b"again".as_slice(), set_at, "ada")
    );
    assert_eq!((kept[1].sealed.as_slice(), kept[1].set_by.as_str()), (b"since".as_slice(), "eve"));
}
