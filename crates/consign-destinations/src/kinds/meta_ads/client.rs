//! Meta over the wire: custom audiences, their users, and the sessions that replace them.

mod protocol;
mod session;

use std::time::Duration;

use async_trait::async_trait;
use consign_model::spec::Settings;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::{
    Answer, Client, ClientError, Credentials, ErrorClass, FoundList, Job, JobReport, JobState, Outgoing, Polling,
    WantedList, ambiguous, credential,
};
use crate::encode::{JSON, Method as Verb, Operation, path_segment};
use crate::http::{Access, Call, Effect, Failure, Http, Platform, Reply, id_text, secret_header};

use protocol::{ACCOUNT, AUDIENCES, Protocol, RATES};

const DESCRIPTION: &str = "Delivered by Consign";
/// Audiences of one page.
const PAGE: &str = "20";
/// More pages than any account has.
const MOST_PAGES: usize = 10_000;

/// A client of one destination and delivery.
pub(super) struct MetaClient {
    platform: Platform<Protocol>,
    token: HeaderValue,
    /// Proves that calls come from the app.
    proof: Option<String>,
    version: String,
    account: String,
    file_source: String,
}

impl MetaClient {
    pub(super) fn new(settings: &Settings, credentials: &Credentials, http: &Http) -> Result<Self, ClientError> {
        let text = |name| settings.text(name).unwrap_or_default();
        let token = credential(credentials, "access_token")?;
        let proof = credentials.get("app_secret").map(|secret| proof(secret, token)).transpose()?;
        let account = text("ad_account_id");
        let mut secrets = vec![token.clone()];
        secrets.extend(credentials.get("app_secret").cloned());
        secrets.extend(proof.clone().map(SecretString::from));
        let access = Access { base_url: text("base_url"), account, secrets, rates: RATES };
        Ok(Self {
            platform: Platform::new(Protocol, http, access)?,
            token: secret_header("Bearer ", token, "access_token")?,
            proof,
            version: path_segment(text("api_version")),
            account: path_segment(account.strip_prefix("act_").unwrap_or(account)),
            file_source: text("customer_file_source").to_owned(),
        })
    }

    async fn call(&self, call: Call) -> Result<Reply, Failure> {
        let mut call = call.header("authorization", self.token.clone());
        call = call.header("content-type", HeaderValue::from_static(JSON));
        if let Some(proof) = &self.proof {
            call = call.query("appsecret_proof", proof.as_str());
        }
        self.platform.call(&call).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/{}/{rest}", self.version)
    }

    /// The id of the one audience of exactly that name.
    async fn named(&self, name: &str) -> Result<Option<String>, ClientError> {
        let mut after: Option<String> = None;
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut call = Call::get(self.path(&format!("act_{}/customaudiences", self.account)))
                .query("fields", "id,name,subtype,operation_status")
                .query("limit", PAGE)
                .group(ACCOUNT);
            if let Some(after) = after.take() {
                call = call.query("after", after);
            }
            let reply = self.call(call).await?;
            for audience in reply.list("/data") {
                if audience.get("name").and_then(Value::as_str) == Some(name) {
                    let id = id_text(audience.get("id"));
                    found.push(id.ok_or_else(|| self.platform.senseless("the id of an audience"))?);
                }
            }
            after = reply.text("/paging/cursors/after").map(ToOwned::to_owned);
            if reply.text("/paging/next").is_none() || after.is_none() {
                break;
            }
        }
        if found.len() > 1 { Err(ambiguous("audience", name, &found, "list_id")) } else { Ok(found.pop()) }
    }

    async fn create(&self, name: &str) -> Result<String, Failure> {
        let body = json!({"name": name, "subtype": "CUSTOM", "description": DESCRIPTION,
            "customer_file_source": self.file_source});
        let path = self.path(&format!("act_{}/customaudiences", self.account));
        let reply = self.call(Call::post(path, body.to_string()).group(ACCOUNT).once()).await?;
        id_text(reply.json().get("id")).ok_or_else(|| Failure {
            error: self.platform.senseless("the id of the new audience"),
            code: String::new(),
            reply: Some(reply),
            effect: Effect::None,
            attempts: 1,
        })
    }

    /// Fields of an audience.
    async fn audience(&self, id: &str, fields: &'static str) -> Result<Reply, Failure> {
        self.call(Call::get(self.path(&path_segment(id))).query("fields", fields).group(AUDIENCES)).await
    }

    /// The call of a request of rows.
    fn request(request: &Outgoing<'_>) -> Call {
        let method = if request.envelope.method == Verb::Delete { Method::DELETE } else { Method::POST };
        Call::new(method, request.envelope.path.clone()).body(request.body.clone()).group(AUDIENCES)
    }
}

