//! The command line: parses arguments, wires the crates together, prints. Whatever decides something is elsewhere.
//!
//! [`cli`] says what can be asked, `commands` holds one file a command, [`view`] what commands show, `print` how.

mod asked;
mod changes;
pub mod cli;
mod commands;
mod context;
mod definition_files;
mod exit;
pub mod print;
mod wiring;
mod workplace;

pub use consign_server::view;

use std::io::{self, IsTerminal};
use std::process;
use std::time::Duration;

use clap::Parser;
use consign_server::show;
use tokio::runtime::Runtime;
use tokio::signal;
use tokio::signal::unix::{Signal, SignalKind};
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::exit::Exit;
use crate::print::Printer;

/// What a process that serves logs unless asked for more or less. Of a cookie that is none, each who sends it could fill the log.
const SERVING: &str = "warn,tower_sessions=error,consign=info";

/// How long threads may take to end after the command.
const LINGERING: Duration = Duration::from_secs(1);

/// Runs the command that the process was called with.
pub fn main() -> process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help that cannot be printed has no one who reads it.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Fine.into() };
        }
    };
    log(&cli.command);
    let printer = Printer::of_process(cli.global.json, cli.global.quiet);
    let done = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let done = runtime.block_on(run(cli, printer));
        // What was interrupted while it read a file is not waited for.
        runtime.shutdown_timeout(LINGERING);
        done
    });
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = Exit::of(&error);
            printer.error(&error, exit);
            exit.into()
        }
    }
}

/// The first interrupt, or termination, asks a run to stop, and ends a command that only looks; the second waits for nothing.
async fn run(cli: Cli, printer: Printer) -> anyhow::Result<Exit> {
    let context = Context::new(printer, cli.global)?;
    // The sandbox ends by itself when it is asked to.
    let runs = matches!(
        cli.command,
        Command::Run { .. }
            | Command::Preview { .. }
            | Command::Test { .. }
            | Command::Demo { .. }
            | Command::Sandbox(_)
            | Command::Serve { .. }
    );
    let mut termination = signal::unix::signal(SignalKind::terminate())?;
    let mut command = Box::pin(commands::run(cli.command, &context));
    tokio::select! {
        done = &mut command => return done,
        () = interrupted(&mut termination) => {
            context.cancel.cancel();
            if !runs {
                return Ok(Exit::Interrupted);
            }
            printer.note("stopping; interrupt again to stop at once");
        }
    }
    tokio::select! {
        done = &mut command => done,
        () = interrupted(&mut termination) => Ok(Exit::Interrupted),
    }
}

/// Waits for an interrupt, or for what service managers send.
async fn interrupted(termination: &mut Signal) {
    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = termination.recv() => {}
    }
}

/// Nothing is logged unless asked for: what users need to know is printed. A process that serves says what it does.
fn log(command: &Command) {
    let unasked = matches!(command, Command::Serve { .. }).then(|| EnvFilter::new(SERVING));
    if let Some(filter) = EnvFilter::try_from_env("CONSIGN_LOG").ok().or(unasked) {
        let colours = io::stderr().is_terminal();
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    }
}
