//! The campaign of the demo, whole: lists in their places, counts that add up, a failed destination alone, groups that
//! stick.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chrono::Days;
use consign_delivery::{Delivered, DeliverySummary, RunSummary};
use consign_model::definition::{Percent, Split};
use consign_store::{DeliveryState, Outcome, RunState, Store, Target};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::disk::{files, read, texts};
use crate::workspace::{DemoWorkspace, Rehearsal, as_of, campaign};

/// Customer, treatment group, whether it is control, destination, outcome.
type Recipient = (String, String, bool, Option<String>, Option<String>);

fn recipients(path: &Path) -> Vec<Recipient> {
    let mut found = Vec::new();
    for batch in read(path) {
        let control = batch.column_by_name("is_control").unwrap().clone();
        let control: Vec<bool> =
            arrow::array::AsArray::as_boolean(&control).iter().map(|one| one == Some(true)).collect();
        let names = ["customer_key", "treatment_id", "destination_id", "outcome"];
        let [keys, groups, destinations, outcomes] = names.map(|name| texts(&batch, name));
        for (row, (key, group)) in keys.into_iter().zip(groups).enumerate() {
            found.push((key.unwrap(), group.unwrap(), control[row], destinations[row].clone(), outcomes[row].clone()));
        }
    }
    found
}

fn targets(delivery: &DeliverySummary) -> &[Target] {
    match delivery.delivered.as_ref().unwrap() {
        Delivered::Files(files) => files,
        Delivered::List(_) => &[],
    }
}

/// The group of each customer of a run.
fn groups(run: &RunSummary) -> BTreeMap<String, String> {
    recipients(&run.recipients).into_iter().map(|(key, group, ..)| (key, group)).collect()
}

#[tokio::test]
async fn a_run_does_what_its_preview_said_and_every_list_is_whole() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let demo = &rehearsal.demo;
    let preview = demo.preview().await.unwrap();
    let run = demo.run().await.unwrap();
    assert_eq!(run.outcome, Outcome::Succeeded);
    assert_eq!(preview.assignment.counts, run.audience);
    let runs: Vec<_> = fs::read_dir(demo.data.path().join("runs")).unwrap().collect();
    assert_eq!(runs.len(), 1, "a preview leaves nothing behind");
    for (planned, done) in preview.deliveries.iter().zip(&run.deliveries) {
        assert_eq!((&planned.id, &planned.counts), (&done.id, &done.counts));
        let counts = &done.counts;
        assert_eq!(counts.rows, counts.customers + counts.expansion - counts.dropped());
        for file in targets(done) {
            let bytes = fs::read(&file.location).unwrap();
            assert_eq!(file.sha256, hex::encode(Sha256::digest(&bytes)), "{}", file.location);
            assert_eq!(file.bytes, bytes.len() as u64);
        }
        let arrived = match done.delivered.as_ref().unwrap() {
            Delivered::Files(files) => files.iter().map(|file| file.rows).sum::<u64>(),
            Delivered::List(sent) => sent.list.sent,
        };
        assert_eq!(arrived, counts.rows, "{}", done.id);
    }
    let kinds: BTreeSet<_> = run.deliveries.iter().map(|delivery| delivery.kind.as_str()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["attentive", "criteo", "klaviyo", "local_files", "meta_ads", "tiktok_ads"]
    );
}

#[tokio::test]
async fn recipients_and_groups_add_up_and_control_is_sent_nowhere() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let demo = &rehearsal.demo;
    let run = demo.run().await.unwrap();
    let recipients = recipients(&run.recipients);
    let mut of_group: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, group, control, destination, outcome) in &recipients {
        of_group.entry(group).or_default().insert(key);
        assert_eq!(*control, destination.is_none(), "{key}");
        assert_eq!(destination.is_some(), outcome.is_some());
    }
    let sub_audiences = &run.audience.sub_audiences;
    assert_eq!(sub_audiences.iter().map(|one| one.customers).sum::<u64>(), run.audience.customers);
    for sub_audience in sub_audiences {
        assert_eq!(sub_audience.groups.iter().map(|group| group.customers).sum::<u64>(), sub_audience.customers);
        for group in &sub_audience.groups {
            assert_eq!(of_group[group.id.as_str()].len() as u64, group.customers, "{}", group.id);
        }
    }
    assert_eq!(of_group.values().map(BTreeSet::len).sum::<usize>() as u64, run.audience.customers);
    for delivery in &run.deliveries {
        let here = recipients.iter().filter(|(_, group, _, destination, _)| {
            (group.as_str(), destination.as_deref()) == (delivery.group.as_str(), Some(delivery.destination.as_str()))
        });
        let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
        for (.., outcome) in here {
            *outcomes.entry(outcome.as_deref().unwrap()).or_default() += 1;
        }
        let counts = &delivery.counts;
        let reached = outcomes.remove("sent").unwrap_or_default();
        assert_eq!(reached, counts.customers - counts.shrink() - counts.repeated, "{}", delivery.id);
        assert_eq!(outcomes.remove("duplicate").unwrap_or_default(), counts.repeated);
        let shrink: BTreeMap<String, u64> = counts.shrink.iter().map(|(reason, n)| (reason.to_string(), *n)).collect();
        assert_eq!(outcomes.into_iter().map(|(word, n)| (word.to_owned(), n)).collect::<BTreeMap<_, _>>(), shrink);
    }
}

