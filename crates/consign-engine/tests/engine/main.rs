//! The engine through its public face.

mod assign;
mod differential;
mod interpreter;
mod sources;
mod sql;
mod workspace;
