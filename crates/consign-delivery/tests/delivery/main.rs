//! What the delivery crate does, through its public face.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

mod campaign;
mod disk;
mod memory;
mod platforms;
mod retention;
mod scheduler;
mod stage;
mod workspace;
