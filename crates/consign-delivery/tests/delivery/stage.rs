//! Staging against a row-by-row reading of the same rules, on random snapshots; invariants 2, 3, 4, 5 and 7.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::AsArray;
use consign_delivery::folder::RunFolder;
use consign_delivery::recipients::{self, DeliveryOutcome};
use consign_delivery::stage::{
    ATTRIBUTE, CUSTOMER_KEY, CUSTOMER_STAGED, Counts, REASON, Reason, Stage, StagedDelivery, stage,
};
use consign_destinations::registry::Registry;
use consign_model::forgotten::{Forgotten, KeyHash};
use consign_model::spec::{Hash, UniqueBy};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::disk::{files, read, texts};
use crate::memory::{Customer, MemorySnapshot, Wanted, key, plan, snapshot};

const EMAILS: [&str; 6] = ["a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com", ""];
const PHONES: [&str; 4] = ["+12065550100", "+12065550101", "+442079460018", ""];
const PRODUCTS: [&str; 3] = ["cd", "lp", "tape"];

fn customers() -> impl Strategy<Value = Vec<Customer>> {
    let one_of = |texts: &'static [&'static str]| prop::option::weighted(0.8, prop::sample::select(texts));
    let customer = (
        prop::option::weighted(0.9, 0_u16..2),
        prop::bool::weighted(0.8),
        one_of(&EMAILS),
        one_of(&PHONES),
        prop::collection::vec(prop::sample::select(&PRODUCTS[..]), 0..4),
        prop::bool::weighted(0.1),
    );
    let customer = customer.prop_map(|(group, consent, email, phone, mut orders, forgotten)| {
        orders.sort_unstable();
        // Who is outside the audience is in the snapshot for being excluded.
        Customer { excluded: group.is_none(), group, consent, email, phone, orders, forgotten }
    });
    prop::collection::vec(customer, 0..60)
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let row = prop::sample::select(vec![
        vec![],
        vec![names(&["email"])],
        vec![names(&["email"]), names(&["phone"])],
        vec![names(&["email", "phone"])],
    ]);
    let unique = prop::sample::select(vec![
        UniqueBy::Nothing,
        UniqueBy::WholeRow,
        UniqueBy::Attributes(names(&["email"])),
        UniqueBy::Attributes(names(&["phone", "email"])),
    ]);
    let hash = prop::sample::select(vec![Hash::None, Hash::Sha256]);
    (0_usize..2, row, unique, any::<bool>(), any::<bool>(), any::<bool>(), hash).prop_map(
        |(group, row, unique_by, expanded, suppresses, consent, hash)| Wanted {
            group,
            row,
            unique_by,
            expanded,
            suppresses,
            consent,
            hash,
        },
    )
}

/// A row as it is sent: key, e-mail, phone, product.
type Row = (String, Option<String>, Option<String>, Option<String>);

#[derive(Debug, Default, PartialEq)]
struct Expected {
    rows: Vec<Row>,
    /// Key, reason, whether another row of the customer is staged.
    rejects: Vec<(String, Reason, bool)>,
    outcomes: BTreeMap<String, Option<Reason>>,
}

