//! What is known of a list: one row a member. Kept beside the runs, for each destination and list, as Parquet: a file
//! that holds all, and one more for each request since. Changes with each request that is answered, so what a failed
//! delivery did is known to the next.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, StringViewArray, UInt8Array, UInt64Array};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::UInt64Type;
use consign_engine::{Difference, Engine, members_schema};
use consign_model::forgotten::Forgotten;
use consign_points::Point;
use consign_secrets::{OpenKey, SealError};
use parquet::arrow::ArrowWriter;

use super::PlatformError;
use super::identity::{Identified, Identifying};
use crate::folder::{DataFolder, private_folder, remove_folder, sync_folder};
use crate::stage::StagedBatch;
use crate::staged;

/// How a member stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The platform took it.
    Acknowledged,
    /// Nobody knows.
    Unknown,
    /// It was taken off.
    Removed,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Unknown => "unknown",
            Self::Removed => "removed",
        }
    }
}

/// A member, for the record.
pub(super) struct Member<'a> {
    pub identity: [u8; 32],
    pub attributes: [u8; 32],
    pub customer_key: &'a str,
    /// What taking it off needs, plain.
    pub removal: Option<&'a [u8]>,
}

/// The members of one list.
pub(super) struct Members {
    folder: PathBuf,
    key: Arc<OpenKey>,
    next: u64,
}

impl Members {
    pub fn open(data: &DataFolder, destination: &str, list_id: &str) -> Result<Self, PlatformError> {
        Self::at(data, data.membership(destination, list_id))
    }

    /// Members that are kept in that folder.
    pub fn at(data: &DataFolder, folder: PathBuf) -> Result<Self, PlatformError> {
        let failed = |reason| PlatformError::Members { path: folder.clone(), reason };
        private_folder(&folder).map_err(failed)?;
        let key = data.key().open()?;
        let next =
            files(&folder).map_err(failed)?.iter().filter_map(|path| number(path)).max().map_or(1, |last| last + 1);
        Ok(Self { folder, key, next })
    }

    fn failed(&self, reason: impl Into<io::Error>) -> PlatformError {
        PlatformError::Members { path: self.folder.clone(), reason: reason.into() }
    }

    /// A file of that name beside what is known.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Everything that is known, in files.
    pub fn files(&self) -> Result<Vec<PathBuf>, PlatformError> {
        files(&self.folder).map_err(|reason| self.failed(reason))
    }

    /// Compares the rows of a delivery, which `identity::write_rows` wrote, with the members.
    pub async fn difference(&self, engine: &Engine, work: &Path) -> Result<Difference, PlatformError> {
        let (kept, gone) = (work.join(KEPT), work.join(GONE));
        Ok(engine.difference(&work.join(super::identity::ROWS), &self.files()?, &kept, &gone).await?)
    }

