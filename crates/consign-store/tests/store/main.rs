//! The store through its public face: one suite of behaviours for every store, and what is particular to a file.

mod credentials;
mod file;
mod schedules;
mod suite;
