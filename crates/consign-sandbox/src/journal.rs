//! The state folder: a log of events in JSON lines, rewritten as a snapshot (events too) at each start.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::SandboxError;
use crate::event::{Event, Rows};
use crate::platform::Platform;
use crate::profiles::Upsert;
use crate::world::{List, World};

/// Rows of a list that one line of a snapshot holds.
const ROWS: usize = 10_000;

/// The log that grows while the sandbox runs.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held so that no second process writes the same folder.
    _lock: File,
}

impl Journal {
    /// Reads the folder into the world and begins a new log there.
    pub(crate) fn open(folder: &Path, world: &mut World) -> Result<Self, SandboxError> {
        let failed = |source: io::Error| SandboxError::State { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        lock.try_lock().map_err(|_| SandboxError::Busy { path: folder.to_owned() })?;
        let path = folder.join("events.jsonl");
        if path.exists() {
            read(&path, world)?;
        }
        let replacing =
            world.sessions.values().any(|session| session.ended.is_none() && session.operation == "replace");
        if !replacing {
            let fresh = folder.join("events.jsonl.new");
            write_snapshot(&fresh, world).map_err(failed)?;
            std::fs::rename(&fresh, &path).map_err(failed)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        Ok(Self { path, file, _lock: lock })
    }

    /// Adds an event, in one write.
    pub(crate) fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.file = File::create(&self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }
}

/// Lets the events of a log happen again. A last line that was cut by a crash did not happen.
fn read(path: &Path, world: &mut World) -> Result<(), SandboxError> {
    let failed = |source: io::Error| SandboxError::State { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    let mut whole: u64 = 0;
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(whole)).map_err(failed)?;
            break;
        }
        whole += length as u64;
        let event = serde_json::from_slice(&line).map_err(|error| SandboxError::Damaged {
            path: path.to_owned(),
            line: number,
            reason: error.to_string(),
        })?;
        world.apply(&event);
    }
    Ok(())
}

/// The world as the fewest events that make it.
fn write_snapshot(path: &Path, world: &World) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut put = |event: &Event| -> io::Result<()> {
        serde_json::to_writer(&mut file, event)?;
        file.write_all(b"\n")
    };
    let numbers: Vec<u32> = (0..u32::try_from(world.profiles.len()).unwrap_or(u32::MAX)).collect();
    let epoch = chrono::DateTime::UNIX_EPOCH;
    for chunk in numbers.chunks(ROWS) {
        let changes = chunk
            .iter()
            .map(|number| Upsert { attributes: world.profiles.attributes(*number), clear: false, unset: Vec::new() })
            .collect();
        put(&Event::Profiles { changes, list: None, at: epoch })?;
    }
    for ((platform, _), list) in &world.lists {
        put(&Event::ListMade {
            platform: *platform,
            account: list.account.clone(),
            id: list.id.clone(),
            name: list.name.clone(),
            details: list.details.clone(),
            at: list.created,
        })?;
        let numbers: Vec<u32> = list.profiles.iter().copied().collect();
        for chunk in numbers.chunks(ROWS) {
            put(&Event::Joined { list: list.id.clone(), profiles: chunk.to_vec(), at: list.updated })?;
        }
        write_members(*platform, list, &mut put)?;
    }
    for upload in world.uploads.values() {
        put(&Event::Uploaded { upload: upload.clone() })?;
    }
    for job in world.jobs.values() {
        put(&Event::JobMade { job: job.clone() })?;
    }
    for session in world.sessions.values() {
        put(&Event::SessionKept { session: session.clone() })?;
    }
    put(&Event::Numbered { made: world.made })?;
    file.into_inner()?.sync_all()
}

fn write_members(platform: Platform, list: &List, put: &mut impl FnMut(&Event) -> io::Result<()>) -> io::Result<()> {
    let mut rows = Rows::default();
    let flush = |rows: &mut Rows, put: &mut dyn FnMut(&Event) -> io::Result<()>| {
        let rows = std::mem::take(rows);
        if rows.values.is_empty() {
            return Ok(());
        }
        put(&Event::Added { platform, list: list.id.clone(), rows, at: list.updated })
    };
    for (columns, values) in list.members.rows() {
        if rows.columns != columns || rows.values.len() == ROWS {
            flush(&mut rows, put)?;
            rows.columns = columns.to_vec();
        }
        rows.values.push(values);
    }
    flush(&mut rows, put)
}
