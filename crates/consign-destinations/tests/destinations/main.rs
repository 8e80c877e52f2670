//! The crate through its public face.

mod files_deliver;
mod files_format;
mod files_local;
mod files_place;
mod files_programs;
mod files_refused;
mod files_rows;
mod files_servers;
mod files_store;
