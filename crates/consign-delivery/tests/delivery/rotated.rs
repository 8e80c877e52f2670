//! Credentials that a platform changes: the new one is kept in place of the old, until the user has a newer one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use consign_delivery::RunSummary;
use consign_sandbox::Options;
use consign_store::{ErrorClass, Outcome};

use crate::workspace::Rehearsal;

/// The demo with Criteo alone, which takes this refresh token, and is not set to the sandbox although it is there.
async fn criteo(refresh: &str) -> Rehearsal {
    let mut rehearsal = Rehearsal::of("criteo", Options::default()).await;
    let base_url = format!("{}/criteo", rehearsal.demo.sandbox);
    let folder = rehearsal.demo.folder.path();
    fs::write(folder.join("secret"), "secret-of-criteo").unwrap();
    fs::write(folder.join("refresh"), refresh).unwrap();
    // Ten calls a minute are allowed: two lists will do.
    let campaign = &mut rehearsal.demo.definitions.campaigns[0];
    let groups = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups);
    groups.skip(3).for_each(|group| group.destinations.clear());
    let mut destinations = rehearsal.demo.definitions.destinations.iter_mut();
    let criteo = destinations.find(|one| one.kind == "criteo").unwrap();
    criteo.sandbox = false;
    criteo.settings.insert("base_url".to_owned(), base_url.into());
    for (name, place) in [("client_secret", "file:secret"), ("refresh_token", "file:refresh")] {
        criteo.credentials.insert(name.to_owned(), place.to_owned().try_into().unwrap());
    }
    rehearsal
}

/// A run as another process makes it, which knows of no token but those in files, and has something to ask for: a list of
/// which nothing is known is emptied and filled again.
async fn run(rehearsal: &mut Rehearsal) -> RunSummary {
    let known = rehearsal.demo.data.path().join("memberships");
    if known.exists() {
        fs::remove_dir_all(known).unwrap();
    }
    rehearsal.demo.http = consign_destinations::http::Http::new().unwrap();
    rehearsal.demo.run().await.unwrap()
}

fn arrived(run: &RunSummary) {
    let errors: Vec<_> = run.deliveries.iter().filter_map(|delivery| delivery.error.as_ref()).collect();
    assert!(run.outcome == Outcome::Succeeded && !run.deliveries.is_empty(), "{errors:?}");
}

#[tokio::test]
async fn a_refresh_token_that_rotates_is_kept_for_the_next_run() {
    // Good for one use: several deliveries share what they get for it, and the next run has only what was kept.
    let mut rehearsal = criteo("once-alpha").await;
    arrived(&run(&mut rehearsal).await);
    let kept = rehearsal.demo.data.path().join("credentials/criteo.refresh_token");
    let sealed = fs::read(&kept).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("once-alpha"));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    arrived(&run(&mut rehearsal).await);
    assert_ne!(fs::read(&kept).unwrap(), sealed, "it has rotated again");
}

#[tokio::test]
async fn the_users_own_token_is_the_newer_once_it_has_changed() {
    let mut rehearsal = criteo("once-beta").await;
    arrived(&run(&mut rehearsal).await);
    let own = rehearsal.demo.folder.path().join("refresh");
    fs::write(&own, "wrong-gamma").unwrap();
    let refused = run(&mut rehearsal).await;
    assert_eq!(refused.outcome, Outcome::Failed);
    let (class, message) = refused.deliveries[0].error.as_ref().unwrap();
    assert!(*class == ErrorClass::Auth && !message.contains("gamma"), "{message}");
    // Back to the first: what was kept in its place holds again.
    fs::write(&own, "once-beta").unwrap();
    arrived(&run(&mut rehearsal).await);
}
