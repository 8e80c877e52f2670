//! The store through its public face: one suite of behaviours for every store, and what is particular to a file.

mod audit;
mod credentials;
mod drafts;
mod file;
mod schedules;
mod suite;
