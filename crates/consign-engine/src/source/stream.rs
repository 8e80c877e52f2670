//! A file of any store as a plain reader, for parsers that block.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};
use tokio::sync::mpsc;

use super::location::Files;

/// Chunks that are read ahead of the parser.
const AHEAD: usize = 4;

/// Largest row of a text file, in bytes. A larger one is most often a quote that is never closed.
pub(crate) const MAX_ROW: usize = 8 << 20;

/// Opens a file. To be read on a thread that may block, within a runtime.
pub(crate) fn open(files: &Files, file: &ObjectMeta) -> io::Result<Box<dyn Read + Send>> {
    if let Ok(path) = files.url(file).to_file_path() {
        return Ok(Box::new(File::open(path)?));
    }
    let (sender, chunks) = mpsc::channel(AHEAD);
    let (store, path) = (Arc::clone(&files.store), file.location.clone());
    tokio::spawn(async move {
        let mut stream = match store.get(&path).await {
            Ok(got) => got.into_stream(),
            Err(error) => return drop(sender.send(Err(io::Error::other(error))).await),
        };
        while let Some(chunk) = stream.next().await {
            if sender.send(chunk.map_err(io::Error::other)).await.is_err() {
                return;
            }
        }
    });
    Ok(Box::new(Chunks { chunks, current: Bytes::new() }))
}

struct Chunks {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.current = chunk?,
            }
        }
        let length = buffer.len().min(self.current.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

/// How many bytes were read since the last row ended. Shared between the reader and who sees the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowBytes(Arc<AtomicUsize>);

impl RowBytes {
    /// A row has ended.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether a row was larger than [`MAX_ROW`].
    pub fn exceeded(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_ROW
    }
}

/// Stops reading within a row that is larger than [`MAX_ROW`], so that no row takes all the memory.
pub(crate) struct Bounded<R> {
    pub inner: R,
    pub bytes: RowBytes,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.exceeded() {
            return Err(io::Error::other("the row is too large"));
        }
        let length = self.inner.read(buffer)?;
        self.bytes.0.fetch_add(length, Ordering::Relaxed);
        Ok(length)
    }
}
