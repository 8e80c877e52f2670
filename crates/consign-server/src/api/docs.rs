//! The document of the API, for programs and for people.

use std::fmt::Write as _;

use axum::Json;
use axum::response::Html;
use serde_json::{Map, Value};

use crate::openapi::document;
use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/openapi.json", "get_openapi", "This document", openapi).gives::<Map<String, Value>>().open(),
        Route::get("/docs", "get_docs", "This document, to read", docs).gives_other("text/html").open(),
    ]
}

async fn openapi() -> Json<Value> {
    Json(document())
}

/// A page that asks nobody for anything.
async fn docs() -> Html<String> {
    let document = document();
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Consign API</title><style>\
         body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
         pre{overflow:auto;background:#8881;padding:1rem}code{font-size:.95em}</style></head><body><h1>Consign API</h1>",
    );
    let _ = write!(page, "<p>{}</p>", escaped(document["info"]["description"].as_str().unwrap_or_default()));
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let summary = escaped(operation["summary"].as_str().unwrap_or_default());
            let _ = write!(page, "<h2><code>{} {path}</code></h2><p>{summary}.</p>", method.to_uppercase());
            for (title, schema) in parts(operation) {
                let _ = write!(page, "<p>{title}: {}</p>", linked(&schema));
            }
        }
    }
    page.push_str("<h1>Types</h1>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let text = escaped(&serde_json::to_string_pretty(schema).unwrap_or_default());
        let _ = write!(page, "<h2 id=\"{name}\">{name}</h2><pre>{text}</pre>");
    }
    page.push_str("</body></html>");
    Html(page)
}

/// What an operation takes and gives, each with a title.
fn parts(operation: &Value) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let text = |field: &str| parameter[field].as_str().unwrap_or_default().to_owned();
        parts.push((format!("{} <code>{}</code>", text("in"), text("name")), text("description")));
    }
    let name = |content: &Value| {
        let schema = content.as_object().and_then(|media| media.values().next());
        schema.and_then(|media| media["schema"]["$ref"].as_str()).map(ToOwned::to_owned)
    };
    parts.extend(name(&operation["requestBody"]["content"]).map(|body| ("takes".to_owned(), body)));
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        parts.extend(name(&answer["content"]).map(|gives| (format!("gives, {status}"), gives)));
    }
    parts
}

/// A text, or a link to the type that it refers to.
fn linked(text: &str) -> String {
    match text.rsplit_once("schemas/") {
        Some((_, name)) => format!("<a href=\"#{name}\">{name}</a>"),
        None => escaped(text),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
