//! Counting, explaining, and the plan itself.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, StringArray};
use consign_engine::CountRequest;
use consign_model::definition::{ColumnRef, RowsPerCustomer};
use consign_model::plan::AssignPlan;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::workspace::{Workspace, array, as_of, condition, plan, slug, sub_audience};

fn workspace() -> Workspace {
    Workspace::new()
        .table(
            "Customers",
            "customers.csv",
            "customer_id,email,age\n00001,a@example.com,30\n00002,,70\n00003,c@example.com,\n",
        )
        .table("Scores", "scores.csv", "customer_id,score,email_opt_in\n00001,5,true\n00003,9,false\n")
        .rows(
            "Orders",
            "orders.csv",
            "customer_id,revenue,ordered_on\n00001,50.5,2026-06-01\n00001,60,2026-01-01\n00003,1,2026-06-02\n",
        )
}

fn campaign() -> AssignPlan {
    let recent = json!({ "aggregate": "count", "table": "Orders", "operator": "at_least", "value": 1,
        "where": { "all": [
            { "column": "Orders.ordered_on", "operator": "in_last", "value": { "days": 60 } },
            { "column": "Orders.revenue", "operator": "greater_than", "value": 10 } ] } });
    let spent = json!({ "aggregate": "sum", "table": "Orders", "of": "revenue", "operator": "between",
        "value": { "from": 100, "to": 200 } });
    AssignPlan {
        include: vec![condition(json!({ "any": [ recent, { "segment": "sql" } ] }))],
        exclude: vec![condition(json!({ "not": { "column": "Customers.email", "operator": "is_not_blank" } }))],
        always_exclude: vec![condition(json!({ "column": "Scores.score", "operator": "in_list", "value": [1, 2.5] }))],
        sql_segments: [(slug("sql"), "SELECT customer_id FROM Scores WHERE score > 5".to_owned())].into(),
        sub_audiences: vec![
            sub_audience("spenders", Some(condition(spent)), &[1000, 4500, 4500]),
            sub_audience("remaining", None, &[]),
        ],
        consents: [(slug("klaviyo"), condition(json!({ "column": "Scores.email_opt_in", "operator": "is_true" })))]
            .into(),
        columns: ["Customers.email", "Scores.score", "Orders.revenue"]
            .map(|name| name.parse::<ColumnRef>().unwrap())
            .into(),
        ..plan()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_counted_exactly() {
    let workspace = workspace();
    let tables = workspace.tables().await;
    let conditions = [
        condition(json!({ "column": "Customers.age", "operator": "at_least", "value": 30 })),
        condition(json!({ "aggregate": "exists", "table": "Orders" })),
        condition(json!({ "segment": "sql" })),
        condition(json!({ "any": [] })),
    ];
    let sql_segments = [(slug("sql"), "SELECT customer_id FROM Scores".to_owned())].into();
    let request = CountRequest {
        as_of: as_of(),
        time_zone: chrono_tz::UTC,
        customer_table: "Customers",
        sql_segments: &sql_segments,
        conditions: &conditions,
        cancel: &CancellationToken::new(),
    };
    let counts = tables.count(&request).await.unwrap();
    assert_eq!((counts.customers, counts.conditions), (3, vec![2, 2, 2, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_more_keys_than_there_are_customers_is_counted_in_parts() {
    let keys = array((0..1_500_000).map(|key| Some(format!("{key:032}"))).collect::<StringArray>());
    let orders = RecordBatch::try_from_iter([("customer_id", keys)]).unwrap();
    let customers = format!("customer_id\n{:032}\n{:032}\n", 7, 2_000_000);
    let mut workspace = Workspace::new().table("Customers", "customers.csv", customers);
    workspace = workspace.parquet("Orders", RowsPerCustomer::Many, &orders);
    workspace.memory = 64 << 20;
    let tables = workspace.tables().await;
    let request = CountRequest {
        as_of: as_of(),
        time_zone: chrono_tz::UTC,
        customer_table: "Customers",
        sql_segments: &BTreeMap::new(),
        conditions: &[condition(json!({ "aggregate": "exists", "table": "Orders" }))],
        cancel: &CancellationToken::new(),
    };
    assert_eq!(tables.count(&request).await.unwrap().conditions, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_explained_condition_by_condition() {
    let workspace = workspace();
    let tables = workspace.tables().await;
    let plan = campaign();
    let mut shown = String::new();
    for key in ["00001", "00002", "00003"] {
        let explained = tables.explain(&plan, key).await.unwrap().unwrap();
        shown.push_str(&serde_json::to_string_pretty(&explained).unwrap());
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
    assert_eq!(tables.explain(&plan, "00004").await.unwrap(), None);
    // The snapshot says the same.
    let (_, rows) = workspace.assign(&plan).await.unwrap();
    let explained = tables.explain(&plan, "00001").await.unwrap().unwrap();
    let row = rows.iter().find(|row| row.key == "00001").unwrap();
    assert_eq!(row.position, explained.position);
    assert_eq!(row.group.map(usize::from), explained.sub_audiences[0].group);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_scans_each_table_once() {
    let workspace = workspace();
    let tables = workspace.tables().await;
    let shown = tables.explain_plan(&campaign()).await.unwrap();
    // Paths differ from run to run.
    let lines = shown.lines().map(|line| match line.split_once("file_groups=") {
        Some((before, rest)) => {
            let after = rest.split_once(", projection").map_or("", |(_, after)| after);
            format!("{before}file_groups=..., projection{}", after.split(", file_type").next().unwrap_or_default())
        }
        None => line.to_owned(),
    });
    let shown = lines.collect::<Vec<_>>().join("\n");
    // Three tables, and the keys of the SQL segment.
    assert_eq!(shown.matches("DataSourceExec").count(), 4);
    insta::assert_snapshot!(shown);
}
