//! The engine through its public face.

mod assign;
mod differential;
mod interpreter;
mod workspace;
