//! `tiktok_ads` over the wire: audiences, and mappings of people to them by the streaming calls.

mod filing;
mod protocol;

use std::time::Duration;

use async_trait::async_trait;
use consign_model::spec::Settings;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::client::{
    Answer, Client, ClientError, Credentials, ErrorClass, Filing, FoundList, Job, JobReport, JobState, Outgoing,
    Polling, Receipt, WantedList, ambiguous, credential,
};
use crate::encode::JSON;
use crate::http::{Access, Call, Effect, Failure, Http, Platform, Reply, id_text, secret_header};

use protocol::{BAD_PARAMETER, CALLS, MAPPINGS, PARTIAL, Protocol, RATES, REPLAYED, TOO_MANY, code};

/// What stands before all paths.
const ROOT: &str = "/open_api/v1.3";
/// Audiences of one page.
const PAGE: u64 = 100;

/// A client of one destination and delivery.
pub(super) struct TiktokClient {
    platform: Platform<Protocol>,
    token: HeaderValue,
    advertiser: String,
}

impl TiktokClient {
    pub(super) fn new(settings: &Settings, credentials: &Credentials, http: &Http) -> Result<Self, ClientError> {
        let token = credential(credentials, "access_token")?;
        let access = Access {
            base_url: settings.text("base_url").unwrap_or_default(),
            account: token.expose_secret(),
            secrets: vec![token.clone()],
            rates: RATES,
        };
        Ok(Self {
            platform: Platform::new(Protocol, http, access)?,
            token: secret_header("", token, "access_token")?,
            advertiser: settings.text("advertiser_id").unwrap_or_default().to_owned(),
        })
    }

    async fn call(&self, call: Call) -> Result<Reply, Failure> {
        self.call_with(call, HeaderValue::from_static(JSON)).await
    }

    async fn call_with(&self, call: Call, media: HeaderValue) -> Result<Reply, Failure> {
        self.platform.call(&call.header("access-token", self.token.clone()).header("content-type", media)).await
    }

    fn page(&self, page: u64, size: u64) -> Call {
        Call::get(format!("{ROOT}/dmp/custom_audience/list/"))
            .query("advertiser_id", self.advertiser.as_str())
            .query("page", page.to_string())
            .query("page_size", size.to_string())
            .group(CALLS)
    }

    /// The id of the one audience of exactly that name.
    async fn named(&self, name: &str) -> Result<Option<String>, ClientError> {
        let mut found = Vec::new();
        for page in 1.. {
            let reply = self.call(self.page(page, PAGE)).await?;
            for audience in reply.list("/data/list") {
                if audience.get("name").and_then(Value::as_str) == Some(name) {
                    let id = id_text(audience.get("audience_id"));
                    found.push(id.ok_or_else(|| self.platform.senseless("the id of an audience"))?);
                }
            }
            let pages = reply.json().pointer("/data/page_info/total_page").and_then(Value::as_u64).unwrap_or_default();
            if page >= pages {
                break;
            }
        }
        if found.len() > 1 { Err(ambiguous("audience", name, &found, "list_id")) } else { Ok(found.pop()) }
    }

    /// The details of an audience.
    fn details(&self, id: &str) -> Call {
        Call::get(format!("{ROOT}/dmp/custom_audience/get/"))
            .query("advertiser_id", self.advertiser.as_str())
            .query("custom_audience_ids", json!([id]).to_string())
            .group(CALLS)
    }

    /// Makes an audience for the streaming calls.
    async fn create(&self, name: &str) -> Result<String, Failure> {
        let body = json!({"advertiser_id": self.advertiser, "custom_audience_name": name, "action": "create"});
        self.make(Call::post(format!("{ROOT}/segment/audience/"), body.to_string()), "/data/audience_id").await
    }

    /// Makes an audience by that call, and gives its id.
    async fn make(&self, call: Call, pointer: &str) -> Result<String, Failure> {
        let reply = self.call(call.group(CALLS).once()).await?;
        id_text(reply.json().pointer(pointer)).ok_or_else(|| Failure {
            error: self.platform.senseless("the id of the new audience"),
            code: String::new(),
            reply: Some(reply),
            effect: Effect::None,
            attempts: 1,
        })
    }
}

