//! Backups: a folder with what cannot be made again of a workspace, as of one moment; and a workspace made from one.
//!
//! The store and the data folder go together: what is known of lists follows each answered request. So no campaign is run
//! while they are copied, and a backup has both or is none.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use consign_model::id::Slug;
use consign_secrets::{KeyError, KeySource};
use consign_store::{LeaseOn, Location, Outcome, SqlStore, Store, StoreError, examine, restore as restore_store};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use uuid::Uuid;

use crate::checksum::{Checksum, Summed};
use crate::folder::{DataFolder, entries, keep, kept, private_folder, sync_folder};
use crate::lease::{HeldByUs, LeaseError};

/// A backup was not made, or nothing was restored from it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A lease could not be asked for.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The workspace key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A campaign is being run.
    #[error(
        "the campaign `{0}` is being run, and what is copied meanwhile would not agree: try again when that has ended"
    )]
    Underway(Slug),
    /// There is something already.
    #[error("`{}` is there and is not empty: {remedy}", path.display())]
    Occupied {
        /// What is there.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// The key is not in a file.
    #[error("the workspace key is not in a file ({0}): back it up where it is kept, and leave out `--with-key`")]
    KeyElsewhere(String),
    /// It is no backup, or not a whole one.
    #[error("`{}` is not a whole backup: {reason}; use another one", path.display())]
    Damaged {
        /// The backup, or the file of it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer program made it.
    #[error("the backup was made by consign {made_by}, which this program is older than: use that or a newer program")]
    Newer {
        /// The program.
        made_by: String,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be copied: check that you may read and write there, and that the disk has room", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
}

/// What a backup came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// Where it is.
    pub backup: PathBuf,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the workspace key is in it.
    pub with_key: bool,
}

/// What restoring came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The data folder.
    pub data: PathBuf,
    /// When the backup was made.
    pub made_at: DateTime<Utc>,
    /// Whether the workspace key was in it.
    pub with_key: bool,
}

/// What is in a backup; written last.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    made_at: DateTime<Utc>,
    /// The version of the program.
    made_by: String,
    /// For whoever finds it.
    note: String,
    with_key: bool,
    files: Vec<Entry>,
}

/// A file of a backup, by its path below it.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    #[serde(flatten)]
    checksum: Checksum,
}

/// How a backup is laid out. A program knows those up to its own.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The store, as a file.
const STORE: &str = "store.db";
/// Below it is what the data folder has.
const DATA: &str = "data";
/// The key's file in a data folder, unless the user keeps it somewhere else.
const KEY: &str = "workspace.key";
const NOTE: &str = "This backup holds personal data: of lists, and of runs that are not over.";

/// What a data folder has that is no part of a backup: the store, which is copied by itself, the key, what only processes
/// that live need, and tests, which can be made again.
const LEFT_OUT: [&str; 8] =
    ["consign.db", "consign.db-wal", "consign.db-shm", KEY, "key.lock", "locks", "spill", "tests"];

/// Makes a backup in a folder that is made. Refused while a campaign is run. The key is in it only where it is asked for:
/// whoever has it as well can open all that is sealed in the backup.
pub async fn back_up(
    store: &SqlStore,
    data: &DataFolder,
    to: &Path,
    with_key: bool,
    actor: &str,
) -> Result<BackedUp, BackupError> {
    refuse_occupied(to, "name a folder that is to be made")?;
    let mut held = Vec::new();
    for campaign in campaigns(store).await? {
        let lease = HeldByUs::take(store, data, &LeaseOn::Campaign(campaign.clone())).await?;
        held.push(lease.ok_or(BackupError::Underway(campaign))?);
    }
    under_all(held, async {
        // The key is not changed while it is open.
        let _open = data.key().check()?.map(|_| data.key().open()).transpose()?;
        store.audit(actor, "back up", "workspace", &to.display().to_string()).await?;
        Copying::begin(to)?.finish(store, data, with_key).await
    })
    .await
}

/// Does something while many leases hold.
fn under_all<'a, T>(
    mut held: Vec<HeldByUs>,
    work: impl Future<Output = Result<T, BackupError>> + 'a,
) -> futures::future::LocalBoxFuture<'a, Result<T, BackupError>>
where
    T: 'a,
{
    Box::pin(async move {
        match held.pop() {
            Some(one) => one.during(async |_| under_all(held, work).await).await,
            None => work.await,
        }
    })
}

