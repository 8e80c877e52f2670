//! What can go wrong when tables and definitions are written.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Why a demo workspace could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder holds something else than a demo workspace.
    #[error("`{}` already holds `{found}` and is no demo workspace: name a new or empty folder", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// A definition file of an earlier demo was changed since.
    #[error("`{}` was changed since the demo wrote it: name another folder, or write over it with `--force`", .0.display())]
    Changed(PathBuf),
    /// A folder or file cannot be written or looked at.
    #[error("`{}` cannot be written: check that it is a folder that you may write to and that the disk has room", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// A table cannot be written.
    #[error("the table `{}` cannot be written: check that the disk has room", path.display())]
    Table {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: ParquetError,
    },
    /// The packaged orders, or a text file of orders to package, cannot be read.
    #[error("the orders cannot be read: if they are the packaged ones, fetch `examples/cdnow/orders.parquet` again")]
    Orders(#[source] ArrowError),
}

impl DemoError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |reason| Self::Io { path, reason }
    }

    pub(crate) fn table(path: &std::path::Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_owned();
        move |reason| Self::Table { path, reason }
    }
}

impl From<ArrowError> for DemoError {
    fn from(reason: ArrowError) -> Self {
        Self::Orders(reason)
    }
}

impl From<ParquetError> for DemoError {
    fn from(reason: ParquetError) -> Self {
        Self::Orders(reason.into())
    }
}
