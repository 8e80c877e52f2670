//! Lists that are replaced by files: at `TikTok`, in the sandbox, and at Attentive, on a real SFTP server
//! (`tests/servers/all.sh run sftp -- ...`).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use consign_delivery::{Delivered, PlatformSent, RunSummary};
use consign_model::definition::{Definitions, Membership, Percent, SecretRef};
use consign_sandbox::Options;
use consign_store::{DeliveryState, Store};
use serde_json::Value;

use crate::memory::slug;
use crate::workspace::{DemoWorkspace, Rehearsal, keep_only};

/// What became of each list, and the error where there was one.
fn lists(run: &RunSummary) -> Vec<(&PlatformSent, Option<&str>)> {
    let list = |delivered: &Delivered| match delivered {
        Delivered::List(list) => list.clone(),
        Delivered::Files(_) => unreachable!("they go as lists"),
    };
    for delivery in &run.deliveries {
        let list = list(delivery.delivered.as_ref().unwrap());
        assert_eq!(
            list.list.sent + list.list.kept + list.list.all_rejected() + list.list.unknown,
            delivery.counts.rows,
            "{list:?}"
        );
    }
    let both = run.deliveries.iter().map(|delivery| match &delivery.delivered {
        Some(Delivered::List(list)) => (list, delivery.error.as_ref().map(|(_, message)| message.as_str())),
        _ => unreachable!("they go as lists"),
    });
    both.collect()
}

async fn states(demo: &DemoWorkspace, run: &RunSummary) -> Vec<DeliveryState> {
    demo.store.deliveries(&run.run).await.unwrap().into_iter().map(|delivery| delivery.state).collect()
}

fn tiktok(membership: Membership) -> impl FnOnce(&mut Definitions) {
    move |definitions| {
        keep_only("tiktok", definitions);
        set_membership(definitions, membership);
    }
}

fn set_membership(definitions: &mut Definitions, membership: Membership) {
    definitions.campaigns[0].destinations.entry(slug("tiktok")).or_default().membership = Some(membership);
}

/// The members at the sandbox are the rows, but for those that share an identifier.
async fn arrived(rehearsal: &Rehearsal, list: &PlatformSent) {
    let members = rehearsal.members().await[&list.list.list_id];
    assert!(members <= list.list.sent && members + list.list.sent / 100 >= list.list.sent, "{members} of {list:?}");
}

#[tokio::test]
async fn an_audience_of_tiktok_is_made_of_files_and_replaced_by_the_next() {
    let mut rehearsal = Rehearsal::with(tiktok(Membership::Replace)).await;
    let preview = rehearsal.demo.preview().await.unwrap();
    let sample = preview.samples[0].clone();
    assert!(sample.starts_with("email_SHA256,phone_SHA256\n"), "{sample}");
    let first = rehearsal.demo.run().await.unwrap();
    let [(list, None)] = lists(&first)[..] else { panic!("{:?}", first.deliveries) };
    assert!(list.list.created && list.list.sent > 1_000 && list.requests == 1 && list.list.jobs.is_empty(), "{list:?}");
    arrived(&rehearsal, list).await;
    assert_eq!(states(&rehearsal.demo, &first).await, [DeliveryState::Delivered]);

    // More are held out.
    let [control, treated] = &mut rehearsal.demo.definitions.campaigns[0].sub_audiences[0].groups[..] else { panic!() };
    control.percent = Percent::from_hundredths(1_500).unwrap();
    treated.percent = Percent::from_hundredths(8_500).unwrap();
    let preview = rehearsal.demo.preview().await.unwrap();
    let second = rehearsal.demo.run().await.unwrap();
    let [(again, None)] = lists(&second)[..] else { panic!("{:?}", second.deliveries) };
    assert!(!again.list.created && again.list.list_id == list.list.list_id && again.list.removed > 0, "{again:?}");
    assert_eq!(preview.differences[0].unwrap().removed, again.list.removed);
    assert_eq!(again.list.sent, second.deliveries[0].counts.rows);
    arrived(&rehearsal, again).await;
}

