//! The design's invariants 1, 2 and 4, on random audiences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use consign_engine::{AssignedSubAudience, CountRequest};
use consign_model::definition::{ColumnRef, Split};
use consign_model::plan::AssignPlan;
use consign_model::split::WHOLE;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::workspace::{Row, Workspace, condition, plan, slug, sub_audience};

fn shares() -> impl Strategy<Value = Vec<u32>> {
    btree_set(1..WHOLE, 0..4).prop_map(|cuts| {
        let mut from = 0;
        let ends = cuts.into_iter().chain([WHOLE]);
        ends.map(|to| {
            let share = to - from;
            from = to;
            share
        })
        .collect()
    })
}

fn at_least(value: i64) -> consign_model::condition::Condition {
    condition(json!({ "column": "Customers.n", "operator": "at_least", "value": value }))
}

fn tables(numbers: &[Option<i64>]) -> Workspace {
    let mut csv = "customer_id,n,name\n".to_owned();
    let mut orders = "customer_id,amount\n".to_owned();
    for (i, number) in numbers.iter().enumerate() {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        writeln!(csv, "k{i},{number},name {}", i % 7).unwrap();
        for line in 0..i % 4 {
            writeln!(orders, "k{i},{}.{:02}", (i * 7 + line * 13) % 50, line * 31 % 100).unwrap();
        }
    }
    Workspace::new().table("Customers", "customers.csv", csv).rows("Orders", "orders.csv", orders)
}

fn by_sub_audience(rows: &[Row]) -> BTreeMap<u16, Vec<&Row>> {
    let mut found: BTreeMap<u16, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        found.entry(row.sub_audience.unwrap()).or_default().push(row);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn counts_close_and_nobody_is_in_two_groups(
        numbers in vec(proptest::option::weighted(0.9, 0..100_i64), 1..300),
        bounds in vec(0..100_i64, 0..4),
        groups in vec(shares(), 5),
        first_match_only: bool,
        exact: bool,
        include in 0..60_i64,
    ) {
        let mut sub_audiences: Vec<_> = bounds
            .iter()
            .enumerate()
            .map(|(i, bound)| sub_audience(&format!("s{i}"), Some(at_least(*bound)), &groups[i]))
            .collect();
        sub_audiences.push(sub_audience("remaining", None, &groups[4]));
        let split = if exact { Split::Exact } else { Split::Stable };
        let plan = AssignPlan { include: vec![at_least(include)], sub_audiences, first_match_only, split, ..plan() };
        let workspace = tables(&numbers);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (assigned, rows) = runtime.block_on(workspace.assign(&plan)).unwrap();

        let expected = numbers.iter().flatten().filter(|number| **number >= include).count() as u64;
        prop_assert_eq!(assigned.audience, expected);
        for one in &assigned.sub_audiences {
            prop_assert_eq!(one.groups.iter().sum::<u64>(), one.customers);
        }
        let keys: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        prop_assert_eq!(keys.len() as u64, assigned.audience);
        if first_match_only {
            let customers = assigned.sub_audiences.iter().map(|one| one.customers).sum::<u64>();
            prop_assert_eq!(customers, assigned.audience);
            prop_assert_eq!(rows.len() as u64, assigned.audience);
        }
        let found = by_sub_audience(&rows);
        for (i, one) in assigned.sub_audiences.iter().enumerate() {
            let rows = found.get(&(i as u16)).map(Vec::as_slice).unwrap_or_default();
            // Nobody is twice in a sub-audience, so nobody is in control and in another group of it.
            let keys: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
            prop_assert_eq!(keys.len(), rows.len());
            let mut counted = AssignedSubAudience { customers: 0, groups: vec![0; one.groups.len()] };
            for row in rows {
                counted.customers += 1;
                counted.groups[usize::from(row.group.unwrap())] += 1;
            }
            prop_assert_eq!(&counted, one);
            if exact {
                let shares: Vec<u32> = plan.sub_audiences[i].groups.iter().map(|group| group.hundredths).collect();
                prop_assert_eq!(&one.groups, &consign_model::split::exact_sizes(one.customers, &shares));
            }
        }
    }
}

/// A plan with everything whose order could depend on threads: float sums, gathered rows, averages, ranks.
fn wide() -> AssignPlan {
    let sum = json!({ "aggregate": "sum", "table": "Orders", "of": "amount", "operator": "at_least", "value": 30.31 });
    let average =
        json!({ "aggregate": "avg", "table": "Orders", "of": "amount", "operator": "less_than", "value": 25 });
    let top = json!({ "column": "Customers.n", "operator": "top_percent", "value": 20 });
    AssignPlan {
        sub_audiences: vec![
            sub_audience("rich", Some(condition(sum)), &[1000, 9000]),
            sub_audience("small", Some(condition(average)), &[3333, 6667]),
            sub_audience("top", Some(condition(top)), &[5000, 5000]),
            sub_audience("remaining", None, &[10_000]),
        ],
        first_match_only: false,
        columns: ["Customers.n", "Customers.name", "Orders.amount"]
            .map(|name| name.parse::<ColumnRef>().unwrap())
            .into(),
        ..plan()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_tables_give_the_same_bytes_on_any_number_of_threads() {
    let numbers: Vec<Option<i64>> = (0..30_000).map(|i| (i % 11 != 0).then_some(i * 37 % 1000)).collect();
    for split in [Split::Stable, Split::Exact] {
        let plan = AssignPlan { split, ..wide() };
        let mut workspace = tables(&numbers);
        let mut written = Vec::new();
        for threads in [1, 2, 4] {
            workspace.threads = threads;
            let (assigned, _) = workspace.assign(&plan).await.unwrap();
            written.push((assigned, fs::read(workspace.path("snapshot.parquet")).unwrap()));
        }
        assert!(written[0].0.rows > 8192 * 3);
        assert!(written.iter().all(|one| *one == written[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_memory_is_done_in_parts_with_the_same_result() {
    let numbers: Vec<Option<i64>> = (0..200_000).map(|i| (i % 11 != 0).then_some(i * 37 % 1000)).collect();
    let mut workspace = tables(&numbers);
    let sql = "SELECT customer_id FROM Orders WHERE amount > 10";
    let plan = AssignPlan {
        exclude: vec![condition(json!({ "segment": "sql" }))],
        sql_segments: [(slug("sql"), sql.to_owned())].into(),
        split: Split::Exact,
        ..wide()
    };
    let conditions = [at_least(500), condition(json!({ "segment": "sql" }))];
    let mut found = Vec::new();
    for memory in [1 << 30, 64 << 20] {
        workspace.memory = memory;
        let (assigned, _) = workspace.assign(&plan).await.unwrap();
        let request = CountRequest {
            as_of: plan.as_of,
            time_zone: plan.time_zone,
            customer_table: "Customers",
            sql_segments: &plan.sql_segments,
            conditions: &conditions,
            cancel: &CancellationToken::new(),
        };
        let counts = workspace.tables().await.count(&request).await.unwrap();
        found.push((assigned, counts, fs::read(workspace.path("snapshot.parquet")).unwrap()));
    }
    assert_eq!((&found[0].0, &found[0].1), (&found[1].0, &found[1].1));
    assert!(found[0].2 == found[1].2);
    assert_eq!(found[0].1.customers, 200_000);
}
