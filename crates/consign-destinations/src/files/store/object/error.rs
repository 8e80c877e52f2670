//! What the errors of object stores mean to people.

use std::error::Error;
use std::io::{self, ErrorKind};

use object_store::client::{HttpError, HttpErrorKind};

use super::Place;
use super::services::REQUEST_TIME;
use crate::files::FileError;

/// The services' words for credentials that are not accepted, where the status alone does not say so.
const NOT_ACCEPTED: [&str; 8] = [
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "InvalidToken",
    "ExpiredToken",
    "TokenRefreshRequired",
    "AuthenticationFailed",
    "InvalidAuthenticationInfo",
    "invalid_grant",
];

/// What went wrong, and what to do. Only codes and words of the system are repeated, never addresses with their
/// signatures.
pub(super) fn explain(place: &Place, error: &object_store::Error) -> FileError {
    let text = chain(error);
    let code = code(&text);
    let reason = code.or_else(|| status(&text)).unwrap_or("no reason given").to_owned();
    let location = || format!("{}://{}", place.scheme, place.bucket);
    let credentials =
        || FileError::Credentials { place: place.host.clone(), reason: reason.clone(), credentials: place.credentials };
    if NOT_ACCEPTED.iter().any(|word| code == Some(word) || text.contains(word)) {
        return credentials();
    }
    if text.contains("AuthorizationHeaderMalformed") || text.contains("incorrectly configured region") {
        return FileError::Region { bucket: place.bucket.clone(), region: place.region.clone() };
    }
    match error {
        object_store::Error::NotFound { .. } => FileError::NoBucket { what: place.what, name: place.bucket.clone() },
        object_store::Error::Unauthenticated { .. } => credentials(),
        object_store::Error::PermissionDenied { .. } => {
            FileError::Permission { place: location(), reason, action: place.right }
        }
        _ => network(place, error, &text).unwrap_or_else(|| FileError::Other {
            place: location(),
            reason: match code.or_else(|| status(&text)) {
                Some(answer) => format!("the service answers `{answer}`; try again later"),
                None => "the service cannot be understood; check that the address is that of an object store".into(),
            },
        }),
    }
}

/// Whether no answer came at all, and why.
fn network(place: &Place, error: &object_store::Error, text: &str) -> Option<FileError> {
    let host = place.host.clone();
    let mut kind = None;
    let mut innermost: &dyn Error = error;
    loop {
        kind = innermost.downcast_ref::<HttpError>().map(HttpError::kind).or(kind);
        if let Some(error) = innermost.downcast_ref::<io::Error>() {
            match error.kind() {
                ErrorKind::ConnectionRefused => return Some(FileError::Refused { host }),
                ErrorKind::TimedOut => kind = Some(HttpErrorKind::Timeout),
                _ => {}
            }
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => break,
        }
    }
    let kind = kind?;
    let lower = text.to_lowercase();
    Some(if lower.contains("dns error") || lower.contains("failed to lookup address") {
        FileError::Dns { host }
    } else if ["certificate", "tls", "handshake", "corrupt message"].iter().any(|word| lower.contains(word)) {
        FileError::Tls { host, reason: innermost.to_string() }
    } else if kind == HttpErrorKind::Timeout {
        FileError::TimedOut { place: host, after: REQUEST_TIME }
    } else {
        FileError::Unreachable { host, reason: innermost.to_string() }
    })
}

/// The error and its causes as text.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// The code of an XML answer: `<Code>NoSuchBucket</Code>`.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}

/// The status of an answer: `403 Forbidden`.
fn status(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("status code: ")?;
    Some(rest.split(':').next().unwrap_or(rest).trim())
}
