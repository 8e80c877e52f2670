//! Looking a workspace over: what is well, what is not, and what to do. Nothing is changed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use consign_model::definition::SecretPlace;
use consign_model::word;
use consign_secrets::{KeySource, Secrets, credential_purpose};
use consign_store::{Credential, Examined, Outcome, Run, RunState, Store, StoreError};
use serde::Serialize;

use crate::folder::{DataFolder, entries};
use crate::lease::{LeaseError, is_worked_on};
use crate::resume::Staging;
use crate::run::chain;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The data folder, and who may read it.
    DataFolder,
    /// The store's file.
    Store,
    /// The clock, against what happened last.
    Clock,
    /// The workspace key, and what is sealed with it.
    Key,
    /// The secrets that the definitions refer to.
    Secrets,
    /// The runs that are not finished.
    Runs,
    /// The staged files of runs that may go on.
    StagedFiles,
    /// The deliveries that platforms still work on.
    Submitted,
    /// The room on the disk.
    Disk,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// Somebody should look at it some time.
    Warning,
    /// Something will not work.
    Problem,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it is.
    pub state: State,
    /// What was seen; where it is not as it should be, also what to do. No secrets.
    pub message: String,
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
}

impl Check {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::DataFolder => "data folder",
            Self::Store => "store",
            Self::Clock => "clock",
            Self::Key => "key",
            Self::Secrets => "secrets",
            Self::Runs => "runs",
            Self::StagedFiles => "staged files",
            Self::Submitted => "submitted",
            Self::Disk => "disk",
        }
    }

    fn ok(self, message: impl Into<String>) -> Finding {
        Finding { check: self, state: State::Ok, message: message.into() }
    }

    fn warning(self, message: impl Into<String>) -> Finding {
        Finding { check: self, state: State::Warning, message: message.into() }
    }

    fn problem(self, message: impl Into<String>) -> Finding {
        Finding { check: self, state: State::Problem, message: message.into() }
    }

    /// What was found amiss, or that nothing was.
    fn or_ok(self, amiss: Vec<Finding>, message: impl Into<String>) -> Vec<Finding> {
        if amiss.is_empty() { vec![self.ok(message)] } else { amiss }
    }
}

impl State {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Health {
    /// How the worst of it is.
    pub fn state(&self) -> State {
        self.findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok)
    }
}

/// The folder itself: whether it is there, and its owner's alone.
pub fn data_folder(path: &Path) -> Finding {
    let (check, shown) = (Check::DataFolder, path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => check.problem(format!(
            "there is no data folder `{shown}`: name the right one with --data, or run `consign apply DIR` to begin one"
        )),
        Err(error) => check.problem(format!("the data folder `{shown}` cannot be looked at ({error}): check its path")),
        Ok(found) if !found.is_dir() => {
            check.problem(format!("`{shown}` is no folder: name the data folder with --data"))
        }
        Ok(found) => match found.permissions().mode() & 0o777 {
            mode if mode & 0o077 != 0 => check.problem(format!(
                "others may enter the data folder `{shown}`, which holds personal data (its mode is {mode:o}): run \
                 `chmod 700 {shown}`"
            )),
            _ => check.ok(format!("`{shown}` is its owner's alone")),
        },
    }
}

/// The store's file, as it was examined.
pub fn store_file(examined: &Result<Examined, StoreError>) -> Finding {
    let check = Check::Store;
    match examined {
        Err(error) => check.problem(chain(error)),
        Ok(Examined { schema, known, current: false, .. }) => check.warning(format!(
            "it is whole and has schema {schema}, and this program's is {known}: keep a copy, and the next command \
             brings it up; what it holds was not looked at"
        )),
        Ok(Examined { schema, .. }) => check.ok(format!("it is whole, at schema {schema}")),
    }
}

/// The store, where it was whole when it was examined and could not be read afterwards.
pub fn store_failed(error: &StoreError) -> Finding {
    Check::Store.problem(chain(error))
}

/// The clock, which must not be behind what happened already.
pub fn clock(examined: &Examined, now: DateTime<Utc>) -> Finding {
    let check = Check::Clock;
    match examined.last_event {
        Some(event) if event > now + CLOCK_SLACK => check.problem(format!(
            "it says {}, and the store's last event was at {}: set the clock; schedules and retention follow it",
            moment(now),
            moment(event)
        )),
        Some(event) => check.ok(format!("the store's last event was at {}", moment(event))),
        None => check.ok("nothing has happened yet"),
    }
}

/// How far clocks of machines that share a store may differ.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(5);

/// How long a delivery may be submitted before somebody should have looked. `serve` looks every few minutes.
const LONG: TimeDelta = TimeDelta::hours(1);