#[tokio::test]
async fn the_same_campaign_at_the_same_moment_gives_the_same_bytes() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let demo = &rehearsal.demo;
    let (first, second) = (demo.run().await.unwrap(), demo.run().await.unwrap());
    let staged = |run: &RunSummary| files(&demo.data.run(&run.run).path().join("staged"));
    let (one, two) = (staged(&first), staged(&second));
    assert!(one.len() > 20);
    assert!(one == two, "staged batches differ between runs");
}

#[tokio::test]
async fn what_needs_a_hash_leaves_only_as_a_hash() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let run = rehearsal.demo.run().await.unwrap();
    let mut looked_at = 0;
    for delivery in
        run.deliveries.iter().filter(|one| ["meta_ads", "tiktok_ads", "criteo"].contains(&one.kind.as_str()))
    {
        let Some(Delivered::List(sent)) = &delivery.delivered else { continue };
        let received = rehearsal.json(&format!("/lists/{}.json", sent.list.list_id)).await["members"].to_string();
        assert!(!received.contains('@') && !received.contains("+1"), "{} has plain personal data", delivery.id);
        looked_at += received.len();
    }
    assert!(looked_at > 100_000);
}

#[tokio::test]
async fn a_destination_that_fails_does_not_stop_the_others() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let demo = &rehearsal.demo;
    let staging = demo.folder.path().join("out/staging");
    fs::remove_dir_all(&staging).unwrap();
    let run = demo.run().await.unwrap();
    assert_eq!(run.outcome, Outcome::Partial);
    for delivery in &run.deliveries {
        let failed = delivery.destination.as_str() == "staging";
        assert_eq!(delivery.error.is_some(), failed, "{}", delivery.id);
        if let Some((_, message)) = &delivery.error {
            assert!(message.contains("does not exist: create it"), "{message}");
        }
    }
    let stored = demo.store.run(&run.run).await.unwrap();
    assert_eq!(stored.state, RunState::Finished(Outcome::Partial));
    let states: BTreeSet<_> =
        demo.store.deliveries(&run.run).await.unwrap().into_iter().map(|one| one.state.word()).collect();
    assert_eq!(states, BTreeSet::from([DeliveryState::Delivered.word(), DeliveryState::Failed.word()]));
    assert!(recipients(&run.recipients).iter().any(|(.., outcome)| outcome.as_deref() == Some("failed")));
}

#[tokio::test]
async fn a_cancelled_run_is_recorded_as_cancelled() {
    let demo = DemoWorkspace::files(|_| {}).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = demo.workplace(&cancel).run(&demo.store, 1, &campaign(), as_of()).await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    let runs = demo.store.runs(None, 10).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state, RunState::Finished(Outcome::Cancelled));
    assert!(!demo.data.run(&runs[0].id).snapshot().exists());
}

#[tokio::test]
async fn an_exact_split_sticks_to_the_last_run_while_its_groups_stay() {
    let mut demo = DemoWorkspace::files(|definitions| definitions.campaigns[0].split = Split::Exact).await;
    let cancel = CancellationToken::new();
    let first = demo.run().await.unwrap();
    for sub_audience in &first.audience.sub_audiences {
        for group in sub_audience.groups.iter().filter(|group| group.control) {
            let exact = sub_audience.customers as f64 / 10.0;
            assert!((group.customers as f64 - exact).abs() < 1.0, "{}: {} of {exact}", group.id, group.customers);
        }
    }
    // A month earlier the audience is another; who is in both keeps the group.
    let earlier = as_of().checked_sub_days(Days::new(30)).unwrap();
    let second = demo.workplace(&cancel).run(&demo.store, 1, &campaign(), earlier).await.unwrap();
    let (before, after) = (groups(&first), groups(&second));
    let in_both: Vec<_> = after.keys().filter(|key| before.contains_key(*key)).collect();
    assert!(in_both.len() > 1_000);
    for key in in_both {
        assert_eq!(before[key], after[key], "{key}");
    }
    // The groups of one sub-audience change: the others still stick.
    let groups_of_active = &mut demo.definitions.campaigns[0].sub_audiences[0].groups;
    groups_of_active[0].percent = Percent::from_hundredths(2_000).unwrap();
    groups_of_active[1].percent = Percent::from_hundredths(3_500).unwrap();
    let third = demo.run().await.unwrap();
    let now = groups(&third);
    let moved = |prefix: &str| {
        let of_prefix = now.iter().filter(|(key, group)| group.starts_with(prefix) && after.contains_key(*key));
        of_prefix.filter(|(key, group)| after[*key] != **group).count()
    };
    assert_eq!((moved("cooling"), moved("at_risk"), moved("lapsed")), (0, 0, 0));
    assert!(moved("active") > 0);
}
