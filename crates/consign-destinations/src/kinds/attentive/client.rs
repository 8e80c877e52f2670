//! Attentive's API over the wire: segments, jobs of members, and the lines of their results.

mod protocol;
mod results;

use std::time::Duration;

use async_trait::async_trait;
use consign_model::spec::Settings;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use crate::client::{
    Answer, Client, ClientError, Credentials, ErrorClass, FoundList, Job, JobReport, JobState, Outgoing, Polling,
    Receipt, WantedList, ambiguous, credential,
};
use crate::encode::{JSON, Method as Verb, path_segment};
use crate::http::{Access, Call, Effect, Failure, Http, Platform, Reply, id_text, secret_header};

use protocol::{OTHER, Protocol, RATES, SEGMENTS};

const DESCRIPTION: &str = "Delivered by Consign";
/// More pages than any search of segments has.
const MOST_PAGES: usize = 10_000;
/// How often a segment that may have been made is looked for before it is given up.
const LOOKS: u32 = 4;

/// A client of one destination and delivery.
pub(super) struct AttentiveClient {
    platform: Platform<Protocol>,
    token: HeaderValue,
}

impl AttentiveClient {
    pub(super) fn new(settings: &Settings, credentials: &Credentials, http: &Http) -> Result<Self, ClientError> {
        let key = credential(credentials, "api_key")?;
        let access = Access {
            base_url: settings.text("base_url").unwrap_or_default(),
            account: key.expose_secret(),
            secrets: vec![key.clone()],
            rates: RATES,
        };
        Ok(Self { platform: Platform::new(Protocol, http, access)?, token: secret_header("Bearer ", key, "api_key")? })
    }

    async fn call(&self, call: Call) -> Result<Reply, Failure> {
        let json = || HeaderValue::from_static(JSON);
        let call = call.header("authorization", self.token.clone());
        self.platform.call(&call.header("accept", json()).header("content-type", json())).await
    }

    fn segment(method: Method, id: &str) -> Call {
        Call::new(method, format!("/v2/segments/external/{}", path_segment(id))).group(SEGMENTS)
    }

    /// Whether there is a segment of that external id.
    async fn exists(&self, id: &str) -> Result<bool, ClientError> {
        match self.call(Self::segment(Method::GET, id)).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.status() == 404 => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The external id of the one segment of exactly that name. The platform's own match is partial.
    async fn named(&self, name: &str) -> Result<Option<String>, ClientError> {
        let mut cursor: Option<String> = None;
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut call = Call::get("/v2/segments").query("name", name).query("limit", "1000").group(SEGMENTS);
            if let Some(cursor) = cursor.take() {
                call = call.query("cursor", cursor);
            }
            let reply = self.call(call).await?;
            for segment in reply.list("/segments") {
                if segment.get("name").and_then(Value::as_str) == Some(name) {
                    found.push(id_text(segment.get("externalId")).ok_or_else(|| {
                        let what = format!("the segment `{name}` has no external id, by which it is filled");
                        ClientError::new(ErrorClass::Config, what, "rename it, so that a new one is made")
                    })?);
                }
            }
            cursor = reply.text("/cursor").filter(|cursor| !cursor.is_empty()).map(ToOwned::to_owned);
            let more = reply.json().get("hasMore").and_then(Value::as_bool).unwrap_or_default();
            if !more || cursor.is_none() {
                break;
            }
        }
        if found.len() > 1 { Err(ambiguous("segment", name, &found, "list_id")) } else { Ok(found.pop()) }
    }

    /// Makes a segment with our own id, which is looked for before it is tried again.
    async fn create(&self, id: &str, name: &str) -> Result<FoundList, ClientError> {
        let body = json!({"name": name, "description": DESCRIPTION, "externalId": id}).to_string();
        for look in 1.. {
            let call = Call::post("/v2/segments", body.clone()).group(SEGMENTS).once();
            let Err(failure) = self.call(call).await else {
                return Ok(FoundList { id: id.to_owned(), created: true });
            };
            let taken = matches!(failure.status(), 400 | 409);
            let unknown = failure.effect == Effect::Unknown && look < LOOKS;
            if unknown {
                self.platform.sleep(Duration::from_secs(1 << look)).await;
            }
            if (taken || unknown) && self.exists(id).await? {
                return Ok(FoundList { id: id.to_owned(), created: unknown });
            }
            if !unknown {
                return Err(failure.into());
            }
        }
        Err(self.platform.senseless("a segment"))
    }

