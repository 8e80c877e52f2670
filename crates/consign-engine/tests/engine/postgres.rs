//! Tables of a real Postgres: types, keys, what is pushed down, one transaction's view, and what goes wrong.
//! `CONSIGN_TEST_POSTGRES_URL` says where it is.

use std::env;
use std::fs;

use consign_model::definition::{
    ColumnRef, Connection as Place, PostgresConnection, RowsPerCustomer, SecretRef, Source,
};
use consign_model::plan::AssignPlan;
use consign_model::schema::ColumnType;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::workspace::{Workspace, condition, holds, plan, slug, values};

/// The server's URL; `None`, said aloud, where there is none.
pub fn url() -> Option<String> {
    let url = env::var("CONSIGN_TEST_POSTGRES_URL").ok();
    if url.is_none() {
        eprintln!("not run: CONSIGN_TEST_POSTGRES_URL is not set; `tests/servers/postgres.sh` starts a server");
    }
    url
}

/// A schema of its own for each test, with tables, and a workspace that reads it.
async fn database(schema: &str, sql: &str) -> Option<Workspace> {
    let url = url()?;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let setup =
        format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path TO {schema}; {sql}");
    sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut connection).await.unwrap();
    let mut workspace = Workspace::new();
    fs::write(workspace.path("url"), &url).unwrap();
    let secret = SecretRef::try_from("file:url".to_owned()).unwrap();
    let place = PostgresConnection { url: secret, schema: schema.into() };
    let source = Source { id: slug("warehouse"), connection: Place::Postgres(place), tables: Vec::new() };
    workspace.definitions.sources.insert(0, source);
    Some(workspace)
}

const CUSTOMERS: &str = r#"
    CREATE TYPE tier AS ENUM ('gold', 'silver');
    CREATE TABLE "Customers" (
        customer_id text, "Email" varchar(100), age int4, small int2, big int8, ratio float4, score float8,
        price numeric(10,2), loose numeric, vip bool, born date, seen timestamp, moment timestamptz, id uuid,
        extra jsonb, tier tier
    );
    INSERT INTO "Customers" VALUES
        ('00001', 'Ada@example.com', 36, 1, 9007199254740993, 0.1, 'NaN', 12.50, 3.3333333333333333, true, '2000-02-29',
         '2026-06-30 23:30', '2026-06-30 23:30+00', '6f9619ff-8b86-d011-b42d-00c04fc964ff', '{"a": [1]}', 'gold'),
        ('00002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (NULL, 'nobody@example.com', 1, 1, 1, 1, 1, 1, 1, true, '2000-01-01', now(), now(), NULL, NULL, NULL),
        ('', 'nobody@example.com', 1, 1, 1, 1, 1, 'NaN', 'NaN', true, '1700-01-01', now(), now(), NULL, NULL, NULL);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_type_arrives_as_what_it_is() {
    let Some(mut workspace) = database("consign_types", CUSTOMERS).await else { return };
    workspace.declare("Customers", "Customers", RowsPerCustomer::One);
    let tables = workspace.tables().await;
    let columns = &tables.catalog().table("Customers").unwrap().columns;
    let types: Vec<(String, ColumnType)> =
        columns.iter().map(|column| (column.name.clone(), column.column_type)).collect();
    insta::assert_debug_snapshot!(types);
    let names: Vec<String> = columns.iter().skip(1).map(|column| column.name.clone()).collect();
    let columns = names.iter().map(|name| ColumnRef::new("Customers", name)).collect();
    let (assigned, _) = workspace.assign(&AssignPlan { columns, ..plan() }).await.unwrap();
    assert_eq!(assigned.customers_of_table, 2);
    assert_eq!(assigned.null_keys["Customers"], 2);
    let mut shown = String::new();
    for name in names {
        shown.push_str(&format!(
            "{name}: {:?}\n",
            values(&workspace.url("snapshot.parquet"), &format!("Customers.{name}")).await
        ));
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_files_and_of_a_database_meet_and_sql_reads_both() {
    let orders = "
        CREATE TABLE orders (customer_id int8, amount numeric(12,2), ordered_on date, kind text);
        INSERT INTO orders SELECT n % 1000, n % 50 + 0.25, DATE '2026-01-01' + (n % 180)::int, CASE n % 3 WHEN 0 THEN 'web' ELSE 'shop' END
        FROM generate_series(1, 20000) AS n;
    ";
    let Some(mut workspace) = database("consign_orders", orders).await else { return };
    workspace.declare("Orders", "orders", RowsPerCustomer::Many);
    let table = workspace.definitions.sources[0].tables.pop().unwrap();
    let ids: String = (0..1200).map(|i| format!("{i}\n")).collect();
    fs::write(workspace.path("people.csv"), format!("customer_id\n{ids}")).unwrap();
    workspace.definitions.sources[0].tables = vec![table];
    let file_table = {
        let mut other = Workspace::new();
        other.declare("Customers", "people.csv", RowsPerCustomer::One);
        other.definitions.sources[0].tables.pop().unwrap()
    };
    workspace.definitions.sources[1].tables.push(file_table);
    let count = json!({ "aggregate": "count", "table": "Orders", "operator": "at_least", "value": 1,
        "where": { "column": "Orders.kind", "operator": "is", "value": "web" } });
    assert_eq!(holds(&workspace, count.clone()).await.len(), 1000);
    let sum = json!({ "aggregate": "sum", "table": "Orders", "of": "amount", "operator": "is", "value": 5.0 });
    let expected: Vec<String> = (0..1000).filter(|i| i % 50 == 0).map(|i| i.to_string()).collect();
    let mut found = holds(&workspace, sum).await;
    found.sort_by_key(|key| key.parse::<u32>().unwrap());
    assert_eq!(found, expected);
    let sql = "SELECT o.customer_id FROM Orders o JOIN Customers c ON c.customer_id = o.customer_id \
        WHERE o.ordered_on = DATE '2026-01-02' AND o.kind IN ('web', 'shop') GROUP BY o.customer_id";
    let plan = AssignPlan {
        include: vec![condition(json!({ "segment": "sql" }))],
        sql_segments: [(slug("sql"), sql.to_owned())].into(),
        ..plan()
    };
    let (assigned, _) = workspace.assign(&plan).await.unwrap();
    // n % 180 = 1 and n % 1000 = key: every key that is 1 modulo 20.
    assert_eq!(assigned.audience, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_database_is_said() {
    let Some(mut workspace) = database("consign_wrong", "CREATE TABLE nokey (id text); CREATE TABLE endless (customer_id text, until date); INSERT INTO endless VALUES ('a', 'infinity')").await else { return };
    workspace.declare("Missing", "missing", RowsPerCustomer::One);
    workspace.declare("NoKey", "consign_wrong.nokey", RowsPerCustomer::One);
    insta::assert_snapshot!(workspace.problems().await);

    workspace.definitions.sources[0].tables.clear();
    workspace.declare("Customers", "endless", RowsPerCustomer::One);
    let until = AssignPlan { columns: vec!["Customers.until".parse().unwrap()], ..plan() };
    let error = workspace.assign(&until).await.unwrap_err().to_string();
    insta::assert_snapshot!(error);

    fs::write(workspace.path("url"), "postgres://consign:wrong-password@127.0.0.1:1/none").unwrap();
    insta::assert_snapshot!(workspace.problems().await);
    fs::write(workspace.path("url"), "my secret password").unwrap();
    let problems = workspace.problems().await;
    assert!(!problems.contains("secret"), "{problems}");
    insta::assert_snapshot!(problems);
}
