//! What every store does. `on_every_store!` runs it on one.

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use consign_model::definition::Definitions;
use consign_model::document::read;
use consign_store::{
    AudienceCounts, DeliveryChange, DeliveryCounts, DeliveryState, ErrorClass, GroupCounts, NewDelivery, NewRun,
    Outcome, RunMode, RunState, Store, StoreError, StoredFolder, SubAudienceCounts, Target,
};

/// Makes a test of each behaviour of every store. The function says where a new one is to be, and what goes with it;
/// nothing where there is no server for it.
macro_rules! on_every_store {
    ($place:ident) => {
        $crate::suite::on_every_store! { $place, suite, with store:
            nothing_is_current_before_the_first_apply
            applying_the_same_twice_keeps_the_version
            another_folder_is_another_version
            the_order_of_campaigns_says_nothing
            every_version_stays_readable
            a_campaign_has_a_version_of_its_own
            a_run_is_kept_as_it_was_made
            a_second_run_of_a_campaign_is_refused_until_the_first_ends
            a_run_needs_definitions_and_an_id_of_its_own
            what_does_not_exist_is_named
            a_whole_run_leaves_counts_targets_and_events
            a_run_does_not_succeed_before_its_deliveries_are_done
            a_run_that_ends_early_takes_its_open_deliveries_with_it
            a_refused_transition_changes_nothing
            what_a_platform_works_on_is_counted_until_it_has_ended
            a_wait_holds_until_its_time_has_passed_or_the_delivery_goes_on
            a_list_is_remembered_until_another_takes_its_place
            the_first_data_folder_stays_the_stores
        }
        $crate::suite::on_every_store! { $place, credentials, with store:
            a_credential_is_kept_as_it_was_set_last
            sealing_again_leaves_alone_what_was_set_since
        }
        $crate::suite::on_every_store! { $place, accounts, with store:
            a_name_is_one_users_alone
            an_admin_who_can_log_in_always_stays
            only_one_becomes_the_first_user
            a_session_is_over_in_time_and_with_its_users_rights
            a_token_stands_for_its_owner_while_it_is_good
        }
        $crate::suite::on_every_store! { $place, schedules, with store:
            editing_a_schedule_begins_it_anew_and_editing_anything_else_does_not
            a_time_is_taken_on_once_and_none_before_it_afterwards
            what_becomes_of_a_time_is_kept
            staged_data_is_kept_until_it_is_noted_as_deleted
        }
        $crate::suite::on_every_store! { $place, audit, with store:
            what_was_done_is_kept_in_order
            the_log_is_read_page_by_page_and_by_who_and_what
            applying_says_so_once
        }
        $crate::suite::on_every_store! { $place, forgotten, with store:
            a_tombstone_keeps_its_token_until_all_traces_are_gone_and_stays
        }
        $crate::suite::on_every_store! { $place, drafts, with store:
            a_draft_is_kept_as_it_was_sent
            of_two_edits_of_one_version_of_a_draft_one_is_kept
            only_the_version_that_was_seen_of_a_draft_is_discarded
        }
        $crate::suite::on_every_store! { $place, calls, with store:
            a_call_with_a_known_key_is_told_the_run_that_the_first_began
        }
        $crate::suite::on_every_store! { $place, notices, with store:
            of_each_end_of_a_run_it_is_decided_once_who_is_told
            of_times_that_went_wrong_it_is_decided_once_who_is_told
            a_notice_is_told_by_one_until_it_is_accepted
        }
        $crate::suite::on_every_store! { $place, leases, with store:
            a_lease_is_with_one_until_it_is_given_back
            a_lease_that_is_over_is_taken_by_the_next_and_else_goes_on
            who_is_known_to_be_gone_is_not_waited_for
            who_lost_a_lease_changes_nothing_any_more
        }
        $crate::suite::on_every_store! { $place, opening, with place:
            reopening_keeps_everything
            openers_of_a_new_store_wait_for_each_other
            of_two_stores_opened_at_once_one_begins_a_run
            of_several_processes_that_take_a_time_on_one_gets_it
            of_several_processes_that_take_a_lease_one_gets_it
            the_store_agrees_with_the_rule_of_transitions
        }
    };
    ($place:ident, $module:ident, with store: $($behaviour:ident)*) => {
        $(
            #[tokio::test]
            async fn $behaviour() {
                let Some((place, _kept)) = $place().await else { return };
                let store = consign_store::SqlStore::open(place).await.expect("opened");
                crate::$module::$behaviour(&store).await;
            }
        )*
    };
    ($place:ident, $module:ident, with place: $($behaviour:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $behaviour() {
                let Some((place, _kept)) = $place().await else { return };
                crate::$module::$behaviour(&place).await;
            }
        )*
    };
}
pub(crate) use on_every_store;

