//! What Meta says of requests of rows, and the rules of sessions that replace an audience.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Answer, ClientError, ErrorClass, Job, Outgoing, Receipt, Rejection, RowName};
use crate::encode::path_segment;
use crate::http::{Call, Effect, Failure, Reply, id_text};

use super::MetaClient;
use super::protocol::{AUDIENCES, FINISHED, FIRST_MISSING, TIMED_OUT, is_gone};

/// A session may take so long from its first request on.
pub(super) const WINDOW: Duration = Duration::from_mins(90);
/// The `operation_status` of an audience that nothing is being done to.
pub(super) const NORMAL: i64 = 200;
/// How long Meta is given to notice a first request of which nothing was heard.
const NOTICE: Duration = Duration::from_secs(10);
/// While an audience is busy: a minute, doubling to ten, for as long as a session may take.
const BUSY_WAITS: [u64; 12] = [60, 120, 240, 480, 600, 600, 600, 600, 600, 600, 600, 300];
/// How often a first request is sent that was not received.
const FIRST_TRIES: u32 = 6;

/// The `operation_status` of an answer.
pub(super) fn status(reply: &Reply) -> Option<i64> {
    reply.json().pointer("/operation_status/code")?.as_i64()
}

impl MetaClient {
    /// What became of the rows of a request that was taken. `num_received` counts the session, so it says nothing of
    /// one request.
    pub(super) fn receipt(&self, request: &Outgoing<'_>, reply: &Reply) -> Result<Answer, ClientError> {
        let invalid = reply.json().get("num_invalid_entries").and_then(Value::as_u64);
        if invalid.is_none() && reply.json().get("num_received").is_none() {
            return Err(self.platform.senseless("counts of users"));
        }
        let rejected = samples(reply.json().get("invalid_entry_samples"), request.rows);
        let unnamed = invalid.unwrap_or_default().min(request.rows as u64).saturating_sub(rejected.len() as u64);
        // Matching goes on after the last request.
        let job = request.sequence.last.then(|| Job { id: request.list.id.clone() });
        Ok(Answer::Accepted(Receipt { job, rejected, unnamed, ..Receipt::default() }))
    }

    /// One request of a session that replaces.
    pub(super) async fn replace(&self, request: &Outgoing<'_>) -> Result<Answer, ClientError> {
        if request.sequence.number > 1 {
            return match self.call(Self::request(request)).await {
                Ok(reply) => self.receipt(request, &reply),
                Err(failure) => session_answer(request, failure),
            };
        }
        let mut tries = 0;
        loop {
            if let Some(answer) = self.await_normal(request).await? {
                return Ok(answer);
            }
            tries += 1;
            // The first request must not be made twice.
            let failure = match self.call(Self::request(request).once()).await {
                Ok(reply) => return self.receipt(request, &reply),
                Err(failure) => failure,
            };
            if failure.effect == Effect::None {
                return session_answer(request, failure);
            }
            self.platform.sleep(NOTICE).await;
            let reply = self.audience(&request.list.id, "operation_status").await?;
            if status(&reply) != Some(NORMAL) {
                return Ok(unanswered(request));
            }
            if tries >= FIRST_TRIES {
                return Err(failure.into());
            }
        }
    }

    /// Waits until nothing is being done to the audience. The answer where it is gone, and where what is being done is our
    /// own session: a process that died had begun it, and did not live to note it.
    async fn await_normal(&self, request: &Outgoing<'_>) -> Result<Option<Answer>, ClientError> {
        for wait in BUSY_WAITS.into_iter().map(Some).chain([None]) {
            let reply = match self.audience(&request.list.id, "operation_status,subtype").await {
                Ok(reply) => reply,
                Err(failure) if is_gone(&failure) => return Ok(Some(Answer::ListGone)),
                Err(failure) => return Err(failure.into()),
            };
            if let Some(subtype) = reply.text("/subtype").filter(|subtype| *subtype != "CUSTOM") {
                let what = format!("the audience is of the subtype `{subtype}`, whose members cannot be replaced");
                return Err(ClientError::new(ErrorClass::Config, what, "choose an audience made from a customer file"));
            }
            if status(&reply) == Some(NORMAL) {
                return Ok(None);
            }
            if self.has_session(request).await {
                return Ok(Some(unanswered(request)));
            }
            if let Some(wait) = wait {
                self.platform.sleep(Duration::from_secs(wait)).await;
            }
        }
        let what = "Meta has been working on the audience for more than 90 minutes";
        Err(ClientError::new(ErrorClass::Unavailable, what, "look at it in Meta, and run again later"))
    }

    /// Whether the audience has the session of the request. Where Meta does not say, it has not.
    async fn has_session(&self, request: &Outgoing<'_>) -> bool {
        let id = request.sequence.session.to_string();
        let path = self.path(&format!("{}/sessions", path_segment(&request.list.id)));
        let call = Call::get(path).query("fields", "session_id").query("session_id", id.as_str()).group(AUDIENCES);
        let sessions = self.call(call).await;
        sessions.is_ok_and(|reply| {
            reply.list("/data").iter().any(|session| id_text(session.get("session_id")).is_some_and(|one| one == id))
        })
    }
}

/// A first request that was received, though nobody heard the answer.
fn unanswered(request: &Outgoing<'_>) -> Answer {
    let note = "Meta did not answer the first request of the session, and works on it".to_owned();
    let job = request.sequence.last.then(|| Job { id: request.list.id.clone() });
    Answer::Accepted(Receipt { job, notes: vec![note], ..Receipt::default() })
}

/// What a refusal means for the session.
fn session_answer(request: &Outgoing<'_>, failure: Failure) -> Result<Answer, ClientError> {
    // An earlier attempt of the last request may have ended the session.
    let ended_by_us = request.sequence.last && failure.attempts > 1;
    match failure.code.as_str() {
        FIRST_MISSING => Ok(Answer::SessionLost),
        FINISHED if ended_by_us => {
            let job = Some(Job { id: request.list.id.clone() });
            Ok(Answer::Accepted(Receipt { job, ..Receipt::default() }))
        }
        TIMED_OUT | FINISHED => Ok(Answer::SessionOver),
        _ if is_gone(&failure) => Ok(Answer::ListGone),
        _ => Err(failure.into()),
    }
}

/// The rows that the samples of invalid entries name: an object by index, or an array of objects with one.
fn samples(samples: Option<&Value>, rows: usize) -> Vec<Rejection> {
    let reason = "Meta says that the row holds a value that is not well-formed";
    let rejection = |index: usize| Rejection { row: RowName::Index(index), reason: reason.into() };
    let indices: Vec<usize> = match samples {
        Some(Value::Object(samples)) => samples.keys().filter_map(|key| key.parse().ok()).collect(),
        Some(Value::Array(samples)) => {
            let index = |sample: &Value| sample.get("index").or_else(|| sample.get("row"))?.as_u64();
            samples.iter().filter_map(index).filter_map(|index| usize::try_from(index).ok()).collect()
        }
        _ => Vec::new(),
    };
    indices.into_iter().filter(|index| *index < rows).map(rejection).collect()
}
