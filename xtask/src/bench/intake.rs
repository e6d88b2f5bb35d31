//! How many alerts a second are taken, and how many of them are acted on.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::bail;

use super::{
    Bench,
    alerts::Kind,
    content,
    load::{Closed, Done},
    report::{Budget, Line, number},
    server::Server,
    stats::median,
    target::Target,
};

/// Alerts that may be accepted and not yet acted on; more would only be a longer queue.
const AHEAD: u64 = 4_000;
const PATIENCE: Duration = Duration::from_secs(10);
/// Distinct alerts that are posted again and again.
const REPEATED: usize = 100;
/// More than any run can reach.
const NO_END: u64 = 50_000_000;

pub(super) fn one(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let closed = Closed { connections: 32, alerts_a_post: 1, alerts: NO_END, ..Closed::default() };
    intake(bench, "accepted/s, one a post", 30_000.0, &closed)
}

pub(super) fn hundred(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    intake(bench, "accepted/s, 100 a post", 80_000.0, &Closed { alerts: NO_END, ..Closed::default() })
}

pub(super) fn repeats(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let closed = Closed { alerts_a_post: REPEATED, alerts: NO_END, same: true, ..Closed::default() };
    intake(bench, "accepted/s, all repeats", 300_000.0, &closed)
}

fn intake(bench: &Bench, what: &'static str, least: f64, closed: &Closed<'_>) -> anyhow::Result<Vec<Line>> {
    let for_most = Duration::from_secs(bench.size(5, 2));
    let mut rates = Vec::new();
    let mut refused = 0;
    for _ in 0..bench.rounds() {
        let folder = bench.folder("intake")?;
        let target = Target::start(0)?;
        let server = Server::start(bench, &folder, target.address)?;
        let done = Closed { for_most, ..*closed }.run(&server)?;
        server.stop()?;
        rates.push(done.rate());
        refused += done.refused;
    }
    let note = format!("rounds {}; {refused} posts refused for overload", spread(&rates));
    Ok(vec![Line::new(what, "/s", Budget::AtLeast(least), median(&rates)).note(note)])
}

pub(super) fn act(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let alerts = bench.size(60_000, 15_000);
    let mut rates = Vec::new();
    for _ in 0..bench.rounds() {
        rates.push(act_once(bench, alerts)?.rate());
    }
    let note = format!("rounds {}", spread(&rates));
    let line = Line::new("accepted and acted on/s", "/s", Budget::AtLeast(12_000.0), median(&rates));
    Ok(vec![line.note(note)])
}

fn act_once(bench: &Bench, alerts: u64) -> anyhow::Result<Done> {
    let folder = bench.folder("act")?;
    let target = Target::start(alerts)?;
    let server = Server::start(bench, &folder, target.address)?;
    let seen = &target.seen;
    let begin = Instant::now();
    let go = |posted: u64| posted < seen.count() + AHEAD;
    let closed = Closed { kind: Kind::Incident(content::CONTAINED), alerts, go: &go, ..Closed::default() };
    let done = closed.run(&server)?;
    seen.wait_for(done.accepted, PATIENCE)?;
    let took = begin.elapsed();
    let again = seen.again.load(Ordering::Acquire);
    if again > 0 {
        bail!("{again} targets were called more than once");
    }
    server.stop()?;
    Ok(Done { took, ..done })
}

pub(super) fn spread(rates: &[f64]) -> String {
    rates.iter().map(|rate| number(*rate)).collect::<Vec<_>>().join(" / ")
}