/// Definitions with a segment and two campaigns, the second of which includes what is said.
pub fn definitions(included: &str) -> Definitions {
    let text = format!(
        "segments:
  - {{ id: all, name: All, customers: {{ where: {{ column: Merged_Customers.email, operator: is_not_null }} }} }}
campaigns:
  - {{ id: churn, name: Churn, include: [all], remaining: [{{ name: Rest, percent: 100 }}] }}
  - {{ id: winback, name: Winback, include: [{included}], remaining: [{{ name: All, percent: 100 }}] }}
"
    );
    let reading = read(&[("definitions.yaml".to_owned(), text)]);
    assert_eq!(reading.problems, [], "the definitions are well-formed");
    reading.definitions
}

/// Where the definitions are.
pub const FOLDER: &str = "/srv/shop";

pub fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(1_793_000_000_123_456_789)
}

pub fn new_run(id: &str, campaign: &str) -> NewRun {
    NewRun {
        id: id.to_owned(),
        campaign: campaign.parse().expect("a slug"),
        definitions_version: 1,
        mode: RunMode::Real,
        as_of: moment(),
        launch_date: NaiveDate::from_ymd_opt(2026, 12, 1),
    }
}

pub fn new_delivery(run: &str, group: &str) -> NewDelivery {
    NewDelivery {
        id: format!("{run}/active.{group}.mail"),
        sub_audience: "active".parse().expect("a slug"),
        group: group.parse().expect("a slug"),
        destination: "mail".parse().expect("a slug"),
        kind: "klaviyo".to_owned(),
        list_name: format!("Churn {group}"),
    }
}

/// A run of `churn` with these groups' deliveries.
pub async fn begun(store: &dyn Store, run: &str, groups: &[&str]) {
    store.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    store.create_run(&new_run(run, "churn")).await.expect("created");
    let deliveries: Vec<_> = groups.iter().map(|group| new_delivery(run, group)).collect();
    store.create_deliveries(run, &deliveries).await.expect("created");
}

/// Moves a delivery of group `a` there by the shortest way.
pub async fn moved(store: &dyn Store, delivery: &str, states: &[DeliveryState]) {
    for state in states {
        store.move_delivery(delivery, &DeliveryChange::to(*state)).await.expect("allowed");
    }
}

pub async fn nothing_is_current_before_the_first_apply(store: &dyn Store) {
    assert_eq!(store.current().await.expect("read"), None);
    assert_eq!(store.runs(None, 10).await.expect("read"), []);
}

pub async fn applying_the_same_twice_keeps_the_version(store: &dyn Store) {
    let first = store.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let again = store.apply(&definitions("all"), FOLDER, "grace").await.expect("applied");
    assert_eq!((first.version, first.changed), (1, true));
    assert_eq!((again.version, again.changed), (1, false));
    let current = store.current().await.expect("read").expect("applied");
    assert_eq!((current.version, current.applied_by.as_str(), current.folder.as_str()), (1, "ada", FOLDER));
    assert_eq!(current.definitions, definitions("all"));
}

