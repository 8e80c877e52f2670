//! Runs: begun, watched, retried, cancelled.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chrono::{TimeDelta, Utc};
use consign_delivery::Progress;
use consign_delivery::inspect::{self, Filter};
use consign_model::id::Slug;
use consign_store::{Role, Run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::campaigns;
use crate::access::Caller;
use crate::app::App;
use crate::events;
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::show;
use crate::summary::{line, summary};
use crate::view::{Requests, RunLine, RunSummary};
use crate::work::{Listener, Running, Work, WorkError, WorkErrorKind};

/// How long the key of a call is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// Longest key of a call.
const LONGEST_KEY: usize = 200;

/// How many runs are looked through for a page.
const SEARCHED: u32 = 10_000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/campaigns/{campaign}/run", "run_campaign", "Runs a published campaign now", run)
            .begins::<Begun>()
            .once().least(Role::Operator),
        Route::get("/runs", "list_runs", "Runs, the newest first", list).query::<RunsQuery>().gives::<Page<RunLine>>().least(Role::Viewer),
        Route::get("/runs/{run}", "get_run", "A run and its deliveries", one).gives::<RunSummary>().least(Role::Viewer),
        Route::get(
            "/runs/{run}/requests",
            "list_requests",
            "What a run asked of platforms and what they answered, without bodies",
            requests,
        )
        .query::<RequestsQuery>()
        .gives::<Requests>().least(Role::Viewer),
        Route::get(
            "/runs/{run}/events",
            "watch_run",
            "What happens in a run: `happened` events, which `Last-Event-ID` goes on from; `progress`, while it runs in \
             this process; and `over` at the end",
            watch,
        )
        .gives_other("text/event-stream").least(Role::Viewer),
        Route::post("/runs/{run}/retry", "retry_run", "Sends again what of a run did not arrive", retry)
            .takes::<Retry>()
            .begins::<Begun>().least(Role::Operator),
        Route::post("/runs/{run}/cancel", "cancel_run", "Stops a run, or gives up one whose process died", cancel)
            .gives::<RunSummary>().least(Role::Operator),
    ]
}

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Begun {
    /// The run's id.
    run: String,
}

/// Which runs are asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RunsQuery {
    /// Only those of this campaign.
    campaign: Option<Slug>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items the page may have, 1 to 500; 100 without it.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

/// Which requests are asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RequestsQuery {
    /// Only those of this delivery: its sub-audience, group and destination, such as `active.letter.mail`.
    delivery: Option<String>,
    /// Only those that did not do what they should.
    failed: bool,
    /// The last so many, 1 to 500; 100 without it.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

/// What is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Retry {
    /// Only to this destination.
    destination: Option<Slug>,
}

