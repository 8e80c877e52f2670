//! Where a run's files are: below the data directory, readable by its owner alone.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use consign_model::id::Slug;

/// The data directory of a workspace.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The data directory at that path; made where it is missing.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        private_folder(&path)?;
        Ok(Self(path.canonicalize()?))
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.0.join("consign.db")
    }

    /// What the engine spills, and copies of database tables.
    pub fn spill(&self) -> PathBuf {
        self.0.join("spill")
    }

    /// Keeps every other process from running a campaign while it is held; `None` where one does. The system lets go of
    /// it when the process ends, however it ends.
    pub(crate) fn hold(&self, campaign: &Slug) -> io::Result<Option<CampaignLock>> {
        let folder = self.0.join("locks");
        private_folder(&folder)?;
        let file = File::options().create(true).append(true).open(folder.join(campaign.as_str()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(CampaignLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The files of a run.
    pub fn run(&self, run_id: &str) -> RunFolder {
        RunFolder(self.0.join("runs").join(run_id))
    }
}

/// A campaign that this process runs. It is let go when this is dropped.
#[derive(Debug)]
pub(crate) struct CampaignLock(#[expect(dead_code, reason = "it is held, not read")] File);

/// The files of one run.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// A folder that is no run's, for a preview.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Makes it.
    pub fn create(&self) -> io::Result<()> {
        private_folder(&self.0)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Removes what only its run itself needed: the snapshot and the staged batches.
    pub(crate) fn clear(&self) -> io::Result<()> {
        remove_folder(&self.0.join("staged"))?;
        match fs::remove_file(self.snapshot()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The snapshot, Parquet.
    pub fn snapshot(&self) -> PathBuf {
        self.0.join("snapshot.parquet")
    }

    /// The recipients, Parquet.
    pub fn recipients(&self) -> PathBuf {
        self.0.join("recipients.parquet")
    }

    /// Who is in which group, Parquet; of exact splits only.
    pub fn assignments(&self) -> PathBuf {
        self.0.join("assignments.parquet")
    }

    /// What of the last run's assignments still holds, while this run assigns.
    pub(crate) fn carried_over(&self) -> PathBuf {
        self.0.join("carried_over.parquet")
    }

    /// The staged batches and rejects of a delivery.
    pub fn staged(&self, delivery: &str) -> PathBuf {
        self.0.join("staged").join(delivery)
    }

    /// The encoded requests of a delivery.
    pub fn requests(&self, delivery: &str) -> PathBuf {
        self.0.join("requests").join(delivery)
    }
}

/// Makes a folder, and those above it, for its owner alone.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Brings the names in a folder to disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a folder and what is in it, if it is there.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
