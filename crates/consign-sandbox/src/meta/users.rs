//! Adding, removing and replacing users.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::Refusal;
use super::audiences::{audience, check_account, is_busy, only};
use super::payload::{Batch, Payload, batch, payload};
use crate::call::Answer;
use crate::event::{Event, Session};
use crate::fault::Twist;
use crate::world::World;

/// How long after its first batch a replace takes others.
const WINDOW: TimeDelta = TimeDelta::minutes(90);

/// `POST` or `DELETE /{id}/users`.
pub(super) fn change(
    world: &mut World,
    node: &str,
    operation: &str,
    parameters: &Map<String, Value>,
    twist: Twist,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    only(parameters, &["session", "payload"])?;
    let list = audience(world, node)?.id.clone();
    let batch = batch(parameters)?;
    let payload = payload(parameters, twist)?;
    close_late(world, &list, now, twist);
    if is_busy(world, &list, now) {
        return Err(busy());
    }
    let batch = batch.unwrap_or_else(|| Batch { session: (world.number() + 1).to_string(), seq: 1, last: true });
    check_session(world, &list, operation, &batch, &payload)?;
    if let Some(session) = world.sessions.get(&(list.clone(), batch.session.clone())) {
        if session.ended.is_some() && !session.seen.contains(&batch.seq) {
            return Err(Refusal::parameter("The session has ended with its last batch"));
        }
        if batch.seq > 1 && !session.seen.contains(&(batch.seq - 1)) {
            return Err(Refusal::parameter("Param session[batch_seq]: a batch before this one is missing"));
        }
    } else if batch.seq != 1 {
        return Err(Refusal::parameter("Param session[batch_seq]: the first batch of a session is 1"));
    }
    Ok(take(world, &list, operation, &batch, payload, now, ("audience_id", &list)))
}

/// `POST /{id}/usersreplace`.
pub(super) fn replace(
    world: &mut World,
    node: &str,
    parameters: &Map<String, Value>,
    twist: Twist,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    only(parameters, &["session", "payload"])?;
    let held = audience(world, node)?;
    let (list, account) = (held.id.clone(), held.account.clone());
    let batch =
        batch(parameters)?.ok_or_else(|| Refusal::parameter("The parameter session is required to replace users"))?;
    let payload = payload(parameters, twist)?;
    close_late(world, &list, now, twist);
    check_session(world, &list, "replace", &batch, &payload)?;
    match world.sessions.get(&(list.clone(), batch.session.clone())) {
        Some(session) if session.timed_out => {
            let message = "The replace session has timed out; the users received so far are the audience.";
            return Err(Refusal::new(2650, Some(1_870_158), message));
        }
        Some(session) if session.ended.is_some() => {
            return Err(Refusal::new(2650, Some(1_870_159), "The replace session has finished."));
        }
        Some(_) if batch.seq == 1 => return Err(busy()),
        None if is_busy(world, &list, now) => return Err(busy()),
        None if batch.seq != 1 => {
            let message = "The first batch of the replace session is missing.";
            return Err(Refusal::new(2650, Some(1_870_147), message));
        }
        _ => {}
    }
    Ok(take(world, &list, "replace", &batch, payload, now, ("account_id", &account)))
}

fn busy() -> Refusal {
    Refusal::new(2650, Some(1_870_145), "A replace of this audience is in progress.")
}

/// Ends the replace session whose window has closed.
fn close_late(world: &mut World, list: &str, now: DateTime<Utc>, twist: Twist) {
    let late: Vec<String> = world
        .sessions
        .values()
        .filter(|session| session.list == list && session.operation == "replace" && session.ended.is_none())
        .filter(|session| twist.session_expired || session.started + WINDOW < now)
        .map(|session| session.id.clone())
        .collect();
    for session in late {
        world.commit(&Event::SessionTimedOut { list: list.to_owned(), session, at: now });
    }
}

/// A session is of one audience and one operation, and its schema does not change.
fn check_session(world: &World, list: &str, operation: &str, batch: &Batch, payload: &Payload) -> Result<(), Refusal> {
    let account = world.list(crate::Platform::Meta, list).map(|list| list.account.as_str());
    let elsewhere = |session: &Session| {
        let other = world.list(crate::Platform::Meta, &session.list).map(|list| list.account.as_str());
        session.id == batch.session && session.list != list && other == account
    };
    if world.sessions.values().any(elsewhere) {
        return Err(Refusal::parameter("Param session[session_id]: is in use for another audience"));
    }
    match world.sessions.get(&(list.to_owned(), batch.session.clone())) {
        Some(session) if session.operation != operation => {
            Err(Refusal::parameter("Param session[session_id]: is in use for another operation"))
        }
        Some(session) if session.columns != payload.rows.columns => {
            Err(Refusal::parameter("Param payload[schema]: must not change within a session"))
        }
        _ => Ok(()),
    }
}

fn take(
    world: &mut World,
    list: &str,
    operation: &str,
    batch: &Batch,
    payload: Payload,
    now: DateTime<Utc>,
    of: (&str, &str),
) -> Answer {
    let (received, invalid) = (payload.received, payload.invalid);
    world.commit(&Event::SessionBatch {
        list: list.to_owned(),
        session: batch.session.clone(),
        operation: operation.to_owned(),
        seq: batch.seq,
        last: batch.last,
        received,
        invalid,
        rows: payload.rows,
        at: now,
    });
    let total = world.sessions.get(&(list.to_owned(), batch.session.clone())).map_or(received, |held| held.received);
    let mut answer = Answer::json(
        200,
        json!({of.0: of.1, "session_id": batch.session, "num_received": total,
            "num_invalid_entries": invalid, "invalid_entry_samples": payload.samples}),
    );
    answer.refusal = payload.reason;
    answer.carrying(received)
}

/// `DELETE /act_{id}/usersofanyaudience`: a payload and no session.
pub(super) fn remove_everywhere(
    world: &mut World,
    node: &str,
    parameters: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    only(parameters, &["payload"])?;
    let account = check_account(node)?.to_owned();
    let payload = payload(parameters, Twist::default())?;
    let received = payload.received;
    world.commit(&Event::RemovedEverywhere { account: account.clone(), rows: payload.rows, at: now });
    let session = world.number().to_string();
    Ok(Answer::json(
        200,
        json!({"account_id": account, "session_id": session, "num_received": received,
            "num_invalid_entries": payload.invalid, "invalid_entry_samples": payload.samples}),
    )
    .carrying(received))
}
