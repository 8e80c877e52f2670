//! Jobs in processes of their own: Consign's in this program again, those of the others in `benches/compare.py`.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::job::Job;

/// What a job took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// The seconds of each time that it was done.
    pub seconds: Vec<f64>,
    /// The seconds of the steps of the fastest time, where it has steps.
    #[serde(default)]
    pub steps: Vec<(String, f64)>,
    /// What it found or wrote, in customers or rows: both sides should come to the same, but for how they clean.
    pub rows: u64,
    /// The most memory that its process held, in bytes; 0 where the system does not say.
    pub peak: u64,
}

impl Measured {
    /// The least seconds.
    pub fn least(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The seconds in the middle.
    pub fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// Who does a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// This program.
    Consign,
    /// `compare.py`, with the engine that it is told.
    Script { engine: &'static str, python: String },
}

impl Side {
    /// The others that are installed.
    pub fn others() -> Vec<Self> {
        let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut sides = Vec::new();
        for (engine, module) in [("duckdb", "duckdb"), ("python", "pyarrow")] {
            let import = format!("import {module}");
            let found = Command::new(&python).args(["-c", &import]).stderr(Stdio::null()).status();
            match found {
                Ok(status) if status.success() => sides.push(Self::Script { engine, python: python.clone() }),
                _ => {
                    eprintln!("{engine} is left out: `{python}` has no module `{module}` (set PYTHON to one that has)");
                }
            }
        }
        sides
    }

    /// Does a job so many times. Nothing where this side does not do it.
    pub fn measure(&self, job: Job, folder: &Path, times: u32) -> Result<Measured> {
        let (folder, times) = (folder.to_string_lossy(), times.to_string());
        let output = match self {
            Self::Consign => child(&[job.name(), &folder, &times])?,
            Self::Script { engine, python } => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/compare.py");
                run(Command::new(python).args([script, engine, job.name(), &folder, &times]))?
            }
        };
        Ok(serde_json::from_str(&output)?)
    }

    /// Its name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Consign => "Consign",
            Self::Script { engine: "duckdb", .. } => "DuckDB",
            Self::Script { .. } => "Python",
        }
    }
}

/// Runs this program with those arguments; what it prints.
pub fn child(arguments: &[&str]) -> Result<String> {
    run(Command::new(env::current_exe()?).args(arguments))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The most memory that this process has held, in bytes.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Seconds of a duration.
pub fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
