//! How views become text, and what goes to which stream: results to standard output, everything else to standard error.

mod accounts;
mod audit;
mod backup;
mod changes;
mod destinations;
mod doctor;
mod explanation;
mod forgot;
mod grid;
mod keys;
mod lists;
mod problems;
mod progress;
mod redact;
mod requests;
mod run;
mod schedules;
mod testing;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

pub(crate) use changes::changes;
pub use destinations::Spec;
pub use problems::Problems;
pub use progress::{Bar, Progress};

use crate::exit::Exit;

/// How text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Frames and lines that end at the terminal's edge; else plain columns, one line a row.
    pub framed: bool,
    /// Colours.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: u16,
}

/// Where text goes that is not on a terminal: wide enough for messages, and always the same.
const PIPED_WIDTH: u16 = 100;

impl Style {
    /// What is not on a terminal.
    pub const PLAIN: Self = Self { framed: false, colour: false, width: PIPED_WIDTH };

    /// What is on a terminal without colours.
    pub fn framed(width: u16) -> Self {
        Self { framed: true, colour: false, width }
    }

    fn of_stream(terminal: bool) -> Self {
        if !terminal {
            return Self::PLAIN;
        }
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { framed: true, colour, width: comfy_table::Table::new().width().unwrap_or(PIPED_WIDTH) }
    }
}

/// What can be shown: as JSON by what it is, and as text.
pub trait Shown: Serialize {
    /// For people; ends with a line break.
    fn text(&self, style: Style) -> String;
}

/// Says things to whoever called the process.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    json: bool,
    quiet: bool,
    out: Style,
    err: Style,
}

impl Printer {
    /// A printer on the streams of the process.
    pub fn of_process(json: bool, quiet: bool) -> Self {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { json, quiet, out: Style::of_stream(out), err: Style::of_stream(err) }
    }

    /// Whether standard output is one JSON document.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Shows the result of a command.
    pub fn show(&self, what: &impl Shown) -> Result<()> {
        if self.json { self.json_document(what) } else { self.result(&what.text(self.out)) }
    }

    /// Prints a JSON document, whatever was asked for.
    pub fn json_document(&self, document: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        self.result(&text)
    }

    /// Prints a text to standard output.
    pub fn result(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads has enough, as in `consign schema | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// Prints what is wrong with the definitions.
    pub fn diagnostics(&self, text: impl FnOnce(Style) -> String) -> Result<()> {
        // Whether anybody reads standard error is not for us to know.
        let _ = io::stderr().write_all(text(self.err).as_bytes());
        Ok(())
    }

    /// Says something that is good to know; not with `--quiet` or `--json`.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Says why a command is not done.
    pub fn error(&self, error: &anyhow::Error, exit: Exit) {
        let causes = causes(error);
        if self.json {
            let document =
                json!({ "error": { "message": error.to_string(), "causes": causes, "exit_code": exit.code() } });
            let _ = self.json_document(&document);
            return;
        }
        let mut text = format!("error: {error}\n");
        for cause in causes {
            let _ = writeln!(text, "  because: {cause}");
        }
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Bars of progress on the terminal; none where there is no terminal, or with `--quiet` or `--json`.
    pub fn progress(&self) -> Progress {
        Progress::new(self.err.framed && !self.quiet && !self.json)
    }
}

/// Why an error came about: each cause that says more than the one before it.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // How libraries name what only wraps another error.
        let cause = cause.strip_prefix("External: ").unwrap_or(&cause).to_owned();
        if !said.contains(&cause) {
            said.clone_from(&cause);
            causes.push(cause);
        }
    }
    causes
}

/// `12,345`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 file`, `2 files`.
pub fn plural(number: usize, one: &str) -> String {
    consign_model::word::count(number, one)
}

/// A moment to the second.
fn moment(moment: chrono::DateTime<chrono::Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
