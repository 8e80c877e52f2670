//! Klaviyo over the wire: lists, import jobs, and profiles by id.

mod profiles;
mod protocol;

use std::time::Duration;

use async_trait::async_trait;
use consign_model::spec::Settings;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::client::{
    Answer, ById, Clearing, Client, ClientError, Credentials, ErrorClass, Fix, FoundList, Job, JobReport, JobState,
    Outgoing, Polling, Receipt, Rejection, RowName, WantedList, ambiguous, credential,
};
use crate::encode::path_segment;
use crate::http::{Access, Call, Effect, Failure, Http, Platform, Reply, id_text, secret_header};

use super::encode::JSON_API;
use super::spec::IDENTIFIERS;
use protocol::{IMPORTS, JOBS, LISTS, MEMBERS, NEW_LISTS, Protocol, RATES};

/// More pages than any list of lists or of errors has; beyond it a platform turns in circles.
const MOST_PAGES: usize = 100_000;

/// A client of one destination and delivery.
pub(super) struct KlaviyoClient {
    platform: Platform<Protocol>,
    key: HeaderValue,
    revision: HeaderValue,
    primary_key: String,
}

impl KlaviyoClient {
    pub(super) fn new(settings: &Settings, credentials: &Credentials, http: &Http) -> Result<Self, ClientError> {
        use secrecy::ExposeSecret as _;
        let key = credential(credentials, "api_key")?;
        let revision = HeaderValue::from_str(settings.text("api_revision").unwrap_or_default()).map_err(|_| {
            ClientError::new(ErrorClass::Config, "`api_revision` is not a date", "write it as `2026-07-15`")
        })?;
        let access = Access {
            base_url: settings.text("base_url").unwrap_or_default(),
            account: key.expose_secret(),
            secrets: vec![key.clone()],
            rates: RATES,
        };
        Ok(Self {
            platform: Platform::new(Protocol, http, access)?,
            key: secret_header("Klaviyo-API-Key ", key, "api_key")?,
            revision,
            primary_key: settings.text("primary_key").unwrap_or("email").to_owned(),
        })
    }

    /// The headers of all calls.
    fn signed(&self, call: Call) -> Call {
        let json_api = || HeaderValue::from_static(JSON_API);
        let call = call.header("authorization", self.key.clone()).header("revision", self.revision.clone());
        let call = call.header("accept", json_api());
        if call.has_body() { call.header("content-type", json_api()) } else { call }
    }

    async fn call(&self, call: Call) -> Result<Reply, Failure> {
        self.platform.call(&self.signed(call)).await
    }

    /// What follows a page: path and query of the link, for our own host.
    fn next(&self, reply: &Reply, group: &'static str) -> Result<Option<Call>, ClientError> {
        let Some(link) = reply.text("/links/next") else { return Ok(None) };
        let path = self.platform.below(link);
        if !path.starts_with("/api/") {
            return Err(self.platform.senseless("a link to its next page that can be followed"));
        }
        Ok(Some(Call::given(path.to_owned()).group(group)))
    }

    /// The id of the one list of exactly that name.
    async fn named(&self, name: &str) -> Result<Option<String>, ClientError> {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let first = Call::get("/api/lists").query("filter", format!("equals(name,\"{quoted}\")"));
        let mut next = Some(first.query("page[size]", "10").group(LISTS));
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(call) = next else { break };
            let reply = self.call(call).await?;
            for list in reply.list("/data") {
                if list.pointer("/attributes/name").and_then(Value::as_str) == Some(name) {
                    found.push(id_text(list.get("id")).ok_or_else(|| self.platform.senseless("the id of a list"))?);
                }
            }
            next = self.next(&reply, LISTS)?;
        }
        if found.len() > 1 { Err(ambiguous("list", name, &found, "list_id")) } else { Ok(found.pop()) }
    }

    async fn create(&self, name: &str) -> Result<String, Failure> {
        let body = json!({"data": {"type": "list", "attributes": {"name": name}}}).to_string();
        let reply = self.call(Call::post("/api/lists", body).group(NEW_LISTS).once()).await;
        let reply = reply.map_err(|mut failure| {
            if let ErrorClass::RateLimited { .. } = failure.error.class {
                failure.error.what = "Klaviyo makes no more lists for now (at most 150 a day)".into();
                failure.error.remedy = "run again then, or set `list_id` to a list that is there".into();
            }
            failure
        })?;
        id_text(reply.json().pointer("/data/id")).ok_or_else(|| Failure {
            error: self.platform.senseless("the id of the new list"),
            code: String::new(),
            reply: Some(reply),
            effect: Effect::None,
            attempts: 1,
        })
    }

    /// The fixes that the pointers of a refused import name; empty where they name no row.
    fn fixes(&self, reply: &Reply, rows: usize) -> Vec<Fix> {
        let fix = |error: &Value| {
            let pointer = error.pointer("/source/pointer")?.as_str()?;
            let after = pointer.split_once("/profiles/data/")?.1;
            let (index, field) = after.split_once('/').unwrap_or((after, ""));
            let row: usize = index.parse().ok()?;
            let attribute = field.strip_prefix("attributes/").filter(|attribute| *attribute != self.primary_key);
            let without = attribute.map(|attribute| format!("/attributes/{attribute}"));
            (row < rows).then(|| Fix { row, without, reason: self.reason(error) })
        };
        reply.list("/errors").iter().filter_map(fix).collect()
    }

    /// Code and detail of an error of Klaviyo, as a reason for a row.
    fn reason(&self, error: &Value) -> String {
        let text = |name| error.get(name).and_then(Value::as_str).unwrap_or_default();
        self.platform.masked(&format!("{}: {}", text("code"), text("detail")))
    }

    /// The row that an import error is about.
    fn row(error: &Value) -> RowName {
        let payload = error.pointer("/attributes/original_payload").unwrap_or(&Value::Null);
        for attributes in [payload, payload.get("attributes").unwrap_or(&Value::Null)] {
            for name in IDENTIFIERS {
                if let Some(value) = attributes.get(*name).and_then(Value::as_str) {
                    return RowName::Value { pointer: format!("/attributes/{name}"), value: value.to_owned() };
                }
            }
        }
        let pointer = error.pointer("/attributes/source/pointer").and_then(Value::as_str).unwrap_or_default();
        let index = pointer.split_once("/profiles/data/").and_then(|(_, after)| after.split('/').next()?.parse().ok());
        index.map_or(RowName::Unnamed, RowName::Index)
    }

    /// The rows that a job did not take.
    async fn import_errors(&self, job: &Job) -> Result<Vec<Rejection>, ClientError> {
        let path = format!("/api/profile-bulk-import-jobs/{}/import-errors", path_segment(&job.id));
        let mut next = Some(Call::get(path).query("page[size]", "100").group(JOBS));
        let mut rejected = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(call) = next else { break };
            let reply = self.call(call).await?;
            rejected.extend(reply.list("/data").iter().map(|error| Rejection {
                row: Self::row(error),
                reason: self.reason(error.get("attributes").unwrap_or(&Value::Null)),
            }));
            next = self.next(&reply, JOBS)?;
        }
        Ok(rejected)
    }
}

