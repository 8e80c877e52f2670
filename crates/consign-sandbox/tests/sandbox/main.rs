//! The sandbox over real HTTP: every call with the specifications' own bodies, every refusal, every fault.

mod attentive;
mod criteo;
mod faults;
mod klaviyo;
mod meta;
mod page;
mod state;
mod tiktok;

use std::path::Path;
use std::time::Duration;

use consign_sandbox::{Options, Platform, Sandbox, serve};
use reqwest::{Client, Method, redirect};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// `jane.doe@example.com` and `+12065550100` by the specifications' vectors.
const JANE: &str = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
const JOHN: &str = "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30";
const PHONE: &str = "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f";

/// A sandbox of one test, and a client that follows nothing.
struct Rig {
    sandbox: Sandbox,
    client: Client,
    shutdown: CancellationToken,
}

/// What came back.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Rig {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let shutdown = CancellationToken::new();
        let sandbox = serve(options, shutdown.clone()).await.expect("it starts");
        let client = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Self { sandbox, client, shutdown }
    }

    async fn in_folder(folder: &Path) -> Self {
        Self::with(Options { state: Some(folder.to_owned()), ..Options::default() }).await
    }

    async fn stop(self) {
        drop(self.client);
        self.shutdown.cancel();
        self.sandbox.stopped().await;
    }

    /// Sends a request; `headers` as name and value, the body as it is.
    async fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Result<Got, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Got { status, headers, text: response.text().await? })
    }

    async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: String) -> Got {
        self.try_send(method, url, headers, body).await.expect("an answer")
    }

    fn url(&self, platform: Platform, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url(platform))
    }

    async fn look(&self, path: &str) -> Got {
        self.send("GET", &format!("http://{}{path}", self.sandbox.address()), &[], String::new()).await
    }

    /// The members of a list, as the sandbox received them.
    async fn members(&self, list: &str) -> Vec<Value> {
        let got = self.look(&format!("/lists/{list}.json")).await.json();
        got["members"].as_array().expect("members").clone()
    }
}

/// A body from JSON.
fn body(value: &Value) -> String {
    value.to_string()
}

/// Options under which a job is not done before the test ends.
fn slow_jobs() -> Options {
    Options { job_time: Duration::from_hours(1), ..Options::default() }
}
