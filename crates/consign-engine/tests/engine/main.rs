//! The engine through its public face.

mod assign;
mod workspace;
