//! What every store does when it is opened, again or by several.

use consign_store::{DeliveryChange, DeliveryState, Location, Outcome, RunState, SqlStore, Store, Taking};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::task::JoinSet;

use crate::leases::{churn, owner};
use crate::schedules::occurrence;
use crate::suite::{FOLDER, begun, definitions, new_run};

async fn opened(place: &Location) -> SqlStore {
    SqlStore::open(place.clone()).await.expect("opened")
}

pub async fn reopening_keeps_everything(place: &Location) {
    let store = opened(place).await;
    begun(&store, "r1", &["a", "b"]).await;
    let everything = async |store: &SqlStore| {
        (
            store.current().await.expect("read"),
            store.run("r1").await.expect("read"),
            store.deliveries("r1").await.expect("read"),
            store.events("r1").await.expect("read"),
        )
    };
    let before = everything(&store).await;
    store.close().await;
    assert_eq!(everything(&opened(place).await).await, before);
}

pub async fn openers_of_a_new_store_wait_for_each_other(place: &Location) {
    let version = async || opened(place).await.current_version().await.expect("read");
    let versions = tokio::join!(version(), version(), version(), version());
    assert_eq!(versions, (None, None, None, None));
}

pub async fn of_two_stores_opened_at_once_one_begins_a_run(place: &Location) {
    let (one, two) = tokio::join!(opened(place), opened(place));
    one.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let (first, second) = (new_run("r1", "churn"), new_run("r2", "churn"));
    let (first, second) = tokio::join!(one.create_run(&first), two.create_run(&second));
    assert!(first.is_ok() != second.is_ok(), "one of the two wins");
}

pub async fn of_several_processes_that_take_a_time_on_one_gets_it(place: &Location) {
    let first = opened(place).await;
    first.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let mut claiming = JoinSet::new();
    for process in 0..6 {
        let store = opened(place).await;
        claiming.spawn(async move {
            let mut got = Vec::new();
            for hour in 0..10 {
                let claim = occurrence(&format!("r{process}-{hour}"), 1, hour);
                got.extend(store.claim(&claim).await.expect("asked").then_some(hour));
            }
            got
        });
    }
    let mut got: Vec<_> = claiming.join_all().await.into_iter().flatten().collect();
    got.sort_unstable();
    let claimed = first.claimed().await.expect("read");
    let start = occurrence("", 1, 0).due;
    let kept: Vec<_> = claimed.iter().map(|one| (one.due - start).num_hours()).collect();
    assert_eq!(got, kept, "what somebody was told to have got is there, once");
    assert_eq!(got.last(), Some(&9));
}

pub async fn of_several_processes_that_take_a_lease_one_gets_it(place: &Location) {
    let mut taking = JoinSet::new();
    for process in 0..6 {
        let store = opened(place).await;
        taking
            .spawn(async move { store.take_lease(&churn(), &owner(&process.to_string()), None).await.expect("asked") });
    }
    let takings = taking.join_all().await;
    assert_eq!(takings.iter().filter(|taking| matches!(taking, Taking::Taken(..))).count(), 1, "{takings:?}");
}

/// Whatever is asked in whatever order: the store does what the pure functions allow, and nothing else.
pub async fn the_store_agrees_with_the_rule_of_transitions(place: &Location) {
    let store = opened(place).await;
    let run = prop::sample::select(RunState::ALL.to_vec()).prop_map(Ok);
    let delivery = prop::sample::select(DeliveryState::ALL.to_vec()).prop_map(Err);
    let asked = prop::collection::vec(prop_oneof![run, delivery], 1..20);
    let mut runner = TestRunner::deterministic();
    for case in 0..24 {
        let asked = asked.new_tree(&mut runner).expect("made").current();
        agrees(&store, &format!("r{case}"), asked).await;
    }
}

async fn agrees(store: &SqlStore, id: &str, asked: Vec<Result<RunState, DeliveryState>>) {
    begun(store, id, &["a"]).await;
    let (mut run, mut delivery) = (RunState::Assigning, DeliveryState::Staging);
    for asked in asked {
        match asked {
            Ok(to) => {
                let held = to.is_finished() && delivery.holds_run();
                let ends = match to.outcome() {
                    Some(Outcome::Failed) if held => Some(DeliveryState::Failed),
                    Some(Outcome::Cancelled) if held => Some(DeliveryState::Cancelled),
                    _ => None,
                };
                let allowed = run.may_become(to) && (!held || ends.is_some());
                assert_eq!(store.move_run(id, to, None).await.is_ok(), allowed, "{run} -> {to}");
                if allowed {
                    run = to;
                    delivery = ends.unwrap_or(delivery);
                }
            }
            Err(to) => {
                let allowed = delivery.may_become(to);
                let done = store.move_delivery(&format!("{id}/active.a.mail"), &DeliveryChange::to(to)).await;
                assert_eq!(done.is_ok(), allowed, "{delivery} -> {to}");
                if allowed {
                    delivery = to;
                }
            }
        }
        assert_eq!(store.run(id).await.expect("read").state, run);
        assert_eq!(store.deliveries(id).await.expect("read")[0].state, delivery);
    }
    if !run.is_finished() {
        store.move_run(id, RunState::Finished(Outcome::Cancelled), None).await.expect("the next one may begin");
    }
}
