//! Files: how staged rows become the bytes of files, and how files are put in their places.
//!
//! The way of a list through this module: `format` (batches to bytes, streamed) -> `deliver` (cut into files, hashed,
//! numbered, with manifest and marker) -> [`store`] (a folder, a bucket, a server; whole under its name or not at all).

pub mod deliver;
mod error;
pub mod format;
pub mod store;

pub use deliver::{WrittenFile, deliver};
pub use error::FileError;
pub use format::{FileWriter, Recipient};
pub use store::{FileStore, Upload, folder, open};