async fn list(State(app): State<App>, Asked(query): Asked<RunsQuery>) -> Answer<Json<Page<RunLine>>> {
    let runs = app.store.runs(query.campaign.as_ref(), SEARCHED).await?;
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    Ok(Json(paging.of(runs.into_iter().map(line).collect(), |run: &RunLine| &run.run)?))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<RunSummary>> {
    Ok(Json(summary(app.store.as_ref(), app.store.run(&id).await?).await?))
}

async fn requests(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(query): Asked<RequestsQuery>,
) -> Answer<Json<Requests>> {
    let limit = Paging { cursor: None, limit: query.limit }.limit()?;
    let run = app.store.run(&id).await?;
    if let Some(wanted) = &query.delivery {
        known_delivery(&app, &run.id, wanted).await?;
    }
    let folder = app.folder.run(&run.id);
    let filter = Filter { delivery: query.delivery, failed: query.failed };
    let read = tokio::task::spawn_blocking(move || inspect::requests(&folder, &filter, limit)).await;
    let read = read.map_err(|error| Refusal::failed(&error))?;
    let (before, requests) = read.map_err(|error| Refusal::failed(&error))?;
    Ok(Json(Requests { run: run.id, before, requests: requests.into_iter().map(show::request).collect() }))
}

/// Refuses a delivery that a run does not have.
pub(super) async fn known_delivery(app: &App, run: &str, wanted: &str) -> Answer<()> {
    let deliveries = app.store.deliveries(run).await?;
    let known: Vec<&str> = deliveries.iter().filter_map(|one| Some(one.id.split_once('/')?.1)).collect();
    if known.contains(&wanted) { Ok(()) } else { Err(Refusal::not_found("delivery", wanted, known)) }
}

async fn watch(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answer<impl IntoResponse> {
    let run = app.store.run(&id).await?;
    let told = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    Ok(events::tell(app, run.id, told))
}

async fn run(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Answer<impl IntoResponse> {
    let stored = app.current().await?;
    let campaign = campaigns::find(&stored, &id)?.id.clone();
    let key = key(&headers)?.map(|key| format!("{campaign}/{key}"));
    let run = Uuid::now_v7().to_string();
    if let Some(key) = &key {
        // Who calls twice at once is told here, and by the store who calls again after a restart.
        if let Some(earlier) = app.live.asked(key, &run) {
            return Ok(begun(earlier));
        }
        if let Some(earlier) = app.store.remember_call(key, &run, Utc::now() - REMEMBERED).await? {
            return Ok(begun(earlier));
        }
    }
    let asked =
        move |work: Arc<dyn Work>, running: Running| async move { work.run(&stored, &campaign, &running).await };
    let answer = begin(&app, caller, run, asked).await;
    if let (Err(_), Some(key)) = (&answer, &key) {
        app.live.forget(key);
    }
    answer
}

/// The key of a call that is to be made once.
fn key(headers: &HeaderMap) -> Answer<Option<&str>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let wrong = || Refusal::bad(format!("`Idempotency-Key` is none: write 1 to {LONGEST_KEY} ASCII characters"));
    key.map(Some).ok_or_else(wrong)
}

async fn retry(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    Body(retry): Body<Retry>,
) -> Answer<impl IntoResponse> {
    let again = app.store.run(&id).await?;
    let asked = move |work: Arc<dyn Work>, running: Running| async move {
        work.retry(&again, retry.destination.as_ref(), &running).await
    };
    begin(&app, caller, id, asked).await
}

fn begun(run: String) -> (StatusCode, Json<Begun>) {
    (StatusCode::ACCEPTED, Json(Begun { run }))
}

/// Has a run made, and answers when it has begun; or why it cannot be. It goes on when nobody waits for it any more.
async fn begin<F, Making>(app: &App, caller: Caller, run: String, make: F) -> Answer<(StatusCode, Json<Begun>)>
where
    F: FnOnce(Arc<dyn Work>, Running) -> Making + Send + 'static,
    Making: Future<Output = Result<(), WorkError>> + 'static,
{
    let place = Arc::clone(&app.at_once).try_acquire_owned().map_err(|_| {
        Refusal::conflict("as many campaigns run as may: wait until one has ended, or serve with `--at-once`").after(30)
    })?;
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let cancel = app.stop.child_token();
    let going = || Refusal::conflict(format!("the run `{run}` goes on: wait until it has ended"));
    let live = app.live.begin(&run, cancel.clone()).ok_or_else(going)?;
    let listener: Listener = {
        let tell = Arc::clone(&tell);
        Arc::new(move |progress: Progress<'_>| {
            live(progress);
            // What is told of earlier runs says nothing of this one.
            if !matches!(progress, Progress::FollowedUp(_)) {
                // What is told later is known to be so.
                let _ = answer(&tell, Ok(()));
            }
        })
    };
    let running = Running { id: run.clone(), actor: caller.name, as_of: Utc::now(), cancel, listener };
    let (of, id) = (app.clone(), run.clone());
    app.leave_at_desk(move |work| async move {
        let made = make(work, running).await;
        of.live.over(&id);
        drop(place);
        if let Err(Err(error)) = answer(&tell, made) {
            tracing::warn!(run = id, %error, "the run did not come to its end");
        }
    });
    match told.await {
        Ok(Ok(())) => Ok(begun(run)),
        Ok(Err(error)) if error.kind == WorkErrorKind::Stopped && !app.stop.is_cancelled() => {
            Err(Refusal::conflict("somebody cancelled the run before it had begun: look at it again"))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Refusal::conflict("the run broke off before it had begun: try again")),
    }
}

/// The sender of what is answered, until it is.
type Teller = Mutex<Option<oneshot::Sender<Result<(), WorkError>>>>;

/// Answers, or gives back what nobody waits for.
fn answer(tell: &Teller, what: Result<(), WorkError>) -> Result<(), Result<(), WorkError>> {
    match tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(tell) => tell.send(what),
        None => Err(what),
    }
}

async fn cancel(State(app): State<App>, Path(id): Path<String>, caller: Caller) -> Answer<Json<RunSummary>> {
    let run: Run = app.store.run(&id).await?;
    if !app.live.cancel(&run.id) {
        app.at_desk(move |work, _| async move { work.give_up(&run.id, &caller.name).await }).await?;
    }
    Ok(Json(summary(app.store.as_ref(), app.store.run(&id).await?).await?))
}
