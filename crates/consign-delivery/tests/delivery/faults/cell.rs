//! One trouble at one platform: a small delivery over real HTTP, what became of it, and what the next run makes good.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use consign_delivery::folder::DataFolder;
use consign_delivery::{Delivered, DeliverySummary, RunSummary, Workplace};
use consign_destinations::http::{Clock, Http, Timeouts};
use consign_destinations::registry::Registry;
use consign_engine::{Engine, Tables};
use consign_model::definition::Definitions;
use consign_sandbox::{Options, Sandbox, serve};
use consign_secrets::Secrets;
use consign_store::{SqlStore, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::matrix::{At, People, Trouble};
use super::people::FORBIDDEN;
use super::platform::{Given, Platform};
use super::words::words;
use crate::memory::slug;

/// What all cells read and none changes.
pub struct Shop {
    pub definitions: Definitions,
    pub registry: Registry,
    pub engine: Engine,
    pub tables: Tables,
}

/// A clock that waits no time, and moves on by what was waited.
#[derive(Debug, Default)]
struct Hasty(Mutex<Duration>);

impl Hasty {
    fn waited(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Instant {
        Instant::now() + self.waited()
    }

    fn time(&self) -> DateTime<Utc> {
        Utc::now() + self.waited()
    }

    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += duration;
        tokio::task::yield_now().await;
    }
}

/// One cell's own part of the world.
struct Cell<'a> {
    shop: &'a Shop,
    platform: &'static Platform,
    definitions: Definitions,
    folder: TempDir,
    data: DataFolder,
    store: SqlStore,
    http: Http,
    sandbox: Served,
}

/// A sandbox that keeps its state in the cell's folder.
struct Served {
    sandbox: Sandbox,
    stop: CancellationToken,
}

impl Served {
    async fn with(folder: &TempDir, faults: &[String]) -> Self {
        let stop = CancellationToken::new();
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let options = Options { state: Some(folder.path().join("sandbox")), faults, ..Options::default() };
        Self { sandbox: serve(options, stop.clone()).await.unwrap(), stop }
    }

    fn url(&self) -> String {
        format!("http://{}", self.sandbox.address())
    }

    async fn end(self) {
        self.stop.cancel();
        self.sandbox.stopped().await;
    }
}

/// Lets it go wrong: what became of the delivery that it struck, and of the next run, with nothing wrong.
pub async fn ended(shop: &Shop, platform: &'static Platform, trouble: Trouble) -> (String, String) {
    let mut cell = Cell::new(shop, platform, trouble).await;
    cell.prepare(trouble).await;
    let run = cell.run().await;
    let outcome = cell.judged(&run).await;
    if trouble == Trouble::NameTaken {
        return (outcome, "-".to_owned());
    }
    let cell = cell.mend(trouble).await;
    let run = cell.run().await;
    let next = cell.judged(&run).await;
    assert_eq!(cell.members().await, run.deliveries[0].counts.rows, "{}: {trouble:?}: {run:#?}", platform.kind);
    cell.sandbox.end().await;
    (outcome, next)
}

