//! What can be asked, one file a resource.

mod accounts;
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
mod tokens;
mod workspace;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use consign_model::document::MAX_FILE_BYTES;
use consign_store::Role;

use crate::access::{self, Access};
use crate::app::App;
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::{BASE, guard, metrics, sessions, ui};

/// Every route of the API.
pub fn routes() -> Vec<Route> {
    [
        accounts::routes(),
        tokens::routes(),
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
    let allowed = |access: Access| from_fn_with_state((app.clone(), access), access::allowed);
    for Route { path, access, slow, handler, .. } in routes() {
        let handler = handler.route_layer(allowed(access)).route_layer(from_fn_with_state(slow, guard::in_time));
        api = api.route(path, handler);
    }
    let no_such_method = || async {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "there is no such method at this address: see /api/v1/docs")
    };
    Router::new()
        .nest(BASE, api)
        .route("/metrics", get(metrics::metrics).route_layer(allowed(Access::From(Role::Viewer))))
        .fallback(ui::file)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_FILE_BYTES))
        .layer(sessions::layer(&app))
        .layer(from_fn_with_state(app.clone(), guard::own))
        // Whoever looks after the process asks these, by whatever name.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .layer(from_fn_with_state(app.clone(), guard::named))
        .with_state(app)
}

/// Whether the store answers.
async fn ready(State(app): State<App>) -> Answer<impl IntoResponse> {
    app.store.current_version().await?;
    Ok("ready\n")
}
