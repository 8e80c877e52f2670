//! The store through its public face: one suite of behaviours for every store, and what is particular to a file and to a
//! database of Postgres.

mod accounts;
mod audit;
mod broken_off;
mod calls;
mod credentials;
mod drafts;
mod file;
mod forgotten;
mod leases;
mod notices;
mod opening;
mod postgres;
mod schedules;
mod suite;