#[tokio::test]
async fn a_delivery_whose_files_are_not_read_yet_is_submitted() {
    let options = Options { job_time: Duration::from_hours(1), ..Options::default() };
    let rehearsal = Rehearsal::at(options, tiktok(Membership::Replace)).await;
    let run = rehearsal.demo.run().await.unwrap();
    let [(list, None)] = lists(&run)[..] else { panic!("{:?}", run.deliveries) };
    assert!(matches!(&list.list.jobs[..], [job] if job.id == list.list.list_id), "{list:?}");
    assert_eq!(states(&rehearsal.demo, &run).await, [DeliveryState::Submitted]);
}

#[tokio::test]
async fn an_audience_that_went_one_way_is_not_sent_the_other() {
    for (before, after, words) in [
        (Membership::Mirror, Membership::Replace, "was filled by requests, and its platform takes files no more"),
        (Membership::Replace, Membership::Mirror, "was filled by files, and its platform takes requests no more"),
    ] {
        let mut rehearsal = Rehearsal::with(tiktok(before)).await;
        rehearsal.demo.run().await.unwrap();
        let held = rehearsal.members().await;
        set_membership(&mut rehearsal.demo.definitions, after);
        let refused = rehearsal.demo.run().await.unwrap();
        let [(list, Some(message))] = lists(&refused)[..] else { panic!("{:?}", refused.deliveries) };
        assert!(message.contains(words) && message.contains("`list_name`"), "{message}");
        assert_eq!((list.list.sent, rehearsal.members().await), (0, held));
        set_membership(&mut rehearsal.demo.definitions, before);
        let again = rehearsal.demo.run().await.unwrap();
        assert_eq!(lists(&again)[0].1, None);
    }
}

#[tokio::test]
async fn files_do_not_empty_an_audience_nor_leave_too_few_in_it() {
    let mut rehearsal = Rehearsal::with(tiktok(Membership::Replace)).await;
    rehearsal.demo.run().await.unwrap();
    let held = rehearsal.members().await;
    let nobody = rehearsal.demo.definitions.campaigns[0].exclude[0].clone();
    rehearsal.demo.definitions.campaigns[0].include = vec![nobody];
    for (allow_empty, words) in [(false, "would be left empty"), (true, "fewer than 1,000 members")] {
        let used = rehearsal.demo.definitions.campaigns[0].destinations.get_mut(&slug("tiktok")).unwrap();
        used.allow_empty = allow_empty;
        let refused = rehearsal.demo.run().await.unwrap();
        assert!(lists(&refused)[0].1.unwrap().contains(words), "{:?}", refused.deliveries);
    }
    assert_eq!(rehearsal.members().await, held);
}

#[tokio::test]
async fn no_rows_make_no_audience() {
    let rehearsal = Rehearsal::with(|definitions| {
        tiktok(Membership::Replace)(definitions);
        let nobody = definitions.campaigns[0].exclude[0].clone();
        definitions.campaigns[0].include = vec![nobody];
    })
    .await;
    let run = rehearsal.demo.run().await.unwrap();
    let [(list, None)] = lists(&run)[..] else { panic!("{:?}", run.deliveries) };
    assert_eq!(list.list.notes, ["there are no rows, so no list was made"]);
    assert!(rehearsal.members().await.is_empty());
}

/// A folder of the test's own on the SFTP server, here and there; `None` where there is no server that takes passwords.
pub fn sftp_folder() -> Option<(PathBuf, String)> {
    let variable = |name: &str| std::env::var(format!("CONSIGN_TEST_SFTP_{name}")).ok();
    let Some(root) = variable("LOCAL_ROOT").filter(|_| variable("PASSWORD").is_some_and(|secret| !secret.is_empty()))
    else {
        eprintln!("not run: start it by `tests/servers/all.sh run sftp -- cargo test`, as root");
        return None;
    };
    let name = format!("lists/attentive-{}", uuid::Uuid::now_v7());
    let here = Path::new(&root).join(&name);
    fs::create_dir(&here).unwrap();
    fs::set_permissions(&here, fs::Permissions::from_mode(0o777)).unwrap();
    Some((here, format!("{}/{name}", variable("ROOT").unwrap())))
}

