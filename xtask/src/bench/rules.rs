//! What detection rules cost: the server's own time for an alert, with ten rules, a hundred and a thousand.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{
    Bench,
    alerts::Kind,
    content,
    load::Closed,
    report::{Budget, Line, number},
    server::Server,
    stats::median,
    target::Target,
};
use crate::process;

/// Alerts a second, of which one in a hundred fits a rule.
const RATE: f64 = 10_000.0;
const RULES: [usize; 3] = [10, 100, 1_000];
/// How many times as much an alert may cost with the most rules as with the fewest.
const GROWTH: f64 = 1.5;
/// Most incidents that are counted: one page.
const PAGE: usize = 1_000;

pub(super) fn cost(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let mut costs = [const { Vec::new() }; 3];
    let mut rates = Vec::new();
    for _ in 0..bench.rounds() {
        for (rules, costs) in RULES.into_iter().zip(&mut costs) {
            let (cost, rate) = once(bench, rules)?;
            costs.push(cost);
            rates.push(rate);
        }
    }
    let costs = costs.map(|rounds| median(&rounds));
    let names = ["time per alert, 10 rules", "time per alert, 100 rules", "time per alert, 1,000 rules"];
    let line = |(name, cost)| Line::new(name, "µs", Budget::None, cost);
    let mut lines: Vec<Line> = names.into_iter().zip(costs).map(line).collect();
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let note = format!("of the server's own time; {} alerts/s or more, 1 % fit", number(slowest));
    let growth = Line::new("growth, 10 to 1,000 rules", "times", Budget::AtMost(GROWTH), costs[2] / costs[0]);
    lines.push(growth.note(note));
    Ok(lines)
}

/// Microseconds of processor time for an alert, and the rate that was reached.
fn once(bench: &Bench, rules: usize) -> anyhow::Result<(f64, f64)> {
    let folder = bench.folder("rules")?;
    let files = folder.join("content");
    content::write(&files, &process::workspace_root().join("content"))?;
    write_rules(&files.join("rules"), rules)?;
    let target = Target::start(0)?;
    let server = Server::start(bench, &folder, target.address)?;
    let alerts = bench.size(60_000, 20_000);
    let begin = Instant::now();
    let go = |posted: u64| (posted as f64) < begin.elapsed().as_secs_f64() * RATE;
    let kind = Kind::OneInHundred("BenchRule0003");
    let before = server.processor_time()?;
    let done = Closed { kind, alerts, go: &go, ..Closed::default() }.run(&server)?;
    let took = server.processor_time()? - before;
    let page = server.get(&format!("/api/v1/incidents?limit={PAGE}"))?;
    let page: serde_json::Value = serde_json::from_str(&page).context("the incidents do not read")?;
    let opened = page["items"].as_array().map_or(0, Vec::len);
    let expected = usize::try_from(done.accepted / 100).unwrap_or(PAGE).min(PAGE);
    if opened != expected {
        bail!("{opened} incidents where {expected} alerts fit a rule");
    }
    server.stop()?;
    Ok((took.as_secs_f64() * 1e6 / done.accepted as f64, done.rate()))
}

/// Rules as a deployment has them, in place of the shipped ones. Of a hundred, 89 name the alert that they are
/// about, ten a metric, and one is tried on every alert of a sender, with a regular expression.
fn write_rules(folder: &Path, count: usize) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).context("no folder of rules")? {
        fs::remove_file(entry?.path()).context("a shipped rule is in the way")?;
    }
    for number in 0..count {
        let what = match number % 100 {
            50 => "match: ['job=\"node\"']\nconditions:\n  - { field: summary, operator: matches, value: \
                   'leak of (keys|seeds) at \\d+' }\n"
                .to_owned(),
            51..=60 => format!(
                "conditions:\n  - {{ metric: bench_metric_{number}, operator: greater_than, value: 90 }}\n  \
                 - {{ metric: bench_time_{number}, operator: greater_or_equal, value: 300 }}\n"
            ),
            _ => format!(
                "match: ['alertname=\"BenchRule{number:04}\"']\nconditions:\n  \
                 - {{ field: severity, operator: in, value: [high, critical] }}\n"
            ),
        };
        let kind = content::OPEN;
        let text = format!("id: bench_{number}\n{what}type: {kind}\nauto_response: true\n");
        let path = folder.join(format!("bench_{number}.yaml"));
        fs::write(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    Ok(())
}

impl Server {
    /// Processor time of the server so far, its own and in the kernel.
    fn processor_time(&self) -> anyhow::Result<Duration> {
        // Ticks of a hundredth of a second on every Linux that Rust runs on.
        const TICK: Duration = Duration::from_millis(10);
        let path = format!("/proc/{}/stat", self.id());
        let text = fs::read_to_string(&path).with_context(|| format!("`{path}` cannot be read"))?;
        // The name in parentheses may hold anything; the numbers come behind it.
        let numbers = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut ticks = numbers.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        match (ticks.next(), ticks.next()) {
            (Some(Ok(own)), Some(Ok(kernel))) => Ok(TICK * (own + kernel)),
            _ => bail!("no processor time in `{path}`"),
        }
    }
}
