//! Secrets that somebody types or pipes.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context as _, Result, ensure};
use consign_secrets::MAX_BYTES;
use secrecy::SecretString;

/// A secret: asked for by its name without showing it on a terminal, else all of standard input but its last line break.
pub fn secret(name: &str) -> Result<SecretString> {
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{name}: ")).context("the secret cannot be read from the terminal")?
    } else {
        let mut text = String::new();
        let read = io::stdin().take(MAX_BYTES + 1).read_to_string(&mut text);
        read.context("the secret cannot be read from standard input: it must be text")?;
        text
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    ensure!(!text.is_empty(), "the secret is empty: type it, or give it on standard input");
    ensure!(text.len() as u64 <= MAX_BYTES, "the secret is larger than 1 MiB: store a reference to a file instead");
    Ok(SecretString::from(text))
}
