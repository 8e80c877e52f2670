//! Lists that one file cannot hold, whose run dies between two files: in the sandbox, and on a real SFTP server
//! (`tests/servers/all.sh run sftp -- ...`).

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use consign_delivery::folder::DataFolder;
use consign_delivery::{Delivered, PlatformSent, RunSummary, Workplace};
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_engine::{Engine, EngineOptions};
use consign_model::document;
use consign_model::problem::Severity;
use consign_sandbox::{Options, serve};
use consign_secrets::Secrets;
use consign_store::{DeliveryState, SqlStore, Store};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::filing::{contents, sftp_folder};
use crate::gate::Gate;
use crate::memory::slug;
use crate::workspace::as_of;

/// One table of so many customers, and a campaign that sends all of them to one destination.
fn definitions(destination: &str, attributes: &str) -> String {
    format!(
        "sources: [{{ id: shop, connection: {{ files: {{ url: data }} }}, tables: [{{ name: Merged_Customers }}] }}]
segments:
  - {{ id: all, name: All, customers: {{ where: {{ column: Merged_Customers.email, operator: is_not_null }} }} }}
destinations:
  - {{ id: there, name: There, {destination} }}
campaigns:
  - id: many
    name: Many
    include: [all]
    remaining: [{{ name: Everybody, percent: 100, destinations: [there] }}]
    destinations:
      there:
        name: Many
        membership: replace
        attributes: [{attributes}]
"
    )
}

fn customers(folder: &TempDir, customers: usize) {
    let mut text = "customer_id,email,phone\n".to_owned();
    for number in 0..customers {
        writeln!(text, "c{number:07},c{number:07}@example.com,").unwrap();
    }
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/Merged_Customers.csv"), text).unwrap();
}

/// Runs the campaign until a connection of the gate breaks off, where its process dies, and finishes it in another.
async fn run_and_resume(folder: &TempDir, definitions: String, gate: &Gate) -> (RunSummary, DeliveryState) {
    let reading = document::read(&[("many.yaml".to_owned(), definitions)]);
    assert_eq!(reading.problems, []);
    let definitions = reading.definitions;
    let data = DataFolder::open(folder.path().join(".consign")).unwrap();
    let secrets = Secrets::of(folder.path());
    let engine = Engine::new(EngineOptions::with_spill(data.spill())).unwrap();
    let tables = engine.open(&definitions, &secrets).await.unwrap();
    let store = SqlStore::open(&data.store()).await.unwrap();
    store.apply(&definitions, "many", "tester").await.unwrap();
    let registry = Registry::new();
    let problems = consign_model::validate::validate(&definitions, tables.catalog(), &registry);
    let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let (cancel, http) = (CancellationToken::new(), Http::new().unwrap());
    let workplace = Workplace {
        definitions: &definitions,
        tables: &tables,
        registry: &registry,
        secrets: &secrets,
        folder: &data,
        engine: &engine,
        http: &http,
        sandbox: "http://127.0.0.1:9",
        threads: 2,
        cancel: &cancel,
        actor: "tester",
        progress: &|_| {},
    };
    let campaign = slug("many");
    tokio::select! {
        biased;
        () = gate.broke() => {}
        run = workplace.run(&store, 1, &campaign, as_of()) => panic!("nothing broke off: {run:?}"),
    }
    let [run] = &store.runs(None, 9).await.unwrap()[..] else { panic!("one run") };
    assert!(!run.state.is_finished());
    let ended = workplace.resume(&store, &run.id).await.unwrap();
    let state = store.deliveries(&run.id).await.unwrap()[0].state;
    (ended, state)
}

fn the_list(run: &RunSummary) -> &PlatformSent {
    let [delivery] = &run.deliveries[..] else { panic!("one delivery: {run:#?}") };
    assert_eq!(delivery.error, None);
    let Some(Delivered::List(list)) = &delivery.delivered else { panic!("a list: {delivery:#?}") };
    list
}

#[tokio::test]
async fn an_audience_of_two_files_is_whole_though_its_run_died_between_them() {
    const ROWS: usize = 50_400;
    let folder = tempfile::tempdir().unwrap();
    customers(&folder, ROWS);
    fs::write(folder.path().join("secret"), "token").unwrap();
    let stop = CancellationToken::new();
    let sandbox = serve(Options::default(), stop.clone()).await.unwrap();
    // The connection is kept, and dies after the first file of some 50,000 hashes in hexadecimal.
    let gate = Gate::to(sandbox.address().port(), vec![3_300_000]).await;
    let there = format!(
        "kind: tiktok_ads, settings: {{ advertiser_id: \"7000000000000000123\", base_url: \"http://127.0.0.1:{}/tiktok\" }}, \
         credentials: {{ access_token: \"file:secret\" }}",
        gate.port
    );
    let mapped =
        "{ attribute: EMAIL, column: Merged_Customers.email }, { attribute: PHONE, column: Merged_Customers.phone }";
    let (run, state) = run_and_resume(&folder, definitions(&there, mapped), &gate).await;
    let list = the_list(&run);
    assert_eq!((list.list.sent, list.requests, state), (ROWS as u64, 2, DeliveryState::Delivered));
    let answer = reqwest::get(format!("http://{}/state.json", sandbox.address())).await.unwrap();
    let world: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let [audience] = &world["lists"].as_array().unwrap()[..] else { panic!("one audience: {}", world["lists"]) };
    assert_eq!(audience["members"], ROWS);
    stop.cancel();
}

#[tokio::test]
async fn a_segment_of_two_files_is_whole_though_its_run_died_between_them() {
    const ROWS: usize = 500_200;
    let Some((here, there)) = sftp_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    customers(&folder, ROWS);
    let variable = |name: &str| std::env::var(format!("CONSIGN_TEST_SFTP_{name}")).unwrap();
    // Each file has a connection of its own.
    let gate = Gate::to(variable("PORT").parse().unwrap(), vec![u64::MAX, 0]).await;
    let there = format!(
        "kind: attentive, settings: {{ transport: sftp, client_domain: acme, remote_folder: \"{there}\", sftp_host: {}, \
         sftp_port: {}, sftp_username: {}, sftp_host_key: \"{}\" }}, \
         credentials: {{ sftp_password: \"env:CONSIGN_TEST_SFTP_PASSWORD\" }}",
        variable("HOST"),
        gate.port,
        variable("USERNAME"),
        variable("HOST_KEY")
    );
    let mapped = "{ attribute: email, column: Merged_Customers.email }";
    let (run, state) = run_and_resume(&folder, definitions(&there, mapped), &gate).await;
    let list = the_list(&run);
    assert_eq!((list.list.sent, list.requests, state), (ROWS as u64, 2, DeliveryState::Delivered));
    assert!(list.list.notes.iter().any(|note| note.contains("went in 2 files")), "{list:?}");
    let files = contents(&here);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["acme_subscriber_segment_19980630_1.csv", "acme_subscriber_segment_19980630_2.csv"]);
    assert!(files.values().all(|content| content.lines().count() <= 500_000));
    let members: HashSet<&str> = files.values().flat_map(|content| content.lines()).collect();
    assert_eq!(members.len(), ROWS, "each is in one file, and only there");
    assert_eq!(files.values().map(|content| content.lines().count()).sum::<usize>(), ROWS);
}
