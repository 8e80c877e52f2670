//! Requests as kinds make them.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::client::{ClientError, ErrorClass};

/// A request as a kind makes it.
#[derive(Clone)]
pub(crate) struct Call {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, HeaderValue)>,
    pub(super) body: Option<Bytes>,
    /// The group of its limits.
    pub(super) group: &'static str,
    /// Whether doing it twice is as good as once.
    pub(super) repeatable: bool,
}

/// Where a request goes.
#[derive(Clone)]
pub(super) enum Target {
    /// A path below the base URL.
    Path(String),
    /// Path and query that the platform gave, below the base URL.
    Given(String),
    /// A place of its own, which no credentials go to.
    Elsewhere(Url),
}

impl Call {
    fn to(method: Method, target: Target) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, target, query, headers, body: None, group: "", repeatable: true }
    }

    /// A request without a body for a path below the base URL.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self::to(method, Target::Path(path.into()))
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::new(Method::POST, path).body(body)
    }

    /// A request for path and query as the platform gave them.
    pub(crate) fn given(path_and_query: String) -> Self {
        Self::to(Method::GET, Target::Given(path_and_query))
    }

    /// A request for another host. It must not be given credentials.
    pub(crate) fn elsewhere(url: Url) -> Self {
        Self::to(Method::GET, Target::Elsewhere(url))
    }

    #[must_use]
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// With that header, in place of one of that name. The value must be one that a header can hold.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    #[must_use]
    pub(crate) fn group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    /// Not to be made again where it may have had its effect.
    #[must_use]
    pub(crate) fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// Whether it has a body.
    pub(crate) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Whether it goes to another host than the platform's.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self.target, Target::Elsewhere(_))
    }

    /// Path and query as the platform gave them, where it is such a request.
    pub(crate) fn into_given(self) -> Option<String> {
        if let Target::Given(given) = self.target { Some(given) } else { None }
    }
}

/// A header that holds a secret. It fails where the secret has characters that no header can hold.
pub(crate) fn secret_header(prefix: &str, secret: &SecretString, name: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("{prefix}{}", secret.expose_secret())).map_err(|_| {
        let what = format!("`{name}` holds characters that no key has");
        ClientError::new(ErrorClass::Auth, what, "copy it again, without spaces or line breaks around it")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
