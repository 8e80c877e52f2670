//! The crate through its public face.

mod document;
mod kinds;
mod plan;
mod properties;
mod rules;
mod schedule;
mod twenty_mistakes;
mod workspace;
