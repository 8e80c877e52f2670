//! Invariant 6: whatever request a run is killed at, before the platform sees it or after the platform has answered, once it
//! is resumed every list is what an undisturbed run makes of it.
//!
//! Kills at every third request; with `CONSIGN_KILLS=all` at each, before and after (`make chaos`).

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::shop::{self, CUSTOMERS, RUN};
use crate::terminal::{Answer, Terminal};

/// When a command dies: at its n-th request, before or after the platform has dealt with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kill {
    request: u64,
    after: bool,
}

/// Stands between commands and the sandbox, counts requests, and kills the command that makes a certain one.
struct Reaper {
    url: String,
    state: Arc<Reaping>,
    _stop: DropGuard,
}

struct Reaping {
    sandbox: String,
    client: reqwest::Client,
    kill: Mutex<(u64, Option<Kill>)>,
    /// The process that dies, once it is known.
    process: watch::Sender<Option<u32>>,
}

impl Reaper {
    fn before(sandbox: &str) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let state = Arc::new(Reaping {
            sandbox: sandbox.to_owned(),
            client: client.expect("a client"),
            kill: Mutex::new((0, None)),
            process: watch::Sender::new(None),
        });
        let (sender, address) = mpsc::channel();
        let stop = CancellationToken::new();
        let (serving, stopped) = (Arc::clone(&state), stop.clone().cancelled_owned());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                sender.send(listener.local_addr().expect("bound")).expect("somebody waits");
                let router = Router::new().fallback(pass).with_state(serving);
                axum::serve(listener, router).with_graceful_shutdown(stopped).await.expect("served");
            });
        });
        let url = format!("http://{}", address.recv().expect("an address"));
        Self { url, state, _stop: stop.drop_guard() }
    }

    /// The next command dies like that, or not at all.
    fn arm(&self, kill: Option<Kill>) {
        *self.state.kill.lock().expect("no thread died") = (0, kill);
        self.state.process.send_replace(None);
    }

    /// Calls a command whose requests pass here.
    fn consign(&self, terminal: &Terminal, words: &str) -> Answer {
        let running = terminal.start(words, &[("CONSIGN_SANDBOX", &self.url)]);
        self.state.process.send_replace(Some(running.process()));
        running.answer()
    }
}

impl Reaping {
    /// Whether the command dies at this request.
    fn due(&self) -> Option<Kill> {
        let mut counted = self.kill.lock().expect("no thread died");
        counted.0 += 1;
        counted.1.filter(|kill| kill.request == counted.0)
    }

    async fn kill(&self) {
        let mut process = self.process.subscribe();
        let process = process.wait_for(Option::is_some).await.expect("it is known").expect("it is there");
        let killed = Command::new("kill").args(["-s", "KILL", &process.to_string()]).status();
        assert!(killed.expect("`kill` starts").success());
    }
}

async fn pass(State(reaping): State<Arc<Reaping>>, request: Request) -> Response {
    let due = reaping.due();
    if due.is_some_and(|kill| !kill.after) {
        reaping.kill().await;
    }
    let gone = || Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).expect("a response");
    if due.is_some_and(|kill| !kill.after) {
        return gone();
    }
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.expect("read");
    let url = format!("{}{}", reaping.sandbox, head.uri);
    let answer = reaping.client.request(head.method, url).headers(head.headers).body(body).send().await.expect("asked");
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let body = answer.bytes().await.expect("read");
    if due.is_some() {
        reaping.kill().await;
        return gone();
    }
    response.body(Body::from(body)).expect("a response")
}

/// Five platforms and a folder; lists of several requests where a platform's setting makes them.
const DESTINATIONS: &str = "destinations:
  - { id: mail, name: Mail, kind: klaviyo, sandbox: true }
  - { id: sms, name: SMS, kind: attentive, sandbox: true, settings: { batch_size: 40 } }
  - { id: criteo, name: Criteo, kind: criteo, sandbox: true, settings: { advertiser_id: '123456', client_id: consign-test-123456 } }
  - { id: tiktok, name: TikTok, kind: tiktok_ads, sandbox: true, settings: { advertiser_id: '7000000000000000001', batch_size: 40 } }
  - { id: meta, name: Meta, kind: meta_ads, sandbox: true, settings: { ad_account_id: '123456', batch_size: 40 } }
  - { id: folder, name: Folder, kind: local_files, settings: { folder: out } }
";

/// A workspace of 121 customers.
fn workspace() -> Terminal {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    fs::write(terminal.path(shop::DESTINATIONS), DESTINATIONS).expect("written");
    terminal.edit(shop::CAMPAIGN, "[mail, folder]", "[mail, sms, criteo, tiktok, meta, folder]");
    terminal.edit(
        shop::CAMPAIGN,
        "    destinations:\n",
        "    destinations:\n      sms:\n        attributes: [{ attribute: phone, column: Merged_Customers.phone }]\n",
    );
    shop::append(&terminal, CUSTOMERS, (0..120).map(line).collect::<String>());
    shop::append(&terminal, shop::PROFILES, (0..120).map(profile).collect::<String>());
    shop::apply(&terminal);
    terminal
}