/// A workspace whose store can be used.
pub struct Examination<'a> {
    /// The data folder.
    pub folder: &'a DataFolder,
    /// The store.
    pub store: &'a dyn Store,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Examination<'_> {
    /// All that the store speaks of.
    pub async fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        if let Some(elsewhere) = self.elsewhere().await? {
            return Ok(vec![elsewhere]);
        }
        let credentials = self.store.credentials().await?;
        let key = self.key(&credentials);
        let key_works = key.iter().all(|finding| finding.state == State::Ok);
        let mut findings = key;
        findings.extend(self.secrets(&credentials, key_works).await?);
        findings.extend(self.runs().await?);
        findings.extend(self.staged_files().await?);
        findings.extend(self.submitted().await?);
        Ok(findings)
    }

    /// That the store goes with another data folder: then nothing here says anything of its runs.
    async fn elsewhere(&self) -> Result<Option<Finding>, StoreError> {
        let Some(first) = self.store.data_folder().await? else { return Ok(None) };
        let here = DataFolder::id_of(self.folder.path());
        Ok((here.ok().flatten().as_ref() != Some(&first.id)).then(|| {
            Check::DataFolder.problem(format!(
                "the store goes with the data folder `{}`, where the files of its runs are: name that one with --data",
                first.path
            ))
        }))
    }

    /// The workspace key: that it is the right one, opens what is stored, and is its owner's alone.
    fn key(&self, credentials: &[Credential]) -> Vec<Finding> {
        let (check, key) = (Check::Key, self.folder.key());
        let id = match key.check() {
            Err(error) => return vec![check.problem(chain(&error))],
            Ok(None) if credentials.is_empty() => return vec![check.ok("nothing is sealed yet")],
            Ok(None) => {
                return vec![check.problem(
                    "`key.id` is gone from the data folder, which says what the stored credentials are sealed with: put \
                     it back from a backup",
                )];
            }
            Ok(Some(id)) => id,
        };
        let mut amiss = Vec::new();
        if let KeySource::File(path) = key.source()
            && let Ok(found) = fs::metadata(path)
            && found.permissions().mode() & 0o077 != 0
        {
            let shown = path.display();
            amiss.push(check.problem(format!("others may read the key's file `{shown}`: run `chmod 600 {shown}`")));
        }
        if !credentials.is_empty() {
            match key.open() {
                Err(error) => amiss.push(check.problem(chain(&error))),
                Ok(key) => amiss.extend(credentials.iter().filter_map(|one| {
                    let name = &one.name;
                    let reason = key.open(&credential_purpose(name.as_str()), &one.sealed).err()?;
                    Some(check.problem(format!("the stored credential `{name}` does not open: {reason}")))
                })),
            }
        }
        let opened = word::count(credentials.len(), "stored credential");
        check.or_ok(amiss, format!("{id} fits the data folder and opens {opened}"))
    }

    /// The secrets that the current definitions refer to. Stored ones only where the key works: else it is the key that
    /// something is wrong with.
    async fn secrets(&self, credentials: &[Credential], key_works: bool) -> Result<Vec<Finding>, StoreError> {
        let check = Check::Secrets;
        let Some(current) = self.store.current().await? else {
            return Ok(vec![check.ok("no definitions are applied")]);
        };
        let sealed: BTreeMap<_, _> = credentials.iter().map(|one| (one.name.to_string(), one.sealed.clone())).collect();
        let shut = |place| matches!(place, SecretPlace::Stored(name) if !key_works && sealed.contains_key(name));
        let secrets = Secrets::of(&current.folder).with_stored(self.folder.key().clone(), sealed.clone());
        let references = current.definitions.secrets();
        let rehearsing = current.definitions.destinations.iter().filter(|destination| destination.sandbox);
        let rehearsing: Vec<_> =
            rehearsing.map(|destination| format!("the destination `{}`", destination.id)).collect();
        let amiss = references.iter().filter(|(_, reference)| !shut(reference.place()));
        let amiss = amiss.filter_map(|(place, reference)| {
            let error = secrets.resolve(reference).err()?;
            let error = chain(&error);
            Some(if rehearsing.contains(place) {
                check.warning(format!("{place}, once it is no longer at the sandbox: {error}"))
            } else {
                check.problem(format!("{place}: {error}"))
            })
        });
        Ok(check.or_ok(amiss.collect(), format!("{} can be read", word::count(references.len(), "secret"))))
    }

    /// The runs that are not finished: whether a process works on each.
    async fn runs(&self) -> Result<Vec<Finding>, StoreError> {
        let check = Check::Runs;
        let runs = self.store.unfinished_runs().await?;
        let mut found = Vec::new();
        for Run { id, campaign, .. } in &runs {
            found.push(match is_worked_on(self.store, self.folder, campaign).await {
            Ok(true) => check.ok(format!("a process works on the run `{id}` of the campaign `{campaign}`")),
            Ok(false) => check.warning(format!(
                "the run `{id}` of the campaign `{campaign}` is not finished and no process works on it: run `consign \
                 resume {id}`, or `consign cancel {id}`"
            )),
            Err(LeaseError::Store(error)) => return Err(error),
            Err(LeaseError::Sign { reason, .. }) => check.problem(format!(
                "whether a process works on the run `{id}` cannot be seen ({reason}): check that you may read the data \
                 folder"
            )),
            });
        }
        Ok(check.or_ok(found, "all are finished"))
    }

    /// What is staged of the runs that may go on or be sent again, against what was written.
    async fn staged_files(&self) -> Result<Vec<Finding>, StoreError> {
        let check = Check::StagedFiles;
        let mut runs = self.store.unfinished_runs().await?;
        let finished = self.store.runs_with_staged_data(self.now).await?.into_iter();
        runs.extend(finished.filter(|run| run.state.outcome() != Some(Outcome::Succeeded)));
        let folder = self.folder.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let mut amiss = Vec::new();
            let mut whole = 0;
            for run in &runs {
                match staged(&folder, run) {
                    Ok(true) => whole += 1,
                    Ok(false) => {}
                    Err(messages) => amiss.extend(messages.into_iter().map(|message| check.problem(message))),
                }
            }
            let whole = match whole {
                0 => "no run that may go on has any".to_owned(),
                _ => format!("those of {} are as they were written", word::count(whole, "run")),
            };
            check.or_ok(amiss, whole)
        });
        Ok(looked.await.unwrap_or_else(|error| vec![check.problem(format!("they could not be looked at: {error}"))]))
    }

    /// What platforms still work on: whether anybody asks them.
    async fn submitted(&self) -> Result<Vec<Finding>, StoreError> {
        let check = Check::Submitted;
        let deliveries = self.store.submitted_deliveries().await?;
        let amiss = deliveries.iter().filter_map(|delivery| {
            let jobs = delivery.counts.iter().filter_map(|counts| counts.list.as_ref()).flat_map(|list| &list.jobs);
            let looked = jobs.map(|job| job.looked_at).min().unwrap_or(delivery.updated_at);
            (self.now - looked > LONG).then(|| {
                check.warning(format!(
                    "the platform of the delivery `{}` was last asked at {}: run `consign status`, or keep `consign \
                     serve` running",
                    delivery.id,
                    moment(looked)
                ))
            })
        });
        let all = match deliveries.len() {
            0 => "platforms work on nothing".to_owned(),
            1 => "platforms work on 1 delivery".to_owned(),
            several => format!("platforms work on {several} deliveries"),
        };
        Ok(check.or_ok(amiss.collect(), all))
    }
}

