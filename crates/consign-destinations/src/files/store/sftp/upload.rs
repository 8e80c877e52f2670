//! One file on its way to a server, under a temporary name.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

use super::Session;
use crate::files::{FileError, Upload};

/// The extension that renames over an existing file.
pub(super) const RENAME: &str = "posix-rename@openssh.com";

/// What every server takes in one request, and how many are on their way at once.
const CHUNK: usize = 32 * 1024;
const AT_ONCE: usize = 64;

pub(super) struct SftpUpload {
    session: Session,
    folder: String,
    temporary: String,
    path: String,
    handle: String,
    written: u64,
}

impl SftpUpload {
    /// Makes the temporary file, which must be new.
    pub(super) async fn begin(
        session: Session,
        folder: &str,
        temporary: String,
        path: String,
    ) -> Result<Self, FileError> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        match session.raw.open(&temporary, flags, FileAttributes::empty()).await {
            Ok(opened) => {
                let handle = opened.handle;
                Ok(Self { session, folder: folder.to_owned(), temporary, path, handle, written: 0 })
            }
            Err(error) => {
                let error = session.explain(folder, &error).await;
                session.close().await;
                Err(error)
            }
        }
    }

    /// Syncs, closes and measures the temporary file; how many bytes it holds.
    async fn settle(&self) -> Result<u64, Error> {
        let raw = &self.session.raw;
        if self.session.syncs {
            raw.fsync(self.handle.as_str()).await?;
        }
        raw.close(self.handle.as_str()).await?;
        // Who does not tell sizes is believed.
        Ok(raw.stat(self.temporary.as_str()).await?.attrs.size.unwrap_or(self.written))
    }

    async fn rename(&self) -> Result<(), Error> {
        let raw = &self.session.raw;
        if self.session.replaces {
            let mut names = Vec::with_capacity(8 + self.temporary.len() + self.path.len());
            for name in [&self.temporary, &self.path] {
                let length = u32::try_from(name.len()).map_err(|_| Error::Limited("path".into()))?;
                names.extend_from_slice(&length.to_be_bytes());
                names.extend_from_slice(name.as_bytes());
            }
            return match raw.extended(RENAME, names).await? {
                Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
                Packet::Status(status) => Err(Error::Status(status)),
                _ => Err(Error::UnexpectedPacket),
            };
        }
        match raw.remove(self.path.as_str()).await {
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => {}
            other => drop(other?),
        }
        raw.rename(self.temporary.as_str(), self.path.as_str()).await.map(drop)
    }

    /// Removes the temporary file, and ends the connection.
    async fn give_up(self) {
        self.session.raw.remove(self.temporary.as_str()).await.ok();
        self.session.close().await;
    }
}

#[async_trait]
impl Upload for SftpUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FileError> {
        let raw = &self.session.raw;
        let handle = self.handle.as_str();
        let mut offset = self.written;
        let requests = bytes.chunks(CHUNK).map(|chunk| {
            let at = offset;
            offset += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            async move { raw.write(handle, at, chunk.to_vec()).await.map(drop) }
        });
        let requests: Vec<_> = requests.collect();
        let sent = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect::<()>().await;
        self.written = offset;
        match sent {
            Ok(()) => Ok(()),
            Err(error) => Err(self.session.explain(&self.folder, &error).await),
        }
    }

    async fn publish(self: Box<Self>) -> Result<(), FileError> {
        let outcome = match self.settle().await {
            Ok(found) if found != self.written => {
                Err(FileError::Incomplete { place: self.path.clone(), found, sent: self.written })
            }
            Ok(_) => match self.rename().await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.session.explain(&self.folder, &error).await),
            },
            Err(error) => Err(self.session.explain(&self.folder, &error).await),
        };
        match outcome {
            Ok(()) => self.session.close().await,
            Err(_) => self.give_up().await,
        }
        outcome
    }

    async fn abort(self: Box<Self>) {
        self.session.raw.close(self.handle.as_str()).await.ok();
        self.give_up().await;
    }
}
