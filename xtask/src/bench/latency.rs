//! From an alert to the first containment call that arrives, at a steady rate.

use std::time::Duration;

use anyhow::bail;

use super::{
    Bench,
    alerts::Kind,
    content,
    load::{Open, Sent},
    report::{Budget, Line, number},
    server::Server,
    stats::{Samples, median},
    target::{Seen, Target},
};

/// Share of the alerts, from the first on, that only warm up.
const WARM_UP: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn at_100(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let [p50, p99] = ["call p50 at 100/s", "call p99 at 100/s"];
    let found = rounds(bench, 100, 8)?;
    Ok(vec![
        Line::new(p50, "ms", Budget::AtMostAndSyncs(0.5, 1), found.p50).note(found.note),
        Line::new(p99, "ms", Budget::AtMostAndSyncs(3.0, 2), found.p99),
    ])
}

pub(super) fn at_1000(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    at(bench, 1_000, 16, ["call p50 at 1,000/s", "call p99 at 1,000/s"])
}

pub(super) fn at_5000(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    at(bench, 5_000, 32, ["call p50 at 5,000/s", "call p99 at 5,000/s"])
}

fn at(
    bench: &Bench,
    rate: u64,
    connections: u64,
    [p50, p99]: [&'static str; 2],
) -> anyhow::Result<Vec<Line>> {
    let found = rounds(bench, rate, connections)?;
    Ok(vec![
        Line::new(p50, "ms", Budget::None, found.p50).note(found.note),
        Line::new(p99, "ms", Budget::AtMostAndSyncs(10.0, 2), found.p99),
    ])
}

struct Found {
    p50: f64,
    p99: f64,
    note: String,
}

fn rounds(bench: &Bench, rate: u64, connections: u64) -> anyhow::Result<Found> {
    let alerts = rate * bench.size(10, 3);
    let mut found = Vec::new();
    for _ in 0..bench.rounds() {
        found.push(round(bench, rate, connections, alerts)?);
    }
    let of = |pick: fn(&(Samples, Sent)) -> f64| median(&found.iter().map(pick).collect::<Vec<_>>());
    let refused: u64 = found.iter().map(|(_, sent)| sent.refused).sum();
    let late: u64 = found.iter().map(|(_, sent)| sent.late).sum();
    let note = format!(
        "answered p50 {} p99 {} ms; {refused} refused, {late} sent late",
        number(of(|(_, sent)| sent.answered.p50())),
        number(of(|(_, sent)| sent.answered.p99()))
    );
    Ok(Found { p50: of(|(calls, _)| calls.p50()), p99: of(|(calls, _)| calls.p99()), note })
}

fn round(bench: &Bench, rate: u64, connections: u64, alerts: u64) -> anyhow::Result<(Samples, Sent)> {
    let folder = bench.folder("call")?;
    let target = Target::start(alerts)?;
    let server = Server::start(bench, &folder, target.address)?;
    let open = Open { kind: Kind::Incident(content::CONTAINED), connections, rate, first: 0, alerts };
    let sent = open.run(&server)?;
    target.seen.wait_for(sent.begun.len() as u64, PATIENCE)?;
    let calls = times(&sent, &target.seen, alerts / WARM_UP)?;
    server.stop()?;
    Ok((calls, sent))
}

/// Milliseconds from alert to call, of all but the first `skip`.
fn times(sent: &Sent, seen: &Seen, skip: u64) -> anyhow::Result<Samples> {
    let again = seen.again.load(std::sync::atomic::Ordering::Acquire);
    if again > 0 {
        bail!("{again} targets were called more than once");
    }
    let mut times = Vec::with_capacity(sent.begun.len());
    for (number, begin) in sent.begun.iter().filter(|(number, _)| *number >= skip) {
        let Some(called) = seen.called_at(*number) else { bail!("target {number} was never called") };
        let begun = begin.duration_since(seen.base).as_secs_f64();
        times.push(called as f64 / 1e6 - begun * 1e3);
    }
    Ok(Samples::new(times))
}
