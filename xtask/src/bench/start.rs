//! Cold starts, the check of a whole log, and the size of the binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{
    Bench,
    alerts::Kind,
    below, content,
    intake::spread,
    load::Closed,
    report::{Budget, Line, number},
    server::Server,
    stats::median,
    target::Target,
};
use crate::process;

/// Starts of which the median counts.
const STARTS: usize = 7;
const STARTS_FULL: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);
/// Alerts that are accepted and not yet acted on.
const AHEAD: u64 = 4_000;

pub(super) fn empty(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let folder = bench.folder("empty")?;
    let target = Target::start(0)?;
    let (mut fresh, mut again) = (Vec::new(), Vec::new());
    for index in 0..STARTS {
        let folder = below(&folder, &index.to_string());
        fs::create_dir_all(&folder)?;
        for times in [&mut fresh, &mut again] {
            let server = Server::start(bench, &folder, target.address)?;
            times.push(server.ready_after.as_secs_f64() * 1e3);
            server.stop()?;
        }
    }
    let note = format!("keys, schema and first person are made; starts {}", spread(&fresh));
    Ok(vec![
        Line::new("cold start, nothing there yet", "ms", Budget::None, median(&fresh)).note(note),
        Line::new("cold start, empty", "ms", Budget::AtMost(30.0), median(&again))
            .note(format!("starts {}", spread(&again))),
    ])
}

pub(super) fn full(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let folder = bench.folder("full")?;
    let runs = bench.size(10_000, 1_000);
    let target = Target::start(runs)?;
    let entries = fill(bench, &folder, &target, runs, bench.size(1_000_000, 50_000))?;
    let mut times = Vec::new();
    for _ in 0..STARTS_FULL {
        let server = Server::start(bench, &folder, target.address)?;
        times.push(server.ready_after.as_secs_f64());
        server.stop()?;
    }
    let bundle = export(bench, &folder, &target)?;
    let leaves = verify(bench, &[bundle.as_path()])?;
    let all = verify(bench, &[Path::new("--data-dir"), &folder.join("data")])?;
    let note = format!("{} entries, {} open runs; starts {}", number(entries as f64), runs, spread(&times));
    Ok(vec![
        Line::new("cold start, 1,000,000 entries", "s", Budget::AtMost(1.0), median(&times)).note(note),
        Line::new("verify 1,000,000 leaves", "s", Budget::AtMost(2.0), leaves)
            .note("`log verify` of an exported bundle: leaves, tree, bodies".to_owned()),
        Line::new("the same with all state rows", "s", Budget::None, all)
            .note("`log verify` of the data directory: also rows against their fold".to_owned()),
    ])
}

/// Writes the whole log as a bundle.
fn export(bench: &Bench, folder: &Path, target: &Target) -> anyhow::Result<PathBuf> {
    let server = Server::start(bench, folder, target.address)?;
    let path = folder.join("log.bundle");
    let mut command = Command::new(&bench.binary);
    command.args(["log", "export", "--data-dir"]).arg(&server.data).arg("--out").arg(&path);
    process::quiet(command)?;
    server.stop()?;
    Ok(path)
}

/// Open runs first, then alerts that are raised and resolved until the log is long enough. Gives its length.
fn fill(bench: &Bench, folder: &Path, target: &Target, runs: u64, entries: u64) -> anyhow::Result<u64> {
    let server = Server::start(bench, folder, target.address)?;
    let go = |posted: u64| posted < target.seen.count() + AHEAD;
    let kind = Kind::Incident(content::WAITING);
    Closed { kind, alerts: runs, go: &go, ..Closed::default() }.run(&server)?;
    target.seen.wait_for(runs, PATIENCE)?;
    std::thread::sleep(Duration::from_secs(2));
    let before = server.entries()?;
    let alerts = entries.saturating_sub(before).div_ceil(200) * 100;
    for kind in [Kind::Plain, Kind::Resolved] {
        Closed { kind, first: runs, alerts, ..Closed::default() }.run(&server)?;
    }
    std::thread::sleep(Duration::from_secs(2));
    let length = server.entries()?;
    if length < entries {
        bail!("the log holds {length} entries in the place of {entries}");
    }
    server.stop()?;
    Ok(length)
}

/// Seconds that `log verify` takes, on one core where `taskset` is there to say so.
fn verify(bench: &Bench, what: &[&Path]) -> anyhow::Result<f64> {
    let taskset = Path::new("/usr/bin/taskset");
    let mut command = if taskset.exists() {
        let mut command = Command::new(taskset);
        command.args(["-c", "0"]).arg(&bench.binary);
        command
    } else {
        Command::new(&bench.binary)
    };
    command.args(["log", "verify"]).args(what);
    let begin = Instant::now();
    process::quiet(command)?;
    Ok(begin.elapsed().as_secs_f64())
}

pub(super) fn binary(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let size = fs::metadata(&bench.binary).context("no binary")?.len();
    Ok(vec![Line::new("binary", "MiB", Budget::AtMost(40.0), size as f64 / (1024.0 * 1024.0))])
}
