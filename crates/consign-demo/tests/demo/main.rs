//! The crate through its public face.

mod bench;
mod definitions;
mod documents;
mod people;
mod table;
mod workspace;
