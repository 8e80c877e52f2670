//! Workspaces as they are before a run, to which they can be brought back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::reaper::Reaper;
use super::servers::{self, Server};
use super::world::World;
use crate::shop::{self, CUSTOMERS, PROFILES, RUN};
use crate::terminal::{self, Running, Terminal};

/// Five platforms and a folder; lists of several requests where a platform's setting makes them.
pub const DESTINATIONS: &str = "destinations:
  - { id: mail, name: Mail, kind: klaviyo, sandbox: true }
  - { id: sms, name: SMS, kind: attentive, sandbox: true, settings: { batch_size: 40 } }
  - { id: criteo, name: Criteo, kind: criteo, sandbox: true, settings: { advertiser_id: '123456', client_id: consign-test-123456 } }
  - { id: tiktok, name: TikTok, kind: tiktok_ads, sandbox: true, settings: { advertiser_id: '7000000000000000001', batch_size: 40 } }
  - { id: meta, name: Meta, kind: meta_ads, sandbox: true, settings: { ad_account_id: '123456', batch_size: 40 } }
  - { id: folder, name: Folder, kind: local_files, settings: { folder: out } }
";

/// A workspace before a run, and what an undisturbed run makes of it.
pub struct Start {
    pub terminal: Terminal,
    /// The command that runs its campaign.
    pub run: String,
    pub servers: Vec<Server>,
    kept: TempDir,
    variables: Vec<(String, String)>,
    pub undisturbed: Undisturbed,
}

/// What a run makes that nothing befalls.
#[derive(Default)]
pub struct Undisturbed {
    pub world: World,
    /// The runs that there are afterwards.
    pub runs: usize,
    /// The requests that it makes of platforms.
    pub requests: u64,
    /// The named points that it passes, each with how often.
    pub points: BTreeMap<String, u64>,
    pub took: Duration,
}

/// A sandbox that is a process of its own, and what it is known by.
pub struct Sandbox<'a> {
    pub url: String,
    pub running: Running<'a>,
}

impl Start {
    /// 121 customers, who are delivered for the first time.
    pub fn first(servers: Vec<Server>) -> Self {
        let terminal = workspace(&servers);
        Self::of(terminal, servers, RUN)
    }

    /// The same, delivered once, with customers who have changed since: some are gone, some are new, one has another
    /// address.
    pub fn later(servers: Vec<Server>) -> Self {
        let terminal = workspace(&servers);
        delivered(&terminal, RUN);
        terminal.edit(CUSTOMERS, "eve7@", "eve.of.old@");
        let gone =
            |text: String| text.split_inclusive('\n').filter(|line| !line.starts_with("k0001")).collect::<String>();
        for (file, new) in [(CUSTOMERS, line(200)), (PROFILES, profile(200))] {
            let text = fs::read_to_string(terminal.path(file)).expect("read");
            fs::write(terminal.path(file), gone(text) + &new).expect("written");
        }
        Self::of(terminal, servers, RUN)
    }

    /// The demo's campaign, delivered once, and some days later: 24 lists of 23,570 customers, of whom a few have changed.
    pub fn demo() -> Self {
        let terminal = Terminal::with(&[]);
        let write = |later| {
            let options = consign_demo::Options { force: later, later };
            consign_demo::write(&terminal.path("clean"), options).expect("a demo");
        };
        write(false);
        shop::apply(&terminal);
        delivered(&terminal, "run churn_prevention --as-of 1998-06-30");
        write(true);
        Self::of(terminal, Vec::new(), "run churn_prevention --as-of 1998-07-07")
    }

    fn of(terminal: Terminal, servers: Vec<Server>, run: &str) -> Self {
        let kept = tempfile::tempdir().expect("a folder");
        terminal::copy(&terminal.path(""), kept.path());
        let mut start = Self {
            terminal,
            run: format!("{run} --json"),
            servers,
            kept,
            variables: servers::variables(),
            undisturbed: Undisturbed::default(),
        };
        start.undisturbed = start.undisturbed();
        start
    }