impl<'a> Cell<'a> {
    async fn new(shop: &'a Shop, platform: &'static Platform, trouble: Trouble) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path().join(".consign")).unwrap();
        let store = SqlStore::open(&data.store()).await.unwrap();
        store.apply(&shop.definitions, "faults", "tester").await.unwrap();
        let faults = match trouble {
            Trouble::Fault(at, when, what) => vec![platform.fault(at, when, what)],
            _ => Vec::new(),
        };
        let sandbox = Served::with(&folder, &faults).await;
        let late = matches!(trouble, Trouble::Fault(_, _, what) if what.starts_with("slow"));
        let total = if late { Duration::from_secs(4) } else { Duration::from_mins(3) };
        let timeouts = Timeouts { read: total, total, ..Timeouts::default() };
        let http = Http::with(timeouts, Arc::new(Hasty::default())).unwrap();
        let definitions = shop.definitions.clone();
        let mut cell = Self { shop, platform, definitions, folder, data, store, http, sandbox };
        cell.usual();
        cell
    }

    /// Definitions as they should be.
    fn usual(&mut self) {
        self.definitions = self.shop.definitions.clone();
        let kind = self.platform.kind;
        self.definitions.destinations.retain(|one| one.kind == kind);
        let campaign = &mut self.definitions.campaigns[0];
        campaign.destinations.retain(|id, _| id.as_str() == kind);
        for group in &mut campaign.remaining {
            group.destinations.retain(|one| one.id().as_str() == kind);
        }
        self.set("base_url", &format!("{}/{}", self.sandbox.url(), self.platform.prefix));
        self.secret(self.platform.secret);
    }

    fn set(&mut self, setting: &str, value: &str) {
        self.definitions.destinations[0].settings.insert(setting.to_owned(), value.into());
    }

    fn secret(&self, secret: &str) {
        fs::write(self.folder.path().join("secret"), secret).unwrap();
    }

    fn include(&mut self, segment: &str) {
        self.definitions.campaigns[0].include = vec![slug(segment)];
    }

    /// What must be wrong before the run that it strikes.
    async fn prepare(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Fault(At::Remove, ..) => {
                let first = self.run().await;
                assert_eq!(self.judged(&first).await, "delivered");
                self.include("fewer");
            }
            Trouble::Fault(..) => {}
            Trouble::WrongKey => self.secret(self.platform.wrong),
            Trouble::MissingScope => match self.platform.unscoped {
                Given::Secret(secret) => self.secret(secret),
                Given::Setting(name, value) => self.set(name, value),
            },
            Trouble::WrongAccount => {
                let (name, value) = self.platform.stranger.expect("the platform has accounts");
                self.set(name, value);
            }
            Trouble::ListDeleted => {
                self.include("fewer");
                let first = self.run().await;
                assert_eq!(self.judged(&first).await, "delivered");
                self.ask("POST", "/reset", &[], &Value::Null).await;
                // Somebody new, so that there is something to send.
                self.include("everyone");
            }
            Trouble::NameTaken => {
                for _ in 0..2 {
                    self.make_list().await;
                }
            }
            Trouble::Group(people) => self.include(match people {
                People::OneBad => "one_bad",
                People::OnlyBad => "only_bad",
                People::Nobody => "nobody",
            }),
        }
    }

    /// Puts right what was wrong, without a word to the platform.
    async fn mend(mut self, trouble: Trouble) -> Self {
        let segment = self.definitions.campaigns[0].include.clone();
        self.sandbox.end().await;
        self.sandbox = Served::with(&self.folder, &[]).await;
        self.usual();
        if !matches!(trouble, Trouble::Group(_)) {
            self.definitions.campaigns[0].include = segment;
        }
        self
    }

    async fn run(&self) -> RunSummary {
        let cancel = CancellationToken::new();
        let secrets = Secrets::of(self.folder.path());
        let workplace = Workplace {
            definitions: &self.definitions,
            tables: &self.shop.tables,
            registry: &self.shop.registry,
            secrets: &secrets,
            folder: &self.data,
            engine: &self.shop.engine,
            http: &self.http,
            sandbox: "http://127.0.0.1:9",
            threads: 1,
            cancel: &cancel,
            actor: "tester",
            progress: &|_| {},
        };
        let as_of = Utc.with_ymd_and_hms(2026, 12, 1, 9, 0, 0).unwrap();
        workplace.run(&self.store, 1, &slug("winback"), as_of).await.unwrap()
    }

    /// What became of a run's delivery in words. Counts close, the sandbox has what they say, and nothing that is kept
    /// or told holds what must not be there.
    async fn judged(&self, run: &RunSummary) -> String {
        let [delivery] = &run.deliveries[..] else { panic!("one delivery: {run:#?}") };
        let Some(Delivered::List(list)) = &delivery.delivered else { panic!("a list: {delivery:#?}") };
        let list = &list.list;
        let (rows, closed) =
            (delivery.counts.rows, list.sent + list.kept + list.rejected.values().sum::<u64>() + list.unknown);
        assert_eq!(rows, closed, "counts close: {delivery:#?}");
        let (members, said) = (self.members().await, list.sent + list.kept);
        // Unknown rows may be there. Those of a job that is not asked about any more, too.
        assert!(said <= members && members <= said + list.unknown, "{members} members: {delivery:#?}");
        self.quiet(run, delivery);
        let state = self.store.deliveries(&run.run).await.unwrap()[0].state;
        let retries = self.exchanges(run).matches("\"concluded\":\"again in").count();
        words(&state.to_string(), delivery, list, retries)
    }

    fn exchanges(&self, run: &RunSummary) -> String {
        fs::read_to_string(self.data.run(&run.run).exchanges()).unwrap()
    }

    /// Nothing that is kept or told holds personal data or a secret.
    fn quiet(&self, run: &RunSummary, delivery: &DeliverySummary) {
        let mut told = vec![format!("{delivery:?}"), serde_json::to_string(run).unwrap(), self.exchanges(run)];
        for file in fs::read_dir(self.data.path()).unwrap().map(Result::unwrap) {
            if file.file_name().to_string_lossy().starts_with("consign.db") {
                told.push(String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned());
            }
        }
        told.push(super::log::so_far());
        for text in told {
            let found = FORBIDDEN.iter().find(|forbidden| text.contains(forbidden.as_str()));
            assert_eq!(found, None, "in {text}");
        }
    }

    /// Members of all lists at the sandbox.
    async fn members(&self) -> u64 {
        let state = self.ask("GET", "/state.json", &[], &Value::Null).await;
        state["lists"].as_array().unwrap().iter().map(|list| list["members"].as_u64().unwrap()).sum()
    }

    /// A list of the campaign's name that somebody else makes.
    async fn make_list(&self) {
        let token = ("authorization", "Bearer token");
        let name = "Winback";
        let (path, headers, body) = match self.platform.kind {
            "klaviyo" => (
                "/klaviyo/api/lists",
                vec![("authorization", "Klaviyo-API-Key pk_others"), ("revision", "2026-07-15")],
                json!({"data": {"type": "list", "attributes": {"name": name}}}),
            ),
            "tiktok_ads" => (
                "/tiktok/open_api/v1.3/segment/audience/",
                vec![("access-token", "token")],
                json!({"advertiser_id": "7000000000000000123", "custom_audience_name": name, "action": "create"}),
            ),
            _ => (
                "/meta/v25.0/act_100000000000123/customaudiences",
                vec![token],
                json!({"name": name, "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}),
            ),
        };
        self.ask("POST", path, &headers, &body).await;
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
        let url = format!("{}{path}", self.sandbox.url());
        let mut request = reqwest::Client::new().request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }
}