fn line(i: usize) -> String {
    format!("k{i:05},Eve,eve{i}@example.com,+1206555{i:04},01099,DE\n")
}

fn profile(i: usize) -> String {
    format!("k{i:05},250,active,true\n")
}

/// The same, delivered once, with customers who have changed since: some are gone, some are new, one has another address.
fn changed_since() -> Terminal {
    let terminal = workspace();
    let first = terminal.consign(RUN);
    assert_eq!(first.code, 0, "{}", first.transcript());
    terminal.edit(CUSTOMERS, "eve7@", "eve.of.old@");
    let gone = |text: String| text.split_inclusive('\n').filter(|line| !line.starts_with("k0001")).collect::<String>();
    for (file, new) in [(CUSTOMERS, line(200)), (shop::PROFILES, profile(200))] {
        let text = fs::read_to_string(terminal.path(file)).expect("read");
        fs::write(terminal.path(file), gone(text) + &new).expect("written");
    }
    terminal
}

/// What the world has of a campaign: each list's members at the sandbox as it received them, each file.
fn world(terminal: &Terminal) -> BTreeMap<String, String> {
    let get = |path: &str| -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let text = runtime.block_on(async {
            let answer = reqwest::get(format!("{}{path}", terminal.sandbox())).await.expect("asked");
            answer.text().await.expect("read")
        });
        serde_json::from_str(&text).expect("JSON")
    };
    let mut world = BTreeMap::new();
    for list in get("/state.json")["lists"].as_array().expect("lists") {
        let text = |name: &str| list[name].as_str().expect("a text").to_owned();
        let shown = get(&format!("/lists/{}.json?platform={}", text("id"), text("platform")));
        let mut members: Vec<_> = shown["members"].as_array().expect("members").iter().map(Value::to_string).collect();
        members.sort();
        world.insert(format!("{} {}", text("platform"), text("name")), members.join("\n"));
    }
    for name in terminal.names("clean/out") {
        world.insert(name.clone(), fs::read_to_string(terminal.path("clean/out").join(&name)).expect("read"));
    }
    world
}

#[test]
fn a_first_run_that_is_killed_at_any_request_ends_as_if_nothing_had_happened() {
    killed_at_any_request(workspace);
}

#[test]
fn a_later_run_that_is_killed_at_any_request_ends_as_if_nothing_had_happened() {
    killed_at_any_request(changed_since);
}

fn killed_at_any_request(workspace: fn() -> Terminal) {
    let undisturbed = {
        let terminal = workspace();
        let run = terminal.consign(RUN);
        assert_eq!(run.code, 0, "{}", run.transcript());
        world(&terminal)
    };
    let all = env::var("CONSIGN_KILLS").is_ok_and(|kills| kills == "all");
    let step = if all { 1 } else { 3 };
    let mut kills = 0;
    for request in (1..).step_by(step) {
        let ways: &[bool] = match (all, request % 2) {
            (true, _) => &[false, true],
            (false, 0) => &[false],
            (false, _) => &[true],
        };
        for kill in ways.iter().map(|after| Kill { request, after: *after }) {
            if !killed_at(workspace, kill, &undisturbed) {
                assert!(kills >= 6, "only {kills} requests were made");
                println!("kills {kills}, resumes {kills}, lost 0, doubled 0");
                return;
            }
            kills += 1;
        }
    }
}

/// Kills a run, resumes it, and looks at the world; `false` where the run ended before it could be killed.
fn killed_at(workspace: fn() -> Terminal, kill: Kill, undisturbed: &BTreeMap<String, String>) -> bool {
    let terminal = workspace();
    let reaper = Reaper::before(terminal.sandbox());
    reaper.arm(Some(kill));
    let run = reaper.consign(&terminal, RUN);
    if run.code == 0 {
        return false;
    }
    assert_eq!(run.code, -1, "{kill:?}: {}", run.transcript());
    reaper.arm(None);
    let resumed = reaper.consign(&terminal, "resume --json");
    assert_eq!(resumed.code, 0, "{kill:?}: {}", resumed.transcript());
    let run = resumed.json()["runs"][0].clone();
    assert_eq!(run["outcome"], "succeeded", "{kill:?}: {}", resumed.transcript());
    for delivery in run["deliveries"].as_array().expect("deliveries") {
        counts_close(delivery, kill);
    }
    assert_eq!(world(&terminal), *undisturbed, "{kill:?}");
    assert_eq!(terminal.consign("resume --json").json()["runs"], Value::Array(Vec::new()));
    true
}

/// sent + kept + rejected + unknown = rows, and nothing was sent that the list had.
fn counts_close(delivery: &Value, kill: Kill) {
    let Some(list) = delivery["list"].as_object() else { return };
    let number = |name: &str| list[name].as_u64().expect("a number");
    let rejected: u64 = list["rejected"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum();
    let counted = number("sent") + number("kept") + rejected + number("unknown");
    assert_eq!(Some(counted), delivery["rows"].as_u64(), "{kill:?}: {delivery}");
    assert_eq!((number("unknown"), rejected), (0, 0), "{kill:?}: {delivery}");
}
