//! Buckets of object stores: Amazon S3, Google Cloud Storage, Azure Blob Storage, and what speaks like them.
//!
//! An object appears when its one request, or the last of its parts, is accepted. The parts of an upload whose process
//! was killed are invisible and cost storage until a lifecycle rule of the bucket removes them.

mod error;
mod services;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

pub(super) use self::services::{amazon_s3, azure_blob, google_cloud_storage};
use self::upload::ObjectUpload;
use super::{FileError, FileStore, Upload, name, probe};

/// How long a test waits for everything together.
const TEST_TIME: Duration = Duration::from_secs(30);

/// Files in a bucket.
pub(super) struct ObjectFiles {
    objects: Arc<dyn ObjectStore>,
    place: Arc<Place>,
}

/// Where that is, for messages.
#[derive(Debug)]
pub(super) struct Place {
    /// How locations begin: `s3`, `gs`, `azure`.
    scheme: &'static str,
    /// `bucket` or `container`.
    what: &'static str,
    bucket: String,
    /// Without slashes at its ends; may be empty.
    prefix: String,
    /// Host and port of the service.
    host: String,
    region: String,
    /// Which credentials to check.
    credentials: &'static str,
    /// The right that is needed.
    right: &'static str,
}

impl Place {
    fn location(&self, name: &str) -> String {
        format!("{}://{}/{}", self.scheme, self.bucket, self.key(name))
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

impl ObjectFiles {
    /// The path of a file. Parsed and not built, so that the object is called exactly as the file.
    fn path(&self, name: &str) -> Result<Path, FileError> {
        name::check(name)?;
        Path::parse(self.place.key(name)).map_err(|_| FileError::Setting {
            name: "prefix",
            reason: "has `.`, `..` or an empty folder in it: write it as `folder/folder`".into(),
        })
    }
}

#[async_trait]
impl FileStore for ObjectFiles {
    fn location(&self, name: &str) -> String {
        self.place.location(name)
    }

    async fn upload(&self, name: &str) -> Result<Box<dyn Upload>, FileError> {
        Ok(Box::new(ObjectUpload::new(Arc::clone(&self.objects), Arc::clone(&self.place), self.path(name)?)))
    }

    async fn remove(&self, name: &str) -> Result<(), FileError> {
        match self.objects.delete(&self.path(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error::explain(&self.place, &error)),
        }
    }

    async fn test(&self) -> Result<Vec<String>, FileError> {
        let Place { host, what, bucket, .. } = &*self.place;
        let proved = tokio::time::timeout(TEST_TIME, probe(self))
            .await
            .map_err(|_| FileError::TimedOut { place: host.clone(), after: TEST_TIME })??;
        let reached = [format!("reached `{host}` and signed in"), format!("found the {what} `{bucket}`")];
        Ok(reached.into_iter().chain(proved).collect())
    }
}
