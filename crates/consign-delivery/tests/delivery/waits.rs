//! Waits for the limits of platforms: seen by other processes, and kept by the next.

use std::sync::Mutex;

use chrono::{TimeDelta, Utc};
use consign_delivery::inspect::{Filter, Request, requests};
use consign_delivery::{Progress, RunSummary, Workplace};
use consign_sandbox::Options;
use consign_store::{DeliveryState, ErrorClass, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::workspace::{DemoWorkspace, Rehearsal, as_of, campaign};

fn asked(demo: &DemoWorkspace, run: &RunSummary) -> Vec<Request> {
    requests(&demo.data.run(&run.run), &Filter::default(), 1_000).unwrap().1
}

#[tokio::test]
async fn a_delivery_that_waits_for_a_limit_says_until_when() {
    let faults = vec!["criteo:find:1:rate-limit:4".parse().unwrap()];
    let rehearsal = Rehearsal::of("criteo", Options { faults, ..Options::default() }).await;
    let (demo, cancel) = (&rehearsal.demo, CancellationToken::new());
    let (heard, limited) = (Mutex::new(Vec::new()), Notify::new());
    let progress = |progress: Progress<'_>| {
        if let Progress::Limited(delivery, until) = progress {
            heard.lock().unwrap().push((delivery.to_owned(), until));
            limited.notify_one();
        }
    };
    let workplace = Workplace { progress: &progress, ..demo.workplace(&cancel) };
    let campaign = campaign();
    let from_outside = async {
        limited.notified().await;
        let run = demo.store.unfinished_runs().await.unwrap().remove(0);
        let waiting = demo.store.deliveries(&run.id).await.unwrap().into_iter().filter_map(|one| one.limited_until);
        (waiting.max(), demo.store.wait("sandbox:criteo").await.unwrap())
    };
    let (run, (shown, kept)) = tokio::join!(workplace.run(&demo.store, 1, &campaign, as_of()), from_outside);
    let until = kept.unwrap();
    assert_eq!(shown, Some(until));
    let run = run.unwrap();
    assert!(run.deliveries.iter().all(|one| one.error.is_none()), "{:?}", run.deliveries);
    let heard = heard.into_inner().unwrap();
    assert!(heard[0].1.is_some() && heard.iter().any(|(_, until)| until.is_none()), "{heard:?}");
    assert_eq!(demo.store.wait("sandbox:criteo").await.unwrap(), None);
    let last = asked(demo, &run).pop().unwrap();
    assert!(last.exchange.started + TimeDelta::seconds(1) >= until, "it did not wait");
}

#[tokio::test]
async fn the_next_run_waits_for_the_rest_before_its_first_request() {
    let rehearsal = Rehearsal::of("attentive", Options::default()).await;
    let demo = &rehearsal.demo;
    let first = demo.run().await.unwrap();
    let delivery = demo.store.deliveries(&first.run).await.unwrap().remove(0).id;
    // As a process leaves it that is killed while it waits.
    let until = Utc::now() + TimeDelta::seconds(6);
    demo.store.set_wait(&delivery, "sandbox:attentive", Some(until)).await.unwrap();
    let second = demo.run().await.unwrap();
    assert!(second.deliveries.iter().all(|one| one.error.is_none()), "{:?}", second.deliveries);
    let asked = asked(demo, &second);
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|request| request.exchange.started >= until), "{until}: {asked:#?}");
}

#[tokio::test]
async fn a_limit_that_lasts_too_long_fails_the_delivery_without_a_request() {
    let rehearsal = Rehearsal::of("criteo", Options::default()).await;
    let demo = &rehearsal.demo;
    let first = demo.run().await.unwrap();
    let delivery = demo.store.deliveries(&first.run).await.unwrap().remove(0).id;
    let until = Utc::now() + TimeDelta::hours(1);
    demo.store.set_wait(&delivery, "sandbox:criteo", Some(until)).await.unwrap();
    let second = demo.run().await.unwrap();
    assert_eq!(asked(demo, &second), []);
    for delivery in demo.store.deliveries(&second.run).await.unwrap() {
        assert_eq!(delivery.state, DeliveryState::Failed);
        let error = delivery.error.unwrap();
        assert_eq!(error.class, ErrorClass::RateLimited);
        assert!(error.message.contains(&until.format("%Y-%m-%d %H:%M UTC").to_string()), "{}", error.message);
        assert!(delivery.limited_until.is_some());
        let counts = delivery.counts.unwrap();
        assert_eq!(counts.list.unwrap().all_rejected(), counts.rows);
    }
}
