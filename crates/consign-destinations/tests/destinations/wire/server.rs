//! A server that expects a list of requests, in order, and gives the answer of each.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::schemas;

/// A request that is expected, and what is done about it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Method, path and query, the query decoded.
    request: String,
    /// Headers that it must have, or must not have.
    headers: Vec<(&'static str, Option<String>)>,
    /// The body that it must have.
    body: Option<Body>,
    reaction: Reaction,
}

#[derive(Debug, Clone)]
enum Body {
    Json(Value),
    Text(String),
    /// Holds these texts, in this order.
    Holds(Vec<String>),
}

#[derive(Debug, Clone)]
enum Reaction {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Reads the request and closes.
    Close,
    /// Says that more comes than does.
    Half,
    /// Reads the request and says nothing for longer than is waited.
    Silence,
    /// Never ends to answer, until nobody listens.
    Flood,
}

/// Expects a request: `GET /path?query`, the query as it reads when decoded.
pub fn on(request: &str) -> Step {
    let answer = Reaction::Answer { status: 200, headers: Vec::new(), body: b"{}".to_vec() };
    Step { request: request.to_owned(), headers: Vec::new(), body: None, reaction: answer }
}

impl Step {
    /// With this header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, Some(value.to_owned())));
        self
    }

    /// Without this header.
    pub fn no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    /// With this JSON as body.
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(Body::Json(body));
        self
    }

    /// With exactly this body.
    pub fn text(mut self, body: &str) -> Self {
        self.body = Some(Body::Text(body.to_owned()));
        self
    }

    /// With a body that holds these texts, in this order.
    pub fn holding(mut self, texts: &[&str]) -> Self {
        self.body = Some(Body::Holds(texts.iter().map(|text| (*text).to_owned()).collect()));
        self
    }

    /// Answered with this status and JSON.
    pub fn answer(self, status: u16, body: impl Into<Value>) -> Self {
        self.with(status, &[("content-type", "application/json")], body.into().to_string())
    }

    /// Answered with this status, these headers and this body.
    pub fn with(mut self, status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.reaction = Reaction::Answer { status, headers, body: body.into() };
        self
    }

    fn reacting(mut self, reaction: Reaction) -> Self {
        self.reaction = reaction;
        self
    }

    /// Not answered: the connection is closed.
    pub fn closes(self) -> Self {
        self.reacting(Reaction::Close)
    }

    /// Answered with half of an answer.
    pub fn halves(self) -> Self {
        self.reacting(Reaction::Half)
    }

    /// Not answered in time.
    pub fn says_nothing(self) -> Self {
        self.reacting(Reaction::Silence)
    }

    /// Answered without end.
    pub fn floods(self) -> Self {
        self.reacting(Reaction::Flood)
    }
}

/// The server.
pub struct Server {
    address: SocketAddr,
    script: Arc<Script>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    wrong: Mutex<Vec<String>>,
    ended: AtomicBool,
    /// The connection that is being served.
    open: Mutex<Option<TcpStream>>,
}

/// A request as it came.
struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Server {
    /// Starts it on a port of its own.
    pub fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let script = Arc::new(Script { steps: Mutex::new(steps.into()), ..Script::default() });
        let shared = Arc::clone(&script);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    break;
                }
                // A connection that breaks is part of some tests.
                let _ = stream.and_then(|stream| shared.serve(stream));
            }
        });
        Self { address, script, thread: Some(thread) }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Panics unless exactly the expected requests came.
    pub fn end(mut self) {
        self.stop();
        let wrong = self.script.wrong.lock().expect("nobody has panicked");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let left: Vec<String> =
            self.script.steps.lock().expect("nobody has panicked").iter().map(|step| step.request.clone()).collect();
        assert!(left.is_empty(), "these requests did not come: {left:#?}");
    }

    fn stop(&mut self) {
        self.script.ended.store(true, Ordering::SeqCst);
        // Who reads or writes in vain stops at once.
        if let Some(open) = self.script.open.lock().expect("nobody has panicked").take() {
            let _ = open.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Script {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        *self.open.lock().expect("nobody has panicked") = Some(stream.try_clone()?);
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let Some(request) = read(&mut reader)? else { return Ok(()) };
        let step = self.steps.lock().expect("nobody has panicked").pop_front();
        let reaction = if let Some(step) = step {
            let wrong = step.compare(&request);
            self.wrong.lock().expect("nobody has panicked").extend(wrong);
            step.reaction
        } else {
            self.wrong.lock().expect("nobody has panicked").push(format!("nobody expected {}", request.line));
            Reaction::Answer { status: 418, headers: Vec::new(), body: Vec::new() }
        };
        let outcome = reaction.react(stream);
        self.open.lock().expect("nobody has panicked").take();
        outcome
    }
}

/// Reads a request; `None` where there is none.
fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let target = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { line: target, headers, body }))
}

/// A query as people read it. What it must not hold undecoded are brackets, quotes, spaces.
fn decoded(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if query.is_empty() {
        return path.to_owned();
    }
    if query.contains(['[', ']', '"', ' ', '+']) {
        return format!("{target} (the query is not percent-encoded)");
    }
    let parts: Vec<String> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect();
    format!("{path}?{}", parts.join("&"))
}

impl Step {
    /// What is wrong with a request.
    fn compare(&self, request: &Request) -> Vec<String> {
        let mut wrong = Vec::new();
        let line = decoded(&request.line);
        if line != self.request {
            wrong.push(format!("expected {}\n     got {line}", self.request));
        }
        let header =
            |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        for (name, expected) in &self.headers {
            if header(name) != *expected {
                wrong.push(format!("{line}: expected the header {name}: {expected:?}, got {:?}", header(name)));
            }
        }
        if !header("user-agent").is_some_and(|agent| agent.starts_with("consign/")) || header("x-request-id").is_none()
        {
            wrong.push(format!("{line}: no user agent or no request id"));
        }
        let body = String::from_utf8_lossy(&request.body);
        match &self.body {
            Some(Body::Json(expected)) if serde_json::from_str::<Value>(&body).ok().as_ref() != Some(expected) => {
                wrong.push(format!("{line}: expected the body {expected}\n     got {body}"));
            }
            Some(Body::Text(expected)) if body != *expected => {
                wrong.push(format!("{line}: expected the body {expected}\n     got {body}"));
            }
            Some(Body::Holds(texts)) => {
                let mut rest = &*body;
                for text in texts {
                    match rest.split_once(text.as_str()) {
                        Some((_, after)) => rest = after,
                        None => wrong.push(format!("{line}: expected {text:?} in its place\n     got {body}")),
                    }
                }
            }
            _ => {}
        }
        wrong.extend(schemas::flaws(&line, &request.body));
        wrong
    }
}

impl Reaction {
    fn react(self, mut stream: TcpStream) -> std::io::Result<()> {
        match self {
            Self::Answer { status, headers, body } => {
                let mut answer =
                    format!("HTTP/1.1 {status} S\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in &headers {
                    answer.extend([name, ": ", value.as_str(), "\r\n"]);
                }
                answer.push_str("\r\n");
                stream.write_all(answer.as_bytes())?;
                stream.write_all(&body)
            }
            Self::Close => Ok(()),
            Self::Half => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"data\":"),
            Self::Silence => {
                // Until the client gives up and closes.
                stream.read(&mut [0; 1]).map(drop)
            }
            Self::Flood => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"")?;
                let chunk = vec![b'a'; 1 << 20];
                while stream.write_all(&chunk).is_ok() {}
                Ok(())
            }
        }
    }
}
