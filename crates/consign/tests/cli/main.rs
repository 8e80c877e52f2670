//! The command line as a person at a terminal sees it: transcripts of whole commands, and of what views look like.

mod again;
mod api;
mod backups;
mod bad_definitions;
mod bad_places;
mod bad_tables;
mod chaos;
mod commands;
mod connections;
mod definitions;
mod demo;
mod doctor;
mod interrupts;
mod keys;
mod later;
mod leases;
mod notifications;
mod record;
mod restarts;
mod schedules;
mod shop;
mod showing;
mod stores;
mod tables;
mod terminal;
mod testing;