/// Whether a run has staged files, each as it was written; else what is wrong with them.
fn staged(folder: &DataFolder, run: &Run) -> Result<bool, Vec<String>> {
    let (id, files) = (&run.id, folder.run(&run.id));
    match Staging::kept(&files) {
        Ok(Some(staging)) => {
            let damage = staging.damage(&files);
            if damage.is_empty() {
                return Ok(true);
            }
            Err(damage.iter().map(|damage| format!("run `{id}`: {damage}")).collect())
        }
        Ok(None) if run.state == RunState::Delivering => Err(vec![format!(
            "run `{id}` is to deliver, and what it staged is not in the data folder: put it back, or run `consign \
             cancel {id}` and run the campaign again"
        )]),
        Ok(None) => Ok(false),
        Err(error) => Err(vec![format!(
            "run `{id}`: what it staged cannot be read ({error}): put `{}` back, or run the campaign again",
            files.staging().display()
        )]),
    }
}

/// The room on the disk of the data folder, against what the largest run took there.
pub fn disk(folder: &DataFolder) -> Finding {
    let (check, shown) = (Check::Disk, folder.path().display());
    let unseen =
        |error: &dyn Error| check.problem(format!("the disk of `{shown}` cannot be looked at ({error}): check it"));
    let free = match rustix::fs::statvfs(folder.path()) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return unseen(&error),
    };
    match largest_run(&folder.runs()) {
        Err(error) => unseen(&error),
        Ok(largest) if free < largest => check.problem(format!(
            "{} are left, and the largest run took {}: make room, or the next may fail",
            mebibytes(free),
            mebibytes(largest)
        )),
        Ok(0) => check.ok(format!("{} are left", mebibytes(free))),
        Ok(largest) => {
            check.ok(format!("{} are left, and the largest run took {}", mebibytes(free), mebibytes(largest)))
        }
    }
}

/// The bytes of the run that has the most.
fn largest_run(runs: &Path) -> io::Result<u64> {
    let mut largest = 0;
    for run in entries(runs)? {
        largest = largest.max(bytes(&run)?);
    }
    Ok(largest)
}

/// The bytes of a file, or of all files below a folder. What is removed meanwhile has none.
fn bytes(path: &Path) -> io::Result<u64> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => {
            entries(path)?.iter().try_fold(0, |sum: u64, entry| Ok(sum.saturating_add(bytes(entry)?)))
        }
        Ok(found) => Ok(found.len()),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

fn moment(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