#[async_trait]
impl Client for KlaviyoClient {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        self.call(Call::get("/api/lists").query("page[size]", "1").group(LISTS)).await?;
        Ok(vec![
            "Klaviyo knows the API key".into(),
            "the key may read lists (`lists:read`); `lists:write`, `profiles:read` and `profiles:write` show when they \
             are used"
                .into(),
        ])
    }

    async fn find_or_create(&self, wanted: &WantedList) -> Result<FoundList, ClientError> {
        let name = &wanted.name;
        self.platform.find_or_create(wanted, "a list", || self.named(name), || self.create(name)).await
    }

    async fn is_there(&self, list_id: &str) -> Result<bool, ClientError> {
        match self.call(Call::get(format!("/api/lists/{}", path_segment(list_id))).group(LISTS)).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.status() == 404 => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError> {
        let call = Call::post(request.envelope.path.clone(), request.body).group(IMPORTS);
        let failure = match self.call(call).await {
            Ok(reply) => {
                let id = id_text(reply.json().pointer("/data/id"));
                let id = id.ok_or_else(|| self.platform.senseless("the id of the import job"))?;
                return Ok(Answer::Accepted(Receipt { job: Some(Job { id }), ..Receipt::default() }));
            }
            Err(failure) => failure,
        };
        let fixes = failure.reply.as_ref().map_or_else(Vec::new, |reply| self.fixes(reply, request.rows));
        match failure.status() {
            400 if !fixes.is_empty() => Ok(Answer::Refused(fixes)),
            404 => Ok(Answer::ListGone),
            413 => Ok(Answer::TooLarge { lasting: false }),
            _ => Err(failure.into()),
        }
    }

    async fn poll(&self, job: &Job) -> Result<JobState, ClientError> {
        let path = format!("/api/profile-bulk-import-jobs/{}", path_segment(&job.id));
        let reply = self.call(Call::get(path).group(JOBS)).await?;
        let count = |name: &str| reply.json().pointer(&format!("/data/attributes/{name}")).and_then(Value::as_u64);
        match reply.text("/data/attributes/status") {
            Some("complete") => {
                let failed = count("failed_count").unwrap_or_default();
                let rejected = if failed > 0 { self.import_errors(job).await? } else { Vec::new() };
                let unnamed = failed.saturating_sub(rejected.len() as u64);
                Ok(JobState::Done(JobReport { rejected, unnamed, known: true, notes: Vec::new() }))
            }
            Some("cancelled") => Ok(JobState::Failed("Klaviyo cancelled the import job: run again".into())),
            Some(_) => Ok(JobState::Working),
            None => Err(self.platform.senseless("the state of the import job")),
        }
    }

    fn polling(&self) -> Option<Polling> {
        Some(Polling {
            first: Duration::from_secs(2),
            growth: 1.5,
            longest: Duration::from_mins(1),
            give_up: Duration::from_hours(2),
            awaited: true,
        })
    }

    fn by_id(&self) -> Option<&dyn ById> {
        Some(self)
    }

    fn clearing(&self) -> Option<&dyn Clearing> {
        Some(self)
    }
}

/// A body of ids of profiles.
fn ids_body(ids: &[String]) -> String {
    let ids: Vec<Value> = ids.iter().map(|id| json!({"type": "profile", "id": id})).collect();
    json!({"data": ids}).to_string()
}

/// A call about the members of a list.
fn members_call(method: Method, list: &str) -> Call {
    Call::new(method, format!("/api/lists/{}/relationships/profiles", path_segment(list))).group(MEMBERS)
}
