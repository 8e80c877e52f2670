//! Where a run's files are: below the data directory, readable by its owner alone.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use consign_points::Point;
use consign_secrets::{KeySource, WorkspaceKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The data directory of a workspace.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
    key: WorkspaceKey,
}

impl DataFolder {
    /// The data directory at that path, made where it is missing, whose key is in it.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self::open_with(path, None)
    }

    /// The same with its key kept somewhere else.
    pub fn open_with(path: impl Into<PathBuf>, key: Option<KeySource>) -> io::Result<Self> {
        let path = path.into();
        private_folder(&path)?;
        let path = path.canonicalize()?;
        let key = WorkspaceKey::of(key.unwrap_or_else(|| KeySource::default_of(&path)), &path);
        Ok(Self { path, key })
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key with which it is sealed what must not lie about plain.
    pub fn key(&self) -> &WorkspaceKey {
        &self.key
    }

    /// Its id, made where it has none: what a store knows it by, wherever it is moved.
    pub fn id(&self) -> io::Result<String> {
        let path = self.path.join(ID);
        let mut written = tempfile::NamedTempFile::new_in(&self.path)?;
        write!(written, "{}", Uuid::now_v7())?;
        written.as_file().sync_all()?;
        match written.persist_noclobber(&path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error),
            _ => sync_folder(&self.path)?,
        }
        Ok(fs::read_to_string(path)?.trim().to_owned())
    }

    /// The id of the data directory at that path; `None` where it has none, or is not there.
    pub fn id_of(path: &Path) -> io::Result<Option<String>> {
        match fs::read_to_string(path.join(ID)) {
            Ok(id) => Ok(Some(id.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.path.join("consign.db")
    }

    /// What the engine spills, and copies of database tables.
    pub fn spill(&self) -> PathBuf {
        self.path.join("spill")
    }

    /// A sign that who has that id lives, which the system takes back when the process ends, however it ends.
    pub(crate) fn live_as(&self, id: &str) -> io::Result<SignOfLife> {
        let folder = self.path.join(LIVING);
        private_folder(&folder)?;
        let path = folder.join(id);
        let file = File::options().create_new(true).append(true).open(&path)?;
        file.try_lock()?;
        Ok(SignOfLife { _locked: file, path })
    }

    /// Removes what is left of who has that id and does not live.
    pub(crate) fn forget_dead(&self, id: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(LIVING).join(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether who has that id lives on this machine.
    pub(crate) fn lives(&self, id: &str) -> io::Result<bool> {
        match File::open(self.path.join(LIVING).join(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(error),
            },
        }
    }

    /// Credentials that platforms gave in place of the user's, sealed.
    pub(crate) fn rotated(&self) -> PathBuf {
        self.path.join("credentials")
    }

    /// What is known of the platforms' lists.
    pub(crate) fn memberships(&self) -> PathBuf {
        self.path.join("memberships")
    }

    /// What is known of one list. The place is what the lists of its destination are remembered by.
    pub(crate) fn membership(&self, place: &str, list_id: &str) -> PathBuf {
        self.memberships().join(place).join(hex::encode(&Sha256::digest(list_id)[..12]))
    }

    /// Where the files of all runs are.
    pub(crate) fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// The files of a run.
    pub fn run(&self, run_id: &str) -> RunFolder {
        RunFolder(self.runs().join(run_id))
    }

    /// The files of a preview, which are removed when it ends.
    pub(crate) fn preview(&self, id: Uuid) -> RunFolder {
        self.run(&format!("{PREVIEW}{id}"))
    }

    /// Removes what previews left that were begun before a moment and killed.
    pub(crate) fn delete_previews(&self, before: DateTime<Utc>) -> io::Result<()> {
        for folder in entries(&self.runs())? {
            if begun(&folder, PREVIEW).is_some_and(|begun| begun < before.timestamp()) {
                remove_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// What tests kept, a folder each.
    pub(crate) fn tests(&self) -> PathBuf {
        self.path.join("tests")
    }

    /// Removes the personal data that all tests kept, and what those left that were begun before a moment and killed;
    /// whether one is being made.
    pub(crate) fn delete_test_files(&self, killed: DateTime<Utc>) -> io::Result<bool> {
        let mut under_way = false;
        for folder in entries(&self.tests())? {
            let whole = TestFolder::at(&folder);
            if whole.summary().exists() {
                remove_folder(&whole.files())?;
            } else if begun(&folder, "").is_some_and(|begun| begun >= killed.timestamp()) {
                under_way = true;
            } else {
                remove_folder(&folder)?;
            }
        }
        Ok(under_way)
    }

    /// Removes the personal data that tests kept which were begun before a moment, and all that killed ones left.
    pub(crate) fn delete_tests(&self, before: DateTime<Utc>) -> io::Result<()> {
        for folder in entries(&self.tests())? {
            if begun(&folder, "").is_some_and(|begun| begun < before.timestamp()) {
                let whole = TestFolder::at(&folder);
                remove_folder(&if whole.summary().exists() { whole.files() } else { folder })?;
            }
        }
        Ok(())
    }
}

/// The file with the id of a data directory.
const ID: &str = "workspace.id";

/// What the names of previews' folders begin with.
const PREVIEW: &str = "preview-";

/// When what has that folder was begun, by the id in the folder's name, in seconds.
fn begun(folder: &Path, prefix: &str) -> Option<i64> {
    let id = folder.file_name()?.to_str()?.strip_prefix(prefix)?;
    i64::try_from(Uuid::try_parse(id).ok()?.get_timestamp()?.to_unix().0).ok()
}

/// What one test kept.
pub(crate) struct TestFolder(PathBuf);

impl TestFolder {
    /// At that path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What the test came to, JSON, without personal data.
    pub fn summary(&self) -> PathBuf {
        self.0.join("test.json")
    }

    /// What would have left, a folder for each delivery.
    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }
}

/// The folder with the signs of life.
const LIVING: &str = "locks";

/// A file that is locked as long as its process lives.
#[derive(Debug)]
pub(crate) struct SignOfLife {
    _locked: File,
    path: PathBuf,
}

impl Drop for SignOfLife {
    fn drop(&mut self) {
        // One that stays says as little as none.
        let _ = fs::remove_file(&self.path);
    }
}

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

    /// The tables as they were when the run began, JSON: with the definitions of its version they give its plan again.
    pub(crate) fn catalog(&self) -> PathBuf {
        self.0.join("catalog.json")
    }

    /// What is staged of each delivery, JSON; there once all of it is.
    pub(crate) fn staging(&self) -> PathBuf {
        self.0.join("staging.json")
    }

    /// What stays of a run: customer keys at most.
    pub(crate) fn stays(&self) -> [PathBuf; 3] {
        [self.recipients(), self.assignments(), self.exchanges()]
    }

    /// Removes everything that may hold personal data: all but what stays of a run.
    pub(crate) fn delete_staged(&self) -> io::Result<()> {
        let stays = self.stays();
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                remove_folder(&entry.path())?;
            } else if !stays.contains(&entry.path()) {
                fs::remove_file(entry.path())?;
            }
        }
        sync_folder(&self.0)
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

    /// What sending a delivery to its platform needs, and the rows that the platform refused.
    pub(crate) fn platform(&self, delivery: &str) -> PathBuf {
        self.0.join("platform").join(delivery)
    }

    /// What was asked of platforms and what they answered, JSON lines: no bodies, no personal data, no secrets.
    pub fn exchanges(&self) -> PathBuf {
        self.0.join("exchanges.jsonl")
    }
}

/// Keeps a value in a file, whole or not at all, and on disk when this returns.
pub(crate) fn keep<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    serde_json::to_writer(BufWriter::new(&mut file), value)?;
    file.sync_all()?;
    consign_points::pass(Point::NoteWritten);
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)?;
    consign_points::pass(Point::NoteKept);
    Ok(())
}

/// The value that a file keeps; `None` where there is no file.
pub(crate) fn kept<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match File::open(path) {
        Ok(file) => Ok(Some(serde_json::from_reader(BufReader::new(file))?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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

/// What is in a folder; nothing where it is not there.
pub(crate) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// All files below a folder; none where it does not exist.
pub(crate) fn below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in entries(folder)? {
        if path.is_dir() { below(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

/// Removes a folder and what is in it, if it is there.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
