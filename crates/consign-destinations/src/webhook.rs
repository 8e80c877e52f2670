//! A signed message to an address that somebody has set up for it.
//!
//! The receiver computes HMAC-SHA256 over the timestamp, a full stop and the body as it came, with the secret that both
//! know, and compares it with the signature. The timestamp lets it refuse what somebody kept and sends again.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::Url;

use crate::client::{ClientError, ErrorClass};
use crate::http::{Access, Backoff, Call, Http, Platform, Protocol, Refusal, Reply, Setback};

/// The header with the message's id, the same however often it is sent.
pub const ID: &str = "consign-notification";
/// The header with the time of sending, in seconds since 1970.
pub const TIMESTAMP: &str = "consign-timestamp";
/// The header with the signature: `v1=` and hexadecimal digits.
pub const SIGNATURE: &str = "consign-signature";

/// Posts a JSON body to an address and waits until it is taken. It is tried again as the policy of the HTTP layer says.
pub async fn post(http: &Http, url: &str, secret: &SecretString, id: &str, body: String) -> Result<(), ClientError> {
    let wrong = || ClientError::new(ErrorClass::Config, "the address of the webhook is none", "correct its `url`");
    let url = Url::parse(url).map_err(|_| wrong())?;
    let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let secrets = vec![secret.clone()];
    let access = Access { base_url: &url.origin().ascii_serialization(), account: url.as_str(), secrets, rates: &[] };
    let platform = Platform::new(Receiver, http, access)?;
    let timestamp = http.time().timestamp();
    let header = |value: &str| HeaderValue::from_str(value).map_err(|_| wrong());
    let call = Call::post(path, body.clone())
        .header("content-type", HeaderValue::from_static("application/json"))
        .header(ID, header(id)?)
        .header(TIMESTAMP, HeaderValue::from(timestamp))
        .header(SIGNATURE, header(&signature(secret, timestamp, &body))?);
    match platform.call(&call).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.reply.is_none() => {
            let remedy = "see that the receiver is running, and check the `url` of the webhook".into();
            Err(ClientError { remedy, ..failure.error })
        }
        Err(failure) => Err(failure.error),
    }
}

/// The signature of a body that is sent at that time.
fn signature(secret: &SecretString, timestamp: i64, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length will do");
    mac.update(format!("{timestamp}.{body}").as_bytes());
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// What receivers' answers mean.
struct Receiver;

impl Protocol for Receiver {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn title(&self) -> &'static str {
        "the receiver"
    }

    fn judge(&self, reply: &Reply, _call: &Call) -> Result<(), Setback> {
        let what = format!("the receiver answered with {}", reply.status);
        match reply.status {
            200..=299 => Ok(()),
            401 | 403 => {
                let remedy = "check that both sides have the same secret";
                Err(Setback::never(Refusal::new(ErrorClass::Auth, what, remedy)))
            }
            429 => {
                let after = reply.header_number("retry-after").and_then(|s| Duration::try_from_secs_f64(s).ok());
                Err(Setback::again(
                    Backoff::LIMITED,
                    after,
                    Refusal::new(ErrorClass::Unavailable, what, "look at the receiver: it is asked too often"),
                ))
            }
            408 | 500..=599 => {
                Err(Setback::unavailable(Refusal::new(ErrorClass::Unavailable, what, "look at the receiver's log")))
            }
            _ => Err(Setback::never(Refusal::new(ErrorClass::Config, what, "check the `url` of the webhook"))),
        }
    }

    fn ids(&self, _reply: &Reply) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `openssl dgst -sha256 -hmac`.
    #[test]
    fn a_signature_is_the_hmac_of_timestamp_and_body() {
        let signed = signature(&"shared".into(), 1_793_000_000, "{\"a\":1}");
        assert_eq!(signed, "v1=fb990112e5929a36c62f77453d4f63517a3449445f7d7246df631590e9dba773");
    }
}
