//! A store in Postgres whose server goes away in the middle of a run: a real one of the test's own.

use std::env;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use crate::chaos::reaper::{Death, Reaper};
use crate::chaos::start::{Sandbox, Start};
use crate::chaos::world::World;
use crate::shop::RUN;
use crate::terminal::Answer;

/// A server that can be stopped and started.
struct Server {
    folder: TempDir,
    ports: String,
}

impl Server {
    /// Nothing, said aloud, where there are no servers.
    fn start() -> Option<(Arc<Self>, String)> {
        if env::var("CONSIGN_TEST_POSTGRES_URL").is_err() {
            eprintln!("not run: CONSIGN_TEST_POSTGRES_URL is not set; `tests/servers/postgres.sh` starts a server");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        // The script's server listens at the fortieth port after the first.
        let server = Self { folder: tempfile::tempdir().expect("a folder"), ports: (free - 40).to_string() };
        let said = server.script("start");
        let url = said.trim().strip_prefix("CONSIGN_TEST_POSTGRES_URL=").expect("a place").to_owned();
        Some((Arc::new(server), url))
    }

    fn script(&self, what: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers/postgres.sh");
        let mut command = Command::new(script);
        command.arg(what).arg(self.folder.path()).env("CONSIGN_TEST_PORTS", &self.ports);
        let done = command.output().expect("it starts");
        assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("UTF-8")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.script("stop");
    }
}

/// Begins a run whose store is there, to whom this happens at its fifth request.
fn run_while(
    start: &Start,
    sandbox: &Sandbox<'_>,
    variables: &[(&str, &str)],
    strike: impl Fn() + Send + Sync + 'static,
) -> Answer {
    let applied = start.terminal.consign_with("apply clean", variables);
    assert_eq!(applied.code, 0, "{}", applied.transcript());
    let reaper = Reaper::striking(&sandbox.url, move |_| strike());
    let death = Death::Request { number: 5, after: true };
    let run = reaper.call(&start.terminal, &format!("{RUN} --json"), variables, Some(&death));
    reaper.struck();
    run
}

/// A run that ended well has made of the world what it should.
fn is_as_undisturbed(start: &Start, sandbox: &Sandbox<'_>, run: &Answer) {
    assert_eq!((run.code, &run.json()["outcome"]), (0, &"succeeded".into()), "{}", run.transcript());
    let world = World::of(&start.terminal, &sandbox.url, &start.servers, run.json()["run"].as_str().expect("an id"));
    assert_eq!(world, start.undisturbed.world);
}

#[test]
fn a_server_that_is_restarted_in_the_middle_of_a_run_is_not_noticed() {
    let Some((server, store)) = Server::start() else { return };
    let start = Start::first(Vec::new());
    start.restore();
    let sandbox = start.sandbox();
    let variables = [start.variables(), vec![("CONSIGN_STORE", store.as_str())]].concat();
    let run = run_while(&start, &sandbox, &variables, move || {
        server.script("stop");
        server.script("start");
    });
    is_as_undisturbed(&start, &sandbox, &run);
    sandbox.stop();
}

#[test]
fn a_run_whose_store_stays_away_ends_and_is_resumed() {
    let Some((server, store)) = Server::start() else { return };
    let start = Start::first(Vec::new());
    start.restore();
    let sandbox = start.sandbox();
    // A server is waited for for a quarter of the lease's time.
    let mut variables = [start.variables(), vec![("CONSIGN_STORE", store.as_str()), ("CONSIGN_LEASE", "4")]].concat();
    let stopping = Arc::clone(&server);
    let run = run_while(&start, &sandbox, &variables, move || drop(stopping.script("stop")));
    assert_eq!(run.code, 1, "{}", run.transcript());
    assert!(run.out.contains("cannot be reached"), "{}", run.transcript());
    server.script("start");
    variables.push(("CONSIGN_SANDBOX", &sandbox.url));
    is_as_undisturbed(&start, &sandbox, &start.terminal.consign_with("resume latest --json", &variables));
    sandbox.stop();
}
