//! The engine through its public face.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::float_cmp,
    clippy::match_same_arms,
    reason = "a test may fail"
)]

mod assign;
mod demo_counts;
mod differential;
mod exact;
mod failures;
mod interpreter;
mod invariants;
mod object_stores;
mod postgres;
mod questions;
mod snapshots_written;
mod sources;
mod splits_in_sql;
mod sql;
mod workspace;
