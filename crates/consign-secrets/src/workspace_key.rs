//! The one key of a workspace: opened when it is first needed, checked against the key that the data folder is sealed
//! with, and changed without a moment at which something could not be opened.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{fmt, iter};

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use crate::key_ring::{KeyId, KeyRing, SealError, new_key};
use crate::key_source::KeySource;

/// The workspace key cannot be used. Nothing was sealed or lost.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("the workspace key cannot be read from {place}: {reason}")]
    Unreadable {
        /// Where it is.
        place: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The file is gone that has sealed things.
    #[error("the workspace key {wanted} is missing: put {place} back from a backup")]
    Missing {
        /// Where it is.
        place: String,
        /// The key.
        wanted: KeyId,
    },
    /// It is not the key that the data folder's secrets are sealed with.
    #[error(
        "the workspace key in {place} is {found}, and this data folder is sealed with {wanted}: give the right key \
         with --key or CONSIGN_KEY; to change keys, put the new one before the old and run `consign keys rotate`"
    )]
    Wrong {
        /// Where it is.
        place: String,
        /// The key that is there.
        found: KeyId,
        /// The key that it should be.
        wanted: KeyId,
    },
    /// There is no newer key to change to.
    #[error(
        "{place} holds one key only: put a new one before it (`consign keys new` prints one), run `consign keys rotate`, \
         and take the old one out afterwards"
    )]
    NothingNewer {
        /// Where it is.
        place: String,
    },
    /// It is being changed, or is in use by somebody who would not notice the change.
    #[error("{0}")]
    Busy(&'static str),
    /// A file of the data folder failed.
    #[error("the file {} cannot be read or written: check that you may do both", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// No key can be made.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The key of a workspace, opened when it is first needed.
#[derive(Clone)]
pub struct WorkspaceKey {
    source: KeySource,
    folder: PathBuf,
    opened: Arc<OnceLock<Arc<OpenKey>>>,
}

/// The key while it is in use: nobody changes it meanwhile.
pub struct OpenKey {
    ring: KeyRing,
    _shared: File,
}

impl Deref for OpenKey {
    type Target = KeyRing;

    fn deref(&self) -> &KeyRing {
        &self.ring
    }
}

impl fmt::Debug for WorkspaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkspaceKey({})", self.source)
    }
}

impl WorkspaceKey {
    /// The key of a data folder, which exists.
    pub fn of(source: KeySource, data: &Path) -> Self {
        Self { source, folder: data.to_owned(), opened: Arc::default() }
    }

