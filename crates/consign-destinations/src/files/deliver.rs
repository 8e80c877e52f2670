//! A list to files in a place: cut by rows, hashed, published, and told of in a manifest and a marker.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use consign_model::definition::FileOptions;
use consign_model::plan::extension;
use consign_points::Point;
use futures::{Stream, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::format::plain_extension;
use super::{FileError, FileStore, FileWriter, Recipient, Upload};

/// How long a file that is being published is waited for after somebody asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A file as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrittenFile {
    /// Its name.
    pub name: String,
    /// Where it is, for people.
    pub location: String,
    /// Its rows, without the header.
    pub rows: u64,
    /// Its bytes, compressed and encrypted.
    pub bytes: u64,
    /// The SHA-256 of those bytes, hexadecimal.
    pub sha256: String,
}

/// Writes a list as files: `name` with the extension of the options, or `name_1`, `name_2`, ... where they split it by
/// rows; then, where the options ask, `name.manifest.json` and at last `name._SUCCESS`. The columns are `attributes`, in
/// order; other columns of the batches are not written. No rows still give one file.
///
/// Each file appears whole or not at all, and nothing temporary stays after an error or a cancellation; files that were
/// complete before it stay, without a marker.
pub async fn deliver<E: fmt::Display>(
    store: &dyn FileStore,
    name: &str,
    options: &FileOptions,
    attributes: &[String],
    batches: impl Stream<Item = Result<RecordBatch, E>>,
    pgp_key: Option<&SecretString>,
    cancel: &CancellationToken,
) -> Result<Vec<WrittenFile>, FileError> {
    if pgp_key.is_some() != options.pgp_public_key.is_some() {
        return Err(FileError::PgpKeyMissing);
    }
    let recipient = pgp_key.map(|key| Recipient::read(key.expose_secret())).transpose()?;
    let mut list = List { store, name, options, attributes, recipient, cancel, open: None, written: Vec::new() };
    let result = list.write(batches).await;
    if let Some(file) = list.open {
        file.upload.abort().await;
    }
    result.map(|()| list.written)
}

/// A list on its way.
struct List<'a> {
    store: &'a dyn FileStore,
    name: &'a str,
    options: &'a FileOptions,
    attributes: &'a [String],
    recipient: Option<Recipient>,
    cancel: &'a CancellationToken,
    open: Option<OpenFile>,
    written: Vec<WrittenFile>,
}

/// A file that is being written.
struct OpenFile {
    name: String,
    /// `None` while a batch is encoded, and for files that are not rows.
    writer: Option<FileWriter>,
    upload: Box<dyn Upload>,
    hash: Sha256,
    rows: u64,
    bytes: u64,
}

impl List<'_> {
    async fn write<E: fmt::Display>(
        &mut self,
        batches: impl Stream<Item = Result<RecordBatch, E>>,
    ) -> Result<(), FileError> {
        let marker = format!("{}._SUCCESS", self.name);
        if self.options.success_file {
            // The marker of an earlier list of that name says nothing of this one. Who may not remove may write.
            unless_cancelled(self.cancel, self.store.remove(&marker)).await.or_else(tolerate_permission)?;
        }
        let mut batches = pin!(batches);
        while let Some(batch) = unless_cancelled(self.cancel, async { Ok(batches.next().await) }).await? {
            self.rows(&batch.map_err(|error| FileError::Rows(error.to_string()))?).await?;
        }
        if self.written.is_empty() && self.open.is_none() {
            self.begin().await?;
        }
        self.end().await?;
        if self.options.manifest {
            let manifest = manifest(&self.written);
            self.small(&format!("{}.manifest.json", self.name), manifest).await?;
        }
        if self.options.success_file {
            self.small(&marker, Bytes::new()).await?;
        }
        Ok(())
    }

    /// Writes the rows of a batch to as many files as they need.
    async fn rows(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        let most = self.options.rows_per_file.unwrap_or(u64::MAX).max(1);
        let mut from = 0;
        // A batch without rows still tells the types.
        while from < batch.num_rows() || self.open.is_none() && self.written.is_empty() {
            if self.open.is_none() {
                self.begin().await?;
            }
            let Some(file) = &mut self.open else { return Ok(()) };
            let room = usize::try_from(most - file.rows).unwrap_or(usize::MAX);
            let rows = room.min(batch.num_rows() - from);
            unless_cancelled(self.cancel, file.rows(batch.slice(from, rows))).await?;
            from += rows;
            if file.rows == most {
                self.end().await?;
            }
        }
        Ok(())
    }

    /// Begins the next file.
    async fn begin(&mut self) -> Result<(), FileError> {
        let base = match self.options.rows_per_file {
            Some(_) => format!("{}_{}", self.name, self.written.len() + 1),
            None => self.name.to_owned(),
        };
        let entry = format!("{base}{}", plain_extension(self.options));
        let writer = FileWriter::new(self.options, self.attributes, &entry, self.recipient.as_ref())?;
        let name = format!("{base}{}", extension(self.options));
        let upload = unless_cancelled(self.cancel, self.store.upload(&name)).await?;
        self.open = Some(OpenFile { name, writer: Some(writer), upload, hash: Sha256::new(), rows: 0, bytes: 0 });
        Ok(())
    }

    /// Ends the file that is open, if one is.
    async fn end(&mut self) -> Result<(), FileError> {
        if let Some(file) = &mut self.open {
            unless_cancelled(self.cancel, file.finish()).await?;
        }
        let Some(file) = self.open.take() else { return Ok(()) };
        published(self.cancel, file.upload).await?;
        self.written.push(WrittenFile {
            location: self.store.location(&file.name),
            name: file.name,
            rows: file.rows,
            bytes: file.bytes,
            sha256: hex::encode(file.hash.finalize()),
        });
        Ok(())
    }

    /// Writes a file that is not rows.
    async fn small(&mut self, name: &str, content: Bytes) -> Result<(), FileError> {
        let mut upload = unless_cancelled(self.cancel, self.store.upload(name)).await?;
        if let Err(error) = unless_cancelled(self.cancel, upload.write(content)).await {
            upload.abort().await;
            return Err(error);
        }
        published(self.cancel, upload).await
    }
}

