//! The traces of customers in the files of runs: staged data goes, and in recipients a token stands for a key, so that the
//! counts stay.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use chrono::Utc;
use consign_model::snapshot;
use consign_model::spec::Settings;
use consign_store::{DeliveryState, Run};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Forget, ForgetError, Forgot, Pending};
use crate::folder::{RunFolder, below};
use crate::platform::{Unanswered, place_of};
use crate::recipients::{self, RecipientsError, SentTo};
use crate::retention::delete_staged;
use crate::rewrite::{Failure, rewrite};
use crate::stage::CUSTOMER_KEY;
use crate::staged::READ_ROWS;

/// The columns that hold customer keys, in whichever file.
const KEYS: [&str; 2] = [snapshot::CUSTOMER_KEY, CUSTOMER_KEY];

impl Forget<'_> {
    /// Removes the traces in a finished run. Who calls holds the campaign.
    pub(super) async fn run(&self, run: &Run, pending: &Pending, forgot: &mut Forgot) -> Result<(), ForgetError> {
        let folder = self.folder.run(&run.id);
        let recipients = folder.recipients();
        let is_recorded = recipients.exists() && names_any(&recipients, pending)?;
        if is_recorded {
            let sent = recipients::sent_to(&recipients, &|key| pending.holds(key)).map_err(RecipientsError::Rejects)?;
            self.name_files(run, &sent, forgot).await?;
        }
        if has_staged(&folder, pending)? {
            self.note_unanswered(run, &folder, pending).await?;
            delete_staged(self.store, &folder, run, self.actor, Utc::now()).await?;
            forgot.runs.push(run.id.clone());
        }
        if folder.assignments().exists() {
            drop_from(&folder.assignments(), pending)?;
        }
        // Last, since it says which files there are.
        if is_recorded {
            put_tokens(&recipients, pending)?;
        }
        Ok(())
    }

    /// Notes who may be on a list though no answer said so, before what says who they are goes.
    async fn note_unanswered(&self, run: &Run, folder: &RunFolder, pending: &Pending) -> Result<(), ForgetError> {
        let definitions = self.store.definitions(run.definitions_version).await?.definitions;
        for delivery in self.store.deliveries(&run.id).await? {
            let destination = definitions.destinations.iter().find(|one| one.id == delivery.destination);
            let kind = self.registry.kind(&delivery.kind).filter(|kind| !kind.spec().writes_files);
            let (Some(destination), Some(kind)) = (destination, kind) else { continue };
            if delivery.state == DeliveryState::Delivered {
                continue;
            }
            let unanswered = Unanswered {
                place: &place_of(&destination.id, destination.sandbox),
                kind,
                settings: &Settings::new(kind.spec(), &destination.settings),
                folder,
                id: delivery.id.rsplit('/').next().unwrap_or_default(),
            };
            unanswered.note(self.folder, pending).map_err(|error| failed(folder.path())(error.into()))?;
        }
        Ok(())
    }

    /// Names the files that customers were delivered in.
    async fn name_files(&self, run: &Run, sent: &BTreeSet<SentTo>, forgot: &mut Forgot) -> Result<(), ForgetError> {
        for delivery in self.store.deliveries(&run.id).await? {
            let to = [&delivery.sub_audience, &delivery.group, &delivery.destination].map(ToString::to_string);
            if !sent.contains(&to) {
                continue;
            }
            for target in delivery.targets {
                let why = "the file was delivered with them: remove it, or them from it, there";
                self.store.audit(self.actor, "cannot forget", &target.location, why).await?;
                forgot.files.push(target.location);
            }
        }
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(Failure) -> ForgetError {
    move |reason| ForgetError::File { path: path.to_owned(), reason }
}

/// Whether anything that a run does not keep names any of these customers. What cannot be read might.
fn has_staged(folder: &RunFolder, pending: &Pending) -> Result<bool, ForgetError> {
    let mut files = Vec::new();
    below(folder.path(), &mut files).map_err(|reason| failed(folder.path())(reason.into()))?;
    let stays = folder.stays();
    let mut names = false;
    for path in files.into_iter().filter(|path| !stays.contains(path)) {
        names |= match path.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => names_any(&path, pending).unwrap_or(true),
            // What was being written when a process died.
            Some("tmp" | "partial") => {
                fs::remove_file(&path).map_err(|reason| failed(&path)(reason.into()))?;
                false
            }
            _ => false,
        };
    }
    Ok(names)
}

/// Whether a file names any of these customers. Reads its keys alone.
fn names_any(path: &Path, pending: &Pending) -> Result<bool, ForgetError> {
    let look = || {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        let Some(column) = KEYS.iter().find_map(|name| reader.schema().index_of(name).ok()) else { return Ok(false) };
        let only = ProjectionMask::roots(reader.parquet_schema(), [column]);
        for rows in reader.with_projection(only).with_batch_size(READ_ROWS).build()? {
            if keys(&rows?)?.is_some_and(|(_, keys)| keys.iter().flatten().any(|key| pending.holds(key))) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    look().map_err(failed(path))
}

/// The customer keys of rows, and the place of their column.
fn keys(rows: &RecordBatch) -> Result<Option<(usize, StringViewArray)>, Failure> {
    let Some(place) = KEYS.iter().find_map(|name| rows.schema().index_of(name).ok()) else { return Ok(None) };
    Ok(Some((place, cast(rows.column(place), &DataType::Utf8View)?.as_string_view().clone())))
}

/// Puts tokens for the keys of these customers.
fn put_tokens(path: &Path, pending: &Pending) -> Result<(), ForgetError> {
    let changed = rewrite(path, |rows| {
        let Some((place, keys)) = keys(rows)? else { return Ok(None) };
        if !keys.iter().flatten().any(|key| pending.holds(key)) {
            return Ok(None);
        }
        let tokens = keys.iter().map(|key| key.map(|key| pending.token(key).unwrap_or(key)));
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns[place] = Arc::new(tokens.collect::<StringViewArray>());
        Ok(Some(RecordBatch::try_new(rows.schema(), columns)?))
    });
    changed.map(drop).map_err(failed(path))
}

/// Leaves out the rows of these customers.
fn drop_from(path: &Path, pending: &Pending) -> Result<bool, ForgetError> {
    if !names_any(path, pending)? {
        return Ok(false);
    }
    let changed = rewrite(path, |rows| {
        let Some((_, keys)) = keys(rows)? else { return Ok(None) };
        let others: BooleanArray = keys.iter().map(|key| Some(!key.is_some_and(|key| pending.holds(key)))).collect();
        let left = filter_record_batch(rows, &others)?;
        Ok((left.num_rows() < rows.num_rows()).then_some(left))
    });
    changed.map_err(failed(path))
}

/// Leaves out the rows of these customers in all files of a folder; whether there were any.
pub(super) fn drop_rows(folder: &Path, pending: &Pending) -> Result<bool, ForgetError> {
    let mut files: Vec<PathBuf> = Vec::new();
    below(folder, &mut files).map_err(|reason| failed(folder)(reason.into()))?;
    let mut any = false;
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "parquet")) {
        any |= drop_from(path, pending)?;
    }
    Ok(any)
}
