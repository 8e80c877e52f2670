//! Tests of a campaign: what would leave is kept, nothing leaves, and nothing of it is known afterwards.

use std::fs;

use chrono::{TimeDelta, Utc};
use consign_delivery::delete_expired;
use consign_delivery::testing::{CampaignTest, TestFile, TestedDelivery, test, tests};
use consign_model::definition::Membership;
use consign_sandbox::Options;
use consign_store::Store;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::workspace::{DemoWorkspace, Rehearsal, as_of, campaign, keep_only};

async fn tested(demo: &DemoWorkspace, records: usize) -> CampaignTest {
    let cancel = CancellationToken::new();
    demo.workplace(&cancel).test(&demo.store, &campaign(), as_of(), records).await.unwrap()
}

fn bytes(demo: &DemoWorkspace, test: &CampaignTest, delivery: &TestedDelivery, file: &TestFile) -> Vec<u8> {
    fs::read(test.file(&demo.data, &delivery.id, &file.name).unwrap()).unwrap()
}

#[tokio::test]
async fn the_first_records_of_every_list_are_kept_as_they_would_leave_and_nothing_else_is() {
    // Nothing listens where the platforms are.
    let demo = DemoWorkspace::with(|definitions| {
        definitions.destinations.iter_mut().for_each(|one| one.sandbox = one.kind != "local_files");
    })
    .await;
    let preview = demo.preview().await.unwrap();
    let test = tested(&demo, 2).await;
    assert_eq!(test.audience, preview.assignment.counts);
    assert_eq!(test.deliveries.len(), preview.deliveries.len());
    for ((delivery, planned), sample) in test.deliveries.iter().zip(&preview.deliveries).zip(&preview.samples) {
        assert_eq!((&delivery.id, &delivery.counts, &delivery.error), (&planned.id, &planned.counts, &None));
        let file = &delivery.files[0];
        let bytes = bytes(&demo, &test, delivery, file);
        assert_eq!((file.rows, file.bytes), (2, bytes.len() as u64), "{}", delivery.id);
        if file.request.is_some() {
            assert_eq!(String::from_utf8(bytes).unwrap(), *sample, "{}", delivery.id);
            assert!(serde_json::from_str::<Value>(sample).is_ok() && file.name == "request_1.json", "{file:?}");
            assert_eq!(delivery.files.len(), 1);
        } else {
            assert_eq!(file.name, format!("{}.csv.gz", delivery.list_name));
        }
    }
    // No run, no list, no membership, no file in its place, and no staged data.
    assert_eq!(demo.store.runs(None, 10).await.unwrap(), []);
    assert_eq!(demo.store.remembered_lists().await.unwrap(), []);
    assert!(!demo.data.path().join("memberships").exists());
    assert_eq!(fs::read_dir(demo.data.path().join("runs")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(demo.folder.path().join("out/staging")).unwrap().count(), 0);
    let log = demo.store.audited(None).await.unwrap();
    assert!(log.iter().any(|entry| entry.action == "test" && entry.subject == test.id), "{log:?}");
}

#[tokio::test]
async fn with_all_records_its_files_are_those_of_the_run() {
    let demo = DemoWorkspace::files(|definitions| {
        let staging = definitions.campaigns[0].destinations.values_mut().next().unwrap();
        let file = staging.file.get_or_insert_default();
        (file.rows_per_file, file.manifest, file.success_file) = (Some(1_000), true, true);
    })
    .await;
    let test = tested(&demo, 10_000).await;
    demo.run().await.unwrap();
    let out = demo.folder.path().join("out/staging");
    let mut names = Vec::new();
    for delivery in &test.deliveries {
        for file in &delivery.files {
            let arrived = fs::read(out.join(&file.name)).unwrap();
            assert!(bytes(&demo, &test, delivery, file) == arrived, "{} is not what arrived", file.name);
            names.push(file.name.clone());
        }
    }
    names.sort();
    assert_eq!(names, listed(&out));
    assert!(
        names.iter().any(|name| name.ends_with("_2.csv.gz")) && names.iter().any(|name| name.ends_with("_SUCCESS"))
    );
}

fn listed(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_request_names_the_list_that_is_there_already() {
    let rehearsal = Rehearsal::of("criteo", Options::default()).await;
    let run = rehearsal.demo.run().await.unwrap();
    let lists = rehearsal.demo.store.remembered_lists().await.unwrap();
    let members = rehearsal.members().await;
    let test = tested(&rehearsal.demo, 10_000).await;
    for (delivery, done) in test.deliveries.iter().zip(&run.deliveries) {
        let list = lists.iter().find(|list| list.group == delivery.group).unwrap();
        let request = delivery.files[0].request.as_ref().unwrap();
        assert!(request.starts_with("PATCH /") && request.contains(&format!("/{}/", list.list_id)), "{request}");
        let rows: u64 = delivery.files.iter().map(|file| file.rows).sum();
        assert_eq!(rows, done.counts.rows);
    }
    assert_eq!(rehearsal.members().await, members, "nothing was sent");
    assert_eq!(rehearsal.demo.store.runs(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_would_fail_is_said_and_the_others_are_tested() {
    let demo = DemoWorkspace::files(|definitions| {
        let staging = definitions.campaigns[0].destinations.values_mut().next().unwrap();
        staging.file.get_or_insert_default().pgp_public_key = serde_json::from_str("\"file:no-such-key\"").unwrap();
    })
    .await;
    let test = tested(&demo, 1).await;
    for delivery in &test.deliveries {
        assert!(delivery.error.as_ref().is_some_and(|error| error.contains("no-such-key")), "{delivery:?}");
        assert_eq!(delivery.files, []);
    }
}

#[tokio::test]
async fn where_the_platform_has_to_be_asked_first_that_is_said() {
    let demo = DemoWorkspace::with(|definitions| {
        keep_only("klaviyo", definitions);
        let klaviyo = definitions.campaigns[0].destinations.values_mut().next().unwrap();
        klaviyo.membership = Some(Membership::Remove);
    })
    .await;
    let preview = demo.preview().await.unwrap();
    let test = tested(&demo, 1).await;
    for (delivery, sample) in test.deliveries.iter().zip(&preview.samples) {
        assert_eq!((&delivery.error, delivery.note.as_ref()), (&None, Some(sample)));
        assert!(sample.contains("has to be asked for first") && delivery.files.is_empty(), "{sample}");
    }
}

#[tokio::test]
async fn tests_are_remembered_and_their_personal_data_goes_when_its_time_is_over() {
    let demo = DemoWorkspace::files(|_| {}).await;
    let (first, second) = (tested(&demo, 1).await, tested(&demo, 2).await);
    assert_eq!(tests(&demo.data, &campaign()).unwrap(), [second.clone(), first.clone()]);
    assert_eq!(tests(&demo.data, &"others".parse().unwrap()).unwrap(), []);
    assert_eq!(test(&demo.data, &first.id).unwrap(), Some(first.clone()));
    for nowhere in ["", "..", "../tests", "019abc", &format!("{}/../{}", first.id, first.id)] {
        assert_eq!(test(&demo.data, nowhere).unwrap(), None, "{nowhere}");
    }
    let delivery = &first.deliveries[0];
    for (delivery, name) in [(delivery.id.as_str(), "../../test.json"), ("..", delivery.files[0].name.as_str())] {
        assert_eq!(first.file(&demo.data, delivery, name), None);
    }
    // As one leaves it that was killed.
    let killed = demo.data.path().join("tests").join(uuid::Uuid::now_v7().to_string());
    fs::create_dir_all(killed.join("files")).unwrap();
    delete_expired(&demo.store, &demo.data, 7, Utc::now() + TimeDelta::days(6)).await.unwrap();
    assert!(first.has_files(&demo.data) && killed.exists());
    delete_expired(&demo.store, &demo.data, 7, Utc::now() + TimeDelta::days(8)).await.unwrap();
    assert!(!first.has_files(&demo.data) && !second.has_files(&demo.data) && !killed.exists());
    assert_eq!(tests(&demo.data, &campaign()).unwrap(), [second, first], "what they came to stays");
}
