//! What the delivery crate does, through its public face.

mod memory;
mod stage;