/// All campaigns of which there may be something that changes.
async fn campaigns(store: &dyn Store) -> Result<BTreeSet<Slug>, StoreError> {
    let mut campaigns = BTreeSet::new();
    if let Some(current) = store.current().await? {
        campaigns.extend(current.definitions.campaigns.into_iter().map(|campaign| campaign.id));
    }
    campaigns.extend(store.remembered_lists().await?.into_iter().map(|list| list.campaign));
    campaigns.extend(store.unfinished_runs().await?.into_iter().map(|run| run.campaign));
    for delivery in store.submitted_deliveries().await? {
        campaigns.insert(store.run(&delivery.run).await?.campaign);
    }
    Ok(campaigns)
}

/// A backup that is being made beside its place, where it appears whole.
struct Copying {
    to: PathBuf,
    made: TempDir,
    files: Vec<Entry>,
}

impl Copying {
    fn begin(to: &Path) -> Result<Self, BackupError> {
        Ok(Self { to: to.to_owned(), made: beside(to)?, files: Vec::new() })
    }

    async fn finish(mut self, store: &SqlStore, data: &DataFolder, with_key: bool) -> Result<BackedUp, BackupError> {
        // Of what begins meanwhile the store's copy knows nothing, so that its files are not missed.
        let copy = self.made.path().join(STORE);
        store.copy_to(&copy).await?;
        let open = still_needed(store).await?;
        fs::set_permissions(&copy, Permissions::from_mode(0o600)).map_err(|reason| failed(&copy, reason))?;
        let checksum = Checksum::of(&copy).map_err(|reason| failed(&copy, reason))?;
        self.files.push(Entry { path: STORE.into(), checksum });
        let runs = data.runs();
        for entry in entries(data.path()).map_err(|reason| failed(data.path(), reason))? {
            let name = entry.file_name().unwrap_or_default();
            if entry != runs && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                self.copy(&entry, &Path::new(DATA).join(name))?;
            }
        }
        for folder in entries(&runs).map_err(|reason| failed(&runs, reason))? {
            let Some(run) = folder.file_name().and_then(|name| name.to_str()) else { continue };
            let place = Path::new(DATA).join("runs").join(run);
            if open.contains(run) {
                self.copy(&folder, &place)?;
            } else if Uuid::try_parse(run).is_ok() {
                for path in data.run(run).stays().into_iter().filter(|path| path.exists()) {
                    self.copy(&path, &place.join(path.file_name().unwrap_or_default()))?;
                }
            }
        }
        if with_key {
            let KeySource::File(path) = data.key().source() else {
                return Err(BackupError::KeyElsewhere(data.key().source().to_string()));
            };
            self.copy(path, &Path::new(DATA).join(KEY))?;
        }
        self.publish(with_key)
    }

    /// Copies a file, or all files below a folder, but for those that were being written when a process died.
    fn copy(&mut self, from: &Path, to: &Path) -> Result<(), BackupError> {
        let kind = fs::symlink_metadata(from).map_err(|reason| failed(from, reason))?;
        if kind.is_dir() {
            for entry in entries(from).map_err(|reason| failed(from, reason))? {
                self.copy(&entry, &to.join(entry.file_name().unwrap_or_default()))?;
            }
        } else if kind.is_file() && !half_written(from) {
            let checksum = copy_file(from, &self.made.path().join(to)).map_err(|reason| failed(from, reason))?;
            self.files.push(Entry { path: to.to_owned(), checksum });
        }
        Ok(())
    }

    fn publish(self, with_key: bool) -> Result<BackedUp, BackupError> {
        let (files, bytes) = (self.files.len() as u64, self.files.iter().map(|entry| entry.checksum.bytes).sum());
        let manifest = Manifest {
            format: FORMAT,
            made_at: Utc::now(),
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            note: NOTE.to_owned(),
            with_key,
            files: self.files,
        };
        let path = self.made.path().join(MANIFEST);
        keep(&path, &manifest).map_err(|reason| failed(&path, reason))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(|reason| failed(&path, reason))?;
        publish(self.made, &self.to)?;
        Ok(BackedUp { backup: self.to, files, bytes, with_key })
    }
}

/// The runs whose staged data somebody may go on with.
async fn still_needed(store: &dyn Store) -> Result<HashSet<String>, StoreError> {
    let mut runs: HashSet<String> = store.unfinished_runs().await?.into_iter().map(|run| run.id).collect();
    let staged = store.runs_with_staged_data(Utc::now()).await?.into_iter();
    runs.extend(staged.filter(|run| run.state.outcome() != Some(Outcome::Succeeded)).map(|run| run.id));
    runs.extend(store.submitted_deliveries().await?.into_iter().map(|delivery| delivery.run));
    Ok(runs)
}

