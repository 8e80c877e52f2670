//! Deliveries that a platform works on for hours: looked at later, by whoever comes by, until they have ended.

use std::fs;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use consign_delivery::recipients::of_customer;
use consign_delivery::{FollowUp, Followed, HeldByUs, RunSummary};
use consign_sandbox::Options;
use consign_store::{Delivery, DeliveryState, ErrorClass, LeaseOn, ListCounts, Outcome, Store};

use crate::workspace::{DemoWorkspace, Rehearsal, campaign};

/// The demo with Attentive alone, which takes so long for each job and where these faults strike.
async fn attentive(job_time: Duration, faults: &[&str]) -> Rehearsal {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Rehearsal::of("attentive", Options { job_time, faults, ..Options::default() }).await
}

async fn look(demo: &DemoWorkspace, now: DateTime<Utc>) -> Vec<Followed> {
    let (registry, http, folder, sandbox) = (&demo.registry, &demo.http, &demo.data, demo.sandbox.as_str());
    FollowUp { store: &demo.store, registry, http, folder, sandbox }.follow_up(now).await.unwrap()
}

async fn deliveries(demo: &DemoWorkspace, run: &RunSummary) -> Vec<(Delivery, ListCounts)> {
    let found = demo.store.deliveries(&run.run).await.unwrap().into_iter();
    found.filter_map(|one| one.counts.clone().and_then(|counts| counts.list).map(|list| (one, list))).collect()
}

/// Counts close at every moment.
async fn closed(demo: &DemoWorkspace, run: &RunSummary) {
    for (delivery, list) in deliveries(demo, run).await {
        let rows = list.sent + list.kept + list.all_rejected() + list.unknown;
        assert_eq!(rows, delivery.counts.unwrap().rows, "{}: {list:?}", delivery.id);
    }
}

fn hours(hours: i64) -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(hours)
}

/// Looks again once all jobs have ended.
async fn look_when_ended(rehearsal: &Rehearsal) {
    while rehearsal.json("/state.json").await["jobs"].as_array().unwrap().iter().any(|job| job["done"] != true) {
        tokio::task::yield_now().await;
    }
    look(&rehearsal.demo, hours(1)).await;
}

#[tokio::test]
async fn what_a_platform_works_on_is_submitted_until_it_has_ended() {
    let rehearsal = attentive(Duration::from_secs(1), &[]).await;
    let demo = &rehearsal.demo;
    let run = demo.run().await.unwrap();
    assert_eq!(run.outcome, Outcome::Succeeded);
    let before = deliveries(demo, &run).await;
    assert!(!before.is_empty());
    for (delivery, list) in &before {
        assert_eq!((delivery.state, list.jobs.len()), (DeliveryState::Submitted, 1), "{list:?}");
    }
    closed(demo, &run).await;
    assert_eq!(look(demo, Utc::now()).await, [], "it is not asked before five minutes have passed");
    look_when_ended(&rehearsal).await;
    closed(demo, &run).await;
    for (delivery, list) in deliveries(demo, &run).await {
        assert_eq!((delivery.state, delivery.error), (DeliveryState::Delivered, None));
        assert_eq!(list.jobs, []);
        let id = delivery.id.split_once('/').unwrap().1;
        assert!(!demo.data.run(&run.run).path().join("platform").join(id).join("jobs").exists());
    }
    let said: Vec<_> = demo.store.events(&run.run).await.unwrap().into_iter().map(|event| event.what).collect();
    assert!(said.contains(&"submitted -> delivered".to_owned()), "{said:?}");
    // What arrived so is on the list for the next run too.
    let second = demo.run().await.unwrap();
    assert!(deliveries(demo, &second).await.iter().all(|(_, list)| list.sent == 0 && list.kept > 0));
}

#[tokio::test]
async fn rows_that_a_job_refuses_are_rejects_and_are_sent_again() {
    let rehearsal = attentive(Duration::from_secs(1), &["attentive:add:*:reject-rows:3"]).await;
    let demo = &rehearsal.demo;
    let run = demo.run().await.unwrap();
    look_when_ended(&rehearsal).await;
    closed(demo, &run).await;
    let after = deliveries(demo, &run).await;
    for (delivery, list) in &after {
        assert_eq!((delivery.state, list.all_rejected()), (DeliveryState::Delivered, 3), "{list:?}");
    }
    let recipients = demo.data.run(&run.run).recipients();
    let rejected = rejected_of(&recipients);
    assert_eq!(rejected.len() as u64, 3 * after.len() as u64);
    for key in &rejected {
        assert!(of_customer(&recipients, key).unwrap().iter().any(|one| one.outcome.as_deref() == Some("rejected")));
    }
    // The second run sends those rows, and refuses some of them again.
    let second = demo.run().await.unwrap();
    for (_, list) in deliveries(demo, &second).await {
        assert_eq!(list.sent + list.all_rejected(), 3, "{list:?}");
    }
}

#[tokio::test]
async fn a_list_of_which_a_job_refuses_every_row_has_failed() {
    let rehearsal = attentive(Duration::from_secs(1), &["attentive:add:*:reject-rows:100000"]).await;
    let demo = &rehearsal.demo;
    let run = demo.run().await.unwrap();
    look_when_ended(&rehearsal).await;
    closed(demo, &run).await;
    for (delivery, list) in deliveries(demo, &run).await {
        assert_eq!((delivery.state, list.sent), (DeliveryState::Failed, 0));
        let error = delivery.error.unwrap();
        assert_eq!(error.class, ErrorClass::Row);
        assert!(
            error.message.contains("not one of the") && error.message.contains("run the campaign again"),
            "{error:?}"
        );
    }
}

