//! The crate through its public face.

mod files_deliver;
mod files_format;
mod files_local;
mod files_place;
mod files_rows;
mod files_store;
