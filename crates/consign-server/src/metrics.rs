//! What the server counts of itself, as Prometheus reads it. Routes, never addresses: those name customers.

use std::fmt;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;
use crate::refusal::{Answer, Refusal};

/// Up to how many seconds answers are told apart.
const SECONDS: [f64; 8] = [0.005, 0.02, 0.1, 0.3, 1.0, 5.0, 30.0, 120.0];

/// Which requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    runs: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let (requests, seconds, runs) = (Family::default(), Histogram::new(SECONDS), Gauge::default());
        let mut registry = Registry::with_prefix("consign");
        registry.register("http_requests", "Requests that were answered", Family::clone(&requests));
        registry.register_with_unit("http_request", "How long answers took", Unit::Seconds, seconds.clone());
        registry.register("runs_under_way", "Runs that somebody began here and that go on", runs.clone());
        Self { registry, requests, seconds, runs }
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let request = Request { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&request).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    fn text(&self, runs: usize) -> Result<String, fmt::Error> {
        self.runs.set(i64::try_from(runs).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What is counted, in the text format of OpenMetrics.
pub(crate) async fn metrics(State(app): State<App>) -> Answer<impl IntoResponse> {
    let text = app.metrics.text(app.live.count()).map_err(|error| Refusal::failed(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
