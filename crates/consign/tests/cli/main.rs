//! The command line as a person at a terminal sees it: transcripts of whole commands, and of what views look like.

mod commands;
mod definitions;
mod showing;
mod terminal;
