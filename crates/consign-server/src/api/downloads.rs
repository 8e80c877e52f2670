//! Who was sent what, and who was not and why, as CSV.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use consign_delivery::download::{self, Csv};
use consign_store::{Role, Run, RunMode};
use futures::stream;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{campaigns, runs};
use crate::app::App;
use crate::page::Asked;
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::show::chain;

/// The media type of what is downloaded.
const CSV: &str = "text/csv";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/campaigns/{campaign}/recipients",
            "download_campaign_recipients",
            "Who was assigned and sent what by the real runs of a campaign, the oldest first; customer keys only",
            of_campaign,
        )
        .gives_other(CSV)
        .slow()
        .least(Role::Editor),
        Route::get(
            "/runs/{run}/recipients",
            "download_recipients",
            "Who was assigned and sent what by a run; customer keys only",
            of_run,
        )
        .gives_other(CSV)
        .slow()
        .least(Role::Editor),
        Route::get(
            "/runs/{run}/rejects",
            "download_rejects",
            "The rows of a delivery that were left out, each with its customer, attribute and reason",
            rejects,
        )
        .query::<RejectsQuery>()
        .gives_other(CSV)
        .slow()
        .least(Role::Editor),
    ]
}

/// Which rows are asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct RejectsQuery {
    /// The delivery: its sub-audience, group and destination, such as `active.letter.mail`.
    delivery: String,
    /// Only those with this reason; `rejected` for those that the platform refused.
    #[serde(default)]
    reason: Option<String>,
}

async fn of_campaign(State(app): State<App>, Path(id): Path<String>) -> Answer<Response> {
    let campaign = campaigns::find(&app.current().await?, &id)?.id.clone();
    let runs = app.store.runs(Some(&campaign), u32::MAX).await?.into_iter().rev();
    let files = runs.filter(|run| run.mode == RunMode::Real).map(|run| app.folder.run(&run.id).recipients());
    let files: Vec<_> = files.filter(|file| file.exists()).collect();
    if files.is_empty() {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("no run of `{id}` has recorded recipients: run it first"),
        ));
    }
    Ok(answer(&format!("{id}-recipients.csv"), download::recipients(files)))
}

async fn of_run(State(app): State<App>, Path(id): Path<String>) -> Answer<Response> {
    let Run { id, campaign, .. } = app.store.run(&id).await?;
    let file = app.folder.run(&id).recipients();
    if !file.exists() {
        let detail = format!("the run `{id}` has recorded no recipients: it has not ended, or failed before");
        return Err(Refusal::new(StatusCode::NOT_FOUND, detail));
    }
    Ok(answer(&format!("{campaign}-{id}-recipients.csv"), download::recipients([file])))
}

async fn rejects(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(query): Asked<RejectsQuery>,
) -> Answer<Response> {
    let RejectsQuery { delivery, reason } = query;
    let run = app.store.run(&id).await?;
    runs::known_delivery(&app, &run.id, &delivery).await?;
    let found = download::rejects(&app.folder.run(&run.id), &delivery, reason.as_deref());
    let gone = || {
        let detail = match run.staged_deleted_at {
            Some(_) => "it was deleted with the staged data of its run: the counts by reason stay",
            None => "the run has staged nothing so far: ask again when it delivers",
        };
        Refusal::new(StatusCode::NOT_FOUND, detail)
    };
    Ok(answer(&format!("{}-{delivery}-rejects.csv", run.campaign), found.ok_or_else(gone)?))
}

/// A record as a file to keep. Names are made of ids, which need no quoting.
fn answer(name: &str, record: Csv) -> Response {
    let pieces = stream::unfold(Some(record), |record| async {
        let mut record = record?;
        let read = tokio::task::spawn_blocking(move || (record.next(), record)).await;
        match read {
            Ok((Some(Ok(piece)), record)) => Some((Ok(piece), Some(record))),
            Ok((Some(Err(error)), _)) => {
                // The answer has begun, so it breaks off: nobody takes it for whole.
                tracing::error!(error = chain(&error), "a download broke off");
                Some((Err(std::io::Error::other(error)), None))
            }
            Ok((None, _)) => None,
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, format!("{CSV}; charset=utf-8")),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}
