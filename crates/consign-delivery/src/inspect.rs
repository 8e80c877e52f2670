//! The inspector: what was asked of platforms and what they answered, one line each, beside the run. No bodies, no
//! personal data, no secrets: the HTTP layer masks what it tells.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;

use consign_destinations::http::{Exchange, Observer};

use crate::folder::RunFolder;
use crate::run::RunError;

/// Writes exchanges down as they end.
#[derive(Debug)]
pub(crate) struct Inspector(Mutex<File>);

impl Inspector {
    pub fn open(folder: &RunFolder) -> Result<Self, RunError> {
        let path = folder.exchanges();
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.map(|file| Self(Mutex::new(file))).map_err(|reason| RunError::Folder { path, reason })
    }
}

impl Observer for Inspector {
    fn exchanged(&self, exchange: &Exchange) {
        let Ok(mut line) = serde_json::to_vec(exchange) else { return };
        line.push(b'\n');
        if let Ok(mut file) = self.0.lock()
            && let Err(error) = file.write_all(&line)
        {
            tracing::warn!(%error, "an exchange with a platform could not be written down");
        }
    }
}

/// The exchanges of a run, in the order in which they ended; none where nothing was asked of a platform.
pub fn exchanges(folder: &RunFolder) -> std::io::Result<Vec<Exchange>> {
    let path: &Path = &folder.exchanges();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for line in BufReader::new(File::open(path)?).lines() {
        // A line that a crash cut off says nothing.
        found.extend(serde_json::from_str(&line?).ok());
    }
    Ok(found)
}