/// `appsecret_proof`: lower-case hex HMAC-SHA256 of the token under the app's secret.
fn proof(secret: &SecretString, token: &SecretString) -> Result<String, ClientError> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
    let mut mac = mac.map_err(|_| {
        ClientError::new(ErrorClass::Auth, "`app_secret` cannot be a key", "copy it again from the app's settings")
    })?;
    mac.update(token.expose_secret().as_bytes());
    Ok(hex::encode(mac.finalize().into_bytes()))
}

#[async_trait]
impl Client for MetaClient {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        let path = self.path(&format!("act_{}", self.account));
        let reply = self.call(Call::get(path).query("fields", "id,name,account_status").group(ACCOUNT)).await?;
        let mut proved = vec![format!("Meta knows the token, and the ad account {}", self.account)];
        if let Some(status) = reply.json().get("account_status").and_then(Value::as_i64).filter(|status| *status != 1) {
            proved.push(format!("warning: the ad account is not active (status {status}); look at it in Meta"));
        }
        Ok(proved)
    }

    async fn find_or_create(&self, wanted: &WantedList) -> Result<FoundList, ClientError> {
        let name = &wanted.name;
        self.platform.find_or_create(wanted, "an audience", || self.named(name), || self.create(name)).await
    }

    async fn is_there(&self, list_id: &str) -> Result<bool, ClientError> {
        match self.audience(list_id, "id").await {
            Ok(_) => Ok(true),
            Err(failure) if protocol::is_gone(&failure) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError> {
        if request.operation == Operation::Replace {
            return self.replace(&request).await;
        }
        match self.call(Self::request(&request)).await {
            Ok(reply) => self.receipt(&request, &reply),
            Err(failure) if protocol::is_gone(&failure) => Ok(Answer::ListGone),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn poll(&self, job: &Job) -> Result<JobState, ClientError> {
        const FIELDS: &str =
            "operation_status,delivery_status,approximate_count_lower_bound,approximate_count_upper_bound";
        let reply = self.audience(&job.id, FIELDS).await?;
        if session::status(&reply) != Some(session::NORMAL) {
            return Ok(JobState::Working);
        }
        let bound = |name: &str| reply.json().get(name).and_then(Value::as_i64).filter(|bound| *bound >= 0);
        let size = match (bound("approximate_count_lower_bound"), bound("approximate_count_upper_bound")) {
            (Some(lower), Some(upper)) => format!("Meta matches between {lower} and {upper} people"),
            _ => "Meta matches too few people to say how many".into(),
        };
        Ok(JobState::Done(JobReport { known: false, notes: vec![size], ..JobReport::default() }))
    }

    fn polling(&self) -> Option<Polling> {
        let ten_minutes = Duration::from_mins(10);
        let give_up = Duration::from_hours(24);
        Some(Polling { first: ten_minutes, growth: 1.0, longest: ten_minutes, give_up, awaited: false })
    }

    fn session_window(&self) -> Option<Duration> {
        Some(session::WINDOW)
    }
}