pub async fn another_folder_is_another_version(store: &dyn Store) {
    store.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let moved = store.apply(&definitions("all"), "/srv/other", "ada").await.expect("applied");
    assert!(moved.changed, "relative paths mean other files");
    assert_eq!(store.current().await.expect("read").expect("applied").folder, "/srv/other");
    assert_eq!(store.definitions(1).await.expect("read").folder, FOLDER);
}

pub async fn the_order_of_campaigns_says_nothing(store: &dyn Store) {
    store.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let mut turned = definitions("all");
    turned.campaigns.reverse();
    assert!(!store.apply(&turned, FOLDER, "ada").await.expect("applied").changed);
    // The order of what is ordered does say something.
    turned.campaigns[0].include.push("churned".parse().expect("a slug"));
    assert!(store.apply(&turned, FOLDER, "ada").await.expect("applied").changed);
}

pub async fn every_version_stays_readable(store: &dyn Store) {
    for included in ["all", "all, vip", "all"] {
        store.apply(&definitions(included), FOLDER, "ada").await.expect("applied");
    }
    let current = store.current().await.expect("read").expect("applied");
    assert_eq!(current.version, 3);
    let second = store.definitions(2).await.expect("read");
    assert_eq!(second.definitions, definitions("all, vip"));
    assert_ne!(second.hash, current.hash);
    assert_eq!(store.definitions(1).await.expect("read").hash, current.hash);
    let missing = store.definitions(4).await.expect_err("there is none");
    assert_eq!(missing.to_string(), "there is no version of the definitions `4`: see `consign status`");
}

pub async fn a_campaign_has_a_version_of_its_own(store: &dyn Store) {
    for included in ["all", "all, vip", "all, staff"] {
        store.apply(&definitions(included), FOLDER, "ada").await.expect("applied");
    }
    let version = async |id: &str| store.campaign_version(&id.parse().expect("a slug")).await.expect("read");
    assert_eq!(version("churn").await, Some(1));
    assert_eq!(version("winback").await, Some(3));
    assert_eq!(version("unknown").await, None);
}

pub async fn a_run_is_kept_as_it_was_made(store: &dyn Store) {
    begun(store, "r1", &[]).await;
    let run = store.run("r1").await.expect("read");
    assert_eq!((run.id.as_str(), run.campaign.as_str(), run.definitions_version), ("r1", "churn", 1));
    assert_eq!((run.mode, run.state, run.error.as_deref()), (RunMode::Real, RunState::Assigning, None));
    assert_eq!(run.launch_date, NaiveDate::from_ymd_opt(2026, 12, 1));
    assert_eq!(run.as_of.timestamp_nanos_opt(), Some(1_793_000_000_123_456_000));
    assert_eq!((run.audience, run.finished_at), (None, None));
    assert!(Utc::now() - run.created_at < TimeDelta::minutes(1));
}

