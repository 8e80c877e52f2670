//! What can be asked, one file a resource.

mod archive;
mod campaigns;
mod catalog;
mod definitions;
mod docs;
mod downloads;
mod drafts;
mod runs;
mod sources;
mod tests;
mod workspace;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use consign_model::document::MAX_FILE_BYTES;

use crate::app::App;
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::{BASE, guard, metrics, ui};

/// Every route of the API.
pub fn routes() -> Vec<Route> {
    [
        catalog::routes(),
        sources::routes(),
        workspace::routes(),
        definitions::routes(),
        campaigns::routes(),
        archive::routes(),
        drafts::routes(),
        tests::routes(),
        runs::routes(),
        downloads::routes(),
        docs::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Everything that is served.
pub(crate) fn router(app: App) -> Router {
    let mut api = Router::new();
    for Route { path, slow, handler, .. } in routes() {
        api = api.route(path, handler.route_layer(from_fn_with_state(slow, guard::in_time)));
    }
    let no_such_method = || async {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "there is no such method at this address: see /api/v1/docs")
    };
    Router::new()
        .nest(BASE, api)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::metrics))
        .fallback(ui::file)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_FILE_BYTES))
        .layer(from_fn(guard::own))
        .layer(from_fn_with_state(app.clone(), guard::named))
        .with_state(app)
}

/// Whether the store answers.
async fn ready(State(app): State<App>) -> Answer<impl IntoResponse> {
    app.store.current_version().await?;
    Ok("ready\n")
}
