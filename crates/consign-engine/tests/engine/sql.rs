//! SQL segments: what is accepted, what is refused, and what it means.

use consign_model::definition::{Segment, SegmentBody};
use consign_model::plan::AssignPlan;
use serde_json::json;

use crate::workspace::{Workspace, condition, plan, slug};

fn workspace() -> Workspace {
    Workspace::new()
        .table("Customers", "customers.csv", "customer_id,Born\na,2026-06-30\nb,1990-01-01\nc,\n")
        .rows("Orders", "orders.csv", "customer_id,revenue,ordered_on\na,5,2026-06-29\na,6,2026-06-28\nb,1,2020-01-01\n,3,2026-06-30\nz,1,2026-01-01\n")
}

async fn customers(sql: &str) -> Result<Vec<String>, String> {
    let plan = AssignPlan {
        include: vec![condition(json!({ "segment": "sql" }))],
        sql_segments: [(slug("sql"), sql.to_owned())].into(),
        time_zone: chrono_tz::Pacific::Kiritimati,
        ..plan()
    };
    let (_, rows) = workspace().assign(&plan).await.map_err(|error| error.to_string())?;
    let mut keys: Vec<String> = rows.into_iter().map(|row| row.key).collect();
    keys.sort();
    Ok(keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_select_of_keys_is_a_segment() {
    for (sql, keys) in [
        ("SELECT customer_id FROM Orders", &["a", "b"][..]),
        ("select customer_id from Orders group by customer_id having SUM(revenue) > 10", &["a"]),
        (
            "WITH recent AS (SELECT * FROM Orders WHERE ordered_on > '2026-01-15') SELECT customer_id FROM recent",
            &["a"],
        ),
        (
            "SELECT customer_id FROM Customers WHERE Born IS NULL UNION SELECT customer_id FROM Orders WHERE revenue = 1",
            &["b", "c"],
        ),
        (
            "SELECT c.customer_id FROM Customers c JOIN Orders o ON c.customer_id = o.customer_id WHERE revenue < 2",
            &["b"],
        ),
        ("SELECT customer_id FROM Customers WHERE false", &[]),
        // `as_of` is the 30 June in UTC, and already the 1 July in the workspace's zone.
        ("SELECT customer_id FROM Customers WHERE current_date = DATE '2026-07-01' AND customer_id = 'a'", &["a"]),
        (
            "SELECT customer_id FROM Customers WHERE now() = TIMESTAMP '2026-07-01T00:00:00' AND customer_id = 'a'",
            &["a"],
        ),
    ] {
        assert_eq!(
            customers(sql).await.as_deref(),
            Ok(keys.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
            "{sql}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_else_is_refused_with_its_reason() {
    let refused = [
        "DELETE FROM Customers",
        "SELECT customer_id FROM Customers; SELECT 1",
        "",
        "SELEC customer_id FROM Customers",
        "SELECT * FROM Customers",
        "SELECT Born FROM Customers",
        "SELECT customer_id FROM Custmers",
        "SELECT customer_id FROM customers",
        "SELECT customer FROM Customers",
        "SELECT born FROM Customers",
        "SELECT customer_id FROM Customers WHERE uuid() > 'a'",
        "SELECT customer_id FROM Customers WHERE customer_id IN (SELECT uuid() FROM Orders)",
        "SELECT customer_id FROM Customers WHERE random() < 0.5",
        "SELECT customer_id INTO copy FROM Customers",
        "VALUES ('a')",
        "EXPLAIN SELECT customer_id FROM Customers",
        "COPY (SELECT customer_id FROM Customers) TO '/tmp/x.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SELECT customer_id FROM '/etc/passwd.csv'",
        "SELECT customer_id FROM information_schema.tables",
        "SELECT customer_id FROM Customers WHERE Born + 'x' > 1",
    ];
    let mut workspace = workspace();
    workspace.definitions.segments = refused
        .iter()
        .enumerate()
        .map(|(i, sql)| Segment {
            id: slug(&format!("s{i}")),
            name: String::new(),
            customers: SegmentBody::Sql((*sql).to_owned()),
        })
        .collect();
    let problems = workspace.tables().await.check_sql(&workspace.definitions).await;
    assert_eq!(problems.len(), refused.len(), "{problems:#?}");
    let mut shown = String::new();
    for (sql, problem) in refused.iter().zip(&problems) {
        assert_eq!(problem.path.steps().len(), 4);
        shown.push_str(&format!("{sql}\n  {}\n  -> {}\n", problem.reason, problem.remedy));
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_refuses_what_checking_refuses() {
    let error = customers("SELECT customer_id FROM Customers WHERE uuid() > 'a'").await.unwrap_err();
    insta::assert_snapshot!(error, @"the SQL of the segment `sql` is refused: `uuid()` gives another answer each time: remove it, so that the segment is the same however often it is evaluated");
}