pub async fn a_second_run_of_a_campaign_is_refused_until_the_first_ends(store: &dyn Store) {
    begun(store, "r1", &[]).await;
    let refused = store.create_run(&new_run("r2", "churn")).await.expect_err("one at a time");
    assert_eq!(refused.to_string(), "run `r1` of campaign `churn` is not finished: wait for it, or cancel it");
    store.create_run(&new_run("r3", "winback")).await.expect("another campaign");
    store.move_run("r1", RunState::Finished(Outcome::Cancelled), None).await.expect("cancelled");
    store.create_run(&new_run("r2", "churn")).await.expect("the first ended");
    let newest = store.runs(None, 2).await.expect("read");
    assert_eq!(newest.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r2", "r3"]);
    let churn = store.runs(Some(&"churn".parse().expect("a slug")), 10).await.expect("read");
    assert_eq!(churn.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r2", "r1"]);
    let unfinished = store.unfinished_runs().await.expect("read");
    assert_eq!(unfinished.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r3", "r2"]);
}

pub async fn a_run_needs_definitions_and_an_id_of_its_own(store: &dyn Store) {
    let missing = store.create_run(&new_run("r1", "churn")).await.expect_err("nothing is applied");
    assert!(matches!(missing, StoreError::NotFound { what: "version of the definitions", .. }), "{missing}");
    begun(store, "r1", &["a"]).await;
    let taken = store.create_run(&new_run("r1", "winback")).await.expect_err("the id is taken");
    assert_eq!(taken.to_string(), "there is a run `r1` already; give the new one another id");
    let deliveries = [new_delivery("r1", "b"), new_delivery("r1", "a")];
    let taken = store.create_deliveries("r1", &deliveries).await.expect_err("the id is taken");
    assert_eq!(taken.to_string(), "there is a delivery `r1/active.a.mail` already; give the new one another id");
    assert_eq!(store.deliveries("r1").await.expect("read").len(), 1, "all or none");
}

pub async fn what_does_not_exist_is_named(store: &dyn Store) {
    let change = DeliveryChange::to(DeliveryState::Sending);
    let errors = [
        store.run("r9").await.expect_err("none"),
        store.deliveries("r9").await.expect_err("none"),
        store.events("r9").await.expect_err("none"),
        store.move_run("r9", RunState::Staging, None).await.expect_err("none"),
        store.create_deliveries("r9", &[]).await.expect_err("none"),
        store.set_audience("r9", &AudienceCounts::default()).await.expect_err("none"),
        store.move_delivery("d9", &change).await.expect_err("none"),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    }
}

pub async fn a_whole_run_leaves_counts_targets_and_events(store: &dyn Store) {
    begun(store, "r1", &["a", "b"]).await;
    let audience = AudienceCounts {
        customers: 10,
        left_out: [("null_key".to_owned(), 2)].into(),
        sub_audiences: vec![SubAudienceCounts {
            id: "active".parse().expect("a slug"),
            name: "Active".to_owned(),
            customers: 10,
            groups: vec![GroupCounts {
                id: "a".parse().expect("a slug"),
                name: "A".to_owned(),
                control: false,
                customers: 9,
            }],
        }],
    };
    store.set_audience("r1", &audience).await.expect("set");
    store.move_run("r1", RunState::Staging, None).await.expect("allowed");
    store.move_run("r1", RunState::Delivering, None).await.expect("allowed");
    let counts = DeliveryCounts {
        list: None,
        customers: 9,
        expansion: 1,
        rows: 8,
        dropped: [("invalid_email".to_owned(), 2)].into(),
        shrink: [("invalid_email".to_owned(), 1)].into(),
    };
    let target = Target { location: "out/a.csv".to_owned(), rows: 8, bytes: 512, sha256: "ab".repeat(32) };
    let sending = DeliveryChange::to(DeliveryState::Sending).counts(counts.clone());
    store.move_delivery("r1/active.a.mail", &sending).await.expect("allowed");
    let delivered = DeliveryChange::to(DeliveryState::Delivered).targets(vec![target.clone()]);
    store.move_delivery("r1/active.a.mail", &delivered).await.expect("allowed");
    let failed = DeliveryChange::to(DeliveryState::Failed).error(ErrorClass::Auth, "the key is\0 refused");
    store.move_delivery("r1/active.b.mail", &failed).await.expect("allowed");
    let run = store
        .move_run("r1", RunState::Finished(Outcome::Partial), Some("1 of 2 deliveries failed"))
        .await
        .expect("allowed");
    assert_eq!(run.state.outcome(), Some(Outcome::Partial));
    assert_eq!(run.error.as_deref(), Some("1 of 2 deliveries failed"));
    assert_eq!(run.audience, Some(audience));
    assert!(run.finished_at.is_some_and(|at| at >= run.created_at));
    let deliveries = store.deliveries("r1").await.expect("read");
    assert_eq!(deliveries[0].counts, Some(counts));
    assert_eq!(deliveries[0].targets, [target]);
    assert_eq!(deliveries[0].error, None);
    let error = deliveries[1].error.as_ref().expect("it failed");
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Auth, "the key is refused"));
    let events = store.events("r1").await.expect("read");
    let told: Vec<_> = events.iter().map(|e| (e.delivery.as_deref().unwrap_or("run"), e.what.as_str())).collect();
    assert_eq!(
        told,
        [
            ("run", "assigning"),
            ("r1/active.a.mail", "staging"),
            ("r1/active.b.mail", "staging"),
            ("run", "assigning -> staging"),
            ("run", "staging -> delivering"),
            ("r1/active.a.mail", "staging -> sending"),
            ("r1/active.a.mail", "sending -> delivered"),
            ("r1/active.b.mail", "staging -> failed"),
            ("run", "delivering -> partial"),
        ]
    );
}

pub async fn a_run_does_not_succeed_before_its_deliveries_are_done(store: &dyn Store) {
    begun(store, "r1", &["a"]).await;
    store.move_run("r1", RunState::Staging, None).await.expect("allowed");
    store.move_run("r1", RunState::Delivering, None).await.expect("allowed");
    let succeeded = RunState::Finished(Outcome::Succeeded);
    let early = store.move_run("r1", succeeded, None).await.expect_err("it is still being staged");
    assert_eq!(early.to_string(), "delivery `r1/active.a.mail` is still staging; finish it before its run");
    moved(store, "r1/active.a.mail", &[DeliveryState::Sending, DeliveryState::Submitted]).await;
    store.move_run("r1", succeeded, None).await.expect("what is submitted holds nothing up");
    moved(store, "r1/active.a.mail", &[DeliveryState::Delivered]).await;
}

pub async fn a_run_that_ends_early_takes_its_open_deliveries_with_it(store: &dyn Store) {
    for (run, outcome, expected) in
        [("r1", Outcome::Failed, DeliveryState::Failed), ("r2", Outcome::Cancelled, DeliveryState::Cancelled)]
    {
        begun(store, run, &["a", "b"]).await;
        let done = format!("{run}/active.a.mail");
        moved(store, &done, &[DeliveryState::Sending, DeliveryState::Delivered]).await;
        store.move_run(run, RunState::Finished(outcome), Some("the disk is full")).await.expect("allowed");
        let states: Vec<_> = store.deliveries(run).await.expect("read").iter().map(|d| d.state).collect();
        assert_eq!(states, [DeliveryState::Delivered, expected]);
        let late = store.create_deliveries(run, &[new_delivery(run, "c")]).await.expect_err("it ended");
        assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
    }
}

pub async fn a_refused_transition_changes_nothing(store: &dyn Store) {
    begun(store, "r1", &["a"]).await;
    let before = (store.run("r1").await.expect("read"), store.deliveries("r1").await.expect("read"));
    let run = store.move_run("r1", RunState::Delivering, None).await.expect_err("not staged");
    assert_eq!(
        run.to_string(),
        "run `r1` is assigning and cannot become delivering: look at it again with `consign status`"
    );
    let change = DeliveryChange::to(DeliveryState::Delivered).error(ErrorClass::Bug, "never");
    let delivery = store.move_delivery("r1/active.a.mail", &change).await.expect_err("not sent");
    assert!(matches!(delivery, StoreError::Transition { what: "delivery", .. }), "{delivery}");
    assert_eq!((store.run("r1").await.expect("read"), store.deliveries("r1").await.expect("read")), before);
    assert_eq!(store.events("r1").await.expect("read").len(), 2);
}

pub async fn what_a_platform_works_on_is_counted_until_it_has_ended(store: &dyn Store) {
    begun(store, "r1", &["a", "b"]).await;
    store.move_run("r1", RunState::Staging, None).await.expect("allowed");
    store.move_run("r1", RunState::Delivering, None).await.expect("allowed");
    let counts = |rows| DeliveryCounts { rows, ..DeliveryCounts::default() };
    let early = store.count_delivery("r1/active.a.mail", &counts(1), None).await.expect_err("it is being staged");
    assert!(matches!(early, StoreError::Conflict { .. }), "{early}");
    moved(store, "r1/active.a.mail", &[DeliveryState::Sending, DeliveryState::Submitted]).await;
    moved(store, "r1/active.b.mail", &[DeliveryState::Sending, DeliveryState::Delivered]).await;
    assert_eq!(store.submitted_deliveries().await.expect("read"), [], "the run is not over");
    store.move_run("r1", RunState::Finished(Outcome::Succeeded), None).await.expect("allowed");
    store.count_delivery("r1/active.a.mail", &counts(7), Some("one of two jobs has ended")).await.expect("kept");
    let open = store.submitted_deliveries().await.expect("read");
    assert_eq!(open.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["r1/active.a.mail"]);
    assert_eq!((open[0].state, &open[0].counts), (DeliveryState::Submitted, &Some(counts(7))));
    let events = store.events("r1").await.expect("read");
    assert!(events.iter().any(|event| event.what == "one of two jobs has ended"), "{events:?}");
    moved(store, "r1/active.a.mail", &[DeliveryState::Delivered]).await;
    assert_eq!(store.submitted_deliveries().await.expect("read"), []);
}

pub async fn a_wait_holds_until_its_time_has_passed_or_the_delivery_goes_on(store: &dyn Store) {
    begun(store, "r1", &["a", "b"]).await;
    let (a, b) = ("r1/active.a.mail", "r1/active.b.mail");
    let soon = Utc::now().trunc_subsecs(6) + TimeDelta::minutes(5);
    let later = soon + TimeDelta::minutes(5);
    assert_eq!(store.wait("mail").await.expect("read"), None);
    store.set_wait(a, "mail", Some(soon)).await.expect("kept");
    store.set_wait(b, "mail", Some(later)).await.expect("kept");
    assert_eq!(store.wait("mail").await.expect("read"), Some(later));
    assert_eq!(store.wait("sandbox:mail").await.expect("read"), None);
    let waits: Vec<_> = store.deliveries("r1").await.expect("read").iter().map(|one| one.limited_until).collect();
    assert_eq!(waits, [Some(soon), Some(later)]);
    store.set_wait(b, "mail", None).await.expect("it goes on");
    assert_eq!(store.wait("mail").await.expect("read"), Some(soon));
    store.set_wait(a, "mail", Some(Utc::now() - TimeDelta::seconds(1))).await.expect("kept");
    assert_eq!(store.wait("mail").await.expect("read"), None, "that time has passed");
    assert!(store.deliveries("r1").await.expect("read").iter().all(|one| one.limited_until.is_none()));
}

pub async fn a_list_is_remembered_until_another_takes_its_place(store: &dyn Store) {
    let [campaign, other, group] = ["spring", "autumn", "a"].map(|text| text.parse().expect("a slug"));
    let remembered = async |campaign| store.remembered_list("mail", campaign, &group).await.expect("read");
    assert_eq!(remembered(&campaign).await, None);
    store.remember_list("mail", &campaign, &group, "L1").await.expect("kept");
    store.remember_list("sandbox:mail", &campaign, &group, "S1").await.expect("kept");
    assert_eq!((remembered(&campaign).await.as_deref(), remembered(&other).await), (Some("L1"), None));
    store.remember_list("mail", &campaign, &group, "L2").await.expect("kept");
    assert_eq!(remembered(&campaign).await.as_deref(), Some("L2"));
    let all = store.remembered_lists().await.expect("read");
    let all: Vec<_> = all.iter().map(|list| (list.destination.as_str(), list.list_id.as_str())).collect();
    assert_eq!(all, [("mail", "L2"), ("sandbox:mail", "S1")]);
}

pub async fn the_first_data_folder_stays_the_stores(store: &dyn Store) {
    let folder = |id: &str| StoredFolder { id: id.to_owned(), path: format!("/srv/{id}") };
    assert_eq!(store.data_folder().await.expect("read"), None);
    assert_eq!(store.claim_data_folder(&folder("a")).await.expect("claimed"), folder("a"));
    assert_eq!(store.claim_data_folder(&folder("b")).await.expect("refused"), folder("a"));
    assert_eq!(store.data_folder().await.expect("read"), Some(folder("a")));
}