/// The same rules, a row at a time, with every value that was seen in memory.
fn expected(customers: &[Customer], wanted: &Wanted) -> Expected {
    let valid = |text: Option<&'static str>| text.filter(|text| !text.is_empty());
    let mut suppressed = HashSet::new();
    for customer in customers {
        if customer.excluded || (wanted.consent && !customer.consent) {
            suppressed.extend(valid(customer.email));
            suppressed.extend(valid(customer.phone));
        }
    }
    let mut seen = HashSet::new();
    let mut expected = Expected::default();
    for (place, customer) in customers.iter().enumerate() {
        if customer.group.map(usize::from) != Some(wanted.group) {
            continue;
        }
        let products: Vec<_> = match (wanted.expanded, customer.orders.as_slice()) {
            (true, [_, ..]) => customer.orders.iter().copied().map(Some).collect(),
            _ => vec![None],
        };
        let reasons: Vec<Option<Reason>> = products
            .iter()
            .map(|product| {
                let (email, phone) = (valid(customer.email), valid(customer.phone));
                if customer.forgotten {
                    return Some(Reason::Forgotten);
                }
                if wanted.consent && !customer.consent {
                    return Some(Reason::NoConsent);
                }
                let held = |value: Option<&str>| value.is_some_and(|value| suppressed.contains(value));
                if wanted.suppresses && (held(email) || held(phone)) {
                    return Some(Reason::Suppressed);
                }
                let there = |name: &String| if name == "email" { email.is_some() } else { phone.is_some() };
                if !wanted.row.is_empty() && !wanted.row.iter().any(|set| set.iter().all(there)) {
                    let looked_at = |name: &str| wanted.row.iter().flatten().any(|one| one == name);
                    return Some(if looked_at("email") && customer.email == Some("") {
                        Reason::InvalidEmail
                    } else if looked_at("phone") && customer.phone == Some("") {
                        Reason::InvalidPhone
                    } else {
                        Reason::MissingIdentifier
                    });
                }
                let unique = match &wanted.unique_by {
                    UniqueBy::Nothing => return None,
                    UniqueBy::WholeRow => (customer.email, customer.phone, *product),
                    UniqueBy::Attributes(names) if names.len() == 1 => (customer.email, None, None),
                    UniqueBy::Attributes(_) => (customer.email, customer.phone, None),
                };
                (!seen.insert(unique)).then_some(Reason::Duplicate)
            })
            .collect();
        let staged = reasons.iter().any(Option::is_none);
        for (product, reason) in products.iter().zip(&reasons) {
            let send = |text: Option<&str>| {
                text.filter(|text| !text.is_empty()).map(|text| match wanted.hash {
                    Hash::Sha256 => consign_normalise::sha256_hex(text),
                    _ => text.to_owned(),
                })
            };
            match reason {
                Some(reason) => expected.rejects.push((key(place), *reason, staged)),
                None => expected.rows.push((
                    key(place),
                    send(customer.email),
                    send(customer.phone),
                    product.map(ToOwned::to_owned),
                )),
            }
        }
        let furthest = reasons.iter().flatten().max().copied();
        expected.outcomes.insert(key(place), if staged { None } else { furthest });
    }
    expected
}

struct Staged {
    folder: tempfile::TempDir,
    deliveries: Vec<StagedDelivery>,
}

fn ids(wanted: &[Wanted]) -> Vec<String> {
    (0..wanted.len()).map(|place| format!("d{place}")).collect()
}

/// Who was forgotten since the snapshot was written.
fn forgotten(customers: &[Customer]) -> Forgotten {
    let places = customers.iter().enumerate().filter(|(_, customer)| customer.forgotten);
    places.map(|(place, _)| KeyHash::of(&key(place))).collect()
}

fn run(snapshot: &MemorySnapshot, wanted: &[Wanted], forgotten: &Forgotten, threads: usize) -> Staged {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let deliveries = runtime
        .block_on(stage(&Stage {
            snapshot,
            plan: &plan(wanted),
            ids: &ids(wanted),
            registry: &Registry::new(),
            forgotten,
            folder: &RunFolder::at(folder.path()),
            threads,
            cancel: &CancellationToken::new(),
            progress: &|_| {},
        }))
        .unwrap();
    Staged { folder, deliveries }
}

fn rows(delivery: &StagedDelivery) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in delivery.batches.iter().flat_map(|batch| read(&batch.path)) {
        let columns = [CUSTOMER_KEY, "email", "phone", "product"].map(|name| texts(&batch, name));
        let [keys, emails, phones, products] = columns;
        for (((key, email), phone), product) in keys.into_iter().zip(emails).zip(phones).zip(products) {
            rows.push((key.unwrap(), email, phone, product));
        }
    }
    rows
}

fn rejects(delivery: &StagedDelivery) -> Vec<(String, Reason, bool)> {
    let mut rejects = Vec::new();
    for batch in read(&delivery.rejects.path) {
        assert!(batch.column_by_name(ATTRIBUTE).is_some());
        let staged = batch.column_by_name(CUSTOMER_STAGED).unwrap().as_boolean().clone();
        for (row, (key, reason)) in texts(&batch, CUSTOMER_KEY).into_iter().zip(texts(&batch, REASON)).enumerate() {
            rejects.push((key.unwrap(), Reason::parse(&reason.unwrap()).unwrap(), staged.value(row)));
        }
    }
    rejects
}

