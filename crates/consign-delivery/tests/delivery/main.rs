//! What the delivery crate does, through its public face.

mod campaign;
mod disk;
mod memory;
mod stage;
mod workspace;
