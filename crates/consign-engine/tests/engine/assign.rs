//! Audience, sub-audiences, groups.

use consign_model::plan::AssignPlan;
use serde_json::json;

use crate::workspace::{Workspace, condition, holds, plan, sub_audience};

fn keys() -> String {
    let keys = (1..=23_570).map(|key| format!("{key:05}\n"));
    std::iter::once("customer_id\n".to_owned()).chain(keys).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_split_has_the_counts_of_the_design() {
    let workspace = Workspace::new().table("Customers", "customers.csv", keys());
    let plan = AssignPlan { sub_audiences: vec![sub_audience("remaining", None, &[1000, 4500, 4500])], ..plan() };
    let (assigned, rows) = workspace.assign(&plan).await.unwrap();
    assert_eq!(assigned.audience, 23_570);
    assert_eq!(assigned.customers_of_table, 23_570);
    assert_eq!(assigned.sub_audiences[0].groups, [2383, 10_464, 10_723]);
    let first = rows.iter().find(|row| row.key == "00001").unwrap();
    assert_eq!(first.position, 975_209_905_131_070_160);
    assert!(rows.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_several_tables_meet_in_one_customer() {
    let workspace = Workspace::new()
        .table("Customers", "customers.csv", "customer_id,email\n001,a@example.com\n002,\n003,c@example.com\n")
        .table(
            "Scores",
            "scores.jsonl",
            "{\"customer_id\":\"001\",\"score\":5}\n{\"customer_id\":\"003\",\"score\":1.5}\n",
        )
        .rows(
            "Orders",
            "orders.csv",
            "customer_id,ordered_on,revenue\n001,2026-06-01,10.10\n001,2026-05-01,0.2\n002,2024-01-01,99\n",
        );
    let many = json!({ "aggregate": "count", "table": "Orders", "operator": "at_least", "value": 2,
        "where": { "column": "Orders.ordered_on", "operator": "in_last", "value": { "days": 90 } } });
    assert_eq!(holds(&workspace, many.clone()).await, ["001"]);
    assert_eq!(holds(&workspace, json!({ "not": many })).await, ["002", "003"]);
    let none = json!({ "aggregate": "count", "table": "Orders", "operator": "is", "value": 0 });
    assert_eq!(holds(&workspace, none).await, ["003"]);
    let sum = json!({ "aggregate": "sum", "table": "Orders", "of": "revenue", "operator": "is", "value": 10.3 });
    assert_eq!(holds(&workspace, sum).await, ["001"]);
    let average =
        json!({ "aggregate": "avg", "table": "Orders", "of": "revenue", "operator": "less_than", "value": 6 });
    assert_eq!(holds(&workspace, average).await, ["001"]);
    let both = json!({ "all": [
        { "column": "Customers.email", "operator": "is_not_blank" },
        { "column": "Scores.score", "operator": "less_than", "value": 2 },
    ] });
    assert_eq!(holds(&workspace, both).await, ["003"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn off_first_match_a_customer_is_in_every_sub_audience_that_matches() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id,age\na,10\nb,20\nc,30\nd,\n");
    let at_least =
        |age: i64| Some(condition(json!({ "column": "Customers.age", "operator": "at_least", "value": age })));
    let first = AssignPlan {
        sub_audiences: vec![
            sub_audience("old", at_least(30), &[10_000]),
            sub_audience("grown", at_least(20), &[10_000]),
            sub_audience("remaining", None, &[]),
        ],
        ..plan()
    };
    let (assigned, _) = workspace.assign(&first).await.unwrap();
    let customers: Vec<u64> = assigned.sub_audiences.iter().map(|one| one.customers).collect();
    assert_eq!(customers, [1, 1, 2]);
    let all = AssignPlan { first_match_only: false, ..first };
    let (assigned, rows) = workspace.assign(&all).await.unwrap();
    let customers: Vec<u64> = assigned.sub_audiences.iter().map(|one| one.customers).collect();
    assert_eq!(customers, [1, 2, 2]);
    assert_eq!(assigned.audience, 4);
    assert_eq!(rows.len(), 5);
}