    /// Where the lines of a job's result are: a place that no token goes to.
    fn result_url(&self, reply: &Reply) -> Option<Url> {
        let url = reply.text("/url").or_else(|| reply.text("/resultUrl"))?;
        let url = Url::parse(url).ok()?;
        let plain = self.platform.base_url().starts_with("http://");
        (url.scheme() == "https" || plain && url.scheme() == "http").then_some(url)
    }

    /// What a job did, by the lines of its result. Lines that cannot be had or read leave it unknown.
    async fn report(&self, reply: &Reply) -> JobReport {
        let unknown = |note: &str| JobReport { notes: vec![note.to_owned()], ..JobReport::default() };
        let Some(url) = self.result_url(reply) else {
            return unknown("Attentive gave no result of the job, so which members it took is not known");
        };
        match self.platform.call(&Call::elsewhere(url).group(OTHER)).await {
            Ok(lines) => match results::rejections(&lines.body, |text| self.platform.masked(text)) {
                Some(rejected) => JobReport { rejected, known: true, ..JobReport::default() },
                None => unknown("the result of the job is in a form that is not known, so its counts are not either"),
            },
            Err(failure) => unknown(&format!("the result of the job cannot be had: {}", failure.error)),
        }
    }
}

#[async_trait]
impl Client for AttentiveClient {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        let me = match self.call(Call::get("/v2/me").group(OTHER)).await {
            // An older variant.
            Err(failure) if failure.status() == 404 => self.call(Call::get("/v1/me").group(OTHER)).await?,
            answer => answer?,
        };
        let of = |name: &str| me.json().get(name).and_then(Value::as_str).map(|text| self.platform.masked(text));
        let mut proved = vec![match (of("applicationName"), of("companyName")) {
            (Some(application), Some(company)) => {
                format!("Attentive knows the key, of the application `{application}` for `{company}`")
            }
            _ => "Attentive knows the key".to_owned(),
        }];
        self.call(Call::get("/v2/segments").query("limit", "1").group(SEGMENTS)).await.map_err(|failure| {
            let mut error = failure.error;
            if error.class == ErrorClass::Permission {
                error.what = "the key lacks the segments permission".into();
            }
            error
        })?;
        proved.push("the key may read segments".to_owned());
        Ok(proved)
    }

    async fn find_or_create(&self, wanted: &WantedList) -> Result<FoundList, ClientError> {
        let Some(id) = &wanted.id else {
            return match self.named(&wanted.name).await? {
                Some(id) => Ok(FoundList { id, created: false }),
                None => self.create(&wanted.name, &wanted.name).await,
            };
        };
        if self.exists(id).await? {
            return Ok(FoundList { id: id.clone(), created: false });
        }
        self.create(id, &wanted.name).await
    }

    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError> {
        let method = if request.envelope.method == Verb::Delete { Method::DELETE } else { Method::POST };
        let call = Call::new(method, request.envelope.path.clone()).body(request.body).group(SEGMENTS);
        match self.call(call).await {
            Ok(reply) => {
                let id = id_text(reply.json().get("batchJobId"));
                let id = id.ok_or_else(|| self.platform.senseless("the id of the job"))?;
                Ok(Answer::Accepted(Receipt { job: Some(Job { id }), ..Receipt::default() }))
            }
            Err(failure) => match failure.status() {
                400 => Ok(Answer::BadRow(failure.error)),
                404 => Ok(Answer::ListGone),
                413 => Ok(Answer::TooLarge { lasting: false }),
                _ => Err(failure.into()),
            },
        }
    }

    async fn poll(&self, job: &Job) -> Result<JobState, ClientError> {
        let path = format!("/v2/bulk/job/{}", path_segment(&job.id));
        let reply = self.call(Call::get(path).group(SEGMENTS)).await?;
        match reply.text("/status") {
            Some("COMPLETED") => Ok(JobState::Done(self.report(&reply).await)),
            Some(status @ ("FAILED" | "CANCELLED")) => {
                Ok(JobState::Failed(format!("Attentive ended the job as {}: run again", status.to_lowercase())))
            }
            // Statuses that are not known are waited for until patience ends.
            Some(_) => Ok(JobState::Working),
            None => Err(self.platform.senseless("the state of the job")),
        }
    }

    fn polling(&self) -> Option<Polling> {
        Some(Polling {
            first: Duration::from_mins(5),
            growth: 1.5,
            longest: Duration::from_mins(30),
            give_up: Duration::from_hours(24),
            awaited: false,
        })
    }
}
