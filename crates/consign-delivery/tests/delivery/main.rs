//! What the delivery crate does, through its public face.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

mod campaign;
mod disk;
mod faults;
mod filing;
mod follow_up;
#[path = "../../../consign-destinations/tests/destinations/gate.rs"]
mod gate;
mod lease;
mod lists;
mod memory;
mod notify;
mod platforms;
mod retention;
mod rotated;
mod scheduler;
mod several_files;
mod stage;
mod testing;
mod waits;
mod workspace;
