//! The port: takes requests apart, lets faults strike, asks the platform, writes down what happened.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use chrono::Utc;
use futures::stream;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::call::{Answer, Call, Content};
use crate::fault::{Faults, HEADER, Twist, What};
use crate::journal::Journal;
use crate::log::{Log, Seen, masked};
use crate::platform::Platform;
use crate::world::World;
use crate::{Options, SandboxError, attentive, criteo, klaviyo, meta, page, tiktok};

/// Bytes of a body that are read at all; `TikTok` takes files of 250 MB.
const MOST_BYTES: usize = 256_000_000;
/// How long open connections may take to end after the token is cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    seed: u64,
    shutdown: CancellationToken,
}

impl Shared {
    /// Reads the state, if there is a folder for it.
    pub(crate) fn open(options: Options, shutdown: CancellationToken) -> Result<Arc<Self>, SandboxError> {
        let mut world = World::new(options.seed, options.job_time);
        if let Some(folder) = &options.state {
            world.journal = Some(Journal::open(folder, &mut world)?);
        }
        Ok(Arc::new(Self {
            world: Mutex::new(world),
            faults: Mutex::new(Faults::new(options.seed, options.faults)),
            log: Mutex::new(Log::default()),
            seed: options.seed,
            shutdown,
        }))
    }

    /// The world with all due work done.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.advance(Utc::now());
        world
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    /// Forgets lists, jobs and requests, and counts faults from the beginning.
    pub(crate) fn reset(&self) -> io::Result<()> {
        let mut world = lock(&self.world);
        let mut journal = world.journal.take();
        if let Some(journal) = &mut journal {
            journal.clear()?;
        }
        *world = World::new(world.seed, world.job_time);
        world.journal = journal;
        *self.log() = Log::default();
        lock(&self.faults).reset();
        Ok(())
    }
}

/// A lock; what a panicking holder left is whole, since events apply one by one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves connections until the token is cancelled.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, shutdown: CancellationToken) {
    let router = Router::new()
        .route("/", get(page::html))
        .route("/state.json", get(page::state))
        .route("/lists/{*id}", get(page::list))
        .route("/reset", post(page::reset))
        .fallback(platform)
        .with_state(shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), shutdown.clone()));
                }
                Err(error) => {
                    // Out of descriptors, most likely: let some connections end first.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let ended = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        connections.shutdown().await;
    }
}

/// Marks an answer that must not be sent: the connection closes instead.
#[derive(Debug, Clone, Copy)]
struct Dropped;

async fn connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    let inner = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let answer = inner.call(request);
        async move {
            let Ok(response) = answer.await;
            match response.extensions().get::<Dropped>() {
                Some(Dropped) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                None => Ok(response),
            }
        }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// A call to a platform.
async fn platform(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let first = path.split('/').nth(1).unwrap_or_default();
    let Ok(platform) = first.parse::<Platform>() else {
        let text = format!(
            "no platform here: begin the path with one of {}\n",
            Platform::ALL.map(Platform::prefix).join(", ")
        );
        return plain(StatusCode::NOT_FOUND, text);
    };
    let Ok(body) = axum::body::to_bytes(body, MOST_BYTES).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or ended early\n".to_owned());
    };
    let rest = path.get(first.len() + 1..).unwrap_or_default();
    let call = Call::new(head.method, rest, &query, head.headers, body);
    let name = match platform {
        Platform::Klaviyo => klaviyo::name(&call),
        Platform::Attentive => attentive::name(&call),
        Platform::Criteo => criteo::name(&call),
        Platform::Tiktok => tiktok::name(&call),
        Platform::Meta => meta::name(&call),
    };
    let what = match call.header(HEADER).map(str::parse::<What>) {
        Some(Err(error)) => return plain(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Some(Ok(what)) => Some(what),
        None => lock(&shared.faults).strike(platform, name),
    };
    let mut seen = Seen {
        at: Utc::now(),
        platform,
        call: name,
        method: call.method.to_string(),
        target: masked(&path, &query),
        status: 0,
        rows: 0,
        fault: what.as_ref().map(ToString::to_string),
        refusal: None,
        milliseconds: 0,
    };
    let answer = if matches!(what, Some(What::Drop | What::Redirect)) {
        None
    } else {
        let parts = parts(&call, platform).await;
        let (shared, what) = (Arc::clone(&shared), what.clone());
        let asked = tokio::task::spawn_blocking(move || ask(&shared, platform, &call, &parts, what.as_ref()));
        Some(asked.await.unwrap_or_else(|_| {
            Answer::text(500, "text/plain", "the sandbox failed").because("a defect of the sandbox")
        }))
    };
    let response = respond(answer.as_ref(), what.as_ref());
    if response.extensions().get::<Dropped>().is_none() {
        seen.status = response.status().as_u16();
    }
    if let Some(answer) = answer {
        seen.rows = answer.rows;
        seen.refusal = answer.refusal;
    }
    seen.milliseconds = began.elapsed().as_millis();
    shared.log().put(seen);
    // After the effect: a client that gives up cannot know what became of its call.
    if let Some(What::Slow(time)) = what {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = shared.shutdown.cancelled() => {}
        }
    }
    response
}