    fn undisturbed(&self) -> Undisturbed {
        self.restore();
        let sandbox = self.sandbox();
        let reaper = Reaper::before(&sandbox.url);
        let log = self.kept.path().join("points.log").display().to_string();
        let mut variables = self.variables();
        variables.push((consign_points::LOG, &log));
        let began = Instant::now();
        let run = reaper.call(&self.terminal, &self.run, &variables, None);
        let took = began.elapsed();
        assert_eq!(run.code, 0, "{}", run.transcript());
        let run = run.json()["run"].as_str().expect("an id").to_owned();
        let mut points = BTreeMap::new();
        for point in fs::read_to_string(&log).expect("points are passed").lines() {
            *points.entry(point.to_owned()).or_default() += 1;
        }
        fs::remove_file(log).expect("removed");
        let world = World::of(&self.terminal, &sandbox.url, &self.servers, &run);
        sandbox.stop();
        let runs = self.runs();
        Undisturbed { world, runs, requests: reaper.requests(), points, took }
    }

    /// Makes everything as it was: the workspace, the sandbox, the servers.
    pub fn restore(&self) {
        for name in self.terminal.names("") {
            let path = self.terminal.path(&name);
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.expect("removed");
        }
        terminal::copy(self.kept.path(), &self.terminal.path(""));
        let runtime = Runtime::new().expect("a runtime");
        for server in &self.servers {
            runtime.block_on(server.clear());
        }
    }

    pub fn sandbox(&self) -> Sandbox<'_> {
        sandbox(&self.terminal, 0)
    }

    /// Whether a file or folder of the workspace is there from the beginning.
    pub fn is_kept(&self, path: &Path) -> bool {
        let path = path.strip_prefix(self.terminal.path("")).expect("it is in the workspace");
        self.kept.path().join(path).exists()
    }

    pub fn variables(&self) -> Vec<(&str, &str)> {
        borrowed(&self.variables)
    }

    /// How many runs the store has.
    pub fn runs(&self) -> usize {
        let status = self.terminal.consign("status --json").json();
        status["runs"].as_array().expect("a list").len()
    }
}

impl Sandbox<'_> {
    pub fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').expect("it has a port");
        port.parse().expect("a number")
    }

    /// Kills it. What it has said to have is in its folder.
    pub fn stop(self) {
        self.running.signal("KILL");
        self.running.answer();
    }
}

/// A sandbox that keeps its state in the workspace.
pub fn sandbox(terminal: &Terminal, port: u16) -> Sandbox<'_> {
    let mut running = terminal.start(&format!("sandbox --port {port} --state .sandbox"), &[]);
    let line = running.line();
    let url = line.split_once("http://").unwrap_or_else(|| panic!("it says no address: {line}")).1;
    Sandbox { url: format!("http://{url}"), running }
}

/// Runs a campaign at a sandbox in the workspace.
fn delivered(terminal: &Terminal, run: &str) {
    let sandbox = sandbox(terminal, 0);
    let mut variables = servers::variables();
    variables.push(("CONSIGN_SANDBOX".to_owned(), sandbox.url.clone()));
    let run = terminal.consign_with(run, &borrowed(&variables));
    assert_eq!(run.code, 0, "{}", run.transcript());
    sandbox.stop();
}

fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn workspace(servers: &[Server]) -> Terminal {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    let mut destinations = DESTINATIONS.to_owned();
    let mut files = String::new();
    for server in servers {
        writeln!(destinations, "  - {}", server.destination).expect("written");
        write!(
            files,
            "      {}:\n        file: {{ format: csv, manifest: true, success_file: true }}\n        attributes:\n          - \
             {{ attribute: id, column: Merged_Customers.customer_id }}\n          - {{ attribute: email, column: \
             Merged_Customers.email }}\n",
            server.id
        )
        .expect("written");
    }
    fs::write(terminal.path(shop::DESTINATIONS), destinations).expect("written");
    let ids = ["mail", "sms", "criteo", "tiktok", "meta", "folder"].into_iter();
    let ids = ids.chain(servers.iter().map(|server| server.id)).collect::<Vec<_>>().join(", ");
    terminal.edit(shop::CAMPAIGN, "[mail, folder]", &format!("[{ids}]"));
    let sms = "      sms:\n        attributes: [{ attribute: phone, column: Merged_Customers.phone }]\n";
    terminal.edit(shop::CAMPAIGN, "    destinations:\n", &format!("    destinations:\n{sms}{files}"));
    shop::append(&terminal, CUSTOMERS, (0..120).map(line).collect::<String>());
    shop::append(&terminal, PROFILES, (0..120).map(profile).collect::<String>());
    shop::apply(&terminal);
    terminal
}

pub fn line(i: usize) -> String {
    format!("k{i:05},Eve,eve{i}@example.com,+1206555{i:04},01099,DE\n")
}

pub fn profile(i: usize) -> String {
    format!("k{i:05},250,active,true\n")
}
