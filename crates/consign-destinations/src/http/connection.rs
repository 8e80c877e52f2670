//! One request over the wire: time-outs, no redirects, answers of a bounded size.

use std::error::Error as _;
use std::io::Read as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::read::GzDecoder;
use reqwest::header::{CONTENT_ENCODING, LOCATION};
use reqwest::redirect;

use super::{Clock, Reply};

/// The largest answer that is read, in bytes, unpacked.
pub(crate) const MAX_ANSWER: usize = 16 << 20;

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the next bytes of an answer.
    pub read: Duration,
    /// For a request as a whole.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_mins(1), total: Duration::from_mins(3) }
    }
}

/// The client of all connections. It follows no redirect: what a token was made for is one host.
pub(super) fn client(timeouts: Timeouts) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("consign/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .timeout(timeouts.total)
        .build()
}

/// There was no answer, or none that may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransportError {
    /// No connection. Why, in the words of the machine: the name, the port, the certificate.
    Connect(String),
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Broken(String),
    /// The answer is larger than [`MAX_ANSWER`].
    TooLarge,
    /// The answer names another place. Its scheme and host.
    Redirect(String),
    /// The request cannot be put into bytes.
    Request(String),
}

impl TransportError {
    /// What happened, as a half sentence about the platform.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Connect(reason) => format!("cannot be reached ({reason})"),
            Self::Timeout => "did not answer in time".into(),
            Self::Broken(reason) => format!("broke the connection off ({reason})"),
            Self::TooLarge => format!("answered with more than {} MiB", MAX_ANSWER >> 20),
            Self::Redirect(place) => format!("sends on to {place}, and redirects are not followed"),
            Self::Request(reason) => format!("cannot be asked ({reason})"),
        }
    }
}

/// Sends a request and reads its answer.
pub(super) async fn exchange(request: reqwest::RequestBuilder, clock: &dyn Clock) -> Result<Reply, TransportError> {
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    if status.is_redirection() && status.as_u16() != 304 {
        let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let place = place.and_then(|place| response.url().join(place).ok());
        let place = place.map_or_else(|| "an unknown place".into(), |place| place.origin().ascii_serialization());
        return Err(TransportError::Redirect(place));
    }
    if response.content_length().is_some_and(|length| length > MAX_ANSWER as u64) {
        return Err(TransportError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let headers = std::mem::take(response.headers_mut());
    let packed = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding.as_bytes() == b"gzip");
    let body = if packed { unpacked(&body)? } else { body.freeze() };
    Ok(Reply::new(status.as_u16(), headers, body, clock.time()))
}

/// A body that was sent as gzip.
fn unpacked(packed: &[u8]) -> Result<Bytes, TransportError> {
    let mut body = Vec::new();
    let read = GzDecoder::new(packed).take(MAX_ANSWER as u64 + 1).read_to_end(&mut body);
    read.map_err(|_| TransportError::Broken("what it sent is not the gzip that it says".into()))?;
    if body.len() > MAX_ANSWER { Err(TransportError::TooLarge) } else { Ok(body.into()) }
}

/// What kept a request from its answer. The deepest cause says most, and holds no URL.
fn failed(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let (timeout, connect, request) = (error.is_timeout(), error.is_connect(), error.is_builder());
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        reason = deeper.to_string();
        cause = deeper.source();
    }
    if connect {
        TransportError::Connect(if timeout { "no connection in time".into() } else { reason })
    } else if timeout {
        TransportError::Timeout
    } else if request {
        TransportError::Request(reason)
    } else {
        TransportError::Broken(reason)
    }
}
