//! What every request goes through: a name in the log, limits, and the check that it comes from our own pages.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};
use url::Url;
use uuid::Uuid;

use crate::access::bearer;
use crate::app::App;
use crate::refusal::Refusal;

/// How long an answer may take.
const USUAL: Duration = Duration::from_mins(1);
/// How long what counts or asks platforms may take.
const SLOW: Duration = Duration::from_mins(15);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where scripts, styles and pictures may come from: from here.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Names a request, logs what came of it, and says to browsers what its answer may do.
pub(crate) async fn named(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let (method, begun) = (request.method().clone(), Instant::now());
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let mut response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    let milliseconds = took.as_millis();
    // Methods are named by whoever asks, and those that no route has may be any.
    let counted = if path.is_empty() { "" } else { method.as_str() };
    app.metrics.answered(counted, &path, status, took);
    tracing::debug!(request = id, %method, path, status, milliseconds, "answered");
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("")));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses what a page of another site has a browser send: it names a host that is not ours, or a page that is not of our
/// host. A browser cannot keep from saying which, so that no secret need be in each page; and it sends a token only where
/// our own page has it do so.
pub(crate) async fn own(State(app): State<App>, request: Request, next: Next) -> Response {
    let refused = match bearer(request.headers()) {
        Some(_) => None,
        None => foreign(app.url.as_ref().map(Url::authority), request.method(), request.headers()),
    };
    match refused {
        None => next.run(request).await,
        Some(reason) => Refusal::new(StatusCode::FORBIDDEN, reason).into_response(),
    }
}

fn foreign(ours: Option<&str>, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).and_then(|host| host.parse::<Authority>().ok());
    let is_ours = |host: &Authority| {
        matches!(host.host(), "127.0.0.1" | "localhost" | "[::1]") || ours.is_some_and(|ours| *host == ours)
    };
    if !host.as_ref().is_some_and(is_ours) {
        return Some(
            "the request names another host: call this one by 127.0.0.1, [::1] or localhost, or by what `--url` says",
        );
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let from_here = match (text(header::ORIGIN), text(HeaderName::from_static("sec-fetch-site"))) {
        (Some(origin), _) => origin.split_once("://").is_some_and(|(_, rest)| {
            // A proxy may name us by another host than the browser.
            host.is_some_and(|host| *rest == host) || ours.is_some_and(|ours| rest == ours)
        }),
        (None, Some(site)) => matches!(site, "same-origin" | "none"),
        // No browser: those say where a request comes from.
        (None, None) => true,
    };
    (!from_here).then_some("the request comes from a page of another site")
}

/// Ends what takes too long.
pub(crate) async fn in_time(State(slow): State<bool>, request: Request, next: Next) -> Response {
    let within = if slow { SLOW } else { USUAL };
    timeout(within, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("it took longer than {} seconds: ask for less", within.as_secs());
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, detail).into_response()
    })
}
