//! Pages of lists, and bodies.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::refusal::{Answer, Refusal};

/// Most items of a page.
const MOST: u16 = 500;
/// Items of a page unless asked for more or fewer.
const USUAL: u16 = 100;

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Paging {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// How many items the page may have, 1 to 500; 100 without it.
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
}

impl Paging {
    pub fn limit(&self) -> Answer<usize> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit.into()),
            limit => Err(Refusal::bad(format!("`limit` is {limit}: write a number from 1 to {MOST}"))),
        }
    }

    /// The page of a whole list. The key of an item tells it from all others.
    pub fn of<T>(&self, all: Vec<T>, key: impl Fn(&T) -> &str) -> Answer<Page<T>> {
        let limit = self.limit()?;
        let start = match &self.cursor {
            None => 0,
            Some(cursor) => match all.iter().position(|item| key(item) == cursor) {
                Some(at) => at + 1,
                None => return Err(Refusal::bad("`cursor` is of no item that there is: begin with the first page")),
            },
        };
        let mut items: Vec<T> = all.into_iter().skip(start).take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| key(last).to_owned());
        Ok(Page { items, next })
    }
}

/// A query, refused with a problem where it makes no sense.
pub(crate) struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        let refused = |error: QueryRejection| Refusal::bad(format!("the query makes no sense: {}", error.body_text()));
        query.map(|Query(query)| Self(query)).map_err(refused)
    }
}

/// A JSON body, refused with a problem where it makes no sense.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or("");
        if media.split(';').next().is_none_or(|media| !media.trim().eq_ignore_ascii_case("application/json")) {
            let detail = "the body is not JSON: send it with `Content-Type: application/json`";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let refused = |error: BytesRejection| Refusal::new(error.status(), error.body_text());
        let bytes = Bytes::from_request(request, app).await.map_err(refused)?;
        // Types that are objects would also be read from the list of their fields, which no document says.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Err(Refusal::bad("the body makes no sense: send an object, not a list"));
        }
        let read = serde_json::from_slice(&bytes);
        read.map(Self).map_err(|error| Refusal::bad(format!("the body makes no sense: {}", told(&error))))
    }
}

/// What is wrong with a body, without what is in it.
fn told(error: &serde_json::Error) -> String {
    if error.is_data() {
        // It may quote the value, which is the caller's own and goes to nobody else.
        return error.to_string();
    }
    format!("it is not JSON at line {} column {}", error.line(), error.column())
}
