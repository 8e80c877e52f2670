//! One platform for one delivery: calls, made until they are answered for good or patience ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::client::{ClientError, ErrorClass};
use crate::encode::path_segment;

use super::call::{Call, Target};
use super::connection::exchange;
use super::{
    Backoff, Exchange, Http, Mask, Patience, Protocol, Rate, Refusal, Reply, Setback, Throttle, TransportError, Waits,
};

/// Shorter waits for a limit are told to nobody.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// What is known of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It had no effect.
    None,
    /// It may have had its effect.
    Unknown,
}

/// A request failed for good.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ClientError,
    /// The platform's code.
    pub(crate) code: String,
    /// The last answer, where there was one.
    pub(crate) reply: Option<Reply>,
    pub(crate) effect: Effect,
    /// Requests made.
    pub(crate) attempts: u32,
}

impl Failure {
    /// The status of the last answer; 0 where there was none.
    pub(crate) fn status(&self) -> u16 {
        self.reply.as_ref().map_or(0, |reply| reply.status)
    }
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// How a platform is reached.
pub(crate) struct Access<'a> {
    pub(crate) base_url: &'a str,
    /// What its limits are counted by; may be a secret.
    pub(crate) account: &'a str,
    /// All secrets that go along, for the mask.
    pub(crate) secrets: Vec<SecretString>,
    /// Its limits.
    pub(crate) rates: &'a [(&'static str, &'static [Rate])],
}

/// One platform for one delivery.
pub(crate) struct Platform<P> {
    pub(crate) protocol: P,
    http: Http,
    base_url: String,
    throttle: Arc<Throttle>,
    mask: Mask,
    patience: Patience,
}

impl<P: Protocol> Platform<P> {
    pub(crate) fn new(protocol: P, http: &Http, access: Access<'_>) -> Result<Self, ClientError> {
        let base_url = access.base_url.trim_end_matches('/').to_owned();
        let good = Url::parse(&base_url).is_ok_and(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
        if !good {
            let remedy = "write `https://`, the host, and no slash at the end";
            return Err(ClientError::new(ErrorClass::Config, "`base_url` is not the URL of a platform", remedy));
        }
        let throttle = http.throttle(protocol.kind(), &base_url, access.account, access.rates);
        let (mask, patience) = (Mask::new(access.secrets), http.patience());
        Ok(Self { protocol, http: http.clone(), base_url, throttle, mask, patience })
    }

    pub(crate) fn now(&self) -> Instant {
        self.http.clock.now()
    }

    pub(crate) async fn sleep(&self, wait: Duration) {
        self.http.clock.sleep(wait).await;
    }

    /// A platform's own words, fit to be shown.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.mask.text(text)
    }

    /// Never shows this secret, which was not known before.
    pub(crate) fn learn(&self, secret: SecretString) {
        self.mask.learn(secret);
    }

