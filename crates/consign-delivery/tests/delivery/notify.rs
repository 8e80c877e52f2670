//! Who is told how runs end: with the real store, and receivers that really listen.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use consign_delivery::{Notifier, NotifyError};
use consign_destinations::http::{Http, RetryPolicy, SystemClock, Timeouts};
use consign_model::document;
use consign_secrets::Secrets;
use consign_store::{
    DeliveryChange, DeliveryState, ErrorClass, NewDelivery, NewOccurrence, NewRun, Notice, OccurrenceState, Outcome,
    RunMode, RunState, SqlStore, Store,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::memory::slug;

const SECRET: &str = "shared by both sides";

/// What a receiver got, and what it answers.
struct Receiver {
    url: String,
    heard: Arc<Heard>,
}

struct Heard {
    answer: Mutex<StatusCode>,
    requests: Mutex<Vec<(HeaderMap, String)>>,
}

impl Receiver {
    async fn listening() -> Self {
        let heard = Arc::new(Heard { answer: Mutex::new(StatusCode::NO_CONTENT), requests: Mutex::default() });
        let app = Router::new().route("/hook", post(hear)).with_state(Arc::clone(&heard));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, heard }
    }

    fn answers(&self, status: StatusCode) {
        *self.heard.answer.lock().unwrap() = status;
    }

    /// What it got since it was last asked; each was signed.
    fn got(&self) -> Vec<(String, Value)> {
        let requests: Vec<_> = self.heard.requests.lock().unwrap().drain(..).collect();
        requests.iter().map(|(headers, body)| (checked(headers, body), serde_json::from_str(body).unwrap())).collect()
    }
}

async fn hear(State(heard): State<Arc<Heard>>, headers: HeaderMap, body: String) -> StatusCode {
    heard.requests.lock().unwrap().push((headers, body));
    *heard.answer.lock().unwrap()
}

/// The id of a request whose signature a receiver would take.
fn checked(headers: &HeaderMap, body: &str) -> String {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let timestamp = header("consign-timestamp");
    assert!((Utc::now().timestamp() - timestamp.parse::<i64>().unwrap()).abs() < 300);
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let signature = header("consign-signature");
    mac.verify_slice(&hex::decode(signature.strip_prefix("v1=").unwrap()).unwrap()).expect("it is signed");
    header("consign-notification")
}

/// A store in which a campaign is defined, of whose runs somebody is told.
struct Told {
    store: SqlStore,
    secrets: Secrets,
    _folder: TempDir,
}

