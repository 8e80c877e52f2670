//! Lists at the platforms of the sandbox, over real HTTP: whole the first time, the difference afterwards.

use std::collections::{BTreeMap, BTreeSet};

use consign_delivery::{Delivered, PlatformSent, RunSummary};
use consign_model::definition::{AttributeMapping, GroupDestination, GroupList, Membership, Percent};
use consign_sandbox::Options;
use consign_store::{DeliveryState, ErrorClass, ListCounts, Outcome, Store};

use crate::memory::slug;
use crate::workspace::{Rehearsal, keep_only};

fn lists(run: &RunSummary) -> BTreeMap<&str, &ListCounts> {
    let found = run.deliveries.iter().filter_map(|delivery| match &delivery.delivered {
        Some(Delivered::List(PlatformSent { list, .. })) => Some((delivery.id.as_str(), list)),
        _ => None,
    });
    found.collect()
}

fn failures(run: &RunSummary) -> Vec<&str> {
    run.deliveries.iter().filter_map(|delivery| delivery.error.as_ref()).map(|(_, message)| message.as_str()).collect()
}

/// Counts close, and the sandbox has what they say.
async fn agrees(rehearsal: &Rehearsal, run: &RunSummary) {
    assert_eq!(failures(run), Vec::<&str>::new());
    let members = rehearsal.members().await;
    for delivery in &run.deliveries {
        let Some(Delivered::List(PlatformSent { list, .. })) = &delivery.delivered else { continue };
        let rows = list.sent + list.kept + list.all_rejected() + list.unknown;
        assert_eq!(rows, delivery.counts.rows, "{}", delivery.id);
        let (counted, said) = (members[&list.list_id], list.sent + list.kept);
        // At TikTok rows that share an identifier are one member: a household's common telephone.
        let few = if delivery.kind == "tiktok_ads" { said / 100 } else { 0 };
        assert!(counted <= said && counted + few >= said, "{}: {counted} of {list:?}", delivery.id);
    }
}

#[tokio::test]
async fn every_list_arrives_whole_and_is_not_sent_again() {
    let rehearsal = Rehearsal::with(|_| {}).await;
    let first = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &first).await;
    assert_eq!(first.outcome, Outcome::Succeeded);
    for (id, list) in lists(&first) {
        assert!(list.created && list.kept == 0, "{id}");
    }
    let second = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &second).await;
    for (id, list) in lists(&second) {
        // Meta's lists are replaced in a session, which sends all.
        let whole = id.ends_with("meta");
        assert_eq!((list.created, list.sent == 0, list.removed), (false, !whole, 0), "{id}: {list:?}");
    }
    let states = rehearsal.demo.store.deliveries(&second.run).await.unwrap();
    assert!(states.iter().all(|one| one.state == DeliveryState::Delivered), "{states:#?}");
}

#[tokio::test]
async fn only_the_difference_is_sent_when_the_group_changes() {
    let mut rehearsal = Rehearsal::with(|_| {}).await;
    let first = rehearsal.demo.run().await.unwrap();
    // Without the big baskets the audience is smaller: some leave each list, nobody joins.
    rehearsal.demo.definitions.campaigns[0].include.truncate(1);
    let preview = rehearsal.demo.preview().await.unwrap();
    let second = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &second).await;
    for ((planned, difference), done) in preview.deliveries.iter().zip(preview.differences).zip(&second.deliveries) {
        if let (Some(Delivered::List(PlatformSent { list, .. })), false) =
            (&done.delivered, planned.destination.as_str() == "meta")
        {
            let difference = difference.unwrap();
            assert_eq!((difference.added, difference.kept, difference.removed), (list.sent, list.kept, list.removed));
        }
    }
    let before = lists(&first);
    let mut removed = 0;
    for (id, list) in lists(&second).into_iter().filter(|(id, _)| !id.ends_with("meta")) {
        removed += list.removed;
        assert!(list.sent < before[id].sent / 10, "{id}: {list:?}");
    }
    assert!(removed > 100, "{removed}");
}

