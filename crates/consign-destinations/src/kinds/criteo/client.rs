//! Criteo over the wire: a token of fifteen minutes, segments, and amendments of contact lists.

mod protocol;
mod token;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use consign_model::spec::Settings;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::client::{
    Answer, Client, ClientError, Credentials, Emptying, ErrorClass, FoundList, Job, JobState, Outgoing, Receipt,
    Rejection, RowName, WantedList, ambiguous, credential,
};
use crate::encode::{JSON, ListTarget, path_segment};
use crate::http::{Access, Call, Effect, Failure, Http, Platform, Refusal, Reply, id_text};

use protocol::{CALLS, Protocol, RATES, first_problem};
use token::Tokens;

const DESCRIPTION: &str = "Delivered by Consign";
/// Segments of one page of a search.
const PAGE: usize = 100;
/// How often a segment that may have been made is looked for before it is given up.
const LOOKS: u32 = 4;

/// A client of one destination and delivery.
pub(super) struct CriteoClient {
    platform: Platform<Protocol>,
    tokens: Arc<Tokens>,
    version: String,
    advertiser: String,
}

impl CriteoClient {
    pub(super) fn new(settings: &Settings, credentials: &Credentials, http: &Http) -> Result<Self, ClientError> {
        let text = |name| settings.text(name).unwrap_or_default().to_owned();
        let secret = credential(credentials, "client_secret")?.clone();
        let refresh = credentials.get("refresh_token").cloned();
        // The limit is the application's with its own credentials; acting for a user it is the account's.
        let rates = if refresh.is_some() { &RATES[1..] } else { &RATES[..1] };
        let base_url = text("base_url");
        let access = Access {
            base_url: &base_url,
            account: &text("client_id"),
            secrets: [Some(secret.clone()), refresh.clone()].into_iter().flatten().collect(),
            rates,
        };
        let platform = Platform::new(Protocol, http, access)?;
        // Deliveries share their tokens: a refresh token that rotates is good for one use.
        let given = [text("client_id"), secret.expose_secret().to_owned()].into_iter();
        let given = given.chain(refresh.iter().map(|refresh| refresh.expose_secret().to_owned()));
        let account = std::iter::once(base_url.clone()).chain(given).collect::<Vec<_>>().join("\n");
        let tokens = http.shared(&account, || Tokens::new(text("client_id"), secret, refresh));
        Ok(Self { platform, tokens, version: path_segment(&text("api_version")), advertiser: text("advertiser_id") })
    }

    fn path(&self, rest: &str) -> String {
        format!("/{}{rest}", self.version)
    }

    /// A call with a token; with a new one, once, where the token is not taken.
    async fn call(&self, call: Call) -> Result<Reply, Failure> {
        let json = || HeaderValue::from_static(JSON);
        let call = call.header("accept", json()).header("content-type", json()).group(CALLS);
        let token = self.tokens.valid(&self.platform).await?;
        match self.platform.call(&call.clone().header("authorization", token.clone())).await {
            Err(failure) if failure.status() == 401 => {
                self.tokens.forget(&token).await;
                let token = self.tokens.valid(&self.platform).await?;
                self.platform.call(&call.header("authorization", token)).await
            }
            answer => answer,
        }
    }

    /// The id of the one segment of exactly that name.
    async fn named(&self, name: &str) -> Result<Option<String>, ClientError> {
        let body = json!({"data": {"type": "AudienceSegment", "attributes": {
            "advertiserIds": [self.advertiser], "audienceSegmentTypes": ["ContactList"]}}});
        let (mut found, mut offset) = (Vec::new(), 0);
        loop {
            let path = self.path("/marketing-solutions/audience-segments/search");
            let call = Call::post(path, body.to_string());
            let reply = self.call(call.query("limit", PAGE.to_string()).query("offset", offset.to_string())).await?;
            for segment in reply.list("/data") {
                let attribute = |name: &str| segment.pointer(&format!("/attributes/{name}"));
                let advertiser = id_text(attribute("advertiserId"));
                let ours = advertiser.is_none_or(|advertiser| advertiser == self.advertiser);
                if ours && attribute("name").and_then(Value::as_str) == Some(name) {
                    let id =
                        id_text(segment.get("id")).ok_or_else(|| self.platform.senseless("the id of a segment"))?;
                    let read_only = attribute("contactList/isReadOnly").and_then(Value::as_bool) == Some(true);
                    found.push((id, read_only));
                }
            }
            offset += PAGE;
            let total = reply.json().pointer("/meta/totalItems").and_then(Value::as_u64).unwrap_or_default();
            // A page of nothing ends the search too, whatever the count says.
            if offset as u64 >= total || reply.list("/data").is_empty() {
                break;
            }
        }
        if found.len() > 1 {
            let ids: Vec<String> = found.into_iter().map(|(id, _)| id).collect();
            return Err(ambiguous("segment", name, &ids, "list_id"));
        }
        match found.pop() {
            Some((id, true)) => {
                let what = format!("the segment `{name}` ({id}) is read-only at Criteo and cannot be filled");
                Err(ClientError::new(ErrorClass::Config, what, "choose another name, or make it writable in Criteo"))
            }
            found => Ok(found.map(|(id, _)| id)),
        }
    }

