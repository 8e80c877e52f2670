//! The files of the browser interface, which are built into the program.

use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::BASE;
use crate::refusal::Refusal;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Files;

/// What is shown where the interface was not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Consign</title>\
    <h1>Consign</h1><p>The browser interface is not part of this program: build it in <code>ui</code> with \
    <code>npm ci &amp;&amp; npm run build</code>, and build the program again.</p>\
    <p>The <a href=\"/api/v1/docs\">API</a> is there.</p></html>";

/// A file; for whatever is no file the page itself, which knows what its addresses mean.
pub(crate) async fn file(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if uri.path() == BASE || uri.path().starts_with(&format!("{BASE}/")) {
        return Refusal::new(StatusCode::NOT_FOUND, "there is no such route: see /api/v1/docs").into_response();
    }
    if let Some(file) = Files::get(path) {
        // Names of files in `assets` have a hash of what is in them.
        let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let media = file.metadata.mimetype().to_owned();
        return ([(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, keep.to_owned())], file.data).into_response();
    }
    if path.starts_with("assets/") {
        return Refusal::new(StatusCode::NOT_FOUND, "there is no such file: load the page again").into_response();
    }
    let page = Files::get("index.html").map_or(NOT_BUILT.as_bytes().into(), |page| page.data);
    ([(header::CACHE_CONTROL, "no-cache")], Html(page)).into_response()
}