/// The customers whom a platform refused.
fn rejected_of(recipients: &std::path::Path) -> Vec<String> {
    use arrow::array::{Array, AsArray};
    let file = fs::File::open(recipients).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut found = Vec::new();
    for batch in reader.map(Result::unwrap) {
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string_view().clone();
        let (keys, outcomes) = (text("customer_key"), text("outcome"));
        let sent_at = batch.column_by_name("sent_at").unwrap();
        for (row, outcome) in outcomes.iter().enumerate() {
            assert_eq!(sent_at.is_valid(row), matches!(outcome, Some("sent" | "partial")), "{outcome:?}");
        }
        let rows = keys.iter().zip(outcomes.iter()).filter(|(_, outcome)| *outcome == Some("rejected"));
        found.extend(rows.map(|(key, _)| key.unwrap().to_owned()));
    }
    found
}

#[tokio::test]
async fn after_a_day_rows_are_unknown_and_are_sent_again() {
    let rehearsal = attentive(Duration::from_hours(48), &[]).await;
    let demo = &rehearsal.demo;
    let run = demo.run().await.unwrap();
    let rows: Vec<u64> = deliveries(demo, &run).await.iter().map(|(_, list)| list.sent).collect();
    let looked = look(demo, hours(1)).await;
    assert_eq!(looked.len(), rows.len());
    assert!(looked.iter().all(|one| one.state == DeliveryState::Submitted && one.open == 1), "{looked:?}");
    assert_eq!(look(demo, hours(1)).await, [], "each is asked once for its interval");
    look(demo, hours(25)).await;
    closed(demo, &run).await;
    for ((delivery, list), rows) in deliveries(demo, &run).await.into_iter().zip(rows) {
        assert_eq!((delivery.state, list.sent, list.unknown), (DeliveryState::Failed, 0, rows));
        let error = delivery.error.unwrap();
        assert_eq!(error.class, ErrorClass::Unavailable);
        assert!(error.message.contains("had not ended its work") && error.message.contains("24 hours"), "{error:?}");
    }
    let second = demo.run().await.unwrap();
    assert!(deliveries(demo, &second).await.iter().all(|(_, list)| list.kept == 0 && list.sent > 0));
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_asked_another_time() {
    let mut rehearsal = attentive(Duration::from_secs(1), &[]).await;
    let run = rehearsal.demo.run().await.unwrap();
    let there = std::mem::replace(&mut rehearsal.demo.sandbox, "http://127.0.0.1:9".to_owned());
    let looked = look(&rehearsal.demo, Utc::now() + TimeDelta::minutes(6)).await;
    assert_eq!(looked.len(), 1, "it is not asked for each of its deliveries");
    assert!(looked[0].problem.is_some() && looked[0].state == DeliveryState::Submitted, "{looked:?}");
    closed(&rehearsal.demo, &run).await;
    rehearsal.demo.sandbox = there;
    look_when_ended(&rehearsal).await;
    let after = deliveries(&rehearsal.demo, &run).await;
    assert!(after.iter().all(|(delivery, _)| delivery.state == DeliveryState::Delivered));
}

#[tokio::test]
async fn a_campaign_that_another_process_runs_is_left_alone() {
    let rehearsal = attentive(Duration::from_secs(1), &[]).await;
    rehearsal.demo.run().await.unwrap();
    let (store, data) = (&rehearsal.demo.store, &rehearsal.demo.data);
    let held = HeldByUs::take(store, data, &LeaseOn::Campaign(campaign())).await.unwrap().expect("nobody has it");
    assert_eq!(look(&rehearsal.demo, hours(1)).await, []);
    drop(held);
    assert_ne!(look(&rehearsal.demo, hours(1)).await, []);
}

#[tokio::test]
async fn members_whom_a_job_does_not_take_off_are_taken_off_again() {
    let mut rehearsal = attentive(Duration::from_secs(1), &["attentive:remove:1:reject-rows:2"]).await;
    rehearsal.demo.run().await.unwrap();
    look_when_ended(&rehearsal).await;
    rehearsal.demo.definitions.campaigns[0].include.remove(0);
    let second = rehearsal.demo.run().await.unwrap();
    let said: u64 = deliveries(&rehearsal.demo, &second).await.iter().map(|(_, list)| list.removed).sum();
    let open = deliveries(&rehearsal.demo, &second).await;
    assert!(open.iter().any(|(delivery, list)| {
        delivery.state == DeliveryState::Submitted && list.jobs.iter().all(|job| job.removes)
    }));
    look_when_ended(&rehearsal).await;
    let after = deliveries(&rehearsal.demo, &second).await;
    assert!(after.iter().all(|(delivery, _)| delivery.state == DeliveryState::Delivered));
    assert_eq!(after.iter().map(|(_, list)| list.removed).sum::<u64>(), said - 2);
    assert!(after.iter().any(|(_, list)| list.notes.iter().any(|note| note.contains("takes them off again"))));
    // The third run takes those two off.
    let third = rehearsal.demo.run().await.unwrap();
    assert_eq!(deliveries(&rehearsal.demo, &third).await.iter().map(|(_, list)| list.removed).sum::<u64>(), 2);
}
