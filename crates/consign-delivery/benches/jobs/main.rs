//! `make bench`: each job in a process of its own, so that its peak memory is its own; the same work
//! by `DuckDB` and plain Python beside it.
//!
//! `cargo bench --workspace --bench jobs`, with `CUSTOMERS` (numbers of customers, 1000000 and 10000000 unless set),
//! `JOBS` (those that are measured, all unless set), `PYTHON` (an interpreter with the modules `duckdb` and `pyarrow`)
//! and `DATA` (where the workspaces are made; below the target folder unless set).

mod encode;
mod job;
mod measure;
mod report;
mod slow;
mod workspace;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use job::Job;
use measure::{Measured, Side};
use report::Report;

/// Any error ends the benchmark.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Up to so many customers a job is done three times, and once above it.
const REPEATED: u64 = 2_000_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => all(),
        ["data", folder, customers] => {
            consign_demo::bench::write(Path::new(folder), customers.parse()?)?;
            Ok(())
        }
        ["sandbox"] => slow::serve_until_input_ends(),
        [job, folder, times] => {
            let measured = job::measure(Job::named(job)?, Path::new(folder), times.parse()?)?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
        _ => Err("arguments are for the benchmark's own processes: set CUSTOMERS or JOBS instead".into()),
    }
}

fn all() -> Result<()> {
    let list = |name: &str, unset: &str| env::var(name).unwrap_or_else(|_| unset.to_owned());
    let jobs = list("JOBS", &Job::ALL.map(Job::name).join(" "));
    let jobs = jobs.split_whitespace().map(Job::named).collect::<Result<Vec<_>>>()?;
    let data = env::var_os("DATA").map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench"), PathBuf::from);
    let others = Side::others();
    for customers in list("CUSTOMERS", "1000000 10000000").split_whitespace() {
        let folder = workspace(&data, customers)?;
        let customers: u64 = customers.parse()?;
        let times = if customers <= REPEATED { 3 } else { 1 };
        let mut report = Report::new(customers, times);
        for job in &jobs {
            eprintln!("{} of {customers} customers", job.name());
            // One that fails says why, and does not stop the others.
            let measure = |side: &Side| {
                side.measure(*job, &folder, times).unwrap_or_else(|error| {
                    eprintln!("{error}");
                    Measured::default()
                })
            };
            let theirs = others.iter().map(|side| (side.clone(), measure(side)));
            report.add(*job, measure(&Side::Consign), theirs.collect());
        }
        print!("{report}");
    }
    Ok(())
}

/// The workspace of that many customers, made where it is missing.
fn workspace(data: &Path, customers: &str) -> Result<PathBuf> {
    let folder = data.join(customers);
    if !folder.join("data").join("Orders.parquet").exists() {
        eprintln!("making {customers} customers");
        fs::create_dir_all(data)?;
        let shown = folder.to_string_lossy().into_owned();
        measure::child(&["data", &shown, customers])?;
    }
    Ok(folder)
}