    /// Where it is kept.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// Opens it, once; makes it where it is in a file that was never there. A key that does not fit is refused.
    pub fn open(&self) -> Result<Arc<OpenKey>, KeyError> {
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        let lock = self.lock()?;
        match lock.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(KeyError::Busy(
                    "the workspace key is being changed: try again when `consign keys rotate` has ended",
                ));
            }
            Err(TryLockError::Error(reason)) => return Err(self.failed(LOCK, reason)),
        }
        let ring = self.fitting()?;
        Ok(Arc::clone(self.opened.get_or_init(|| Arc::new(OpenKey { ring, _shared: lock }))))
    }

    /// Whether it fits what the data folder is sealed with; `None` where nothing is sealed yet. Makes nothing.
    pub fn check(&self) -> Result<Option<KeyId>, KeyError> {
        // A key is made only where none is noted.
        self.noted()?.map(|_| self.fitting().map(|ring| ring.newest())).transpose()
    }

    /// Begins to change it. A file gets a new key before the old; elsewhere whoever keeps it has done so. A change that
    /// broke off goes on.
    pub fn rotate(&self) -> Result<Rotation<'_>, KeyError> {
        let lock = self.lock()?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(KeyError::Busy(
                    "another process works with the workspace key: wait for runs to end, or stop them, and try again",
                ));
            }
            Err(TryLockError::Error(reason)) => return Err(self.failed(LOCK, reason)),
        }
        let mut ring = self.fitting()?;
        if !ring.has_older() {
            let KeySource::File(path) = &self.source else {
                return Err(KeyError::NothingNewer { place: self.source.to_string() });
            };
            let old = self.text()?.ok_or_else(|| self.unreadable("it is gone"))?;
            let both = format!("{}\n{}\n", new_key()?.expose_secret(), old.expose_secret().trim());
            replace(path, both.as_bytes()).map_err(|reason| file_failed(path, reason))?;
            ring = self.fitting()?;
        }
        Ok(Rotation { key: self, ring, _exclusive: lock })
    }

    /// The keys that are there, made where there are none, of which one is the data folder's.
    fn fitting(&self) -> Result<KeyRing, KeyError> {
        let noted = self.noted()?;
        let ring = match (self.text()?, noted, &self.source) {
            (Some(text), ..) => self.parse(&text)?,
            (None, Some(wanted), _) => return Err(KeyError::Missing { place: self.source.to_string(), wanted }),
            (None, None, KeySource::File(path)) => {
                let line = format!("{}\n", new_key()?.expose_secret());
                make(path, line.as_bytes()).map_err(|reason| file_failed(path, reason))?;
                self.parse(&self.text()?.ok_or_else(|| self.unreadable("it is gone"))?)?
            }
            (None, None, _) => return Err(self.unreadable("nothing is there")),
        };
        if noted.is_none() {
            self.note(make, ring.newest())?;
        }
        // Somebody else may have noted another key first.
        match self.noted()? {
            Some(wanted) if !ring.has(wanted) => {
                Err(KeyError::Wrong { place: self.source.to_string(), found: ring.newest(), wanted })
            }
            _ => Ok(ring),
        }
    }

    fn text(&self) -> Result<Option<SecretString>, KeyError> {
        self.source.read().map_err(|reason| self.unreadable(&reason.to_string()))
    }

    fn parse(&self, text: &SecretString) -> Result<KeyRing, KeyError> {
        KeyRing::parse(text.expose_secret()).map_err(|reason| self.unreadable(reason))
    }

    fn unreadable(&self, reason: &str) -> KeyError {
        KeyError::Unreadable { place: self.source.to_string(), reason: reason.to_owned() }
    }

    /// The key that the data folder is sealed with.
    fn noted(&self) -> Result<Option<KeyId>, KeyError> {
        let text = match fs::read_to_string(self.folder.join(NOTED)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|reason| self.failed(NOTED, reason))?,
        };
        let id = KeyId::parse(&text).ok_or_else(|| self.failed(NOTED, io::Error::other("it holds no id of a key")))?;
        Ok(Some(id))
    }

    fn note(&self, write: impl Fn(&Path, &[u8]) -> io::Result<()>, id: KeyId) -> Result<(), KeyError> {
        write(&self.folder.join(NOTED), format!("{id}\n").as_bytes()).map_err(|reason| self.failed(NOTED, reason))
    }

    fn lock(&self) -> Result<File, KeyError> {
        let opened = File::options().create(true).append(true).open(self.folder.join(LOCK));
        opened.map_err(|reason| self.failed(LOCK, reason))
    }

    fn failed(&self, name: &str, reason: io::Error) -> KeyError {
        file_failed(&self.folder.join(name), reason)
    }
}

/// A key that is being changed: nobody else seals or opens anything meanwhile.
pub struct Rotation<'a> {
    key: &'a WorkspaceKey,
    ring: KeyRing,
    _exclusive: File,
}

impl Rotation<'_> {
    /// The new key, which seals, and the older ones.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Once everything is sealed with the new key: takes the older ones out of a file. Elsewhere that is left to whoever
    /// keeps them, and `false` is given.
    pub fn finish(self) -> Result<bool, KeyError> {
        self.key.note(replace, self.ring.newest())?;
        let KeySource::File(path) = &self.key.source else { return Ok(false) };
        let text = self.key.text()?.ok_or_else(|| self.key.unreadable("it is gone"))?;
        let newest = text.expose_secret().split(|c: char| c.is_whitespace() || c == ',').find(|word| !word.is_empty());
        let line: String = newest.into_iter().chain(iter::once("\n")).collect();
        replace(path, line.as_bytes()).map_err(|reason| file_failed(path, reason))?;
        Ok(true)
    }
}

/// In the data folder: the id of the key that it is sealed with.
const NOTED: &str = "key.id";
/// In the data folder: locked by who works with the key, and by who changes it.
const LOCK: &str = "key.lock";

fn file_failed(path: &Path, reason: io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), reason }
}

/// Writes a file that its owner alone may read, whole and on disk, in place of what is there.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, written) = written(path, bytes)?;
    written.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// The same where nothing is there: of several who do so at once, one's is kept.
fn make(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, written) = written(path, bytes)?;
    match written.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => File::open(folder)?.sync_all(),
    }
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<(PathBuf, NamedTempFile)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let mut file = NamedTempFile::new_in(&folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok((folder, file))
}
