//! Leases. One whose term is nothing is over at once.

use std::time::Duration;

use chrono::Utc;
use consign_store::{
    AudienceCounts, DeliveryChange, DeliveryState, HeldLease, Lease, LeaseOn, LeaseOwner, Outcome, RunState, SqlStore,
    Store, StoreError, Taking,
};

use crate::suite::{begun, definitions, new_delivery, new_run};

pub fn owner(id: &str) -> LeaseOwner {
    LeaseOwner { id: id.to_owned(), machine: Some("one".to_owned()) }
}

pub fn churn() -> LeaseOn {
    LeaseOn::Campaign("churn".parse().expect("a slug"))
}

async fn taken(store: &dyn Store, on: &LeaseOn, by: &str) -> Lease {
    match store.take_lease(on, &owner(by), None).await.expect("asked") {
        Taking::Taken(lease, _) => lease,
        Taking::Held(held) => panic!("{held:?} is in the way"),
    }
}

fn is_lost(result: Result<(), StoreError>) {
    let error = result.expect_err("another has it");
    assert!(matches!(&error, StoreError::LeaseLost(on) if *on == churn()), "{error}");
}

pub async fn a_lease_is_with_one_until_it_is_given_back(store: &SqlStore) {
    assert_eq!(store.held_lease(&churn()).await.expect("read"), None);
    let first = taken(store, &churn(), "ada").await;
    let in_the_way = HeldLease { token: first.token, owner: owner("ada") };
    let second = store.take_lease(&churn(), &owner("grace"), None).await.expect("asked");
    assert_eq!(second, Taking::Held(in_the_way.clone()));
    assert_eq!(store.held_lease(&churn()).await.expect("read"), Some(in_the_way));
    // Other things have leases of their own; a campaign may be named as they are.
    let schedules = LeaseOn::Campaign("schedules".parse().expect("a slug"));
    taken(store, &schedules, "grace").await;
    taken(store, &LeaseOn::Schedules, "grace").await;
    store.release_lease(&first).await.expect("given back");
    assert_eq!(store.held_lease(&churn()).await.expect("read"), None);
    assert_eq!(taken(store, &churn(), "grace").await.token, first.token + 1);
}

pub async fn a_lease_that_is_over_is_taken_by_the_next_and_else_goes_on(store: &SqlStore) {
    let brief = store.clone().with_lease_term(Duration::ZERO);
    let first = taken(&brief, &churn(), "ada").await;
    // Nobody has it, and nobody has taken it: it goes on.
    assert_eq!(store.held_lease(&churn()).await.expect("read"), None);
    store.renew_lease(&first).await.expect("still hers");
    assert!(matches!(store.take_lease(&churn(), &owner("grace"), None).await, Ok(Taking::Held(_))));
    brief.renew_lease(&first).await.expect("still hers");
    let second = taken(store, &churn(), "grace").await;
    assert_eq!(second.token, first.token + 1);
    is_lost(store.renew_lease(&first).await);
    is_lost(store.release_lease(&first).await);
    assert_eq!(store.held_lease(&churn()).await.expect("read").map(|held| held.owner), Some(owner("grace")));
}

pub async fn who_is_known_to_be_gone_is_not_waited_for(store: &SqlStore) {
    let first = taken(store, &churn(), "ada").await;
    let after = store.take_lease(&churn(), &owner("grace"), Some(first.token)).await.expect("asked");
    let Taking::Taken(second, _) = after else { panic!("{after:?}") };
    // What was known of the first says nothing of the second.
    let late = store.take_lease(&churn(), &owner("eve"), Some(first.token)).await.expect("asked");
    assert_eq!(late, Taking::Held(HeldLease { token: second.token, owner: owner("grace") }));
}

pub async fn who_lost_a_lease_changes_nothing_any_more(store: &SqlStore) {
    begun(store, "r1", &["a"]).await;
    let brief = store.clone().with_lease_term(Duration::ZERO);
    let first = taken(&brief, &churn(), "ada").await;
    let under = store.under(&first);
    under.move_run("r1", RunState::Staging, None).await.expect("hers");
    taken(store, &churn(), "grace").await;
    let before = (store.run("r1").await.expect("read"), store.deliveries("r1").await.expect("read"));
    let events = store.events("r1").await.expect("read");
    let delivery = new_delivery("r1", "a").id;
    let (campaign, group) = ("churn".parse().expect("a slug"), "a".parse().expect("a slug"));
    is_lost(under.move_run("r1", RunState::Delivering, None).await.map(drop));
    is_lost(under.move_run("r1", RunState::Finished(Outcome::Failed), Some("it failed")).await.map(drop));
    is_lost(under.set_audience("r1", &AudienceCounts::default()).await);
    is_lost(under.create_deliveries("r1", &[new_delivery("r1", "b")]).await);
    is_lost(under.move_delivery(&delivery, &DeliveryChange::to(DeliveryState::Sending)).await.map(drop));
    is_lost(under.set_wait(&delivery, "mail", Some(Utc::now())).await);
    is_lost(under.remember_list("mail", &campaign, &group, "l1").await);
    is_lost(under.audit("ada", "resume", "r1", "").await);
    is_lost(under.apply(&definitions("all, vip"), "/srv/shop", "ada").await.map(drop));
    is_lost(under.create_run(&new_run("r2", "churn")).await.map(drop));
    let after = (store.run("r1").await.expect("read"), store.deliveries("r1").await.expect("read"));
    assert_eq!(after, before);
    assert_eq!(store.events("r1").await.expect("read"), events);
    // To look is not to change.
    assert_eq!(under.run("r1").await.expect("read"), before.0);
}
