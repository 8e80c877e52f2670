//! The engine through its public face.

mod assign;
mod demo_counts;
mod differential;
mod exact;
mod failures;
mod interpreter;
mod invariants;
mod postgres;
mod questions;
mod snapshots_written;
mod sources;
mod splits_in_sql;
mod sql;
mod workspace;