impl OpenFile {
    async fn rows(&mut self, batch: RecordBatch) -> Result<(), FileError> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        let rows = batch.num_rows();
        let encoded = spawn_blocking(move || {
            let bytes = writer.write(&batch);
            (writer, bytes)
        });
        let (writer, bytes) = encoded.await.map_err(|error| FileError::Rows(error.to_string()))?;
        self.writer = Some(writer);
        self.rows += u64::try_from(rows).unwrap_or(u64::MAX);
        self.bytes(bytes?).await
    }

    async fn finish(&mut self) -> Result<(), FileError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let encoded = spawn_blocking(move || writer.finish());
        let bytes = encoded.await.map_err(|error| FileError::Rows(error.to_string()))?;
        self.bytes(bytes?).await
    }

    async fn bytes(&mut self, bytes: Bytes) -> Result<(), FileError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.hash.update(&bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.upload.write(bytes).await
    }
}

async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, FileError>>,
) -> Result<T, FileError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(FileError::Cancelled),
        result = work => result,
    }
}

/// Publishes a file. It is not given up midway at once: who asks to stop now mostly still learns what became of it.
async fn published(cancel: &CancellationToken, upload: Box<dyn Upload>) -> Result<(), FileError> {
    consign_points::pass(Point::FileComplete);
    tokio::select! {
        biased;
        result = upload.publish() => result,
        () = async { cancel.cancelled().await; tokio::time::sleep(GRACE).await } => Err(FileError::Cancelled),
    }?;
    consign_points::pass(Point::FilePublished);
    Ok(())
}

fn tolerate_permission(error: FileError) -> Result<(), FileError> {
    match error {
        FileError::Permission { .. } | FileError::NotWritable(_) => Ok(()),
        other => Err(other),
    }
}

/// What files there are, for who reads them.
fn manifest(files: &[WrittenFile]) -> Bytes {
    #[derive(Serialize)]
    struct Manifest<'a> {
        rows: u64,
        bytes: u64,
        files: Vec<Entry<'a>>,
    }
    #[derive(Serialize)]
    struct Entry<'a> {
        name: &'a str,
        rows: u64,
        bytes: u64,
        sha256: &'a str,
    }
    fn entry(file: &WrittenFile) -> Entry<'_> {
        Entry { name: &file.name, rows: file.rows, bytes: file.bytes, sha256: &file.sha256 }
    }
    let manifest = Manifest {
        rows: files.iter().map(|file| file.rows).sum(),
        bytes: files.iter().map(|file| file.bytes).sum(),
        files: files.iter().map(entry).collect(),
    };
    let mut text = serde_json::to_vec_pretty(&manifest).expect("text and numbers are JSON");
    text.push(b'\n');
    text.into()
}
