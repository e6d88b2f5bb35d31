//! Runs of playbooks: one alone, and a thousand in flight.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::bail;

use super::{
    Bench,
    alerts::{Delivery, Kind},
    content::{self, STEPS},
    intake::spread,
    load::Closed,
    report::{Budget, Line, number},
    server::Server,
    stats::{Samples, median},
    target::Target,
};

/// Runs that are under way at any time.
const IN_FLIGHT: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(10);
/// The first runs warm up.
const WARM_UP: u64 = 20;

/// The time from the alert's post to the arrival of the call behind the fifth step. That call's intent is in the
/// commit of the fifth step's outcome, so nothing but its own sending comes on top.
pub(super) fn alone(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let runs = bench.size(300, 80);
    let folder = bench.folder("alone")?;
    let target = Target::start(runs)?;
    let server = Server::start(bench, &folder, target.address)?;
    let mut connection = server.connect()?;
    let mut delivery = Delivery::new(Kind::Incident(content::FIVE), 1, &server.token);
    let mut times = Vec::new();
    for number in 0..runs {
        let request = delivery.from(number);
        let begin = Instant::now();
        let status = connection.status(request)?;
        if status != 200 {
            bail!("an alert was answered with status {status}");
        }
        target.seen.wait_for(number + 1, PATIENCE)?;
        let begun = begin.duration_since(target.seen.base).as_secs_f64();
        let called = target.seen.called_at(number).unwrap_or_default();
        if number >= WARM_UP {
            times.push(called as f64 / 1e6 - begun * 1e3);
        }
    }
    server.stop()?;
    let times = Samples::new(times);
    let note = format!("median of {}; p99 {} ms", runs - WARM_UP, number(times.p99()));
    let line = Line::new("five-step run alone", "ms", Budget::AtMostAndSyncs(0.6, 6), times.p50());
    Ok(vec![line.note(note)])
}

pub(super) fn no_op(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    steps(bench, "durable steps/s, no-op", 30_000.0, content::MANY)
}

pub(super) fn by_http(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    steps(bench, "durable steps/s, by HTTP", 12_000.0, content::MANY_HTTP)
}

fn steps(bench: &Bench, what: &'static str, least: f64, kind: &'static str) -> anyhow::Result<Vec<Line>> {
    let runs = bench.size(5_000, 2_000);
    let mut rates = Vec::new();
    for _ in 0..bench.rounds() {
        rates.push(steps_once(bench, kind, runs)?);
    }
    let note = format!("{STEPS} steps a run; rounds {}", spread(&rates));
    Ok(vec![Line::new(what, "/s", Budget::AtLeast(least), median(&rates)).note(note)])
}

fn steps_once(bench: &Bench, kind: &'static str, runs: u64) -> anyhow::Result<f64> {
    let folder = bench.folder("steps")?;
    let target = Target::start(runs)?;
    let server = Server::start(bench, &folder, target.address)?;
    let seen = &target.seen;
    let begin = Instant::now();
    let go = |posted: u64| posted < seen.count() + IN_FLIGHT;
    let (connections, alerts_a_post) = (2, 10);
    let kind = Kind::Incident(kind);
    let closed = Closed { kind, connections, alerts_a_post, alerts: runs, go: &go, ..Closed::default() };
    closed.run(&server)?;
    seen.wait_for(runs, PATIENCE)?;
    let took = begin.elapsed().as_secs_f64();
    let again = seen.again.load(Ordering::Acquire);
    if again > 0 {
        bail!("{again} targets were called more than once");
    }
    server.stop()?;
    Ok((runs * STEPS) as f64 / took)
}