#[async_trait]
impl Client for TiktokClient {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        let mut proved = Vec::new();
        let ids = json!([self.advertiser]).to_string();
        let info = Call::get(format!("{ROOT}/advertiser/info/")).query("advertiser_ids", ids).group(CALLS);
        match self.call(info).await {
            Ok(reply) if reply.list("/data/list").is_empty() => {
                let what = format!("TikTok knows no advertiser {} for this token", self.advertiser);
                return Err(ClientError::new(ErrorClass::Config, what, "check `advertiser_id`"));
            }
            Ok(_) => proved.push(format!("TikTok knows the token, and the advertiser {}", self.advertiser)),
            // What matters is the permission for audiences, which the next call proves.
            Err(failure) if failure.error.class == ErrorClass::Permission => {
                proved.push("TikTok knows the token; it may not read the advertiser, which is not needed".to_owned());
            }
            Err(failure) => return Err(failure.into()),
        }
        self.call(self.page(1, 1)).await?;
        proved.push("the token may read audiences".to_owned());
        Ok(proved)
    }

    async fn find_or_create(&self, wanted: &WantedList) -> Result<FoundList, ClientError> {
        let name = &wanted.name;
        self.platform.find_or_create(wanted, "an audience", || self.named(name), || self.create(name)).await
    }

    async fn is_there(&self, list_id: &str) -> Result<bool, ClientError> {
        match self.call(self.details(list_id)).await {
            Ok(reply) => Ok(!reply.list("/data/list").is_empty()),
            Err(failure) if failure.error.class == ErrorClass::Config && said_bad(&failure) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError> {
        let call = Call::post(request.envelope.path.clone(), request.body).group(MAPPINGS);
        let failure = match self.call(call).await {
            Ok(reply) => {
                let said = || self.platform.masked(reply.text("/message").unwrap_or_default());
                let partial = code(&reply) == Some(PARTIAL);
                let note = || format!("TikTok took a part of a request of {} rows: {}", request.rows, said());
                let notes = partial.then(note).into_iter().collect();
                return Ok(Answer::Accepted(Receipt { partial, notes, ..Receipt::default() }));
            }
            Err(failure) => failure,
        };
        let number = failure.reply.as_ref().and_then(code);
        match number {
            // It was taken before.
            Some(REPLAYED) => Ok(Answer::Accepted(Receipt::default())),
            Some(number) if TOO_MANY.contains(&number) => Ok(Answer::TooLarge { lasting: true }),
            Some(BAD_PARAMETER)
                // The code has many causes.
                if failure.error.class == ErrorClass::Config && matches!(self.is_there(&request.list.id).await, Ok(false)) =>
            {
                Ok(Answer::ListGone)
            }
            _ if failure.status() == 413 => Ok(Answer::TooLarge { lasting: true }),
            _ => Err(failure.into()),
        }
    }

    /// The job of files is the audience itself, which is valid once they are read.
    async fn poll(&self, job: &Job) -> Result<JobState, ClientError> {
        let reply = self.call(self.details(&job.id)).await?;
        let details = "/data/list/0/audience_details";
        if let Some(said) = reply.text(&format!("{details}/error_msg")).filter(|said| !said.is_empty()) {
            return Ok(JobState::Failed(format!("TikTok did not read the files: {}", self.platform.masked(said))));
        }
        match reply.json().pointer(&format!("{details}/is_valid")).and_then(Value::as_bool) {
            Some(true) => Ok(JobState::Done(JobReport { known: true, ..JobReport::default() })),
            Some(false) => Ok(JobState::Working),
            None => Err(self.platform.senseless("the state of the audience")),
        }
    }

    fn polling(&self) -> Option<Polling> {
        Some(Polling {
            first: Duration::from_mins(5),
            growth: 1.5,
            longest: Duration::from_mins(30),
            give_up: Duration::from_hours(48),
            awaited: false,
        })
    }

    fn filing(&self) -> Option<&dyn Filing> {
        Some(self)
    }
}

/// Whether a call was refused for one of its parameters.
fn said_bad(failure: &Failure) -> bool {
    failure.reply.as_ref().and_then(code) == Some(BAD_PARAMETER)
}