#[tokio::test]
async fn a_list_is_not_emptied_by_accident() {
    let mut rehearsal = Rehearsal::with(|_| {}).await;
    let first = rehearsal.demo.run().await.unwrap();
    let before = rehearsal.members().await;
    let nobody = rehearsal.demo.definitions.campaigns[0].exclude[0].clone();
    rehearsal.demo.definitions.campaigns[0].include = vec![nobody];
    let second = rehearsal.demo.run().await.unwrap();
    let refused = failures(&second);
    assert_eq!(refused.len(), lists(&first).len(), "{refused:#?}");
    assert!(refused.iter().all(|message| message.contains("would be left empty")), "{refused:#?}");
    assert_eq!(rehearsal.members().await, before);
    for used in ["klaviyo", "attentive", "criteo", "tiktok", "meta"] {
        let used = rehearsal.demo.definitions.campaigns[0].destinations.entry(used.parse().unwrap()).or_default();
        used.allow_empty = true;
    }
    let third = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &third).await;
    assert!(rehearsal.members().await.values().all(|members| *members == 0));
}

#[tokio::test]
async fn what_is_appended_stays() {
    let mut rehearsal = Rehearsal::with(|definitions| {
        for used in ["klaviyo", "attentive", "criteo", "tiktok", "meta"] {
            let used = definitions.campaigns[0].destinations.entry(used.parse().unwrap()).or_default();
            used.membership = Some(Membership::Append);
        }
    })
    .await;
    rehearsal.demo.run().await.unwrap();
    let before = rehearsal.members().await;
    rehearsal.demo.definitions.campaigns[0].include.truncate(1);
    let second = rehearsal.demo.run().await.unwrap();
    assert_eq!(failures(&second), Vec::<&str>::new());
    let after = rehearsal.members().await;
    assert!(before.iter().all(|(list, members)| after[list] >= *members));
    assert!(lists(&second).values().all(|list| list.removed == 0));
}

#[tokio::test]
async fn a_platform_that_is_not_there_fails_alone_and_nothing_is_lost() {
    let rehearsal = Rehearsal::with(|definitions| {
        definitions.destinations.iter_mut().filter(|one| one.kind == "criteo").for_each(|criteo| {
            criteo.settings.insert("advertiser_id".into(), "999".into());
        });
    })
    .await;
    let run = rehearsal.demo.run().await.unwrap();
    assert_eq!(run.outcome, Outcome::Partial);
    for delivery in &run.deliveries {
        assert_eq!(delivery.error.is_some(), delivery.kind == "criteo", "{}: {:?}", delivery.id, delivery.error);
        if let Some(Delivered::List(PlatformSent { list, .. })) = &delivery.delivered {
            let rows = list.sent + list.kept + list.all_rejected() + list.unknown;
            assert_eq!(rows, delivery.counts.rows, "{}", delivery.id);
        }
    }
}

/// The identifiers of each member of the lists at the sandbox.
async fn people(rehearsal: &Rehearsal) -> BTreeSet<BTreeSet<String>> {
    let mut people = BTreeSet::new();
    for list in rehearsal.members().await.into_keys() {
        let members = rehearsal.json(&format!("/lists/{list}.json?limit=100000")).await;
        for member in members["members"].as_array().unwrap() {
            people.insert(member.as_object().unwrap().values().map(|id| id.as_str().unwrap().to_owned()).collect());
        }
    }
    people
}

#[tokio::test]
async fn an_identifier_of_who_leaves_stays_where_somebody_who_stays_has_it_too() {
    let tiktok = || Rehearsal::at(Options::default(), |definitions| keep_only("tiktok", definitions));
    let (mut rehearsal, mut fresh) = (tiktok().await, tiktok().await);
    rehearsal.demo.run().await.unwrap();
    let before = people(&rehearsal).await;
    for one in [&mut rehearsal, &mut fresh] {
        // Half of the list is held out, and households are parted.
        let groups = &mut one.demo.definitions.campaigns[0].sub_audiences[0].groups;
        groups[0].percent = Percent::from_hundredths(5_500).unwrap();
        groups[1].percent = Percent::from_hundredths(4_500).unwrap();
        assert_eq!(failures(&one.demo.run().await.unwrap()), Vec::<&str>::new());
    }
    let (after, right) = (people(&rehearsal).await, people(&fresh).await);
    let single = |people: &BTreeSet<BTreeSet<String>>| people.iter().flatten().cloned().collect::<BTreeSet<String>>();
    let (left, staying) = (single(&before.difference(&right).cloned().collect()), single(&right));
    assert!(!left.is_disjoint(&staying), "no household was parted, and nothing is tested");
    assert!(left.difference(&staying).count() > 100);
    assert!(single(&after) == staying);
}

