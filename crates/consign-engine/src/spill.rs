//! The spill folder. Each engine has a part of it for itself, and takes it along when it ends; what an engine left whose
//! process was killed goes when the next one is made. A lock tells the two apart, which the system lets go of with the
//! process.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// An engine's part of the spill folder.
#[derive(Debug)]
pub(crate) struct Spill {
    folder: TempDir,
    /// Held, not read.
    _lock: File,
}

impl Spill {
    /// A new part of that folder, which is made where it is missing.
    pub fn within(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        clear_spill(folder)?;
        loop {
            let own = tempfile::Builder::new().prefix("engine-").tempdir_in(folder)?;
            // Another process may have taken it for one that was left before it was locked.
            match File::open(own.path()) {
                Ok(lock) if lock.try_lock().is_ok() && own.path().exists() => {
                    return Ok(Self { folder: own, _lock: lock });
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes from a spill folder what engines left whose processes were killed: copies of tables, and so personal data.
pub fn clear_spill(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        // Who is ahead of us in clearing it is as good.
        let Some(left) = there(File::open(&path))? else { continue };
        match left.try_lock() {
            Ok(()) if path.is_dir() => there(fs::remove_dir_all(&path)).map(drop)?,
            Ok(()) => there(fs::remove_file(&path)).map(drop)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

fn there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}