/// Counts say of the rejects what the rejects say themselves.
fn agree(counts: &Counts, rejects: &[(String, Reason, bool)]) {
    let mut dropped: BTreeMap<Reason, u64> = BTreeMap::new();
    let mut furthest: HashMap<&str, Reason> = HashMap::new();
    for (key, reason, staged) in rejects {
        *dropped.entry(*reason).or_default() += 1;
        if !staged {
            let reason = furthest.get(key.as_str()).map_or(*reason, |first| *first.max(reason));
            furthest.insert(key, reason);
        }
    }
    let mut shrink: BTreeMap<Reason, u64> = BTreeMap::new();
    for reason in furthest.values() {
        *shrink.entry(*reason).or_default() += 1;
    }
    let repeated = shrink.remove(&Reason::Duplicate).unwrap_or_default();
    assert_eq!((&counts.dropped, &counts.shrink, counts.repeated), (&dropped, &shrink, repeated));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn staging_is_what_a_row_by_row_reading_of_the_rules_says(
        customers in customers(),
        wanted in prop::collection::vec(wanted(), 1..5),
        batch_rows in 1_usize..20,
        threads in 1_usize..4,
    ) {
        let staged = run(&snapshot(&customers, batch_rows), &wanted, &forgotten(&customers), threads);
        for (delivery, wanted) in staged.deliveries.iter().zip(&wanted) {
            let expected = expected(&customers, wanted);
            prop_assert_eq!(rows(delivery), expected.rows);
            prop_assert_eq!(rejects(delivery), expected.rejects);
            let counts = &delivery.counts;
            prop_assert_eq!(counts.rows, counts.customers + counts.expansion - counts.dropped());
            prop_assert_eq!(counts.rows, delivery.batches.iter().map(|batch| batch.rows).sum::<u64>());
            let reached = expected.outcomes.values().filter(|outcome| outcome.is_none()).count() as u64;
            prop_assert_eq!(counts.customers - counts.shrink() - counts.repeated, reached);
            agree(counts, &rejects(delivery));
        }
    }

    #[test]
    fn staged_files_are_the_same_bytes_on_any_number_of_threads(
        customers in customers(),
        wanted in prop::collection::vec(wanted(), 1..4),
    ) {
        let snapshot = snapshot(&customers, 7);
        let one = run(&snapshot, &wanted, &forgotten(&customers), 1);
        let four = run(&snapshot, &wanted, &forgotten(&customers), 4);
        prop_assert_eq!(files(one.folder.path()), files(four.folder.path()));
    }

    #[test]
    fn recipients_say_of_each_customer_and_destination_what_became_of_it(
        customers in customers(),
        wanted in prop::collection::vec(wanted(), 1..4),
    ) {
        let snapshot = snapshot(&customers, 9);
        let staged = run(&snapshot, &wanted, &forgotten(&customers), 2);
        let outcomes: Vec<_> =
            staged.deliveries.iter().map(|one| DeliveryOutcome { rejects: &one.rejects.path, rejected: None, forgotten: None, staged: "sent", sent_at: None }).collect();
        let to = staged.folder.path().join("recipients.parquet");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(recipients::record(&snapshot, &plan(&wanted), &outcomes, &to)).unwrap();
        let mut found: Vec<(String, Option<String>, Option<String>)> = Vec::new();
        for batch in read(&to) {
            let columns = ["customer_key", "treatment_id", "outcome"].map(|name| texts(&batch, name));
            let [keys, groups, outcomes] = columns;
            for ((key, group), outcome) in keys.into_iter().zip(groups).zip(outcomes) {
                found.push((key.unwrap(), group, outcome));
            }
        }
        let mut meant = Vec::new();
        for (place, customer) in customers.iter().enumerate() {
            let Some(group) = customer.group else { continue };
            let name = Some(["control", "a"][usize::from(group)].to_owned());
            let of_group: Vec<_> = wanted.iter().filter(|one| one.group == usize::from(group)).collect();
            for wanted in &of_group {
                let outcome = expected(&customers, wanted).outcomes[&key(place)];
                let outcome = outcome.map_or_else(|| "sent".to_owned(), |reason| reason.to_string());
                meant.push((key(place), name.clone(), Some(outcome)));
            }
            if of_group.is_empty() {
                meant.push((key(place), name, None));
            }
        }
        prop_assert_eq!(found, meant);
    }
}

#[test]
fn a_cancelled_staging_says_so() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let folder = tempfile::tempdir().unwrap();
    let customer = Customer {
        group: Some(0),
        excluded: false,
        consent: true,
        email: Some("a@example.com"),
        phone: None,
        orders: vec![],
        forgotten: false,
    };
    let wanted = [Wanted {
        group: 0,
        row: vec![],
        unique_by: UniqueBy::Nothing,
        expanded: false,
        suppresses: false,
        consent: false,
        hash: Hash::None,
    }];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(stage(&Stage {
        snapshot: &snapshot(&[customer], 1),
        plan: &plan(&wanted),
        ids: &ids(&wanted),
        registry: &Registry::new(),
        forgotten: &Forgotten::default(),
        folder: &RunFolder::at(folder.path()),
        threads: 1,
        cancel: &cancel,
        progress: &|_| {},
    }));
    assert_eq!(result.unwrap_err().to_string(), "cancelled");
}
