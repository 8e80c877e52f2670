//! What stands between rows and the bytes of a file: compression, and the buffer at the end.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::GzBuilder;
use flate2::write::GzEncoder;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Takes bytes and passes them on, changed or not.
pub(super) trait Layer: Write + Send {
    /// Writes what is left, and ends the layers below.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Holds bytes until they are taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// The bytes since it was last asked.
    pub(super) fn take(&self) -> Bytes {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Layer for Buffer {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// Gzip without a time or a name in its header, so that equal files are equal bytes.
pub(super) fn gzip(below: Box<dyn Layer>) -> Box<dyn Layer> {
    Box::new(GzBuilder::new().mtime(0).write(below, flate2::Compression::default()))
}

impl Layer for GzEncoder<Box<dyn Layer>> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        GzEncoder::finish(*self)?.finish()
    }
}

/// Zstandard with a checksum.
pub(super) fn zstd(below: Box<dyn Layer>) -> io::Result<Box<dyn Layer>> {
    let mut encoder = zstd::Encoder::new(below, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    Ok(Box::new(encoder))
}

impl Layer for zstd::Encoder<'static, Box<dyn Layer>> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        zstd::Encoder::finish(*self)?.finish()
    }
}

/// A zip archive with one entry of that name, dated with the first moment that zip knows.
pub(super) fn zip(below: Box<dyn Layer>, name: &str) -> io::Result<Box<dyn Layer>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new_stream(below).set_auto_large_file();
    writer.start_file(name, options)?;
    Ok(Box::new(writer))
}

impl Layer for ZipWriter<StreamWriter<Box<dyn Layer>>> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        ZipWriter::finish(*self)?.into_inner().finish()
    }
}