/// Attentive by SFTP, into that folder.
fn attentive(folder: &str) -> impl FnOnce(&mut Definitions) {
    move |definitions| {
        keep_only("attentive", definitions);
        let attentive = definitions.destinations.iter_mut().find(|one| one.kind == "attentive").unwrap();
        attentive.sandbox = false;
        let variable = |name: &str| std::env::var(format!("CONSIGN_TEST_SFTP_{name}")).unwrap();
        let settings: [(&str, Value); 7] = [
            ("transport", "sftp".into()),
            ("client_domain", "acme".into()),
            ("remote_folder", folder.into()),
            ("sftp_host", variable("HOST").into()),
            ("sftp_port", variable("PORT").parse::<u16>().unwrap().into()),
            ("sftp_username", variable("USERNAME").into()),
            ("sftp_host_key", variable("HOST_KEY").into()),
        ];
        attentive.settings.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        let password = SecretRef::try_from("env:CONSIGN_TEST_SFTP_PASSWORD".to_owned()).unwrap();
        attentive.credentials.insert("sftp_password".to_owned(), password);
    }
}

pub fn contents(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

#[tokio::test]
async fn each_list_has_a_file_of_its_own_at_attentive_and_the_same_when_it_goes_again() {
    let Some((here, there)) = sftp_folder() else { return };
    let mut demo = DemoWorkspace::with(attentive(&there)).await;
    let first = demo.run().await.unwrap();
    let files = contents(&here);
    let mut names: Vec<&str> = files.keys().map(String::as_str).collect();
    names.sort_unstable();
    // The day of the run in the zone of the workspace.
    let wanted: Vec<String> = (1..=5).map(|n| format!("acme_subscriber_segment_19980630_{n}.csv")).collect();
    assert_eq!(names, wanted);
    for (delivery, (list, error)) in first.deliveries.iter().zip(lists(&first)) {
        assert_eq!(error, None);
        assert_eq!((list.list.sent, list.requests), (delivery.counts.rows, 1));
        let of_list =
            |content: &&String| content.lines().next().unwrap().ends_with(&format!(",{}", delivery.list_name));
        let content = files.values().find(of_list).unwrap();
        assert_eq!(content.lines().count() as u64, delivery.counts.rows, "{}", delivery.list_name);
        let fits = |line: &str| line.starts_with('+') && line.ends_with(&format!(",{}", delivery.list_name));
        assert!(content.lines().all(fits), "{}", delivery.list_name);
        assert!(list.list.notes.iter().any(|note| note.contains("24 hours")), "{list:?}");
    }
    // Nobody can be asked what Attentive made of a file, so it is delivered when it is there.
    assert_eq!(states(&demo, &first).await, [DeliveryState::Delivered; 5]);
    demo.run().await.unwrap();
    assert_eq!(contents(&here), files);

    let nobody = demo.definitions.campaigns[0].exclude[0].clone();
    demo.definitions.campaigns[0].include = vec![nobody];
    for (allow_empty, words) in [(false, "would be left empty"), (true, "no file can empty one")] {
        demo.definitions.campaigns[0].destinations.get_mut(&slug("attentive")).unwrap().allow_empty = allow_empty;
        let refused = demo.run().await.unwrap();
        assert!(lists(&refused).iter().all(|(_, error)| error.unwrap().contains(words)), "{:?}", refused.deliveries);
    }
    assert_eq!(contents(&here), files);
}

#[tokio::test]
async fn what_attentive_does_not_take_is_not_counted_as_sent() {
    let Some((here, there)) = sftp_folder() else { return };
    let demo = DemoWorkspace::with(attentive(&format!("{there}/missing"))).await;
    let failed = demo.run().await.unwrap();
    for (list, error) in lists(&failed) {
        assert!(error.unwrap().contains("`remote_folder`") && list.list.sent + list.list.unknown == 0, "{list:?}");
    }
    assert!(contents(&here).is_empty());
    assert_eq!(states(&demo, &failed).await, [DeliveryState::Failed; 5]);
}
