//! The exact split and how it sticks to the last run.

use std::collections::BTreeMap;
use std::fs;

use consign_model::definition::Split;
use consign_model::plan::AssignPlan;
use serde_json::json;

use crate::workspace::{Row, Workspace, condition, plan, sub_audience};

fn customers(from: usize, to: usize) -> String {
    let lines = (from..to).map(|i| format!("k{i},{}\n", i % 10));
    std::iter::once("customer_id,n\n".to_owned()).chain(lines).collect()
}

fn exact() -> AssignPlan {
    let low = json!({ "column": "Customers.n", "operator": "less_than", "value": 3 });
    AssignPlan {
        split: Split::Exact,
        sub_audiences: vec![
            sub_audience("low", Some(condition(low)), &[1000, 3000, 6000]),
            sub_audience("remaining", None, &[5000, 5000]),
        ],
        ..plan()
    }
}

fn groups(rows: &[Row]) -> BTreeMap<(String, u16), u16> {
    rows.iter().map(|row| ((row.key.clone(), row.sub_audience.unwrap()), row.group.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_exact_and_who_was_assigned_stays_while_newcomers_fill_the_gaps() {
    let workspace = Workspace::new().table("Customers", "customers.csv", customers(0, 1003));
    let plan = exact();
    let (first, before) = workspace.assign_to(&plan, "first.parquet", None).await.unwrap();
    // 303 and 700 customers.
    assert_eq!(first.sub_audiences[0].groups, [30, 91, 182]);
    assert_eq!(first.sub_audiences[1].groups, [350, 350]);

    // A hundred go, three hundred come.
    fs::write(workspace.path("customers.csv"), customers(100, 1303)).unwrap();
    let (second, after) = workspace.assign_to(&plan, "second.parquet", Some("first.parquet")).await.unwrap();
    assert_eq!(second.sub_audiences[0].customers, 363);
    assert_eq!(second.sub_audiences[0].groups, [36, 109, 218]);
    assert_eq!(second.sub_audiences[1].groups, [420, 420]);
    let (before, after) = (groups(&before), groups(&after));
    let stayed = after.iter().filter(|(who, _)| before.contains_key(who)).count();
    assert_eq!(stayed, 903);
    assert!(after.iter().all(|(who, group)| before.get(who).is_none_or(|was| was == group)));

    // Without the last run, sizes are the same and people are not.
    let (_, anew) = workspace.assign_to(&plan, "anew.parquet", None).await.unwrap();
    assert_ne!(groups(&anew), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_shrinks_keeps_its_customers_and_gets_no_newcomers() {
    let workspace = Workspace::new().table("Customers", "customers.csv", customers(0, 40));
    let one = |shares: &[u32]| AssignPlan {
        split: Split::Exact,
        sub_audiences: vec![sub_audience("remaining", None, shares)],
        ..plan()
    };
    let (_, before) = workspace.assign_to(&one(&[5000, 5000]), "first.parquet", None).await.unwrap();
    // Who is left is all of the first group, and four of the second.
    let mut kept: Vec<&Row> = before.iter().filter(|row| row.group == Some(0)).collect();
    kept.extend(before.iter().filter(|row| row.group == Some(1)).take(4));
    let lines: String = kept.iter().map(|row| format!("{},1\n", row.key)).collect();
    fs::write(workspace.path("customers.csv"), format!("customer_id,n\n{lines}new1,1\nnew2,1\n")).unwrap();
    let (assigned, after) =
        workspace.assign_to(&one(&[5000, 5000]), "second.parquet", Some("first.parquet")).await.unwrap();
    assert_eq!(assigned.sub_audiences[0].groups, [20, 6]);
    assert!(after.iter().filter(|row| row.key.starts_with("new")).all(|row| row.group == Some(1)));
}