impl Told {
    /// `on` says of what, in YAML.
    async fn of(on: &str, url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        let text = format!(
            "workspace: {{ notifications: [{{ id: ops, {on} webhook: {{ url: \"{url}\", secret: \"file:secret\" }} }}] }}
segments: [{{ id: all, name: All, customers: {{ sql: \"SELECT customer_id FROM Merged_Customers\" }} }}]
campaigns: [{{ id: churn, name: Churn, include: [all], remaining: [{{ name: Rest, percent: 100 }}] }}]
"
        );
        let reading = document::read(&[("definitions.yaml".to_owned(), text)]);
        assert_eq!(reading.problems, []);
        let store = SqlStore::open(folder.path().join("consign.db")).await.unwrap();
        store.apply(&reading.definitions, "/srv/shop", "ada").await.unwrap();
        Self { store, secrets: Secrets::of(folder.path()), _folder: folder }
    }

    async fn notify(&self, now: DateTime<Utc>) -> Vec<(Notice, NotifyError)> {
        let current = self.store.current().await.unwrap().unwrap();
        let http = Http::with(Timeouts::default(), Arc::new(SystemClock)).unwrap();
        // What is not accepted at once is left for the next time.
        let http = http.patient(RetryPolicy { budget: std::time::Duration::ZERO, ..RetryPolicy::default() });
        let notifier = Notifier { definitions: &current.definitions, secrets: &self.secrets, http: &http };
        notifier.notify(&self.store, now).await.unwrap()
    }

    async fn run(&self, id: &str, mode: RunMode) {
        let run = NewRun {
            id: id.into(),
            campaign: slug("churn"),
            definitions_version: 1,
            mode,
            as_of: Utc::now(),
            launch_date: None,
        };
        self.store.create_run(&run).await.unwrap();
        self.store.move_run(id, RunState::Staging, None).await.unwrap();
        let delivery = NewDelivery {
            id: format!("{id}/remaining.rest.mail"),
            sub_audience: slug("remaining"),
            group: slug("rest"),
            destination: slug("mail"),
            kind: "klaviyo".into(),
            list_name: "Churn Rest".into(),
        };
        self.store.create_deliveries(id, &[delivery]).await.unwrap();
        self.store.move_run(id, RunState::Delivering, None).await.unwrap();
    }

    async fn ended(&self, id: &str, mode: RunMode, outcome: Outcome) {
        self.run(id, mode).await;
        let delivery = format!("{id}/remaining.rest.mail");
        let (sending, failed) = (DeliveryState::Sending, DeliveryState::Failed);
        self.store.move_delivery(&delivery, &DeliveryChange::to(sending)).await.unwrap();
        let change = match outcome {
            Outcome::Succeeded => DeliveryChange::to(DeliveryState::Delivered),
            _ => DeliveryChange::to(failed).error(ErrorClass::Auth, "the key is refused: make a new one"),
        };
        self.store.move_delivery(&delivery, &change).await.unwrap();
        self.store.move_run(id, RunState::Finished(outcome), None).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_run_is_told_once_with_what_to_do() {
    let receiver = Receiver::listening().await;
    let told = Told::of("", &receiver.url).await;
    told.ended("r1", RunMode::Real, Outcome::Failed).await;
    assert!(told.notify(Utc::now()).await.is_empty());
    let [(_, message)] = &receiver.got()[..] else { panic!("it is told once") };
    let mut message = message.clone();
    let at = message.as_object_mut().unwrap().shift_remove("at").unwrap();
    assert!(at.as_str().unwrap().parse::<DateTime<Utc>>().is_ok());
    insta::assert_json_snapshot!(message);
    assert!(told.notify(Utc::now() + TimeDelta::days(2)).await.is_empty());
    assert_eq!(receiver.got(), []);
}

#[tokio::test]
async fn a_success_is_told_to_who_asks_for_it_and_a_rehearsal_says_so() {
    let receiver = Receiver::listening().await;
    let told = Told::of("on: [succeeded],", &receiver.url).await;
    told.ended("r1", RunMode::Rehearsal, Outcome::Succeeded).await;
    told.ended("r2", RunMode::Real, Outcome::Failed).await;
    told.notify(Utc::now()).await;
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].1["subject"], "rehearsal: campaign `churn` succeeded");
    let silent = Told::of("", &receiver.url).await;
    silent.ended("r1", RunMode::Real, Outcome::Succeeded).await;
    silent.ended("r2", RunMode::Real, Outcome::Cancelled).await;
    silent.notify(Utc::now()).await;
    assert_eq!(receiver.got(), []);
}

#[tokio::test]
async fn a_run_that_is_retried_and_fails_again_is_told_again() {
    let receiver = Receiver::listening().await;
    let told = Told::of("", &receiver.url).await;
    told.ended("r1", RunMode::Real, Outcome::Failed).await;
    told.notify(Utc::now()).await;
    told.store.move_run("r1", RunState::Delivering, None).await.unwrap();
    told.store.move_run("r1", RunState::Finished(Outcome::Failed), Some("again")).await.unwrap();
    told.notify(Utc::now()).await;
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_ne!(got[0].0, got[1].0);
    assert_eq!(got[1].1["reason"], "again");
}

#[tokio::test]
async fn a_receiver_that_was_down_is_told_later_under_the_same_id() {
    let receiver = Receiver::listening().await;
    let told = Told::of("", &receiver.url).await;
    told.ended("r1", RunMode::Real, Outcome::Failed).await;
    receiver.answers(StatusCode::SERVICE_UNAVAILABLE);
    let now = Utc::now();
    let refused = told.notify(now).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].1.to_string(), "the receiver answered with 503: look at the receiver's log");
    let first = receiver.got();
    receiver.answers(StatusCode::OK);
    assert!(told.notify(now + TimeDelta::seconds(59)).await.is_empty());
    assert_eq!(receiver.got(), [], "its time has not come");
    assert!(told.notify(now + TimeDelta::seconds(61)).await.is_empty());
    assert_eq!(receiver.got(), first);
}

#[tokio::test]
async fn a_receiver_that_stays_down_is_given_up_after_a_day_and_the_audit_log_says_so() {
    let receiver = Receiver::listening().await;
    receiver.answers(StatusCode::NOT_FOUND);
    let told = Told::of("", &receiver.url).await;
    told.ended("r1", RunMode::Real, Outcome::Failed).await;
    let begin = Utc::now();
    let mut now = begin;
    let mut tries = 0;
    while now < begin + TimeDelta::days(3) {
        tries += told.notify(now).await.len();
        now += TimeDelta::minutes(10);
    }
    // More and more rarely at first, then each hour, until a day is over.
    assert!((20..=32).contains(&tries), "{tries}");
    let audited = told.store.audited(None).await.unwrap();
    let given_up: Vec<_> = audited.iter().filter(|entry| entry.action == "give up").collect();
    assert_eq!(given_up.len(), 1);
    assert_eq!((given_up[0].actor.as_str(), given_up[0].subject.as_str()), ("notifications", "ops"));
    assert_eq!(given_up[0].detail, "run `r1`: the receiver answered with 404: check the `url` of the webhook");
}

#[tokio::test]
async fn times_that_were_late_skipped_or_failed_are_told() {
    let receiver = Receiver::listening().await;
    let told = Told::of("", &receiver.url).await;
    let due: DateTime<Utc> = "2026-11-01T08:00:00Z".parse().unwrap();
    for (i, (run, late)) in
        [("late", true), ("skipped", false), ("failed", false), ("in_time", false)].into_iter().enumerate()
    {
        let due = due + TimeDelta::hours(i64::try_from(i).unwrap());
        let (missed, run) = (if late { 2 } else { 0 }, run.to_owned());
        let new = NewOccurrence { run, campaign: slug("churn"), schedule: 1, due, missed, late, claimed_at: due };
        assert!(told.store.claim(&new).await.unwrap());
    }
    told.notify(Utc::now()).await;
    assert_eq!(receiver.got(), [], "nothing became of them yet");
    for (run, state) in [("skipped", OccurrenceState::Skipped), ("failed", OccurrenceState::Failed)] {
        told.store.settle_claimed(run, state, "a reason: a remedy").await.unwrap();
    }
    for run in ["late", "in_time"] {
        told.ended(run, RunMode::Real, Outcome::Succeeded).await;
    }
    told.notify(Utc::now()).await;
    let got = receiver.got();
    let short: Vec<_> = got.iter().map(|(_, one)| json!([one["occasion"], one["subject"], one["reason"]])).collect();
    assert_eq!(
        Value::from(short),
        json!([
            ["late", "campaign `churn`, due at 2026-11-01 08:00 UTC, was late, after 2 missed", null],
            ["late", "campaign `churn`, due at 2026-11-01 09:00 UTC, was skipped", "a reason: a remedy"],
            ["failed", "campaign `churn`, due at 2026-11-01 10:00 UTC, could not begin", "a reason: a remedy"],
        ])
    );
}

#[tokio::test]
async fn of_two_processes_one_tells() {
    let receiver = Receiver::listening().await;
    let told = Told::of("", &receiver.url).await;
    told.ended("r1", RunMode::Real, Outcome::Failed).await;
    let now = Utc::now() + TimeDelta::seconds(1);
    tokio::join!(told.notify(now), told.notify(now), told.notify(now));
    assert_eq!(receiver.got().len(), 1);
}
