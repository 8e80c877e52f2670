//! The campaign of the demo against SQL that somebody wrote who knows the campaign and not our code.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use consign_destinations::registry::Registry;
use consign_engine::{AssignRequest, Engine, EngineOptions};
use consign_model::document;
use consign_secrets::Secrets;
use datafusion::common::TableReference;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::workspace::slug;

/// The audience with its sub-audiences and the SHA-256 that positions begin with.
const AUDIENCE: &str = "
    CREATE VIEW audience AS
    SELECT p.customer_id,
           CASE p.lifecycle_status
                WHEN 'active' THEN 'active'
                WHEN 'cooling_down' THEN 'cooling_down'
                WHEN 'at_risk' THEN 'at_risk'
                ELSE 'remaining'
           END AS sub_audience,
           sha256(concat('churn_prevention', chr(31), p.customer_id)) AS digest
      FROM Customer_360 p
      JOIN Merged_Customers m ON m.customer_id = p.customer_id
     WHERE (    (p.lifetime_value >= 75
                 AND (SELECT count(*) FROM Orders o WHERE o.customer_id = p.customer_id) >= 2)
             OR p.customer_id IN (SELECT customer_id FROM Orders WHERE amount >= 75 AND quantity >= 3))
       AND p.email_opt_in IS NOT FALSE
       AND coalesce(m.email, '') NOT LIKE 'staff.%'
       AND coalesce(m.email, '') NOT LIKE 'test.%'";

/// The groups of each sub-audience with the percentage at which each ends.
const GROUPS: [(&str, &[(&str, u128)]); 4] = [
    ("active", &[("active_control", 10), ("active_early_access", 55), ("active_thank_you", 100)]),
    ("cooling_down", &[("cooling_control", 10), ("cooling_ten_percent_off", 55), ("cooling_free_shipping", 100)]),
    ("at_risk", &[("at_risk_control", 10), ("at_risk_win_back", 100)]),
    ("remaining", &[("lapsed_control", 10), ("lapsed_goodbye", 100)]),
];

async fn number(session: &SessionContext, sql: &str) -> u64 {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    u64::try_from(batches[0].column(0).as_primitive::<Int64Type>().value(0)).unwrap()
}

/// Whether a digest begins below that percentage of all: a comparison of bytes.
fn below(percent: u128) -> String {
    if percent == 100 { "true".into() } else { format!("digest < X'{:016x}'", (1_u128 << 64) * percent / 100) }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_the_demo_are_those_of_plain_sql() {
    let folder = tempfile::tempdir().unwrap();
    consign_demo::write(folder.path(), consign_demo::Options::default()).unwrap();

    let session = SessionContext::new_with_config(
        SessionConfig::new().set_bool("datafusion.sql_parser.enable_ident_normalization", false),
    );
    for table in ["Merged_Customers", "Customer_360", "Orders"] {
        let file = folder.path().join(format!("data/{table}.parquet"));
        let (name, file) = (TableReference::bare(table), file.to_str().unwrap());
        session.register_parquet(name, file, ParquetReadOptions::default()).await.unwrap();
    }
    session.sql(AUDIENCE).await.unwrap().collect().await.unwrap();

    let definitions = read(folder.path());
    let engine = Engine::new(EngineOptions::with_spill(folder.path().join("spill"))).unwrap();
    let tables = engine.open(&definitions, &Secrets::of(folder.path())).await.unwrap();
    let plan = consign_model::plan::plan(
        &definitions,
        tables.catalog(),
        &Registry::new(),
        &slug("churn_prevention"),
        consign_demo::as_of(),
        "run",
    )
    .unwrap()
    .assign;
    let snapshot = Url::from_file_path(folder.path().join("snapshot.parquet")).unwrap();
    let cancel = CancellationToken::new();
    let request = AssignRequest { snapshot: &snapshot, previous: None, progress: &|_| {}, cancel: &cancel };
    let assigned = tables.assign(&plan, &request).await.unwrap();

    assert_eq!(assigned.audience, number(&session, "SELECT count(*) FROM audience").await);
    assert!(assigned.audience > 5_000);
    let counted = plan.sub_audiences.iter().zip(&assigned.sub_audiences);
    let found: BTreeMap<&str, (u64, BTreeMap<&str, u64>)> = counted
        .map(|(planned, counted)| {
            let groups = planned.groups.iter().map(|group| group.id.as_str()).zip(counted.groups.iter().copied());
            (planned.id.as_str(), (counted.customers, groups.collect()))
        })
        .collect();
    let mut expected = BTreeMap::new();
    for (sub_audience, ends) in GROUPS {
        let all = format!("SELECT count(*) FROM audience WHERE sub_audience = '{sub_audience}'");
        let customers = number(&session, &all).await;
        let mut groups = BTreeMap::new();
        let mut from = "false".to_owned();
        for (group, end) in ends {
            let within = below(*end);
            groups.insert(*group, number(&session, &format!("{all} AND NOT ({from}) AND {within}")).await);
            from = within;
        }
        assert_eq!(groups.values().sum::<u64>(), customers);
        expected.insert(sub_audience, (customers, groups));
    }
    assert_eq!(found, expected);
}

fn read(folder: &Path) -> consign_model::definition::Definitions {
    let names = ["workspace.yaml", "segments.yaml", "destinations.yaml", "campaigns.yaml"];
    let files = names.map(|name| (name.to_owned(), fs::read_to_string(folder.join(name)).unwrap()));
    let reading = document::read(&files);
    assert_eq!(reading.problems, []);
    reading.definitions
}
