//! One file on its way to a server, under a temporary name.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

use super::connect::{Server, Session};
use crate::files::{FileError, Upload};
use crate::http::{Patience, Waits};

/// The extension that renames over an existing file.
pub(super) const RENAME: &str = "posix-rename@openssh.com";

/// What every server takes in one request, and how many are on their way at once.
const CHUNK: usize = 32 * 1024;
const AT_ONCE: usize = 64;

pub(super) struct SftpUpload {
    server: Arc<Server>,
    patience: Arc<Patience>,
    session: Session,
    folder: String,
    temporary: String,
    path: String,
    handle: String,
    written: u64,
    /// Whether the server was asked to give the file its name, so that it may have it.
    renaming: bool,
}

impl SftpUpload {
    /// Makes the temporary file, which must be new.
    pub(super) async fn begin(
        server: Arc<Server>,
        patience: Arc<Patience>,
        folder: &str,
        temporary: String,
        path: String,
    ) -> Result<Self, FileError> {
        let new = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        // One that an attempt has made whose answer was lost.
        let again = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let (mut flags, mut waits) = (new, Waits::default());
        let (session, handle) = loop {
            match open(&server, folder, &temporary, flags).await {
                Err(error) if error.is_lost_connection() && patience.wait(&mut waits).await => flags = again,
                opened => break opened?,
            }
        };
        let folder = folder.to_owned();
        Ok(Self { server, patience, session, folder, temporary, path, handle, written: 0, renaming: false })
    }

    /// The names in its folder with that end; as many as the server tells.
    pub(super) async fn names_ending_in(&self, end: &str) -> Vec<String> {
        let (raw, mut names) = (&self.session.raw, Vec::new());
        let folder = if self.folder.is_empty() { "." } else { self.folder.as_str() };
        let Ok(opened) = raw.opendir(folder).await else { return names };
        while let Ok(read) = raw.readdir(opened.handle.as_str()).await
            && !read.files.is_empty()
        {
            names.extend(read.files.into_iter().map(|file| file.filename).filter(|name| name.ends_with(end)));
        }
        raw.close(opened.handle).await.ok();
        names
    }

    /// Removes another file, if it may.
    pub(super) async fn remove(&self, path: &str) {
        self.session.raw.remove(path).await.ok();
    }

    /// After an error: connects again, to the temporary file as it is, where that is worth a try. Else the error.
    async fn come_back(&mut self, mut error: FileError, waits: &mut Waits) -> Result<(), FileError> {
        while error.is_lost_connection() && self.patience.wait(waits).await {
            match open(&self.server, &self.folder, &self.temporary, OpenFlags::WRITE).await {
                Ok((session, handle)) => {
                    (self.session, self.handle) = (session, handle);
                    return Ok(());
                }
                Err(next) => error = next,
            }
        }
        Err(error)
    }

    async fn send(&self, bytes: &Bytes) -> Result<(), FileError> {
        let (raw, handle) = (&self.session.raw, self.handle.as_str());
        let mut offset = self.written;
        let requests = bytes.chunks(CHUNK).map(|chunk| {
            let at = offset;
            offset += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            async move { raw.write(handle, at, chunk.to_vec()).await.map(drop) }
        });
        let requests: Vec<_> = requests.collect();
        match stream::iter(requests).buffer_unordered(AT_ONCE).try_collect::<()>().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.session.explain(&self.folder, &error).await),
        }
    }

    /// Whether the file has its name, and is whole.
    async fn stands(&mut self) -> Result<(), FileError> {
        self.session = self.server.connect().await?;
        match self.session.raw.stat(self.path.as_str()).await {
            Ok(found) => match found.attrs.size.unwrap_or(self.written) {
                found if found == self.written => Ok(()),
                found => Err(FileError::Incomplete { place: self.path.clone(), found, sent: self.written }),
            },
            Err(error) => Err(self.session.explain(&self.folder, &error).await),
        }
    }

    /// Gives the file its name, once it is whole.
    async fn finish(&mut self) -> Result<(), FileError> {
        let found = match self.settle().await {
            Ok(found) => found,
            Err(error) => return Err(self.session.explain(&self.folder, &error).await),
        };
        if found != self.written {
            return Err(FileError::Incomplete { place: self.path.clone(), found, sent: self.written });
        }
        self.renaming = true;
        match self.rename().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.session.explain(&self.folder, &error).await),
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
        let mut waits = Waits::default();
        while let Err(error) = self.send(&bytes).await {
            self.come_back(error, &mut waits).await?;
        }
        self.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<(), FileError> {
        let mut waits = Waits::default();
        let outcome = loop {
            let Err(error) = self.finish().await else { break Ok(()) };
            match self.come_back(error, &mut waits).await {
                Ok(()) => {}
                // It has its name already, and the answer was lost.
                Err(FileError::NoFolder(_)) if self.renaming => break self.stands().await,
                Err(error) => break Err(error),
            }
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

/// Connects, and opens a file.
async fn open(server: &Server, folder: &str, name: &str, flags: OpenFlags) -> Result<(Session, String), FileError> {
    let session = server.connect().await?;
    match session.raw.open(name, flags, FileAttributes::empty()).await {
        Ok(opened) => Ok((session, opened.handle)),
        Err(error) => {
            let error = session.explain(folder, &error).await;
            session.close().await;
            Err(error)
        }
    }
}
