//! Criteo's tokens: they live for fifteen minutes, and are made from the application's secret or a refresh token.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use crate::client::{ClientError, ErrorClass};
use crate::http::{Call, Effect, Failure, Platform, secret_header};

use super::protocol::Protocol;

/// A token with less life than this is not used any more.
const MARGIN: Duration = Duration::from_mins(1);
/// How long a token lives where its answer does not say.
const LIFE: u64 = 900;
/// No token is believed to live longer, in seconds.
const LONGEST_LIFE: u64 = 86_400;

/// Makes tokens, and remembers the last.
pub(super) struct Tokens {
    client_id: String,
    client_secret: SecretString,
    /// The refresh token that holds now, and whether it is another than the one that was given.
    refresh: Mutex<Option<(SecretString, bool)>>,
    /// Held while a token is made, so that many calls make one.
    last: tokio::sync::Mutex<Option<Token>>,
}

/// A token that was made.
struct Token {
    secret: SecretString,
    header: HeaderValue,
    /// When it runs out.
    until: Instant,
}

impl Tokens {
    pub(super) fn new(client_id: String, client_secret: SecretString, refresh: Option<SecretString>) -> Self {
        let refresh = Mutex::new(refresh.map(|token| (token, false)));
        Self { client_id, client_secret, refresh, last: tokio::sync::Mutex::default() }
    }

    fn refresh(&self) -> std::sync::MutexGuard<'_, Option<(SecretString, bool)>> {
        self.refresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The refresh token that Criteo gave in place of ours.
    pub(super) fn rotated(&self) -> Option<SecretString> {
        self.refresh().as_ref().filter(|(_, rotated)| *rotated).map(|(token, _)| token.clone())
    }

    /// Forgets a token that was not taken.
    pub(super) async fn forget(&self, token: &HeaderValue) {
        let mut last = self.last.lock().await;
        if last.as_ref().is_some_and(|known| known.header == *token) {
            *last = None;
        }
    }

    /// The header of a token with life in it.
    pub(super) async fn valid(&self, platform: &Platform<Protocol>) -> Result<HeaderValue, Failure> {
        let mut last = self.last.lock().await;
        let known = match &*last {
            Some(known) if platform.now() + MARGIN <= known.until => known,
            _ => last.insert(self.make(platform).await?),
        };
        platform.learn(known.secret.clone());
        Ok(known.header.clone())
    }

    /// The body that asks for a token.
    fn form(&self, refresh: Option<&SecretString>) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", if refresh.is_some() { "refresh_token" } else { "client_credentials" });
        form.append_pair("client_id", &self.client_id);
        form.append_pair("client_secret", self.client_secret.expose_secret());
        if let Some(refresh) = refresh {
            form.append_pair("refresh_token", refresh.expose_secret());
        }
        form.finish()
    }

    async fn make(&self, platform: &Platform<Protocol>) -> Result<Token, Failure> {
        let refresh = self.refresh().as_ref().map(|(token, _)| token.clone());
        let media = HeaderValue::from_static("application/x-www-form-urlencoded");
        let call = Call::post("/oauth2/token", self.form(refresh.as_ref())).header("content-type", media);
        let call = call.header("accept", HeaderValue::from_static("application/json"));
        let reply = platform.call(&call).await.map_err(|mut failure| {
            if matches!(failure.status(), 400 | 401) {
                failure.error = ClientError {
                    class: ErrorClass::Auth,
                    what: "Criteo gives the application no token".into(),
                    remedy: "check `client_id` and `client_secret`, and `refresh_token` where there is one".into(),
                    ..failure.error
                };
                // Not to be taken for a token that has run out.
                failure.reply = None;
            }
            failure
        })?;
        let failed = |error| Failure { error, code: String::new(), reply: None, effect: Effect::None, attempts: 1 };
        let life = reply.json().get("expires_in").and_then(serde_json::Value::as_u64).unwrap_or(LIFE).min(LONGEST_LIFE);
        if let Some(new) = reply.text("/refresh_token") {
            let ours = refresh.as_ref().map(ExposeSecret::expose_secret);
            if ours.is_some_and(|ours| ours != new) {
                let new = SecretString::from(new);
                platform.learn(new.clone());
                *self.refresh() = Some((new, true));
            }
        }
        let secret = reply.text("/access_token").map(SecretString::from);
        let secret = secret.ok_or_else(|| failed(platform.senseless("a token")))?;
        let header = secret_header("Bearer ", &secret, "access_token").map_err(failed)?;
        Ok(Token { secret, header, until: platform.now() + Duration::from_secs(life) })
    }
}
