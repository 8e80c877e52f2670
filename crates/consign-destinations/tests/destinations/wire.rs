//! A client of a real kind, over real HTTP, to a server that expects a list of requests and gives a list of answers.
//! Time is the test's: waits are noted and take none. At the end everything that was recorded, and every error, is
//! searched for what must never be there.

mod server;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use consign_destinations::client::{Answer, Client, ClientError, Credentials, Outgoing, WantedList};
use consign_destinations::encode::{EncodedRows, Envelope, ListTarget, Operation, Sequence, body};
use consign_destinations::http::{Clock, Exchange, Http, Observer, RetryPolicy, Timeouts};
use consign_destinations::registry::Registry;
use consign_model::spec::Settings;
use secrecy::SecretString;
use serde_json::Value;

pub use server::{Server, Step, on};

use crate::workspace::{complete, encoder, list, sequence, staged};

/// What must stand in no error and no record: the people of the tests, their hashes, and every secret.
const FORBIDDEN: &[&str] = &[
    "jane.doe",
    "john.doe",
    "12065550100",
    "442079460018",
    "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d",
    "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30",
    "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f",
    "pk_test-of-klaviyo",
    "bearer-of-attentive",
    "secret of criteo",
    "secret+of+criteo",
    "refresh-of-criteo",
    "eyJhbGciOi",
    "token-of-tiktok",
    "token-of-meta",
    "app-secret-of-meta",
];

/// The secrets of a destination of that kind.
pub fn credentials(kind: &str) -> Credentials {
    let secrets: &[(&str, &str)] = match kind {
        "klaviyo" => &[("api_key", "pk_test-of-klaviyo")],
        "attentive" => &[("api_key", "bearer-of-attentive")],
        "criteo" => &[("client_secret", "secret of criteo")],
        "tiktok_ads" => &[("access_token", "token-of-tiktok")],
        _ => &[("access_token", "token-of-meta")],
    };
    secrets.iter().map(|(name, secret)| ((*name).to_owned(), SecretString::from(*secret))).collect()
}

/// The clock of a test: it moves by what is slept.
#[derive(Debug)]
pub struct TestClock {
    start: Instant,
    slept: Mutex<Vec<Duration>>,
}

impl TestClock {
    fn passed(&self) -> Duration {
        self.slept.lock().expect("nobody has panicked").iter().sum()
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + self.passed()
    }

    fn time(&self) -> DateTime<Utc> {
        "2026-12-01T09:00:00Z".parse::<DateTime<Utc>>().expect("a time") + self.passed()
    }

    async fn sleep(&self, duration: Duration) {
        self.slept.lock().expect("nobody has panicked").push(duration);
    }
}

/// Keeps what it is shown.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Exchange>>);

impl Observer for Recorder {
    fn exchanged(&self, exchange: &Exchange) {
        self.0.lock().expect("nobody has panicked").push(exchange.clone());
    }
}

/// A client and the server that it talks to.
pub struct Wire {
    pub client: Box<dyn Client>,
    pub clock: Arc<TestClock>,
    make: Box<dyn Fn(RetryPolicy) -> Box<dyn Client>>,
    server: Server,
    recorder: Arc<Recorder>,
    said: Mutex<Vec<String>>,
}

/// A client of that kind with its usual settings.
pub fn wire(kind: &str, steps: Vec<Step>) -> Wire {
    wire_with(kind, &[], &credentials(kind), steps)
}

/// A client of that kind with those settings and credentials too.
pub fn wire_with(kind: &str, settings: &[(&str, Value)], secrets: &Credentials, steps: Vec<Step>) -> Wire {
    let server = Server::start(steps);
    let clock = Arc::new(TestClock { start: Instant::now(), slept: Mutex::default() });
    let recorder = Arc::new(Recorder::default());
    let timeouts = Timeouts { read: Duration::from_millis(400), ..Timeouts::default() };
    let http = Http::with(timeouts, clock.clone()).expect("HTTP is there").observed_by(recorder.clone());
    let usual: &[(&str, Value)] = &[
        ("client_id", "app".into()),
        ("advertiser_id", if kind == "criteo" { "12345" } else { "7012345678901234567" }.into()),
        ("ad_account_id", "act_123456789".into()),
        ("base_url", server.url().into()),
    ];
    let given = usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let secrets = secrets.clone();
    let kind = kind.to_owned();
    let make = move |policy| {
        let registry = Registry::new();
        let kind = registry.kind(&kind).expect("it is a kind");
        let client = kind.client(&Settings::new(kind.spec(), &given), &secrets, &http.patient(policy));
        client.expect("it is a platform").expect("it is complete")
    };
    let client = make(RetryPolicy { budget: Duration::from_hours(12), ..RetryPolicy::default() });
    Wire { client, clock, make: Box::new(make), server, recorder, said: Mutex::default() }
}

