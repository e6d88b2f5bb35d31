//! Concurrent senders that post alerts until each is acknowledged, as Prometheus does, and write down which were.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use super::{content::KINDS, http::Connection, random::Random};

const SENDERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries of a delivery that was not acknowledged.
const PAUSE: Duration = Duration::from_millis(2);

/// What the senders and the one who kills share.
pub(super) struct Shared {
    address: SocketAddr,
    pub(super) token: OnceLock<String>,
    /// How many alerts may still be made up; the one who kills raises it.
    pub(super) allowance: AtomicI64,
    pub(super) acknowledged: AtomicU64,
    pub(super) posts: AtomicU64,
    /// Posts that ended without an answer: the connection was refused or cut.
    pub(super) cut: AtomicU64,
    ending: AtomicBool,
}

pub(super) struct Senders {
    pub(super) shared: Arc<Shared>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
    dir: PathBuf,
}

/// What the senders wrote down.
pub(super) struct Record {
    /// The `case` of each alert that was answered with 2xx.
    pub(super) acknowledged: BTreeSet<String>,
    /// The `group` of each of them that opens an incident.
    pub(super) groups: BTreeSet<String>,
}

impl Senders {
    pub(super) fn start(address: SocketAddr, seed: u64, dir: &Path) -> anyhow::Result<Senders> {
        let shared = Arc::new(Shared {
            address,
            token: OnceLock::new(),
            allowance: AtomicI64::new(0),
            acknowledged: AtomicU64::new(0),
            posts: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            ending: AtomicBool::new(false),
        });
        let mut threads = Vec::new();
        for number in 0..SENDERS {
            let path = dir.join(format!("acknowledged-{number}.jsonl"));
            let record = File::create(&path).with_context(|| format!("`{}`", path.display()))?;
            let (shared, random) = (shared.clone(), Random::new(seed, number + 1));
            let sender = Sender { shared, random, number, made: 0, record, connection: None };
            threads.push(std::thread::Builder::new().spawn(move || sender.run())?);
        }
        Ok(Senders { shared, threads, dir: dir.to_owned() })
    }

    /// Lets each sender bring its last delivery home, and gives what they wrote down.
    pub(super) fn finish(self) -> anyhow::Result<Record> {
        self.shared.ending.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("a sender ended in a panic"))??;
        }
        let mut record = Record { acknowledged: BTreeSet::new(), groups: BTreeSet::new() };
        for number in 0..SENDERS {
            let path = self.dir.join(format!("acknowledged-{number}.jsonl"));
            let text = std::fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
            for line in text.lines() {
                let labels: Value = serde_json::from_str(line)?;
                let label = |name: &str| labels[name].as_str().map(str::to_owned);
                record.acknowledged.extend(label("case"));
                record.groups.extend(label("group"));
            }
        }
        Ok(record)
    }
}

struct Sender {
    shared: Arc<Shared>,
    random: Random,
    number: u64,
    made: u64,
    record: File,
    connection: Option<Connection>,
}

impl Sender {
    fn run(mut self) -> anyhow::Result<()> {
        while !self.shared.ending.load(Ordering::Relaxed) {
            if self.shared.token.get().is_none() || self.shared.allowance.load(Ordering::Relaxed) <= 0 {
                std::thread::sleep(PAUSE);
                continue;
            }
            let alerts = self.alerts();
            self.shared.allowance.fetch_sub(alerts.len() as i64, Ordering::Relaxed);
            self.deliver(&alerts)?;
            if self.random.chance(15) {
                // A sender may deliver again what was acknowledged already.
                self.deliver(&alerts)?;
            }
            std::thread::sleep(Duration::from_micros(self.random.below(20_000)));
        }
        Ok(())
    }

    /// Labels of one to a dozen alerts, each with a name of its own, in one to three groups.
    fn alerts(&mut self) -> Vec<Value> {
        let count = if self.random.chance(60) { 1 } else { 2 + self.random.below(11) };
        let groups = 1 + self.random.below(3);
        self.made += 1;
        let of = format!("{}-{}", self.number, self.made);
        let (kind, label, targets, target) = KINDS[self.random.below(KINDS.len() as u64) as usize];
        let target = format!("{target}{}", 1 + self.random.below(targets));
        let quiet = self.random.chance(20);
        let labels = |n: u64| {
            let case = format!("case-{of}-{n}");
            if quiet {
                return json!({ "alertname": "Quiet", "case": case });
            }
            let group = format!("group-{of}-{}", n % groups);
            json!({
                "alertname": "Crash", "case": case, "group": group, "incident_type": kind, "severity": "high",
                label: target,
            })
        };
        (0..count).map(labels).collect()
    }

    /// Posts until it is acknowledged, and writes that down.
    fn deliver(&mut self, alerts: &[Value]) -> anyhow::Result<()> {
        // Far away, so that none ends by itself while the campaign lasts.
        let alert = |labels: &Value| json!({ "labels": labels, "endsAt": "2099-01-01T00:00:00Z" });
        let body = Value::from_iter(alerts.iter().map(alert)).to_string();
        loop {
            self.shared.posts.fetch_add(1, Ordering::Relaxed);
            match self.post(&body) {
                Ok(answer) if (200..300).contains(&answer.0) => break,
                Ok((429 | 503, _)) => std::thread::sleep(PAUSE),
                Ok((status, body)) => anyhow::bail!("a delivery was answered with {status}: {body}"),
                Err(_) => {
                    self.connection = None;
                    self.shared.cut.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(PAUSE);
                }
            }
        }
        let lines: String = alerts.iter().map(|labels| format!("{labels}\n")).collect();
        self.record.write_all(lines.as_bytes()).context("the record of a sender cannot be written")?;
        self.shared.acknowledged.fetch_add(alerts.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn post(&mut self, body: &str) -> std::io::Result<(u16, String)> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.shared.address, PATIENCE)?,
        };
        let token = self.shared.token.get().map_or("", String::as_str);
        let answer = connection.post("/api/v2/alerts", token, body)?;
        self.connection = Some(connection);
        Ok((answer.status, answer.body))
    }
}
