//! The crate through its public face.

mod bench;
mod definitions;
mod people;
mod table;
mod workspace;
