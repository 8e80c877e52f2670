//! The SQL of `docs/splits.md`, run as it stands there where `DuckDB` or Postgres are present, against the engine.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use consign_model::plan::AssignPlan;
use sqlx::{AssertSqlSafe, Connection, Row as _};

use crate::workspace::{Workspace, plan, sub_audience};

fn keys() -> impl Iterator<Item = String> {
    (1..=23_570).map(|key| format!("{key:05}")).chain(["Zoë".to_owned(), "a,b \"c\"".to_owned()])
}

/// The statement of the document for one dialect.
fn statement(dialect: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/splits.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(&format!("```sql {dialect}\n")).unwrap();
    let (sql, _) = rest.split_once("```").unwrap();
    sql.trim().trim_end_matches(';').to_owned()
}

/// Key, position and group of every customer, in the engine's order.
async fn expected() -> Vec<(String, String, u16)> {
    let lines = keys().map(|key| format!("\"{}\"\n", key.replace('"', "\"\"")));
    let csv: String = std::iter::once("customer_id\n".to_owned()).chain(lines).collect();
    let workspace = Workspace::new().table("Customers", "customers.csv", csv);
    let plan = AssignPlan { sub_audiences: vec![sub_audience("remaining", None, &[1000, 4500, 4500])], ..plan() };
    let (_, rows) = workspace.assign(&plan).await.unwrap();
    rows.into_iter().map(|row| (row.key, row.position.to_string(), row.group.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_recomputes_positions_and_groups() {
    let python = env::var("CONSIGN_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let present = Command::new(&python).args(["-c", "import duckdb"]).output();
    if !present.is_ok_and(|output| output.status.success()) {
        eprintln!("not run: `{python} -c 'import duckdb'` does not work; install it with `pip install duckdb`");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("keys.json");
    fs::write(&input, serde_json::to_string(&keys().collect::<Vec<_>>()).unwrap()).unwrap();
    let script = "import duckdb, json, sys\n\
        keys = json.load(open(sys.argv[1]))\n\
        con = duckdb.connect()\n\
        con.execute('CREATE TABLE customers (customer_id VARCHAR)')\n\
        con.execute('INSERT INTO customers SELECT unnest(?)', [keys])\n\
        rows = con.execute(sys.argv[2]).fetchall()\n\
        print(json.dumps([[key, str(position), group] for key, position, group in rows]))\n";
    let output = Command::new(&python).arg("-c").arg(script).arg(&input).arg(statement("duckdb")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<(String, String, u16)> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found, expected().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_recomputes_positions_and_groups() {
    let Some(url) = crate::postgres::url() else { return };
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("CREATE TEMPORARY TABLE customers (customer_id text)").execute(&mut connection).await.unwrap();
    sqlx::query("INSERT INTO customers SELECT unnest($1::text[])")
        .bind(keys().collect::<Vec<_>>())
        .execute(&mut connection)
        .await
        .unwrap();
    let sql = format!("SELECT customer_id, position::text, treatment FROM ({}) AS split", statement("postgres"));
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
    let found: Vec<(String, String, u16)> =
        rows.iter().map(|row| (row.get(0), row.get(1), u16::try_from(row.get::<i32, _>(2)).unwrap())).collect();
    let mut sorted = expected().await;
    let mut found = found;
    sorted.sort();
    found.sort();
    assert_eq!(found, sorted);
}
