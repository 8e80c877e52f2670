//! How commands die.

use std::process::Command;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::terminal::{Answer, Running, Terminal};

/// When a command dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// At its n-th request, before or after the platform has dealt with it.
    Request { number: u64, after: bool },
    /// At its n-th passing of a named point.
    Point { name: String, time: u64 },
    /// So long after it began.
    Instant(Duration),
}

/// Stands between commands and the sandbox, counts requests, and kills commands, or does something else to them.
pub struct Reaper {
    url: String,
    state: Arc<Reaping>,
    _stop: DropGuard,
}

struct Reaping {
    sandbox: String,
    client: reqwest::Client,
    counted: Mutex<Counted>,
    /// The process that dies, once it is known.
    process: watch::Sender<Option<u32>>,
    /// What happens to it.
    strike: Box<dyn Fn(u32) + Send + Sync>,
    struck: watch::Sender<bool>,
}

#[derive(Default)]
struct Counted {
    requests: u64,
    /// The request at which the process dies, and whether the platform has dealt with it then.
    last: Option<(u64, bool)>,
}

impl Reaper {
    pub fn before(sandbox: &str) -> Self {
        Self::striking(sandbox, |process| signal(process, "KILL"))
    }

    /// One who does something else to a command whose time has come, to the process that it is.
    pub fn striking(sandbox: &str, strike: impl Fn(u32) + Send + Sync + 'static) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let state = Arc::new(Reaping {
            sandbox: sandbox.to_owned(),
            client: client.expect("a client"),
            counted: Mutex::default(),
            process: watch::Sender::new(None),
            strike: Box::new(strike),
            struck: watch::Sender::new(false),
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

    /// Requests that the last command made.
    pub fn requests(&self) -> u64 {
        self.state.counted.lock().expect("no thread died").requests
    }

    /// Where commands find the sandbox.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills a process at its n-th request from now on, before or after the platform has dealt with it.
    pub fn kill_at(&self, process: &Running<'_>, number: u64, after: bool) {
        self.count_anew(Some((number, after)));
        self.state.process.send_replace(Some(process.process()));
    }

    fn count_anew(&self, last: Option<(u64, bool)>) {
        *self.state.counted.lock().expect("no thread died") = Counted { requests: 0, last };
    }

    /// Waits until a command was struck.
    pub fn struck(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(self.state.struck.subscribe().wait_for(|struck| *struck)).expect("it is there");
    }

    /// Calls a command whose requests pass here, and which dies like that, or not at all.
    pub fn call(&self, terminal: &Terminal, words: &str, variables: &[(&str, &str)], death: Option<&Death>) -> Answer {
        let mut running = self.start(terminal, words, variables, death);
        if let Some(Death::Instant(after)) = death {
            // An instant is not an event: whatever the command does then is what is tried.
            thread::sleep(*after);
            if !running.ended() {
                running.signal("KILL");
            }
        }
        running.answer()
    }

    /// Starts one, and does not wait.
    pub fn start<'t>(
        &self,
        terminal: &'t Terminal,
        words: &str,
        variables: &[(&str, &str)],
        death: Option<&Death>,
    ) -> Running<'t> {
        let last = match death {
            Some(Death::Request { number, after }) => Some((*number, *after)),
            _ => None,
        };
        self.count_anew(last);
        self.state.process.send_replace(None);
        let mut variables = variables.to_vec();
        variables.push(("CONSIGN_SANDBOX", &self.url));
        let point = match death {
            Some(Death::Point { name, time }) => Some(format!("{name}:{time}")),
            _ => None,
        };
        variables.extend(point.as_deref().map(|point| (consign_points::DIE_AT, point)));
        let running = terminal.start(words, &variables);
        self.state.process.send_replace(Some(running.process()));
        running
    }
}

impl Reaping {
    /// Counts a request; whether the command dies at it, and whether only after the platform has dealt with it.
    fn due(&self) -> Option<bool> {
        let mut counted = self.counted.lock().expect("no thread died");
        counted.requests += 1;
        counted.last.filter(|(number, _)| *number == counted.requests).map(|(_, after)| after)
    }

    async fn strike(&self) {
        let mut process = self.process.subscribe();
        let process = process.wait_for(Option::is_some).await.expect("it is known").expect("it is there");
        (self.strike)(process);
        self.struck.send_replace(true);
    }
}

/// Sends a process a signal.
pub fn signal(process: u32, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(sent.expect("`kill` starts").success());
}

async fn pass(State(reaping): State<Arc<Reaping>>, request: Request) -> Response {
    let due = reaping.due();
    let refused = || Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).expect("a response");
    if due == Some(false) {
        reaping.strike().await;
        return refused();
    }
    let (head, body) = request.into_parts();
    // What a command that died had not sent never arrives.
    let Ok(body) = axum::body::to_bytes(body, 64 << 20).await else { return refused() };
    let url = format!("{}{}", reaping.sandbox, head.uri);
    let asked = reaping.client.request(head.method, url).headers(head.headers).body(body).send().await;
    // The sandbox may be down.
    let Ok(answer) = asked else { return refused() };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let Ok(body) = answer.bytes().await else { return refused() };
    if due == Some(true) {
        reaping.strike().await;
    }
    response.body(Body::from(body)).expect("a response")
}