impl Wire {
    /// Another client of the same destination, for another delivery, as patient as that.
    pub fn another(&self, policy: RetryPolicy) -> Box<dyn Client> {
        (self.make)(policy)
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What was slept, each wait in whole seconds.
    pub fn slept(&self) -> Vec<u64> {
        self.clock.slept.lock().expect("nobody has panicked").iter().map(Duration::as_secs).collect()
    }

    /// What was recorded.
    pub fn records(&self) -> Vec<Exchange> {
        self.recorder.0.lock().expect("nobody has panicked").clone()
    }

    /// Keeps an error for the search at the end, and gives it back.
    pub fn heard(&self, error: ClientError) -> ClientError {
        self.said.lock().expect("nobody has panicked").extend([error.to_string(), format!("{error:?}")]);
        error
    }

    /// The error of what must fail.
    pub fn refused<T: std::fmt::Debug>(&self, outcome: Result<T, ClientError>) -> ClientError {
        self.heard(outcome.expect_err("it is refused"))
    }

    /// Finds or makes the list of that name.
    pub async fn list(&self, name: &str) -> Result<consign_destinations::client::FoundList, ClientError> {
        self.client.find_or_create(&WantedList { name: name.to_owned(), id: None }).await
    }

    /// Sends rows as one request.
    pub async fn send(&self, rows: &Rows) -> Result<Answer, ClientError> {
        let answer = self.client.send(rows.outgoing()).await;
        self.said.lock().expect("nobody has panicked").push(format!("{answer:?}"));
        answer
    }

    /// Every request came, and none but those; and nothing says what must not be said.
    pub fn end(self) {
        self.server.end();
        let mut said = self.said.lock().expect("nobody has panicked").clone();
        for record in self.recorder.0.lock().expect("nobody has panicked").iter() {
            assert!(!record.concluded.is_empty() && !record.request_id.is_empty(), "{record:?}");
            said.extend([serde_json::to_string(record).expect("it is JSON"), format!("{record:?}")]);
        }
        for text in said {
            let found = FORBIDDEN.iter().find(|forbidden| text.contains(**forbidden));
            assert_eq!(found, None, "in {text}");
        }
    }
}

/// Encoded rows and all that a request has besides.
pub struct Rows {
    pub list: ListTarget,
    pub operation: Operation,
    pub sequence: Sequence,
    pub envelope: Envelope,
    pub encoded: EncodedRows,
}

impl Rows {
    /// Rows of a kind, by its real encoder. Columns are of attributes by the names of the customer table's columns.
    pub fn new(
        kind: &str,
        mapped: &[(&str, &str)],
        columns: &[(&str, &[Option<&str>])],
        list_id: &str,
        operation: Operation,
    ) -> Self {
        let rows = columns[0].1.len() as u64;
        Self::with(kind, mapped, columns, list_id, operation, sequence(1, true, rows))
    }

    /// The same at another place of the delivery.
    pub fn with(
        kind: &str,
        mapped: &[(&str, &str)],
        columns: &[(&str, &[Option<&str>])],
        list_id: &str,
        operation: Operation,
        sequence: Sequence,
    ) -> Self {
        Self::by(kind, complete(kind), mapped, columns, list_id, operation, sequence)
    }

    /// The same for a destination set up in that way.
    pub fn by(
        kind: &str,
        destination: &str,
        mapped: &[(&str, &str)],
        columns: &[(&str, &[Option<&str>])],
        list_id: &str,
        operation: Operation,
        sequence: Sequence,
    ) -> Self {
        let encoder = encoder(kind, destination, mapped);
        let list = list(list_id);
        let mut rows = EncodedRows::new();
        encoder.encode_rows(&staged(columns), &list, operation, &mut rows).expect("rows can be encoded");
        let envelope = encoder.envelope(&list, operation, &sequence).expect("it is offered");
        Self { list, operation, sequence, envelope, encoded: rows }
    }

    /// All of them as a request.
    pub fn outgoing(&self) -> Outgoing<'_> {
        let rows = self.encoded.len();
        let body = body(&self.envelope, &self.encoded, 0..rows).into();
        let (list, operation, sequence, envelope) = (&self.list, self.operation, &self.sequence, &self.envelope);
        Outgoing { list, operation, sequence, envelope, body, rows }
    }
}