/// The parts of a form, where a call has one; what cannot be read has none.
async fn parts(call: &Call, platform: Platform) -> Vec<tiktok::Part> {
    let mut parts = Vec::new();
    if platform != Platform::Tiktok || call.media_type() != "multipart/form-data" {
        return parts;
    }
    let mut request = Request::new(Body::from(call.body.clone()));
    if let Some(value) = call.headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, value.clone());
    }
    DefaultBodyLimit::disable().apply(&mut request);
    let Ok(mut form) = Multipart::from_request(request, &()).await else { return parts };
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let Ok(content) = field.bytes().await else { break };
        parts.push(tiktok::Part { name, file_name, content });
    }
    parts
}

/// Lets the platform handle a call, or say why a fault keeps it from that.
fn ask(shared: &Shared, platform: Platform, call: &Call, parts: &[tiktok::Part], what: Option<&What>) -> Answer {
    let mut world = shared.world();
    let now = Utc::now();
    let signal = |world: &mut World, what: &What| {
        let own = match platform {
            Platform::Klaviyo => klaviyo::signal(world, what),
            Platform::Attentive => attentive::signal(what),
            Platform::Criteo => criteo::signal(world, what, criteo::name(call), now),
            Platform::Tiktok => tiktok::signal(world, what),
            Platform::Meta => meta::signal(world, call, what),
        };
        own.or_else(|| (*what == What::Html).then(a_page_for_people))
    };
    if let Some(what) = what
        && *what != What::UnavailableAfterEffect
        && let Some(answer) = signal(&mut world, what)
    {
        return answer;
    }
    let twist = Twist::of(what, shared.seed);
    let mut answer = match platform {
        Platform::Klaviyo => klaviyo::handle(&mut world, call, twist, now),
        Platform::Attentive => attentive::handle(&mut world, call, twist, now),
        Platform::Criteo => criteo::handle(&mut world, call, twist, now),
        Platform::Tiktok => tiktok::handle(&mut world, call, parts, twist, now),
        Platform::Meta => meta::handle(&mut world, call, twist, now),
    };
    if what == Some(&What::UnavailableAfterEffect)
        && let Some(late) = signal(&mut world, &What::UnavailableAfterEffect)
    {
        answer = late;
    }
    if what == Some(&What::OddIds)
        && let Content::Json(body) = &mut answer.content
    {
        make_ids_odd(body);
    }
    if let Some(failure) = world.failure.take() {
        let text = format!("the sandbox cannot write its state: {failure}");
        return Answer::text(500, "text/plain", text.clone()).because(text);
    }
    answer
}

/// Ids that are texts become numbers where they are digits, and lists of one text otherwise.
fn make_ids_odd(body: &mut Value) {
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(id) if name.to_ascii_lowercase().ends_with("id") => {
                        *value = id.parse::<u64>().map_or_else(|_| json!([id]), |number| json!(number));
                    }
                    _ => make_ids_odd(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(make_ids_odd),
        _ => {}
    }
}

fn a_page_for_people() -> Answer {
    let text =
        "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in to the network</h1></body></html>";
    Answer::text(200, "text/html; charset=utf-8", text).because("fault: a page for people")
}

/// The response of an answer, with what a fault does on the wire.
fn respond(answer: Option<&Answer>, what: Option<&What>) -> Response {
    let dropped = || {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Dropped);
        response
    };
    match what {
        Some(What::Redirect) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::FOUND;
            let elsewhere = HeaderValue::from_static("http://elsewhere.example.com/");
            response.headers_mut().insert(header::LOCATION, elsewhere);
            return response;
        }
        Some(What::Huge) => return huge(),
        Some(What::Drop | What::DropAfterEffect) => return dropped(),
        _ => {}
    }
    let Some(answer) = answer else { return dropped() };
    let (media_type, body) = match &answer.content {
        Content::Empty => (None, Bytes::new()),
        Content::Json(value) => (Some("application/json"), Bytes::from(value.to_string())),
        Content::Text(media_type, text) => (Some(*media_type), Bytes::from(text.clone())),
    };
    let half = what == Some(&What::HalfAnswer);
    if half && body.len() < 2 {
        return dropped();
    }
    let length = body.len();
    let mut response = Response::new(if half {
        let cut: io::Result<Bytes> = Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        Body::from_stream(stream::iter([Ok(body.slice(..length / 2)), cut]))
    } else {
        Body::from(body)
    });
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if half {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Some(media_type) = media_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

/// 3 GiB that begin like JSON, made as they are sent.
fn huge() -> Response {
    let chunk = Bytes::from(vec![b'a'; 65_536]);
    let start = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{\"data\":\""))]);
    let chunks = stream::iter((0..49_152).map(move |_| Ok(chunk.clone())));
    let mut response = Response::new(Body::from_stream(futures::StreamExt::chain(start, chunks)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A short text for people who came to the wrong place.
pub(crate) fn plain(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
