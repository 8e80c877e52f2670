//! What every store does with users, sessions and tokens.

use chrono::{SubsecRound, TimeDelta, Utc};
use consign_store::{Accounts, NewToken, NewUser, Role, User, UserChange};

fn somebody(name: &str, role: Role) -> NewUser {
    NewUser { name: name.to_owned(), role, password: format!("the hash of {name}'s password") }
}

async fn added(store: &dyn Accounts, name: &str, role: Role) -> User {
    store.add_user(&somebody(name, role)).await.expect("answered").expect("nobody has the name")
}

fn a_token(hash: &str, until: TimeDelta) -> NewToken {
    let until = Some((Utc::now() + until).trunc_subsecs(6));
    NewToken { name: "nightly".to_owned(), role: Role::Operator, hash: hash.to_owned(), until }
}

async fn has_session(store: &dyn Accounts, hash: &str) -> bool {
    store.session(hash).await.expect("answered").is_some()
}

pub async fn a_name_is_one_users_alone(store: &dyn Accounts) {
    assert_eq!(store.users().await.expect("read"), []);
    let (zoe, ada) = (added(store, "zoe", Role::Viewer).await, added(store, "ada", Role::Admin).await);
    assert_eq!(store.add_user(&somebody("ada", Role::Viewer)).await.expect("answered"), None);
    assert_eq!(store.users().await.expect("read"), [ada.clone(), zoe]);
    let known = store.user_and_password("ada").await.expect("read").expect("known");
    assert_eq!(known, (ada, "the hash of ada's password".to_owned()));
    assert_eq!(store.user_and_password("eve").await.expect("read"), None);
}

pub async fn an_admin_who_can_log_in_always_stays(store: &dyn Accounts) {
    let ada = added(store, "ada", Role::Admin).await;
    let zoe = added(store, "zoe", Role::Editor).await;
    let lesser = UserChange { role: Some(Role::Operator), ..UserChange::default() };
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    for change in [&lesser, &disabled] {
        let refused = store.change_user(&ada.id, change).await.expect_err("refused").to_string();
        assert!(refused.contains("no admin"), "{refused}");
    }
    assert!(store.remove_user(&ada.id).await.is_err());
    assert_eq!(store.users().await.expect("read"), [ada.clone(), zoe.clone()], "what is refused changes nothing");
    let admin = UserChange { role: Some(Role::Admin), ..UserChange::default() };
    store.change_user(&zoe.id, &admin).await.expect("answered").expect("there");
    let changed = store.change_user(&ada.id, &disabled).await.expect("answered").expect("there");
    assert_eq!(changed, User { disabled: true, ..ada.clone() });
    assert!(store.remove_user(&zoe.id).await.is_err(), "who is disabled lets nobody in");
    assert_eq!(store.change_user("nobody", &admin).await.expect("answered"), None);
    assert_eq!(store.remove_user(&ada.id).await.expect("answered").map(|user| user.id), Some(ada.id));
}

pub async fn only_one_becomes_the_first_user(store: &dyn Accounts) {
    let ada = somebody("ada", Role::Admin);
    let soon = Utc::now() + TimeDelta::hours(1);
    assert_eq!(store.set_up("offered", &ada).await.expect("answered"), None, "nothing was offered");
    store.offer_set_up("offered", Utc::now() - TimeDelta::seconds(1)).await.expect("offered");
    assert_eq!(store.set_up("offered", &ada).await.expect("answered"), None, "it is over");
    store.offer_set_up("first", soon).await.expect("offered");
    store.offer_set_up("second", soon).await.expect("offered");
    assert_eq!(store.set_up("first", &ada).await.expect("answered"), None, "another took its place");
    let first = store.set_up("second", &ada).await.expect("answered").expect("the first");
    assert_eq!(store.set_up("second", &somebody("eve", Role::Admin)).await.expect("answered"), None);
    store.offer_set_up("third", soon).await.expect("offered");
    assert_eq!(store.set_up("third", &somebody("eve", Role::Admin)).await.expect("answered"), None);
    assert_eq!(store.users().await.expect("read"), [first]);
}

pub async fn a_session_is_over_in_time_and_with_its_users_rights(store: &dyn Accounts) {
    added(store, "root", Role::Admin).await;
    let ada = added(store, "ada", Role::Editor).await;
    let later = (Utc::now() + TimeDelta::hours(1)).trunc_subsecs(6);
    let begin = async |hash| store.put_session(hash, &ada.id, later).await.expect("kept");
    begin("one").await;
    assert_eq!(store.session("one").await.expect("read"), Some((ada.clone(), later)));
    assert!(!has_session(store, "another").await);
    store.end_session("one").await.expect("ended");
    assert!(!has_session(store, "one").await);
    store.put_session("old", &ada.id, Utc::now() - TimeDelta::seconds(1)).await.expect("kept");
    assert!(!has_session(store, "old").await);
    for change in [
        UserChange { password: Some("another hash".to_owned()), ..UserChange::default() },
        UserChange { disabled: Some(true), ..UserChange::default() },
    ] {
        begin("two").await;
        store.change_user(&ada.id, &change).await.expect("answered").expect("there");
        assert!(!has_session(store, "two").await);
    }
    begin("three").await;
    assert!(!has_session(store, "three").await, "they are disabled");
    let again = UserChange { disabled: Some(false), ..UserChange::default() };
    store.change_user(&ada.id, &again).await.expect("answered").expect("there");
    assert!(has_session(store, "three").await);
    let kept = store.user_and_password("ada").await.expect("read").expect("known").1;
    assert_eq!(kept, "another hash");
    store.remove_user(&ada.id).await.expect("answered").expect("there");
    assert!(!has_session(store, "three").await);
}

pub async fn a_token_stands_for_its_owner_while_it_is_good(store: &dyn Accounts) {
    added(store, "root", Role::Admin).await;
    let ada = added(store, "ada", Role::Editor).await;
    let token = store.add_token(&ada.id, &a_token("good", TimeDelta::hours(1))).await.expect("kept");
    store.add_token(&ada.id, &a_token("old", TimeDelta::seconds(-1))).await.expect("kept");
    assert_eq!(store.token("good").await.expect("read"), Some((token.clone(), ada.clone())));
    assert_eq!(store.token("old").await.expect("read"), None);
    assert_eq!(store.token("another").await.expect("read"), None);
    let used = store.tokens().await.expect("read").into_iter().find(|one| one.id == token.id).expect("there");
    assert!(used.used_at.is_some_and(|at| at >= token.created_at), "{used:?}");
    assert_eq!((used.owner.as_str(), used.role), ("ada", Role::Operator));
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    store.change_user(&ada.id, &disabled).await.expect("answered").expect("there");
    assert_eq!(store.token("good").await.expect("read"), None, "its owner may do nothing");
    let again = UserChange { disabled: Some(false), ..UserChange::default() };
    store.change_user(&ada.id, &again).await.expect("answered").expect("there");
    assert!(store.token("good").await.expect("read").is_some());
    assert!(store.remove_token(&token.id).await.expect("answered"));
    assert!(!store.remove_token(&token.id).await.expect("answered"));
    assert_eq!(store.token("good").await.expect("read"), None);
    store.remove_user(&ada.id).await.expect("answered").expect("there");
    assert_eq!(store.tokens().await.expect("read"), []);
    assert!(store.add_token(&ada.id, &a_token("late", TimeDelta::hours(1))).await.is_err());
}
