//! The `consign` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    consign::main()
}
