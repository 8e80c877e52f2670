//! `consign completions`: what makes a shell complete our words.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Exit;

pub fn run(context: &Context, shell: Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "consign", &mut script);
    context.printer.result(&String::from_utf8(script)?)?;
    Ok(Exit::Fine)
}