/// Makes a workspace from a backup: its data folder there, which is made, and its store. A workspace that lives is left as
/// it is, and of a backup that is not whole nothing is used.
pub async fn restore(from: &Path, data: &Path, store: &Location, actor: &str) -> Result<Restored, BackupError> {
    let remedy = "name another data folder with `--data`, or move that one away";
    refuse_occupied(data, remedy)?;
    let manifest = manifest(from)?;
    let made = beside(data)?;
    for Entry { path, checksum } in &manifest.files {
        let place = path.strip_prefix(DATA).unwrap_or(path);
        let source = from.join(path);
        let damaged = |reason: &str| BackupError::Damaged { path: source.clone(), reason: reason.to_owned() };
        let copied = match copy_file(&source, &made.path().join(place)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("it is missing")),
            copied => copied.map_err(|reason| failed(&source, reason))?,
        };
        if copied != *checksum {
            return Err(damaged("it is not as it was written"));
        }
    }
    let copy = made.path().join(STORE);
    examine(&copy.clone().into()).await?;
    let own = data.join("consign.db");
    if *store == Location::File(own) {
        fs::rename(&copy, made.path().join("consign.db")).map_err(|reason| failed(&copy, reason))?;
    } else {
        restore_store(&copy, store).await?;
        fs::remove_file(&copy).map_err(|reason| failed(&copy, reason))?;
    }
    publish(made, data)?;
    let opened = SqlStore::open(store.clone()).await?;
    opened.audit(actor, "restore", "workspace", &from.display().to_string()).await?;
    opened.close().await;
    Ok(Restored { data: data.to_owned(), made_at: manifest.made_at, with_key: manifest.with_key })
}

/// Whether a file was being written when a process died: nobody looks for it.
fn half_written(path: &Path) -> bool {
    let temporary = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".tmp"));
    temporary || path.extension().is_some_and(|extension| extension == "tmp")
}

/// What a backup says that it holds.
fn manifest(backup: &Path) -> Result<Manifest, BackupError> {
    let damaged = |reason: String| BackupError::Damaged { path: backup.to_owned(), reason };
    let path = backup.join(MANIFEST);
    let value: serde_json::Value = match kept(&path) {
        Ok(Some(value)) => value,
        Ok(None) => return Err(damaged(format!("it has no `{MANIFEST}`"))),
        Err(error) => return Err(damaged(format!("its `{MANIFEST}` cannot be read ({error})"))),
    };
    if value["format"].as_u64().is_some_and(|format| format > u64::from(FORMAT)) {
        return Err(BackupError::Newer { made_by: value["made_by"].as_str().unwrap_or("(unknown)").to_owned() });
    }
    let manifest: Manifest =
        serde_json::from_value(value).map_err(|error| damaged(format!("its `{MANIFEST}` makes no sense ({error})")))?;
    let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    match manifest.files.iter().find(|entry| !inside(&entry.path)) {
        Some(entry) => Err(damaged(format!("it names `{}`, which is not in it", entry.path.display()))),
        None if !manifest.files.iter().any(|entry| entry.path == Path::new(STORE)) => {
            Err(damaged("it has no store".to_owned()))
        }
        None => Ok(manifest),
    }
}

fn refuse_occupied(path: &Path, remedy: &'static str) -> Result<(), BackupError> {
    let occupied = || Err(BackupError::Occupied { path: path.to_owned(), remedy });
    match entries(path) {
        Ok(found) if found.is_empty() => Ok(()),
        Ok(_) => occupied(),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => occupied(),
        Err(reason) => Err(failed(path, reason)),
    }
}

/// A folder for its owner alone, from which another is made at once and whole. It is removed where that is not.
fn beside(path: &Path) -> Result<TempDir, BackupError> {
    let parent = parent(path);
    let made = fs::create_dir_all(parent).and_then(|()| {
        tempfile::Builder::new().prefix(".consign-").permissions(Permissions::from_mode(0o700)).tempdir_in(parent)
    });
    made.map_err(|reason| failed(parent, reason))
}

/// Gives a folder its place.
fn publish(made: TempDir, path: &Path) -> Result<(), BackupError> {
    fs::rename(made.path(), path).map_err(|reason| failed(path, reason))?;
    // Nothing is there any more that would be removed.
    let _ = made.keep();
    sync_folder(parent(path)).map_err(|reason| failed(path, reason))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Copies a file, for its owner alone, onto the disk.
fn copy_file(from: &Path, to: &Path) -> io::Result<Checksum> {
    let mut source = File::open(from)?;
    private_folder(parent(to))?;
    let file = File::options().create_new(true).write(true).mode(0o600).open(to)?;
    let mut copy = Summed::new(file);
    io::copy(&mut source, &mut copy)?;
    let (file, checksum) = copy.finish();
    file.sync_all()?;
    Ok(checksum)
}

fn failed(path: &Path, reason: io::Error) -> BackupError {
    BackupError::File { path: path.to_owned(), reason }
}
