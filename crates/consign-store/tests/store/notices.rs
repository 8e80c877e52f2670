//! What every store does with what somebody is to be told.

use chrono::{TimeDelta, Utc};
use consign_store::{Announced, NewNotice, OccurrenceState, Outbox, Outcome, RunState, Store, Told};

use crate::schedules::occurrence;
use crate::suite::begun;

fn notice(id: &str) -> NewNotice {
    NewNotice {
        id: id.into(),
        notification: "ops".parse().expect("a slug"),
        body: format!("{{\"about\":\"{id} 🎉\"}}"),
    }
}

/// A run that failed.
async fn failed(store: &dyn Store, run: &str) {
    begun(store, run, &["a"]).await;
    store.move_run(run, RunState::Finished(Outcome::Failed), Some("no disk")).await.expect("allowed");
}

pub async fn of_each_end_of_a_run_it_is_decided_once_who_is_told<S: Store + Outbox>(store: &S) {
    begun(store, "r1", &["a"]).await;
    assert_eq!(store.unannounced_ends().await.expect("read"), []);
    store.move_run("r1", RunState::Finished(Outcome::Failed), None).await.expect("allowed");
    let ended = store.unannounced_ends().await.expect("read");
    assert_eq!(ended, [store.run("r1").await.expect("read")]);
    assert!(store.announce(Announced::End(&ended[0]), &[notice("n1")]).await.expect("kept"));
    assert!(!store.announce(Announced::End(&ended[0]), &[notice("n2")]).await.expect("answered"), "it is decided");
    assert_eq!(store.unannounced_ends().await.expect("read"), []);
    let due = store.due_notices(Utc::now()).await.expect("read");
    assert_eq!(due.iter().map(|due| (due.id.as_str(), due.run.as_str())).collect::<Vec<_>>(), [("n1", "r1")]);
    assert_eq!(due[0].body, notice("n1").body);
    store.move_run("r1", RunState::Delivering, None).await.expect("it is retried");
    assert_eq!(store.unannounced_ends().await.expect("read"), []);
    store.move_run("r1", RunState::Finished(Outcome::Failed), None).await.expect("allowed");
    assert_eq!(store.unannounced_ends().await.expect("read").len(), 1, "it ended anew");
}

pub async fn of_times_that_went_wrong_it_is_decided_once_who_is_told<S: Store + Outbox>(store: &S) {
    begun(store, "r1", &[]).await;
    let skipped = occurrence("skipped", 1, 0);
    assert!(store.claim(&skipped).await.expect("answered"));
    assert_eq!(store.unannounced_times().await.expect("read"), []);
    store.settle_claimed("skipped", OccurrenceState::Skipped, "it still ran").await.expect("kept");
    let times = store.unannounced_times().await.expect("read");
    assert_eq!(times.iter().map(|time| time.run.as_str()).collect::<Vec<_>>(), ["skipped"]);
    assert!(store.announce(Announced::Time(&times[0]), &[]).await.expect("kept"));
    assert_eq!(store.unannounced_times().await.expect("read"), []);
}

pub async fn a_notice_is_told_by_one_until_it_is_accepted<S: Store + Outbox>(store: &S) {
    failed(store, "r1").await;
    let run = store.run("r1").await.expect("read");
    store.announce(Announced::End(&run), &[notice("n1"), notice("n2")]).await.expect("kept");
    let now = Utc::now();
    let due = store.due_notices(now).await.expect("read");
    let [first, second] = &due[..] else { panic!("both are due: {due:?}") };
    let later = now + TimeDelta::minutes(2);
    assert!(store.take_notice(first, later).await.expect("answered"));
    assert!(!store.take_notice(first, later).await.expect("answered"), "another has it");
    assert_eq!(store.due_notices(now).await.expect("read"), std::slice::from_ref(second));
    store.settle_notice(first, &Told::Again(now, "down".into())).await.expect("kept");
    let again = store.due_notices(now).await.expect("read");
    assert_eq!(again.iter().find(|notice| notice.id == first.id).map(|notice| notice.attempts), Some(1));
    store.settle_notice(first, &Told::Accepted).await.expect("kept");
    store.settle_notice(second, &Told::GivenUp("gone: see to it".into())).await.expect("kept");
    store.settle_notice(second, &Told::GivenUp("gone: see to it".into())).await.expect("nothing is left to do");
    assert_eq!(store.due_notices(now + TimeDelta::days(9)).await.expect("read"), []);
    failed(store, "r2").await;
    let run = store.run("r2").await.expect("read");
    store.announce(Announced::End(&run), &[notice("n3")]).await.expect("kept");
    assert_eq!(store.delete_told(now - TimeDelta::hours(1)).await.expect("deleted"), 0, "they are younger");
    assert_eq!(store.delete_told(now + TimeDelta::hours(1)).await.expect("deleted"), 2, "one is not told yet");
    let audited = store.audited(None).await.expect("read");
    let given_up: Vec<_> = audited.iter().filter(|entry| entry.action == "give up").collect();
    assert_eq!(given_up.len(), 1);
    assert_eq!((given_up[0].subject.as_str(), given_up[0].detail.as_str()), ("ops", "run `r1`: gone: see to it"));
}
