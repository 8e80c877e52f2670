//! Tags: what keeps an edit from writing over another's.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::refusal::{Answer, Refusal};

/// What an edit was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Over {
    /// From nothing: it makes a new thing.
    Nothing,
    /// From what had this tag.
    Tag(String),
}

impl Over {
    /// What an edit says that it was made from.
    pub fn of(headers: &HeaderMap) -> Answer<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
            (Some(tag), None) => Ok(Self::Tag(tag.trim_start_matches("W/").trim_matches('"').to_owned())),
            (None, Some("*")) => Ok(Self::Nothing),
            _ => Err(Refusal::new(
                StatusCode::PRECONDITION_REQUIRED,
                "it is not said what the edit was made from: send the `ETag` as `If-Match`, or `If-None-Match: *` for a new thing",
            )),
        }
    }

    /// Refuses an edit that was made from something else than what there is.
    pub fn check(&self, there: Option<&str>) -> Answer<()> {
        match (self, there) {
            (Self::Nothing, None) => Ok(()),
            (Self::Tag(tag), Some(there)) if tag == there => Ok(()),
            (Self::Nothing, Some(_)) => Err(stale("it exists already: choose another id, or edit what there is")),
            (Self::Tag(_), None) => Err(stale("it is gone: somebody removed it meanwhile")),
            (Self::Tag(_), Some(_)) => Err(stale("somebody else has changed it meanwhile: load it again")),
        }
    }
}

/// An edit that came too late.
pub(crate) fn stale(detail: &str) -> Refusal {
    Refusal::new(StatusCode::PRECONDITION_FAILED, detail)
}

/// The tag of what says the same.
pub(crate) fn of_content(content: &impl Serialize) -> String {
    let digest = Sha256::digest(serde_json::to_vec(content).unwrap_or_default());
    hex::encode(&digest[..12])
}

/// A tag as a header.
pub(crate) fn header(tag: &str) -> [(header::HeaderName, HeaderValue); 1] {
    let value = HeaderValue::from_str(&format!("\"{tag}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    [(header::ETAG, value)]
}

/// A thing with its tag.
pub(crate) fn tagged<T: Serialize>(thing: T) -> ([(header::HeaderName, HeaderValue); 1], Json<T>) {
    (header(&of_content(&thing)), Json(thing))
}
