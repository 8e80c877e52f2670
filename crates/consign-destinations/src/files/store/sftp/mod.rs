//! A folder of an SFTP server.
//!
//! SFTP knows no atomic upload, so a file is written under a temporary name in its folder, synced, measured and renamed.
//! OpenSSH replaces a file in one step (`posix-rename@openssh.com`); where a server cannot, the old file is removed first,
//! and for a moment there is none. Where the connection breaks off on the way, it is made again and the file goes on from what
//! the server has confirmed. What a process that was killed left under temporary names goes with the next file of that name.

mod connect;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::StatusCode;
use tokio::sync::OnceCell;

pub(super) use self::connect::sftp;
use self::connect::{Server, Session};
use self::upload::SftpUpload;
use super::{FileError, FileStore, Upload, name, probe};
use crate::http::{Patience, Waits};

/// How long a test waits for everything together.
const TEST_TIME: Duration = Duration::from_secs(30);
/// How temporary names end.
const PART: &str = ".part";
/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// Files in a folder of a server. Each file has a connection of its own, since servers end idle ones.
pub(super) struct SftpFiles {
    server: Arc<Server>,
    /// With connections that break off.
    patience: Arc<Patience>,
    /// Without a slash at its end; empty for the folder where the user arrives.
    folder: String,
    /// Temporary names in the folder when the first file was begun.
    left: OnceCell<Vec<String>>,
}

impl SftpFiles {
    fn path(&self, name: &str) -> Result<String, FileError> {
        name::check(name)?;
        Ok(self.in_folder(name))
    }

    fn in_folder(&self, name: &str) -> String {
        match self.folder.as_str() {
            "" => name.to_owned(),
            "/" => format!("/{name}"),
            folder => format!("{folder}/{name}"),
        }
    }
}

#[async_trait]
impl FileStore for SftpFiles {
    fn location(&self, name: &str) -> String {
        let path = self.in_folder(name);
        format!("sftp://{}/{}", self.server.host(), path.trim_start_matches('/'))
    }

    async fn upload(&self, name: &str) -> Result<Box<dyn Upload>, FileError> {
        let path = self.path(name)?;
        let temporary = format!(".{name}.{}{PART}", uuid::Uuid::now_v7());
        let (server, patience) = (Arc::clone(&self.server), Arc::clone(&self.patience));
        let upload = SftpUpload::begin(server, patience, &self.folder, self.in_folder(&temporary), path).await?;
        self.sweep(&upload, name, &temporary).await;
        Ok(Box::new(upload))
    }

    async fn remove(&self, name: &str) -> Result<(), FileError> {
        let path = self.path(name)?;
        let mut waits = Waits::default();
        loop {
            match self.remove_once(&path).await {
                Err(error) if error.is_lost_connection() && self.patience.wait(&mut waits).await => {}
                done => return done,
            }
        }
    }

    async fn test(&self) -> Result<Vec<String>, FileError> {
        let host = self.server.host();
        // Who tests wants to know how it stands now.
        let (server, patience) = (Arc::clone(&self.server), Arc::new(Patience::none()));
        let now = Self { server, patience, folder: self.folder.clone(), left: OnceCell::new() };
        tokio::time::timeout(TEST_TIME, now.prove())
            .await
            .unwrap_or_else(|_| Err(FileError::TimedOut { place: host.clone(), after: TEST_TIME }))
    }
}

impl SftpFiles {
    /// Removes what a process that died left of the file: lists are personal data, and the name is another each time. Who
    /// may not look into the folder leaves it; the upload says what is wrong. The folder is looked into once.
    async fn sweep(&self, upload: &SftpUpload, name: &str, own: &str) {
        let left = self.left.get_or_init(|| upload.names_ending_in(PART)).await;
        for left in left.iter().filter(|left| *left != own && is_temporary(left, name)) {
            upload.remove(&self.in_folder(left)).await;
        }
    }

    async fn remove_once(&self, path: &str) -> Result<(), FileError> {
        let session = self.server.connect().await?;
        let result = match session.raw.remove(path).await {
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(()),
            other => other.map(drop),
        };
        let result = match result {
            Ok(()) => Ok(()),
            Err(error) => Err(session.explain(&self.folder, &error).await),
        };
        session.close().await;
        result
    }

    async fn prove(&self) -> Result<Vec<String>, FileError> {
        let session = self.server.connect().await?;
        let mut proved = vec![
            format!("reached `{}`, whose host key is `{}`", self.server.host(), self.server.host_key()),
            format!("signed in as `{}`", self.server.username()),
        ];
        if !session.replaces {
            proved.push("the server cannot replace a file in one step: for a moment there will be none".into());
        }
        session.close().await;
        proved.extend(probe(self).await?);
        Ok(proved)
    }
}

/// Whether a name is a temporary one of that file.
fn is_temporary(name: &str, of: &str) -> bool {
    let unique = name.strip_prefix('.').and_then(|name| name.strip_prefix(of)?.strip_prefix('.')?.strip_suffix(PART));
    unique.is_some_and(|unique| uuid::Uuid::try_parse(unique).is_ok())
}

impl Session {
    /// What an answer means. A server whose disk is full says only that it failed, so it is asked for its free space.
    async fn explain(&self, folder: &str, error: &Error) -> FileError {
        let place = format!("sftp://{}/{}", self.host, folder.trim_start_matches('/'));
        match error {
            Error::Status(status) => match status.status_code {
                StatusCode::NoSuchFile => FileError::NoFolder(place),
                StatusCode::PermissionDenied => FileError::Permission {
                    place,
                    reason: "Permission denied".into(),
                    action: "create, rename and remove files in the folder",
                },
                StatusCode::Failure if self.is_full(folder).await => FileError::DiskFull(place),
                code => FileError::Other {
                    place,
                    reason: format!("the server answers `{code}` and no reason; check its disk, quota and log"),
                },
            },
            Error::Timeout => FileError::TimedOut { place: self.host.clone(), after: ANSWER_TIME },
            Error::IO(_) | Error::Limited(_) | Error::UnexpectedPacket | Error::UnexpectedBehavior(_) => {
                FileError::Unreachable { host: self.host.clone(), reason: "the connection broke off".into() }
            }
        }
    }

    async fn is_full(&self, folder: &str) -> bool {
        let folder = if folder.is_empty() { "." } else { folder };
        let space = self.raw.statvfs(folder).await;
        space.is_ok_and(|space| space.blocks_avail == 0 || space.inodes > 0 && space.inodes_avail == 0)
    }
}
