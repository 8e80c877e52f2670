//! What a staged file was when it was written, so that nothing else is ever sent in its place.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The bytes of a file and their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// How many.
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not there, or cannot be read.
    #[error("the staged file {} cannot be read ({reason}): put it back, or run the campaign again", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// It holds something else.
    #[error(
        "the staged file {} is not as it was written: it has {found} bytes with another checksum, and had {written}; put \
         it back, or run the campaign again",
        path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// Bytes that it has.
        found: u64,
        /// Bytes that it had.
        written: u64,
    },
}

impl Checksum {
    /// Of a file as it is.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut summed = Summed::new(io::sink());
        let mut file = File::open(path)?;
        let mut part = vec![0; PART];
        loop {
            match file.read(&mut part)? {
                0 => return Ok(summed.finish().1),
                read => summed.write_all(&part[..read])?,
            }
        }
    }

    /// Whether a file is still what was written.
    pub fn verify(&self, path: &Path) -> Result<(), Damage> {
        let found =
            Self::of(path).map_err(|error| Damage::Missing { path: path.to_owned(), reason: error.to_string() })?;
        if found == *self {
            return Ok(());
        }
        Err(Damage::Altered { path: path.to_owned(), found: found.bytes, written: self.bytes })
    }
}

/// Bytes that are read at once.
const PART: usize = 1 << 20;

/// Takes the checksum of what is written on its way.
pub(crate) struct Summed<W> {
    inner: W,
    bytes: u64,
    hash: Sha256,
}

impl<W> Summed<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, bytes: 0, hash: Sha256::new() }
    }

    /// What it was written to, and the checksum.
    pub fn finish(self) -> (W, Checksum) {
        (self.inner, Checksum { bytes: self.bytes, sha256: hex::encode(self.hash.finalize()) })
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