/// The members of all lists of a run who have a first name, and who have none.
async fn first_names(rehearsal: &Rehearsal, run: &RunSummary) -> (usize, usize) {
    let (mut with, mut without) = (0, 0);
    for list in lists(run).values() {
        let members = rehearsal.json(&format!("/lists/{}.json?limit=100000", list.list_id)).await;
        for member in members["members"].as_array().unwrap() {
            if member["first_name"].is_string() { with += 1 } else { without += 1 }
        }
    }
    (with, without)
}

#[tokio::test]
async fn a_null_clears_what_is_there_only_where_that_is_asked_for() {
    let mut rehearsal = Rehearsal::of("klaviyo", Options::default()).await;
    // A call for each member: one small group will do.
    keep_one_group(&mut rehearsal);
    let first = rehearsal.demo.run().await.unwrap();
    let (named, nameless) = first_names(&rehearsal, &first).await;
    let everybody = named + nameless;
    // Who has no telephone has now no first name.
    map(&mut rehearsal, "klaviyo", "first_name", "Merged_Customers.phone");
    let kept = rehearsal.demo.run().await.unwrap();
    let (with, without) = first_names(&rehearsal, &kept).await;
    assert!(with >= named && without <= nameless && with + without == everybody, "{with} {without}");
    let destinations = &mut rehearsal.demo.definitions.destinations;
    let klaviyo = destinations.iter_mut().find(|one| one.kind == "klaviyo").unwrap();
    klaviyo.settings.insert("clear_nulls".to_owned(), true.into());
    let cleared = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &cleared).await;
    let (with, without) = first_names(&rehearsal, &cleared).await;
    assert!(with > 0 && without > nameless && with + without == everybody, "{with} {without} {everybody}");
    // Those alone are sent again whose missing fields were not cleared, and each costs a call.
    let sent: u64 = lists(&cleared).values().map(|list| list.sent).sum();
    assert!(sent >= without as u64 && sent < everybody as u64, "{sent}");
    assert!(lists(&cleared).values().all(|list| list.notes.iter().any(|note| note.contains("was cleared on"))));
    let again = rehearsal.demo.run().await.unwrap();
    assert!(lists(&again).values().all(|list| list.sent == 0 && list.kept > 0));
    assert_eq!(first_names(&rehearsal, &again).await, (with, without));
}

fn faults(faults: &[&str]) -> Options {
    Options { faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(), ..Options::default() }
}

/// Leaves the first treatment group that the campaign has a list for, and no other.
fn keep_one_group(rehearsal: &mut Rehearsal) {
    let campaign = &mut rehearsal.demo.definitions.campaigns[0];
    campaign.remaining.iter_mut().for_each(|group| group.destinations.clear());
    let groups = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups);
    groups.skip(2).for_each(|group| group.destinations.clear());
}

/// Maps an attribute of a destination to another column.
fn map(rehearsal: &mut Rehearsal, destination: &str, attribute: &str, column: &str) {
    let used = rehearsal.demo.definitions.campaigns[0].destinations.get_mut(&slug(destination)).unwrap();
    for mapped in used.attributes.iter_mut().flatten() {
        if let AttributeMapping::Column(mapped) = mapped
            && mapped.attribute == attribute
        {
            mapped.column = column.parse().unwrap();
        }
    }
}

