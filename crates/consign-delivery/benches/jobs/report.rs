//! What was measured, as tables, and the ratios that have an aim.

use std::fmt;

use crate::job::Job;
use crate::measure::{Measured, Side};
use crate::workspace::LEDGER;

/// The results of one number of customers.
pub struct Report {
    customers: u64,
    times: u32,
    lines: Vec<Line>,
}

struct Line {
    job: Job,
    ours: Measured,
    theirs: Vec<(Side, Measured)>,
}

impl Line {
    fn of(&self, side: &str) -> Option<&Measured> {
        let found = self.theirs.iter().find(|(one, measured)| one.name() == side && !measured.seconds.is_empty());
        found.map(|(_, measured)| measured)
    }

    /// How many times longer another side takes.
    fn ratio(&self, side: &str) -> Option<f64> {
        let measured = |theirs: &&Measured| !theirs.seconds.is_empty() && !self.ours.seconds.is_empty();
        self.of(side).filter(measured).map(|theirs| theirs.least() / self.ours.least())
    }
}

impl Report {
    /// No results.
    pub fn new(customers: u64, times: u32) -> Self {
        Self { customers, times, lines: Vec::new() }
    }

    /// Adds what was measured of a job.
    pub fn add(&mut self, job: Job, ours: Measured, theirs: Vec<(Side, Measured)>) {
        self.lines.push(Line { job, ours, theirs });
    }

    fn line(&self, job: Job) -> Option<&Line> {
        self.lines.iter().find(|line| line.job == job)
    }

    fn jobs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## {} customers\n\nThe least seconds of {} (the median).\n", self.customers, self.times)?;
        writeln!(
            f,
            "| job | Consign | memory | DuckDB | memory | DuckDB / Consign | Python / Consign | rows | DuckDB's |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for line in &self.lines {
            let duckdb = line.of("DuckDB");
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                line.job.name(),
                time(Some(&line.ours)),
                memory(Some(&line.ours)),
                time(duckdb),
                memory(duckdb),
                ratio(line.ratio("DuckDB")),
                ratio(line.ratio("Python")),
                line.ours.rows,
                duckdb.map_or_else(|| "-".to_owned(), |measured| measured.rows.to_string()),
            )?;
        }
        Ok(())
    }

    /// The steps of Consign's runs.
    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_steps: Vec<_> = self.lines.iter().filter(|line| !line.ours.steps.is_empty()).collect();
        // Runs that are not sent lack a step.
        let Some(all) = with_steps.iter().max_by_key(|line| line.ours.steps.len()) else { return Ok(()) };
        let names: Vec<_> = all.ours.steps.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(f, "\n| Consign's run | {} |\n| --- |{}", names.join(" | "), " ---: |".repeat(names.len()))?;
        for line in with_steps {
            let step = |name: &&str| {
                let found = line.ours.steps.iter().find(|(one, _)| one == name);
                found.map_or_else(|| "-".to_owned(), |(_, seconds)| format!("{seconds:.2} s"))
            };
            let steps: Vec<_> = names.iter().map(step).collect();
            writeln!(f, "| {} | {} |", line.job.name(), steps.join(" | "))?;
        }
        Ok(())
    }

    fn aims(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for (side, aim) in [("DuckDB", 5), ("Python", 15)] {
            if let Some(ratio) = self.line(Job::HashAndEncode).and_then(|line| line.ratio(side)) {
                writeln!(
                    f,
                    "- hash_and_encode: {side} takes {ratio:.1} times as long as Consign; aim: at least {aim}"
                )?;
            }
        }
        for job in [Job::CountSegment, Job::CountOrders] {
            if let Some(ratio) = self.line(job).and_then(|line| line.ratio("DuckDB")) {
                let ours = ratio.recip();
                writeln!(f, "- {}: Consign takes {ours:.2} times as long as DuckDB; aim: at most 1.2", job.name())?;
            }
        }
        let single = self.lines.iter().filter(|line| line.job.is_one_platform() && !line.ours.seconds.is_empty());
        let cheapest = single.min_by(|a, b| a.ours.least().total_cmp(&b.ours.least()));
        let five = self.line(Job::RunFive).filter(|line| !line.ours.seconds.is_empty());
        if let (Some(five), Some(one)) = (five, cheapest) {
            let ratio = five.ours.least() / one.ours.least();
            writeln!(f, "- run_5_platforms takes {ratio:.2} times as long as {}; aim: at most 2", one.job.name())?;
        }
        let shares = self.lines.iter().filter_map(|line| {
            let (_, ledger) = line.ours.steps.iter().find(|(name, _)| name == LEDGER)?;
            Some((line.job, 100.0 * ledger / line.ours.least()))
        });
        if let Some((job, share)) = shares.max_by(|a, b| a.1.total_cmp(&b.1)) {
            writeln!(f, "- the ledger takes at most {share:.2} % of a run's time, of {}; aim: below 5 %", job.name())?;
        }
        if let Some(line) = self.lines.iter().max_by_key(|line| line.ours.peak) {
            let held = memory(Some(&line.ours));
            writeln!(f, "- most memory: {held}, by {}; aim: below 1024 MiB", line.job.name())?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.jobs(f)?;
        self.steps(f)?;
        self.aims(f)
    }
}

fn time(measured: Option<&Measured>) -> String {
    match measured {
        Some(one) if one.seconds.is_empty() => "failed".to_owned(),
        Some(one) => format!("{:.3} ({:.3})", one.least(), one.median()),
        None => "-".to_owned(),
    }
}

fn memory(measured: Option<&Measured>) -> String {
    measured.filter(|one| one.peak > 0).map_or_else(|| "-".to_owned(), |one| format!("{} MiB", one.peak >> 20))
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}"))
}
