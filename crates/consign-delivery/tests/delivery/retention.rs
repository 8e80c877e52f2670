//! What stays of a run when its staged data is deleted.

use std::collections::BTreeSet;
use std::fs;

use chrono::{TimeDelta, Utc};
use consign_delivery::{PreviewOptions, delete_expired};
use consign_model::definition::Split;
use consign_store::{DeliveryState, Store};
use tokio_util::sync::CancellationToken;

use crate::workspace::{DemoWorkspace, Rehearsal, as_of, campaign};

fn names(demo: &DemoWorkspace, run: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(demo.data.run(run).path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn staged_data_goes_when_its_time_is_over_and_counts_recipients_and_memberships_stay() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let demo = &rehearsal.demo;
    let run = demo.run().await.unwrap();
    let differences = demo.preview().await.unwrap().differences;
    let (stored, deliveries) =
        (demo.store.run(&run.run).await.unwrap(), demo.store.deliveries(&run.run).await.unwrap());
    let finished = stored.finished_at.unwrap();
    let expire = async |now| delete_expired(&demo.store, &demo.data, 7, now).await.unwrap();
    assert_eq!(expire(finished + TimeDelta::days(7) - TimeDelta::seconds(1)).await, [""; 0]);
    assert!(demo.data.run(&run.run).snapshot().exists());
    let over = finished + TimeDelta::days(7);
    assert_eq!(expire(over).await, [run.run.as_str()]);
    assert_eq!(expire(over).await, [""; 0], "once");
    let log = demo.store.audited(None).await.unwrap();
    let deleted: Vec<_> = log.iter().filter(|one| one.actor == "retention").collect();
    assert_eq!(deleted.len(), 1, "{log:?}");
    assert_eq!((deleted[0].action.as_str(), &deleted[0].subject), ("delete staged data", &run.run));
    assert_eq!(names(demo, &run.run), ["exchanges.jsonl", "recipients.parquet"].map(str::to_owned).into());
    let after = demo.store.run(&run.run).await.unwrap();
    assert_eq!(after.staged_deleted_at, Some(over));
    assert_eq!((after.state, after.audience), (stored.state, stored.audience));
    assert_eq!(demo.store.deliveries(&run.run).await.unwrap(), deliveries);
    // Who asks about the run, or for the difference to it, is answered as before.
    let cancel = CancellationToken::new();
    let workplace = demo.workplace(&cancel);
    let explained = workplace.explain(&demo.store, &campaign(), "00046").await.unwrap();
    assert_eq!(explained.last_run.unwrap().run, run.run);
    let options = PreviewOptions { show_rows: 0, diff: true };
    let preview = workplace.preview(&demo.store, &campaign(), as_of(), options).await.unwrap();
    assert_eq!(preview.differences, differences);
    assert!(differences.iter().flatten().count() > 0);
}

#[tokio::test]
async fn groups_that_stick_outlive_the_staged_data() {
    let demo = DemoWorkspace::files(|definitions| definitions.campaigns[0].split = Split::Exact).await;
    let first = demo.run().await.unwrap();
    delete_expired(&demo.store, &demo.data, 1, Utc::now() + TimeDelta::days(2)).await.unwrap();
    assert_eq!(
        names(&demo, &first.run),
        ["assignments.parquet", "exchanges.jsonl", "recipients.parquet"].map(str::to_owned).into()
    );
    let second = demo.run().await.unwrap();
    assert_eq!(second.audience, first.audience);
    let deliveries = demo.store.deliveries(&second.run).await.unwrap();
    assert!(deliveries.iter().all(|one| one.state == DeliveryState::Delivered));
}

#[tokio::test]
async fn what_a_killed_preview_left_goes_too_and_a_run_that_is_under_way_stays() {
    let demo = DemoWorkspace::files(|_| {}).await;
    let runs = demo.data.path().join("runs");
    let killed = runs.join(format!("preview-{}", uuid::Uuid::now_v7()));
    let under_way = runs.join(uuid::Uuid::now_v7().to_string());
    for folder in [&killed, &under_way] {
        fs::create_dir_all(folder.join("staged")).unwrap();
    }
    let expire = async |now| delete_expired(&demo.store, &demo.data, 7, now).await.unwrap();
    expire(Utc::now() + TimeDelta::days(6)).await;
    assert!(killed.exists());
    expire(Utc::now() + TimeDelta::days(8)).await;
    assert!(!killed.exists() && under_way.exists());
}
