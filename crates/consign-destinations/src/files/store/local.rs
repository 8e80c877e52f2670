//! A folder of this machine.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use super::{FileError, FileStore, Upload, name, probe};

/// How temporary names end.
const PART: &str = ".part";

/// Files in a folder. The folder must be there: one that is made where a disk should have been mounted hides the list.
pub(super) struct LocalFiles {
    folder: PathBuf,
}

impl LocalFiles {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn checked(&self, name: &str) -> Result<PathBuf, FileError> {
        name::check(name)?;
        Ok(self.folder.join(name))
    }
}

#[async_trait]
impl FileStore for LocalFiles {
    fn location(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    async fn upload(&self, name: &str) -> Result<Box<dyn Upload>, FileError> {
        let target = self.checked(name)?;
        let folder = self.folder.clone();
        let prefix = format!(".{name}.");
        let file = blocking(&self.folder, move || {
            sweep(&folder, &prefix);
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix).suffix(PART);
            // Lists are personal data: for the owner and the group, less what the process masks.
            #[cfg(unix)]
            builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o660));
            let file = builder.tempfile_in(&folder)?;
            // Says to a sweeping process that this one lives; where there are no locks, nobody sweeps either.
            file.as_file().try_lock().ok();
            Ok(file)
        });
        Ok(Box::new(LocalUpload { file: file.await?, folder: self.folder.clone(), target }))
    }

    async fn remove(&self, name: &str) -> Result<(), FileError> {
        let target = self.checked(name)?;
        blocking(&self.folder, move || match fs::remove_file(target) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        })
        .await
    }

    async fn test(&self) -> Result<Vec<String>, FileError> {
        probe(self).await
    }
}

/// Removes what a process that died left of the file: lists are personal data, and the name is another each time. Where
/// that cannot be, the upload says what is wrong with the folder.
fn sweep(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(PART));
        // A list `a` has `.a.x1y2z3.part`, a list `a.b` `.a.b.x1y2z3.part`.
        let left = random.is_some_and(|random| !random.contains('.'))
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if left {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// A file under a temporary name in the same folder, which is removed when this is dropped.
struct LocalUpload {
    file: NamedTempFile,
    folder: PathBuf,
    target: PathBuf,
}

#[async_trait]
impl Upload for LocalUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FileError> {
        // A second handle of the same open file: both write at its end.
        let mut file = self.file.as_file().try_clone().map_err(|error| explain(&self.folder, &error))?;
        blocking(&self.folder, move || file.write_all(&bytes)).await
    }

    async fn publish(self: Box<Self>) -> Result<(), FileError> {
        let Self { file, folder, target } = *self;
        blocking(&folder.clone(), move || {
            file.as_file().sync_all()?;
            file.persist(target).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()
        })
        .await
    }

    async fn abort(self: Box<Self>) {
        let Self { file, folder, .. } = *self;
        blocking(&folder, move || file.close()).await.ok();
    }
}

/// Runs what may wait for a disk where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(
    folder: &Path,
    run: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FileError> {
    let result = spawn_blocking(run).await.unwrap_or_else(|error| Err(io::Error::other(error.to_string())));
    result.map_err(|error| explain(folder, &error))
}

fn explain(folder: &Path, error: &io::Error) -> FileError {
    let place = folder.display().to_string();
    match error.kind() {
        ErrorKind::NotFound => FileError::NoFolder(place),
        ErrorKind::NotADirectory => FileError::NotAFolder(place),
        ErrorKind::ReadOnlyFilesystem => FileError::ReadOnly(place),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileError::DiskFull(place),
        ErrorKind::PermissionDenied => FileError::NotWritable(place),
        // Tempfile adds the path, and the system's words are in what it wraps.
        _ => FileError::Other { place, reason: error.to_string() },
    }
}