    /// Makes a segment; `None` where its name is taken or it may have been made, so that it is to be looked for.
    async fn create(&self, name: &str) -> Result<Option<String>, Failure> {
        let body = json!({"data": [{"type": "AudienceSegment", "attributes": {
            "advertiserId": self.advertiser, "name": name, "description": DESCRIPTION, "contactList": {}}}]});
        let path = self.path("/marketing-solutions/audience-segments/create");
        match self.call(Call::post(path, body.to_string()).once()).await {
            Ok(reply) => {
                if let Some(id) = id_text(reply.json().pointer("/data/0/id")) {
                    return Ok(Some(id));
                }
                let problem = first_problem(&reply);
                if problem.code == "name-must-be-unique" {
                    return Ok(None);
                }
                let error = self.platform.error(&not_made(name).said(problem.code.clone(), problem.said()));
                let code = problem.code;
                Err(Failure { error, code, reply: Some(reply), effect: Effect::None, attempts: 1 })
            }
            Err(failure) if failure.code == "name-must-be-unique" => Ok(None),
            Err(mut failure) => {
                if matches!(failure.status(), 200 | 400) {
                    let Refusal { class, what, remedy, .. } = not_made(name);
                    failure.error = ClientError { class, what, remedy, ..failure.error };
                }
                Err(failure)
            }
        }
    }

    fn contact_list(&self, method: Method, list: &ListTarget) -> Call {
        let id = path_segment(&list.id);
        Call::new(method, self.path(&format!("/marketing-solutions/audience-segments/{id}/contact-list")))
    }
}

#[async_trait]
impl Client for CriteoClient {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        let reply = self.call(Call::get(self.path("/advertisers/me"))).await?;
        let ids: Vec<String> = reply.list("/data").iter().filter_map(|one| id_text(one.get("id"))).collect();
        if ids.contains(&self.advertiser) {
            let advertiser = format!("the application may use the advertiser {}", self.advertiser);
            return Ok(vec!["Criteo knows the application, and gave it a token".into(), advertiser]);
        }
        let what = format!("the advertiser {} is not accessible to the application", self.advertiser);
        let remedy = "check `advertiser_id`, and let the advertiser consent to the application in Criteo";
        Err(ClientError::new(ErrorClass::Permission, what, remedy))
    }

    async fn find_or_create(&self, wanted: &WantedList) -> Result<FoundList, ClientError> {
        if let Some(id) = &wanted.id {
            return Ok(FoundList { id: id.clone(), created: false });
        }
        let mut created = false;
        for look in 1..=LOOKS {
            if let Some(id) = self.named(&wanted.name).await? {
                return Ok(FoundList { id, created });
            }
            match self.create(&wanted.name).await {
                Ok(Some(id)) => return Ok(FoundList { id, created: true }),
                Ok(None) => {}
                Err(failure) if failure.effect == Effect::Unknown && look < LOOKS => created = true,
                Err(failure) => return Err(failure.into()),
            }
            self.platform.sleep(Duration::from_secs(1 << look)).await;
        }
        let what = format!("Criteo says that the name `{}` is taken, and finds no segment of it", wanted.name);
        Err(ClientError::new(ErrorClass::Config, what, "choose another name, or set `list_id`"))
    }

    async fn is_there(&self, list_id: &str) -> Result<bool, ClientError> {
        let body = json!({"data": {"type": "AudienceSegment", "attributes": {
            "advertiserIds": [self.advertiser], "audienceSegmentIds": [list_id]}}});
        let call = Call::post(self.path("/marketing-solutions/audience-segments/search"), body.to_string());
        let reply = self.call(call).await?;
        Ok(reply.list("/data").iter().any(|segment| id_text(segment.get("id")).is_some_and(|id| id == list_id)))
    }

    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError> {
        let call = Call::new(Method::PATCH, request.envelope.path.clone()).body(request.body);
        let reply = match self.call(call).await {
            Ok(reply) => reply,
            Err(failure) => {
                let gone = matches!(failure.code.as_str(), "audience-invalid" | "segment-not-found");
                return match failure.status() {
                    404 => Ok(Answer::ListGone),
                    _ if gone => Ok(Answer::ListGone),
                    413 => Ok(Answer::TooLarge { lasting: false }),
                    _ => Err(failure.into()),
                };
            }
        };
        let attributes = reply.json().pointer("/data/attributes").unwrap_or(&Value::Null);
        let count = |name: &str| attributes.get(name).and_then(Value::as_u64);
        if count("nbValidIdentifiers").is_none() && count("nbInvalidIdentifiers").is_none() {
            return Err(self.platform.senseless("counts of identifiers"));
        }
        let sample = attributes.get("sampleInvalidIdentifiers").and_then(Value::as_array);
        let sample = sample.into_iter().flatten().filter_map(Value::as_str);
        let rejected: Vec<Rejection> = sample
            .map(|value| Rejection {
                row: RowName::Value { pointer: String::new(), value: value.to_owned() },
                reason: "Criteo says that the identifier is invalid".into(),
            })
            .collect();
        let unnamed = count("nbInvalidIdentifiers").unwrap_or_default().saturating_sub(rejected.len() as u64);
        Ok(Answer::Accepted(Receipt { rejected, unnamed, ..Receipt::default() }))
    }

    async fn poll(&self, _: &Job) -> Result<JobState, ClientError> {
        Err(ClientError::new(ErrorClass::Bug, "Criteo has no jobs to look at", "report it"))
    }

    fn emptying(&self) -> Option<&dyn Emptying> {
        Some(self)
    }

    fn rotated(&self) -> Option<(&'static str, SecretString)> {
        Some(("refresh_token", self.tokens.rotated()?))
    }
}

#[async_trait]
impl Emptying for CriteoClient {
    async fn empty(&self, list: &ListTarget) -> Result<(), ClientError> {
        self.call(self.contact_list(Method::DELETE, list)).await?;
        Ok(())
    }
}

/// Criteo says no to a new segment.
fn not_made(name: &str) -> Refusal {
    let what = format!("Criteo did not make the segment `{name}`");
    Refusal::new(ErrorClass::Config, what, "choose another name, or set `list_id` to a segment that is there")
}
