//! The engine through its public face.

mod assign;
mod differential;
mod exact;
mod failures;
mod interpreter;
mod invariants;
mod questions;
mod snapshots_written;
mod sources;
mod sql;
mod workspace;
