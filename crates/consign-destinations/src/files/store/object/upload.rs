//! One object on its way: one request where it is small, else parts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use super::Place;
use super::error::explain;
use crate::files::{FileError, Upload};

/// The size of parts. The services take 10,000, so parts grow by as much after each 1,000: 440 GB in all. Between steps
/// parts are equal, which some services ask for.
const PART: usize = 8 * 1024 * 1024;
const PARTS_OF_A_SIZE: usize = 1000;
/// Parts on their way at once. Memory is this and one more.
const AT_ONCE: usize = 4;

pub(super) struct ObjectUpload {
    objects: Arc<dyn ObjectStore>,
    place: Arc<Place>,
    path: Path,
    pending: BytesMut,
    parts: Option<Parts>,
}

/// The parts of an object, once it is larger than one.
struct Parts {
    upload: Box<dyn MultipartUpload>,
    sending: JoinSet<object_store::Result<()>>,
    begun: usize,
}

impl ObjectUpload {
    pub(super) fn new(objects: Arc<dyn ObjectStore>, place: Arc<Place>, path: Path) -> Self {
        Self { objects, place, path, pending: BytesMut::new(), parts: None }
    }

    async fn send_parts(&mut self) -> object_store::Result<()> {
        while self.pending.len() >= part_size(self.parts.as_ref()) {
            let part = self.pending.split_to(part_size(self.parts.as_ref())).freeze();
            let parts = match &mut self.parts {
                Some(parts) => parts,
                None => self.parts.insert(Parts {
                    upload: self.objects.put_multipart(&self.path).await?,
                    sending: JoinSet::new(),
                    begun: 0,
                }),
            };
            parts.send(part).await?;
        }
        Ok(())
    }

    async fn complete(&mut self) -> object_store::Result<()> {
        let rest = self.pending.split().freeze();
        let Some(parts) = &mut self.parts else {
            return self.objects.put(&self.path, PutPayload::from_bytes(rest)).await.map(drop);
        };
        if !rest.is_empty() {
            parts.send(rest).await?;
        }
        while parts.one_sent().await? {}
        parts.upload.complete().await.map(drop)
    }
}

fn part_size(parts: Option<&Parts>) -> usize {
    PART * (1 + parts.map_or(0, |parts| parts.begun / PARTS_OF_A_SIZE))
}

impl Parts {
    async fn send(&mut self, part: Bytes) -> object_store::Result<()> {
        while self.sending.len() >= AT_ONCE {
            self.one_sent().await?;
        }
        self.sending.spawn(self.upload.put_part(PutPayload::from_bytes(part)));
        self.begun += 1;
        Ok(())
    }

    /// Waits for a part; whether there was one to wait for.
    async fn one_sent(&mut self) -> object_store::Result<bool> {
        match self.sending.join_next().await {
            None => Ok(false),
            Some(Ok(sent)) => sent.map(|()| true),
            Some(Err(error)) => Err(object_store::Error::JoinError { source: error }),
        }
    }

    /// Gives the parts up. Who cannot be told keeps them, invisible.
    async fn abort(mut self) {
        self.sending.shutdown().await;
        self.upload.abort().await.ok();
    }
}

#[async_trait]
impl Upload for ObjectUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FileError> {
        self.pending.extend_from_slice(&bytes);
        self.send_parts().await.map_err(|error| explain(&self.place, &error))
    }

    async fn publish(mut self: Box<Self>) -> Result<(), FileError> {
        let result = self.complete().await.map_err(|error| explain(&self.place, &error));
        if result.is_err() {
            self.abort().await;
        }
        result
    }

    async fn abort(self: Box<Self>) {
        if let Some(parts) = self.parts {
            parts.abort().await;
        }
    }
}