#[tokio::test]
async fn a_list_whose_rows_are_all_refused_has_failed_and_keeps_its_members() {
    let mut rehearsal = Rehearsal::of("klaviyo", faults(&["klaviyo:import:2:reject-rows:100000"])).await;
    keep_one_group(&mut rehearsal);
    let first = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &first).await;
    let held = rehearsal.members().await;
    // Some leave, and all others have changed.
    let [control, treated, _] = &mut rehearsal.demo.definitions.campaigns[0].sub_audiences[0].groups[..] else {
        panic!()
    };
    control.percent = Percent::from_hundredths(1_500).unwrap();
    treated.percent = Percent::from_hundredths(4_000).unwrap();
    map(&mut rehearsal, "klaviyo", "location.city", "Merged_Customers.customer_id");
    let second = rehearsal.demo.run().await.unwrap();
    assert_eq!(second.outcome, Outcome::Failed);
    let (class, message) = second.deliveries[0].error.clone().unwrap();
    assert!(class == ErrorClass::Row && message.contains("not one of the"), "{class:?}: {message}");
    assert_eq!(rehearsal.demo.store.deliveries(&second.run).await.unwrap()[0].state, DeliveryState::Failed);
    let [list] = lists(&second).into_values().collect::<Vec<_>>()[..] else { panic!("{second:?}") };
    assert_eq!((list.sent + list.kept, list.all_rejected()), (0, second.deliveries[0].counts.rows));
    assert_eq!(rehearsal.members().await, held, "nobody is taken off by a delivery that failed");
    let third = rehearsal.demo.run().await.unwrap();
    agrees(&rehearsal, &third).await;
    assert!(lists(&third).values().all(|list| list.removed > 0), "{third:?}");
}

#[tokio::test]
async fn whom_a_session_refused_is_sent_again_and_whom_it_took_is_not() {
    let struck = faults(&["meta:replace:1:reject-rows:5", "meta:replace:2:reject-rows:150"]);
    let mut rehearsal = Rehearsal::at(struck, |definitions| keep_only("meta", definitions)).await;
    rehearsal.demo.run().await.unwrap();
    for (named, unsure) in [(5, false), (100, true)] {
        set_membership(&mut rehearsal, Membership::Replace);
        let replaced = rehearsal.demo.run().await.unwrap();
        agrees(&rehearsal, &replaced).await;
        let rows = replaced.deliveries[0].counts.rows;
        let refused = lists(&replaced).into_values().next().unwrap().all_rejected();
        assert!(refused >= named && rows > 1_000, "{refused} of {rows}");
        set_membership(&mut rehearsal, Membership::Mirror);
        let mirrored = rehearsal.demo.run().await.unwrap();
        agrees(&rehearsal, &mirrored).await;
        // Where a count was all that was said, nobody of that request is known to be there.
        let sent = lists(&mirrored).into_values().next().unwrap().sent;
        assert_eq!(sent, if unsure { rows } else { refused });
        assert_eq!(rehearsal.members().await.values().sum::<u64>(), rows);
    }
}

fn set_membership(rehearsal: &mut Rehearsal, membership: Membership) {
    let used = rehearsal.demo.definitions.campaigns[0].destinations.entry(slug("meta")).or_default();
    used.membership = Some(membership);
}

#[tokio::test]
async fn a_list_that_is_gone_is_an_error_where_the_definitions_give_its_id() {
    for (destination, id) in [("klaviyo", "Gone01"), ("criteo", "778"), ("tiktok", "190"), ("meta", "238")] {
        let mut rehearsal = Rehearsal::at(Options::default(), |definitions| keep_only(destination, definitions)).await;
        let campaign = &mut rehearsal.demo.definitions.campaigns[0];
        let groups = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups).chain(&mut campaign.remaining);
        for used in groups.flat_map(|group| &mut group.destinations) {
            let list_id = Some(id.to_owned());
            *used = GroupDestination::WithList(GroupList { id: slug(destination), list_name: None, list_id });
        }
        let run = rehearsal.demo.run().await.unwrap();
        assert!(!run.deliveries.is_empty());
        let gone = |message: &str| message.contains("is gone at the platform") && message.contains("remove its id");
        let said = failures(&run);
        assert!(said.len() == run.deliveries.len() && said.iter().all(|message| gone(message)), "{said:#?}");
        assert!(rehearsal.members().await.is_empty(), "none is made in its place");
    }
}