    /// Path and query of a link that the platform gave, below the base URL: its scheme and host are not followed, and
    /// where a proxy has put the path of the base URL before it, once is enough.
    pub(crate) fn below<'l>(&self, link: &'l str) -> &'l str {
        let path_of = |url: &'_ str| url.find("://").and_then(|at| Some(at + 3 + url[at + 3..].find('/')?));
        let path = match path_of(link) {
            Some(at) => &link[at..],
            None => link,
        };
        let base = path_of(&self.base_url).map_or("", |at| &self.base_url[at..]);
        path.strip_prefix(base).filter(|below| below.starts_with('/')).unwrap_or(path)
    }

    /// The base URL.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// An error with the platform's own words in it.
    pub(crate) fn error(&self, refusal: &Refusal) -> ClientError {
        let error = ClientError::new(refusal.class, refusal.what.clone(), refusal.remedy.clone());
        ClientError { uncertain: refusal.uncertain, ..error.saying(self.masked(&refusal.said)) }
    }

    /// An answer that makes no sense: success without what success brings.
    pub(crate) fn senseless(&self, lacks: &str) -> ClientError {
        let what = format!("{} answered with success but without {lacks}", self.protocol.title());
        let remedy = "check `base_url`, or report it with the ids of the request";
        ClientError { uncertain: true, ..ClientError::new(ErrorClass::Bug, what, remedy) }
    }

    /// Makes a request until it is done, or is refused, or patience ends.
    pub(crate) async fn call(&self, call: &Call) -> Result<Reply, Failure> {
        let clock = &*self.http.clock;
        let mut waits = Waits::default();
        let mut attempt = 0;
        let mut effect = Effect::None;
        loop {
            attempt += 1;
            let turn = self.throttle.take(call.group, clock);
            if !turn.is_zero() {
                self.pause(turn, true).await;
            }
            let (outcome, record) = self.once(call, attempt).await;
            let (reply, setback) = match outcome {
                Ok(reply) => {
                    if let Some(wait) = self.protocol.ease(&reply) {
                        self.throttle.hold(call.group, wait, clock);
                    }
                    match self.protocol.judge(&reply, call) {
                        Ok(()) => {
                            self.conclude(record, "done", false);
                            return Ok(reply);
                        }
                        Err(setback) => (Some(reply), setback),
                    }
                }
                Err(error) => (None, transport_setback(self.protocol.title(), &error)),
            };
            let (refusal, wait) = match setback {
                Setback::Again { refusal, backoff, after } => {
                    let blind = !call.repeatable && refusal.uncertain;
                    let wait = if blind { None } else { waits.next(backoff, after) };
                    (refusal, wait)
                }
                Setback::Never(refusal) => (refusal, None),
            };
            if refusal.uncertain {
                effect = Effect::Unknown;
            }
            let mut error = self.error(&refusal);
            // Of any of the attempts.
            error.uncertain = effect == Effect::Unknown;
            if attempt > 1 {
                error.what = format!("{} (tried {attempt} times)", error.what);
            }
            let Some(wait) = wait else {
                self.conclude(record, &error.to_string(), true);
                return Err(Failure { error, code: refusal.code, reply, effect, attempts: attempt });
            };
            let until = self.after(wait);
            let limited = matches!(error.class, ErrorClass::RateLimited { .. });
            if !self.patience.spend(wait) {
                if limited {
                    error.class = ErrorClass::RateLimited { until };
                    self.http.observer.limited(Some(until));
                }
                self.conclude(record, &error.to_string(), true);
                return Err(Failure { error, code: refusal.code, reply, effect, attempts: attempt });
            }
            let concluded = format!("again in {:.1} s: {error}", wait.as_secs_f64());
            self.conclude(record, &concluded, true);
            self.pause(wait, limited).await;
        }
    }

    /// The time after so long.
    fn after(&self, wait: Duration) -> DateTime<Utc> {
        let wait = chrono::Duration::from_std(wait).ok();
        wait.and_then(|wait| self.http.clock.time().checked_add_signed(wait)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Waits, and tells so where a limit is the reason and the wait is worth it.
    async fn pause(&self, wait: Duration, limited: bool) {
        let told = limited && wait >= WORTH_TELLING;
        if told {
            self.http.observer.limited(Some(self.after(wait)));
        }
        self.sleep(wait).await;
        if told {
            self.http.observer.limited(None);
        }
    }

    /// One request, and the beginning of its record.
    async fn once(&self, call: &Call, attempt: u32) -> (Result<Reply, TransportError>, Exchange) {
        let clock = &*self.http.clock;
        let request_id = Uuid::now_v7().to_string();
        let url = self.url(call);
        let mut record = Exchange {
            kind: self.protocol.kind().to_owned(),
            request_id: request_id.clone(),
            attempt,
            method: call.method.to_string(),
            host: String::new(),
            path: String::new(),
            started: clock.time(),
            took: Duration::ZERO,
            sent_bytes: call.body.as_ref().map_or(0, |body| body.len() as u64),
            received_bytes: 0,
            status: None,
            ids: Vec::new(),
            concluded: String::new(),
            failed: false,
        };
        let url = match url {
            Ok(url) => url,
            Err(error) => return (Err(error), record),
        };
        record.host = url.origin().ascii_serialization();
        record.path = self.shown_path(&url, call);
        let mut request = self.http.client.request(call.method.clone(), url).header("x-request-id", &request_id);
        request = request.header("accept-encoding", "gzip");
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        // Nothing comes between this and the request.
        let most = self.http.permit.granted().await;
        request = request.timeout(most.min(self.http.total));
        let began = clock.now();
        let outcome = exchange(request, clock).await;
        record.took = clock.now().saturating_duration_since(began);
        if let Ok(reply) = &outcome {
            record.status = Some(reply.status);
            record.received_bytes = reply.body.len() as u64;
            let ids = self.protocol.ids(reply).into_iter();
            record.ids = ids.map(|(name, id)| (name.to_owned(), id.chars().take(200).collect())).collect();
        }
        (outcome, record)
    }

    fn url(&self, call: &Call) -> Result<Url, TransportError> {
        let wrong = |error: url::ParseError| TransportError::Request(error.to_string());
        let mut url = match &call.target {
            Target::Path(path) | Target::Given(path) => format!("{}{path}", self.base_url),
            Target::Elsewhere(url) => return Ok(url.clone()),
        };
        for (i, (name, value)) in call.query.iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            url.push_str(&path_segment(name));
            url.push('=');
            url.push_str(&path_segment(value));
        }
        Url::parse(&url).map_err(wrong)
    }

    /// Path and query for people. The path of another host may itself be a secret.
    fn shown_path(&self, url: &Url, call: &Call) -> String {
        if matches!(call.target, Target::Elsewhere(_)) {
            return "/…".into();
        }
        let query: Vec<String> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        let path = url.path().to_owned();
        if query.is_empty() { path } else { format!("{path}?{}", self.masked(&query.join("&"))) }
    }

    fn conclude(&self, mut record: Exchange, concluded: &str, failed: bool) {
        concluded.clone_into(&mut record.concluded);
        record.failed = failed;
        tracing::debug!(
            kind = record.kind,
            request = record.request_id,
            method = record.method,
            status = record.status,
            failed,
            "exchange"
        );
        self.http.observer.exchanged(&record);
    }
}

/// What a failure of the network means.
fn transport_setback(title: &str, error: &TransportError) -> Setback {
    let what = format!("{title} {}", error.what());
    let remedy = match error {
        TransportError::Connect(_) => {
            "check `base_url`, the network and the certificates of this machine, and run again"
        }
        TransportError::Timeout | TransportError::Broken(_) => "run again later; what was taken is not lost",
        TransportError::TooLarge => "check that `base_url` is the platform's API",
        TransportError::Redirect(_) => "write the final address as `base_url`",
        TransportError::Request(_) => "check `base_url` and the settings that are parts of paths",
    };
    match error {
        TransportError::Connect(_) => {
            Setback::again(Backoff::UNAVAILABLE, None, Refusal::new(ErrorClass::Unavailable, what, remedy))
        }
        TransportError::Timeout | TransportError::Broken(_) => {
            Setback::unavailable(Refusal::new(ErrorClass::Unavailable, what, remedy))
        }
        TransportError::TooLarge => Setback::never(Refusal::new(ErrorClass::Config, what, remedy).uncertain()),
        TransportError::Redirect(_) | TransportError::Request(_) => {
            Setback::never(Refusal::new(ErrorClass::Config, what, remedy))
        }
    }
}
