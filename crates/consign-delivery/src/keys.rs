//! Changing the workspace key: all that is sealed is sealed again with the new one. Whatever instant it dies at, the keys
//! that are there open everything, and the next change goes on.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryBuilder, RecordBatch};
use arrow::datatypes::DataType;
use consign_secrets::{KeyError, KeyRing, ResealError, SealError, credential_purpose};
use consign_store::{Resealed, Store, StoreError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use crate::folder::{DataFolder, below, entries};
use crate::platform::{MEMBER, rotated_purpose};
use crate::rewrite::{Failure, publish, rewrite, temporary};

/// What a change of the key came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The id of the new key.
    pub key: String,
    /// Stored credentials that were sealed again.
    pub credentials: u64,
    /// Other values: of members, and credentials that platforms gave.
    pub values: u64,
    /// Values that no key opens, and that were left as they are.
    pub unreadable: u64,
    /// Whether the older keys are gone; else whoever keeps them may take them out.
    pub older_removed: bool,
}

/// The key is not changed, or not wholly; the keys that are there open everything.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The keys cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file cannot be sealed again.
    #[error("{} cannot be sealed again: free space on the disk, or check the file, and run `consign keys rotate` again", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: Box<dyn Error + Send + Sync>,
    },
}

/// Changes the key of a workspace. Refused while another process works with it.
pub async fn rotate_key(store: &dyn Store, data: &DataFolder) -> Result<Rotated, RotateError> {
    let rotation = data.key().rotate()?;
    let mut counted = Counted::default();
    let credentials = credentials(store, rotation.ring(), &mut counted).await?;
    files(data, rotation.ring(), &mut counted)?;
    let key = rotation.ring().newest().to_string();
    let older_removed = rotation.finish()?;
    let Counted { values, unreadable } = counted;
    Ok(Rotated { key, credentials, values, unreadable, older_removed })
}

/// What was sealed again so far.
#[derive(Default)]
struct Counted {
    values: u64,
    unreadable: u64,
}

impl Counted {
    /// A value sealed again; `None` where it stays as it is.
    fn reseal(&mut self, keys: &KeyRing, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        match keys.reseal(purpose, sealed) {
            Ok(Some(resealed)) => {
                self.values += 1;
                Ok(Some(resealed))
            }
            Ok(None) => Ok(None),
            Err(ResealError::Open(_)) => {
                self.unreadable += 1;
                Ok(None)
            }
            Err(ResealError::Seal(error)) => Err(error),
        }
    }
}

async fn credentials(store: &dyn Store, keys: &KeyRing, counted: &mut Counted) -> Result<u64, RotateError> {
    let mut resealed = Vec::new();
    for credential in store.credentials().await? {
        let purpose = credential_purpose(credential.name.as_str());
        // What is counted of them is their own number.
        let mut own = Counted::default();
        if let Some(sealed) = own.reseal(keys, &purpose, &credential.sealed)? {
            resealed.push(Resealed { name: credential.name, before: credential.sealed, sealed });
        }
        counted.unreadable += own.unreadable;
    }
    store.reseal_credentials(&resealed).await?;
    Ok(resealed.len() as u64)
}

/// All files of the data folder that hold something sealed: what is known of lists, what deliveries work with, and the
/// credentials that platforms gave.
fn files(data: &DataFolder, keys: &KeyRing, counted: &mut Counted) -> Result<(), RotateError> {
    let failed = |path: &Path, reason: io::Error| RotateError::File { path: path.to_owned(), reason: reason.into() };
    let mut parquet = Vec::new();
    below(&data.memberships(), &mut parquet).map_err(|reason| failed(&data.memberships(), reason))?;
    let runs = entries(&data.runs()).map_err(|reason| failed(&data.runs(), reason))?;
    for work in runs.iter().map(|run| run.join("platform")) {
        below(&work, &mut parquet).map_err(|reason| failed(&work, reason))?;
    }
    parquet.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    for path in parquet {
        members(&path, keys, counted)?;
    }
    for path in entries(&data.rotated()).map_err(|reason| failed(&data.rotated(), reason))? {
        // What was being written when a process died has no name that anybody looks for.
        if path.extension().is_some_and(|extension| extension == "tmp") {
            continue;
        }
        let sealed = fs::read(&path).map_err(|reason| failed(&path, reason))?;
        if let Some(resealed) = counted.reseal(keys, &rotated_purpose(&path), &sealed)? {
            let write = || {
                let mut written = temporary(&path)?;
                written.write_all(&resealed)?;
                publish(written, &path)
            };
            write().map_err(|reason| failed(&path, reason))?;
        }
    }
    Ok(())
}

/// Columns of members that are sealed.
const SEALED: [&str; 2] = ["removal", "encoded"];

/// Seals the members in a file again; a file without any stays as it is.
fn members(path: &Path, keys: &KeyRing, counted: &mut Counted) -> Result<(), RotateError> {
    let mut reseal = || -> Result<(), Failure> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        let sealed = reader.schema().fields().iter().enumerate();
        let sealed: Vec<usize> = sealed
            .filter(|(_, field)| SEALED.contains(&field.name().as_str()) && *field.data_type() == DataType::Binary)
            .map(|(place, _)| place)
            .collect();
        if sealed.is_empty() {
            return Ok(());
        }
        rewrite(path, |rows| {
            let before = counted.values;
            let mut columns = rows.columns().to_vec();
            for place in &sealed {
                columns[*place] = column(&columns[*place], keys, counted)?;
            }
            let resealed = RecordBatch::try_new(rows.schema(), columns)?;
            Ok((counted.values > before).then_some(resealed))
        })?;
        Ok(())
    };
    reseal().map_err(|reason| RotateError::File { path: path.to_owned(), reason })
}

fn column(sealed: &ArrayRef, keys: &KeyRing, counted: &mut Counted) -> Result<ArrayRef, SealError> {
    let sealed = sealed.as_binary::<i32>();
    let mut again = BinaryBuilder::new();
    for value in sealed {
        match value {
            None => again.append_null(),
            Some(value) => again.append_value(counted.reseal(keys, MEMBER, value)?.as_deref().unwrap_or(value)),
        }
    }
    Ok(Arc::new(again.finish()))
}
