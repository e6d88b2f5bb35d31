//! `cargo xtask bench`: the rows of the budget, measured against the real binary with everything durable.
//!
//! A row starts servers of its own in a folder of its own, loads them over loopback, and says what it found. How
//! each row is measured, and what its figure means, is written in `docs/benchmarks.md`.

mod alerts;
mod content;
mod http;
mod intake;
mod latency;
mod load;
mod memory;
mod report;
mod rules;
mod runs;
mod server;
mod start;
mod stats;
mod sync;
mod target;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use self::report::{Line, Report};
use crate::{Usage, process};

const HELP: &str = "\
Usage: cargo xtask bench [ROW…] [--quick] [--list] [--json] [--binary FILE] [--keep]

Builds the release binary and measures the rows of the budget: without ROW all of them, in about ten minutes.
docs/benchmarks.md says how each is measured.

  --quick        shorter and smaller: good for a look, not for a record
  --list         only name the rows
  --json         print JSON for programs
  --binary FILE  measure this binary and build nothing
  --keep         keep the data directories and logs of the servers under target/bench
";

/// A part of the budget that is measured in one go.
struct Row {
    name: &'static str,
    about: &'static str,
    run: fn(&Bench) -> anyhow::Result<Vec<Line>>,
}

const ROWS: &[Row] = &[
    Row { name: "call-100", about: "alert to first containment call, 100 alerts/s", run: latency::at_100 },
    Row { name: "call-1000", about: "the same at 1,000 alerts/s", run: latency::at_1000 },
    Row { name: "call-5000", about: "the same at 5,000 alerts/s", run: latency::at_5000 },
    Row { name: "accept-one", about: "accepted alerts/s, one a post, 32 connections", run: intake::one },
    Row {
        name: "accept-hundred",
        about: "accepted alerts/s, 100 a post, all distinct",
        run: intake::hundred,
    },
    Row { name: "accept-repeats", about: "accepted alerts/s, 100 a post, all repeats", run: intake::repeats },
    Row { name: "act", about: "accepted, correlated and acted on, one action an alert", run: intake::act },
    Row { name: "run-alone", about: "a run of five no-op steps, nothing else going on", run: runs::alone },
    Row { name: "steps-noop", about: "durable steps/s, 1,000 runs in flight, no-op", run: runs::no_op },
    Row { name: "steps-http", about: "durable steps/s, 1,000 runs in flight, by HTTP", run: runs::by_http },
    Row { name: "rules", about: "time per alert with 10, 100 and 1,000 rules", run: rules::cost },
    Row { name: "memory", about: "memory idle, and with 100,000 active alerts", run: memory::alerts },
    Row { name: "incidents", about: "1,000,000 open incidents: memory, list, open", run: memory::incidents },
    Row { name: "start-empty", about: "cold start to ready, empty", run: start::empty },
    Row { name: "start-full", about: "cold start and log verify, 1,000,000 entries", run: start::full },
    Row { name: "binary", about: "size of the binary", run: start::binary },
];

/// What every row needs to know.
pub(crate) struct Bench {
    binary: PathBuf,
    /// Emptied at the start and removed at the end.
    dir: PathBuf,
    quick: bool,
}

#[derive(Default)]
struct Wanted {
    rows: Vec<&'static Row>,
    list: bool,
    quick: bool,
    json: bool,
    keep: bool,
    binary: Option<PathBuf>,
}

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    let wanted = parse(args)?;
    if wanted.list {
        ROWS.iter().for_each(|row| println!("{:<15} {}", row.name, row.about));
        return Ok(());
    }
    if cfg!(debug_assertions) {
        return run_optimised(args);
    }
    let binary = match &wanted.binary {
        Some(path) => path.canonicalize().with_context(|| format!("no binary `{}`", path.display()))?,
        None => build()?,
    };
    let dir = process::workspace_root().join(format!("target/bench/{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("no folder `{}`", dir.display()))?;
    let bench = Bench { binary, dir, quick: wanted.quick };
    let report = measure(&bench, &wanted.rows);
    if wanted.keep {
        eprintln!("kept: {}", bench.dir.display());
    } else if let Err(error) = std::fs::remove_dir_all(&bench.dir) {
        eprintln!("`{}` could not be removed: {error}", bench.dir.display());
    }
    let report = report?;
    print!("{}", if wanted.json { report.json() } else { report.table() });
    if !report.failed.is_empty() {
        bail!("{} of {} rows could not be measured", report.failed.len(), wanted.rows.len());
    }
    Ok(())
}

fn parse(args: &[String]) -> Result<Wanted, Usage> {
    let mut wanted = Wanted::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--list" => wanted.list = true,
            "--quick" => wanted.quick = true,
            "--json" => wanted.json = true,
            "--keep" => wanted.keep = true,
            "--binary" => {
                let path = args.next().ok_or_else(|| Usage("`--binary` needs a file".to_owned()))?;
                wanted.binary = Some(path.into());
            }
            name => {
                let row = ROWS.iter().find(|row| row.name == name);
                wanted.rows.push(row.ok_or_else(|| {
                    Usage(format!("`bench` has no row `{name}`; `cargo xtask bench --list` names them"))
                })?);
            }
        }
    }
    if wanted.rows.is_empty() {
        wanted.rows.extend(ROWS);
    }
    Ok(wanted)
}

/// A load generator without optimisation would take the processor away from what it measures.
fn run_optimised(args: &[String]) -> anyhow::Result<()> {
    let words = ["run", "--quiet", "--locked", "--release", "--package", "xtask", "--", "bench"];
    let mut command = process::cargo(&words);
    command.args(args);
    let status = command.status().context("cargo could not be started")?;
    if !status.success() {
        bail!("the measurement ended with {status}");
    }
    Ok(())
}

fn build() -> anyhow::Result<PathBuf> {
    eprintln!("building the release binary");
    process::quiet(process::cargo(&["build", "--release", "--locked", "--package", "ringfence"]))?;
    Ok(process::workspace_root().join("target/release/ringfence"))
}

fn measure(bench: &Bench, rows: &[&'static Row]) -> anyhow::Result<Report> {
    let mut report = Report { quick: bench.quick, ..Report::default() };
    report.sync.push(sync::measure(&bench.dir, sync::SAMPLES)?);
    for row in rows {
        eprintln!("measuring {}: {}", row.name, row.about);
        let before = sync::measure(&bench.dir, sync::SAMPLES_ROW)?;
        match (row.run)(bench) {
            Ok(mut lines) => {
                let sync = before.and(sync::measure(&bench.dir, sync::SAMPLES_ROW)?);
                lines.iter_mut().for_each(|line| line.sync_ms = sync.p50_ms());
                lines.iter().for_each(|line| eprintln!("  {}", line.brief()));
                report.lines.extend(lines);
            }
            Err(error) => {
                eprintln!("  failed: {error:#}");
                report.failed.push((row.name, format!("{error:#}")));
            }
        }
    }
    report.sync.push(sync::measure(&bench.dir, sync::SAMPLES)?);
    Ok(report)
}

impl Bench {
    /// A fresh folder of this name.
    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| format!("`{}` is in the way", path.display()))?;
        }
        std::fs::create_dir_all(&path).with_context(|| format!("no folder `{}`", path.display()))?;
        Ok(path)
    }

    /// How often a noisy row is repeated; the median counts.
    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// The size that counts, or the small one of a quick look.
    fn size(&self, full: u64, quick: u64) -> u64 {
        if self.quick { quick } else { full }
    }
}

/// The folder of one server, below the folder of a row.
fn below(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}