    /// Notes what became of members in one request.
    pub fn note(&mut self, members: &[Member<'_>], standing: Standing) -> Result<(), PlatformError> {
        if members.is_empty() {
            return Ok(());
        }
        let seal = |member: &Member<'_>| member.removal.map(|plain| self.seal(plain)).transpose();
        let sealed: Vec<_> = members.iter().map(seal).collect::<Result<_, _>>()?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from_iter_values(members.iter().map(|member| member.identity))),
            Arc::new(UInt8Array::from_iter_values(members.iter().map(|member| member.identity[0]))),
            Arc::new(BinaryArray::from_iter_values(members.iter().map(|member| member.attributes))),
            Arc::new(StringViewArray::from_iter_values(members.iter().map(|member| member.customer_key))),
            Arc::new(sealed.iter().map(Option::as_deref).collect::<BinaryArray>()),
            Arc::new(StringViewArray::from_iter_values(members.iter().map(|_| standing.word()))),
            Arc::new(UInt64Array::from_value(self.next, members.len())),
        ];
        let batch = RecordBatch::try_new(members_schema(), columns)?;
        let path = self.folder.join(name(self.next));
        let temporary = path.with_extension("tmp");
        let file = File::create(&temporary).map_err(|reason| self.failed(reason))?;
        let mut writer = ArrowWriter::try_new(file, members_schema(), None)?;
        writer.write(&batch)?;
        let file = writer.into_inner()?;
        file.sync_all().map_err(|reason| self.failed(reason))?;
        consign_points::pass(Point::MembershipWritten);
        let noted = fs::rename(&temporary, &path).and_then(|()| sync_folder(&self.folder));
        noted.map_err(|reason| self.failed(reason))?;
        consign_points::pass(Point::MembershipNoted);
        self.next += 1;
        Ok(())
    }

    /// Notes all rows of a delivery, but for those of forgotten customers.
    pub fn note_all(
        &mut self,
        batches: &[StagedBatch],
        forgotten: &Forgotten,
        identifying: &Identifying,
        standing: Standing,
    ) -> Result<(), PlatformError> {
        for batch in batches {
            for rows in staged::read(&batch.path)? {
                self.note_rows(&staged::known(&rows?, forgotten)?, identifying, standing)?;
            }
        }
        Ok(())
    }

    /// Notes of the rows of forgotten customers that nobody knows how they stand.
    pub fn note_forgotten(
        &mut self,
        batches: &[StagedBatch],
        forgotten: &Forgotten,
        identifying: &Identifying,
    ) -> Result<(), PlatformError> {
        if forgotten.is_empty() {
            return Ok(());
        }
        for batch in batches {
            for rows in staged::read(&batch.path)? {
                let rows = rows?;
                let theirs = filter_record_batch(&rows, &not(&staged::are_known(&rows, forgotten))?)?;
                self.note_rows(&theirs, identifying, Standing::Unknown)?;
            }
        }
        Ok(())
    }

    fn note_rows(
        &mut self,
        rows: &RecordBatch,
        identifying: &Identifying,
        standing: Standing,
    ) -> Result<(), PlatformError> {
        let rows = Identified::of(rows, identifying)?;
        let removals: Vec<_> = (0..rows.identities.len()).map(|row| rows.removal(row)).collect();
        let members = removals.iter().enumerate().map(|(row, removal)| Member {
            identity: rows.identities[row],
            attributes: rows.attributes[row],
            customer_key: rows.keys.value(row),
            removal: Some(removal),
        });
        self.note(&members.collect::<Vec<_>>(), standing)
    }

    /// Whether the list goes by files, and takes no requests.
    pub fn keeps_to_files(&self) -> bool {
        self.folder.join(BY_FILES).exists()
    }

    /// From now on the list goes by files, and takes no requests.
    pub fn keep_to_files(&self) -> Result<(), PlatformError> {
        let made = File::create(self.folder.join(BY_FILES)).and_then(|file| file.sync_all());
        made.and_then(|()| sync_folder(&self.folder)).map_err(|reason| self.failed(reason))
    }

    /// Forgets all members: the list is new, or was emptied.
    pub fn forget(&mut self) -> Result<(), PlatformError> {
        remove_folder(&self.folder).and_then(|()| private_folder(&self.folder)).map_err(|reason| self.failed(reason))
    }

    /// Makes one file of all. The old files go only when the new one is there.
    pub async fn compact(&mut self, engine: &Engine) -> Result<u64, PlatformError> {
        let old = self.files()?;
        if old.len() < 2 {
            return Ok(0);
        }
        let members = engine.compact(&old, &self.folder.join(name(self.next))).await?;
        self.next += 1;
        for path in old {
            consign_points::pass(Point::MembershipCompacted);
            fs::remove_file(path).map_err(|reason| self.failed(reason))?;
        }
        Ok(members)
    }

    /// The sequence of the last note.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// Of these identities, those of which something was noted after that sequence.
    pub fn noted_since(
        &self,
        identities: &HashSet<[u8; 32]>,
        sequence: u64,
    ) -> Result<HashSet<[u8; 32]>, PlatformError> {
        let mut found = HashSet::new();
        for path in self.files()? {
            for batch in staged::read(&path)? {
                let batch = batch?;
                let noted = batch.column_by_name("identity").and_then(|array| array.as_binary_opt::<i32>());
                let sequences =
                    batch.column_by_name("sequence").and_then(|array| array.as_primitive_opt::<UInt64Type>());
                let Some((noted, sequences)) = noted.zip(sequences) else { continue };
                let later = noted.iter().zip(sequences.values()).filter(|(_, noted)| **noted > sequence);
                let later = later.filter_map(|(identity, _)| <[u8; 32]>::try_from(identity?).ok());
                found.extend(later.filter(|identity| identities.contains(identity)));
            }
        }
        Ok(found)
    }

    /// Seals what is personal data, to be kept beside the membership.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.seal(MEMBER, plain)
    }

    /// What was sealed, such as what taking a member off needs.
    pub fn removal(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.key.open(MEMBER, sealed).ok()
    }
}

/// What is sealed of members is sealed as that.
pub(crate) const MEMBER: &str = "member";

/// In a delivery's working folder: the places of the rows that are on the list as they are.
pub(super) const KEPT: &str = "kept.parquet";
/// In a delivery's working folder: the members that have no row.
pub(super) const GONE: &str = "gone.parquet";

/// Beside what is known of a list: it goes by files.
const BY_FILES: &str = "by_files";

fn name(number: u64) -> String {
    format!("{number:012}.parquet")
}

fn number(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
