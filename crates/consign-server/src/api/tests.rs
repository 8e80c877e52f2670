//! Tests of campaigns: what would leave, without its leaving.

use std::io;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use consign_delivery::testing::{self, MOST_RECORDS, USUAL_RECORDS};
use consign_store::Role;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::drafts;
use crate::app::{App, slug};
use crate::page::{Asked, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::show;
use crate::view::{CampaignTest, CampaignTestLine};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/campaigns/{campaign}/test",
            "test_campaign",
            "Tests a valid draft: all but the sending, and the first records of each list as they would leave",
            make,
        )
        .query::<TestQuery>()
        .makes::<CampaignTest>()
        .slow()
        .least(Role::Editor),
        Route::get("/campaigns/{campaign}/tests", "list_tests", "The tests of a campaign, the newest first", list)
            .query::<Paging>()
            .gives::<Page<CampaignTestLine>>()
            .least(Role::Viewer),
        Route::get("/tests/{test}", "get_test", "A test and what would leave", one)
            .gives::<CampaignTest>()
            .least(Role::Editor),
        Route::get(
            "/tests/{test}/files/{delivery}/{file}",
            "get_test_file",
            "A file of a test as it would leave, or the body of a request",
            file,
        )
        .gives_other("application/octet-stream")
        .least(Role::Editor),
    ]
}

/// How a campaign is tested.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct TestQuery {
    /// The most records of each delivery that are kept, 1 to 10,000; 100 without it.
    #[schemars(range(min = 1, max = 10_000))]
    records: Option<usize>,
}

async fn make(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(query): Asked<TestQuery>,
) -> Answer<impl IntoResponse> {
    let records = query.records.unwrap_or(USUAL_RECORDS);
    if !(1..=MOST_RECORDS).contains(&records) {
        return Err(Refusal::bad(format!("`records` is {records}: write a number from 1 to {MOST_RECORDS}")));
    }
    let (would_be, campaign) = drafts::published(&app, &id).await?;
    let testing =
        app.at_desk(move |work, cancel| async move { work.test(&would_be, &campaign, records, cancel).await });
    Ok((StatusCode::CREATED, Json(testing.await?)))
}

async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Page<CampaignTestLine>>> {
    let (campaign, data) = (slug("campaign", &id)?, app.folder.clone());
    let lines = spawn_blocking(move || -> io::Result<Vec<CampaignTestLine>> {
        let tests = testing::tests(&data, &campaign)?.into_iter();
        Ok(tests.map(|test| show::campaign_test_line(test, &data)).collect())
    });
    let lines = lines.await.map_err(|error| Refusal::failed(&error))?.map_err(|error| Refusal::failed(&error))?;
    Ok(Json(paging.of(lines, |line| &line.test)?))
}

/// The test of that id.
async fn find(app: &App, id: &str) -> Answer<testing::CampaignTest> {
    let (data, wanted) = (app.folder.clone(), id.to_owned());
    let found = spawn_blocking(move || testing::test(&data, &wanted)).await.map_err(|error| Refusal::failed(&error))?;
    found.map_err(|error| Refusal::failed(&error))?.ok_or_else(|| Refusal::not_found("test", id, []))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<CampaignTest>> {
    Ok(Json(show::campaign_test(find(&app, &id).await?, &app.folder)))
}

async fn file(
    State(app): State<App>,
    Path((id, delivery, name)): Path<(String, String, String)>,
) -> Answer<impl IntoResponse> {
    let test = find(&app, &id).await?;
    let known = || {
        let deliveries = test.deliveries.iter().filter(|one| one.id == delivery);
        deliveries.flat_map(|one| &one.files).map(|file| file.name.as_str()).collect::<Vec<_>>()
    };
    let path = test.file(&app.folder, &delivery, &name);
    let path = path.ok_or_else(|| Refusal::not_found("file of the test", &name, known()))?;
    let bytes = tokio::fs::read(&path).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Refusal::new(StatusCode::GONE, "its retention is over: test the campaign again"),
        _ => Refusal::failed(&error),
    })?;
    let media = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => "application/json",
        Some("csv" | "tsv" | "psv" | "jsonl") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    // Nothing of it is shown as a page.
    Ok(([(header::CONTENT_TYPE, media), (header::CONTENT_DISPOSITION, "attachment")], bytes))
}
