//! What the settings and credentials of each service become.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use consign_model::spec::Settings;
use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::{FileError, required};
use super::{ObjectFiles, Place};

type Credentials = BTreeMap<String, SecretString>;

/// How long a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long one request may take: a part of 8 MiB over a line of 1.2 Mbit/s.
pub(super) const REQUEST_TIME: Duration = Duration::from_mins(1);

/// A server that is not there is given up after four tries, some 20 s at most.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(4),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(20),
    }
}

fn client(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(CONNECT_TIME)
        .with_timeout(REQUEST_TIME)
        .with_allow_http(allow_http)
        .with_user_agent(object_store::HeaderValue::from_static(concat!("consign/", env!("CARGO_PKG_VERSION"))))
}

/// Files in a bucket of Amazon S3, or of what speaks its protocol.
pub(in super::super) fn amazon_s3(settings: &Settings, credentials: &Credentials) -> Result<ObjectFiles, FileError> {
    let bucket = required(settings, "bucket")?;
    let region = settings.text("region").unwrap_or("us-east-1");
    let endpoint = endpoint(settings, "endpoint")?;
    let plain = endpoint.as_ref().is_some_and(|url| url.scheme() == "http");
    if plain && !settings.flag("allow_http") {
        let reason = "is not encrypted: write `https://`, or set `allow_http: true`".into();
        return Err(FileError::Setting { name: "endpoint", reason });
    }
    let mut builder = match (secret(credentials, "access_key_id"), secret(credentials, "secret_access_key")) {
        (Some(id), Some(key)) => AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(key),
        (None, None) => AmazonS3Builder::from_env(),
        (Some(_), None) => return Err(unset("secret_access_key", "`access_key_id` is given")),
        (None, Some(_)) => return Err(unset("access_key_id", "`secret_access_key` is given")),
    };
    if let Some(token) = secret(credentials, "session_token") {
        builder = builder.with_token(token);
    }
    if let Some(url) = &endpoint {
        builder = builder.with_endpoint(url.as_str().trim_end_matches('/'));
    }
    let builder = builder.with_bucket_name(bucket).with_region(region);
    let store = builder.with_retry(retry()).with_client_options(client(plain)).build();
    Ok(ObjectFiles {
        objects: built(store, "access_key_id")?,
        place: Arc::new(Place {
            scheme: "s3",
            what: "bucket",
            bucket: bucket.into(),
            prefix: prefix(settings),
            host: endpoint.as_ref().map_or_else(|| format!("s3.{region}.amazonaws.com"), host),
            region: region.into(),
            credentials: "`access_key_id`, `secret_access_key` and, where they are temporary, `session_token`",
            right: "put objects there (`s3:PutObject`, and `s3:AbortMultipartUpload`)",
        }),
    })
}

/// Files in a bucket of Google Cloud Storage.
pub(in super::super) fn google_cloud_storage(
    settings: &Settings,
    credentials: &Credentials,
) -> Result<ObjectFiles, FileError> {
    let bucket = required(settings, "bucket")?;
    let mut base = endpoint(settings, "base_url")?;
    if base.is_none() {
        base = endpoint(settings, "endpoint")?;
    }
    let mut builder = match secret(credentials, "service_account_key") {
        Some(key) => GoogleCloudStorageBuilder::new().with_service_account_key(key),
        None => GoogleCloudStorageBuilder::from_env(),
    };
    if let Some(url) = &base {
        builder = builder.with_base_url(url.as_str().trim_end_matches('/'));
    }
    let plain = base.as_ref().is_some_and(|url| url.scheme() == "http");
    let builder = builder.with_bucket_name(bucket).with_retry(retry()).with_client_options(client(plain));
    Ok(ObjectFiles {
        objects: built(builder.build(), "service_account_key")?,
        place: Arc::new(Place {
            scheme: "gs",
            what: "bucket",
            bucket: bucket.into(),
            prefix: prefix(settings),
            host: base.as_ref().map_or_else(|| "storage.googleapis.com".into(), host),
            region: String::new(),
            credentials: "`service_account_key`",
            right: "create and replace objects there (the role Storage Object User)",
        }),
    })
}

/// Files in a container of Azure Blob Storage.
pub(in super::super) fn azure_blob(settings: &Settings, credentials: &Credentials) -> Result<ObjectFiles, FileError> {
    let account = required(settings, "account")?;
    let container = required(settings, "container")?;
    let endpoint = endpoint(settings, "endpoint")?;
    let mut builder = MicrosoftAzureBuilder::new().with_account(account).with_container_name(container);
    builder = match (secret(credentials, "access_key"), secret(credentials, "sas_token")) {
        (Some(key), _) => builder.with_access_key(key),
        (None, Some(token)) => builder.with_config(AzureConfigKey::SasKey, token),
        (None, None) => return Err(unset("access_key", "there is no `sas_token`")),
    };
    if let Some(url) = &endpoint {
        builder = builder.with_endpoint(url.as_str().trim_end_matches('/').to_owned());
    }
    let plain = endpoint.as_ref().is_some_and(|url| url.scheme() == "http");
    let store = builder.with_retry(retry()).with_client_options(client(plain)).build();
    Ok(ObjectFiles {
        objects: built(store, "access_key")?,
        place: Arc::new(Place {
            scheme: "azure",
            what: "container",
            bucket: container.into(),
            prefix: prefix(settings),
            host: endpoint.as_ref().map_or_else(|| format!("{account}.blob.core.windows.net"), host),
            region: String::new(),
            credentials: "`account` and `access_key` or `sas_token`",
            right: "create, write and delete blobs there, and check the key or token and the account's network rules",
        }),
    })
}

fn secret<'c>(credentials: &'c Credentials, name: &str) -> Option<&'c str> {
    credentials.get(name).map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty())
}

fn unset(name: &'static str, since: &str) -> FileError {
    FileError::Setting { name, reason: format!("is not set, and {since}: add it to the credentials") }
}

fn endpoint(settings: &Settings, name: &'static str) -> Result<Option<Url>, FileError> {
    let refused =
        |_| FileError::Setting { name, reason: "is not a URL: write one such as `https://example.com`".into() };
    settings.text(name).filter(|text| !text.is_empty()).map(|text| Url::parse(text).map_err(refused)).transpose()
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn prefix(settings: &Settings) -> String {
    settings.text("prefix").unwrap_or_default().trim_matches('/').to_owned()
}

/// The errors of builders are those of malformed credentials, which they may repeat; so this does not.
fn built(
    store: Result<impl ObjectStore, object_store::Error>,
    credential: &'static str,
) -> Result<Arc<dyn ObjectStore>, FileError> {
    match store {
        Ok(store) => Ok(Arc::new(store)),
        Err(_) => Err(FileError::Setting {
            name: credential,
            reason: "is malformed: copy it again from the service, whole and unchanged".into(),
        }),
    }
}
