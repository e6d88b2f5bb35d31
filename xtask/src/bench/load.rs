//! Ways to load a server: closed loops, where each sender waits for its answer, and an open loop, where alerts
//! come when they come.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{anyhow, bail};

use super::{
    alerts::{Delivery, Kind},
    server::Server,
    stats::Samples,
};

/// Pause after a refusal because of overload.
const PAUSE: Duration = Duration::from_millis(20);
/// A load that is refused so often in a row has failed.
const REFUSED_MAX: u32 = 500;

/// A closed loop: what is sent, by how many, and when it ends.
pub(super) struct Closed<'a> {
    pub(super) kind: Kind,
    pub(super) connections: u64,
    pub(super) alerts_a_post: usize,
    /// The number of the first alert.
    pub(super) first: u64,
    /// Alerts in all.
    pub(super) alerts: u64,
    /// Every post holds the same alerts.
    pub(super) same: bool,
    /// Ends earlier at this time.
    pub(super) for_most: Duration,
    /// Asked before each post with the number of alerts posted so far: false makes the sender wait.
    pub(super) go: &'a (dyn Fn(u64) -> bool + Send + Sync),
}

/// What a load came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Done {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) took: Duration,
}

impl Done {
    pub(super) fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }
}

impl Default for Closed<'_> {
    fn default() -> Self {
        Closed {
            kind: Kind::Plain,
            connections: 8,
            alerts_a_post: 100,
            first: 0,
            alerts: 0,
            same: false,
            for_most: Duration::from_secs(600),
            go: &|_| true,
        }
    }
}

impl Closed<'_> {
    pub(super) fn run(&self, server: &Server) -> anyhow::Result<Done> {
        let (next, accepted, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let sender = || self.send(server, begin, [&next, &accepted, &refused]);
            let senders: Vec<_> = (0..self.connections).map(|_| scope.spawn(sender)).collect();
            senders.into_iter().try_for_each(|sender| joined(sender.join()))
        })?;
        let took = begin.elapsed();
        let [accepted, refused] = [accepted, refused].map(AtomicU64::into_inner);
        Ok(Done { accepted, refused, took })
    }

    fn send(&self, server: &Server, begin: Instant, counts: [&AtomicU64; 3]) -> anyhow::Result<()> {
        let [next, accepted, refused] = counts;
        let mut connection = server.connect()?;
        let mut delivery = Delivery::new(self.kind, self.alerts_a_post, &server.token);
        let size = delivery.alerts();
        while begin.elapsed() < self.for_most {
            if !(self.go)(next.load(Ordering::Acquire)) {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            }
            let number = next.fetch_add(size, Ordering::AcqRel);
            if number >= self.alerts {
                break;
            }
            let request = delivery.from(if self.same { self.first } else { self.first + number });
            let mut refusals = 0;
            loop {
                match connection.status(request)? {
                    200 => break,
                    429 | 503 if refusals < REFUSED_MAX => {
                        refusals += 1;
                        refused.fetch_add(1, Ordering::AcqRel);
                        std::thread::sleep(PAUSE);
                    }
                    status => bail!("a post of alerts was answered with status {status}"),
                }
            }
            accepted.fetch_add(size, Ordering::AcqRel);
        }
        Ok(())
    }
}

/// An open loop: one alert a post, at times that do not depend on answers.
pub(super) struct Open {
    pub(super) kind: Kind,
    pub(super) connections: u64,
    /// Alerts a second.
    pub(super) rate: u64,
    /// The number of the first alert.
    pub(super) first: u64,
    pub(super) alerts: u64,
}

/// What an open loop came to: when each alert was sent, and how it went.
pub(super) struct Sent {
    /// Number of the alert and when it was sent; later ones in no order.
    pub(super) begun: Vec<(u64, Instant)>,
    /// Milliseconds to the answer.
    pub(super) answered: Samples,
    pub(super) refused: u64,
    /// Alerts that were sent late because the answer before had not come.
    pub(super) late: u64,
}

impl Open {
    pub(super) fn run(&self, server: &Server) -> anyhow::Result<Sent> {
        let start = Instant::now() + Duration::from_millis(50);
        let all = Mutex::new(Sent { begun: Vec::new(), answered: Samples::default(), refused: 0, late: 0 });
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sender = |index| {
                let (all, failed) = (&all, &failed);
                move || {
                    let sent = self.send(server, start, index, failed);
                    failed.fetch_or(sent.is_err(), Ordering::AcqRel);
                    sent.map(|sent| all.lock().unwrap_or_else(PoisonError::into_inner).add(sent))
                }
            };
            let senders: Vec<_> = (0..self.connections).map(|index| scope.spawn(sender(index))).collect();
            senders.into_iter().try_for_each(|sender| joined(sender.join()))
        })?;
        Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn send(&self, server: &Server, start: Instant, index: u64, failed: &AtomicBool) -> anyhow::Result<Sent> {
        let mut connection = server.connect()?;
        let mut delivery = Delivery::new(self.kind, 1, &server.token);
        let (mut begun, mut answered, mut refused, mut late) = (Vec::new(), Vec::new(), 0, 0);
        let mut number = index;
        while number < self.alerts && !failed.load(Ordering::Acquire) {
            let due = start + Duration::from_nanos(number * 1_000_000_000 / self.rate);
            let request = delivery.from(self.first + number);
            let wait = due.saturating_duration_since(Instant::now());
            // A sender that was kept waiting counts from when it should have sent.
            let begin = if wait.is_zero() {
                late += 1;
                due
            } else {
                std::thread::sleep(wait);
                Instant::now()
            };
            match connection.status(request)? {
                200 => begun.push((self.first + number, begin)),
                429 | 503 => refused += 1,
                status => bail!("a post of one alert was answered with status {status}"),
            }
            answered.push(begin.elapsed().as_secs_f64() * 1e3);
            number += self.connections;
        }
        Ok(Sent { begun, answered: Samples::new(answered), refused, late })
    }
}

impl Sent {
    fn add(&mut self, other: Sent) {
        self.begun.extend(other.begun);
        self.answered = std::mem::take(&mut self.answered).and(other.answered);
        self.refused += other.refused;
        self.late += other.late;
    }
}

fn joined(result: std::thread::Result<anyhow::Result<()>>) -> anyhow::Result<()> {
    result.unwrap_or_else(|_| Err(anyhow!("a sender ended in a panic")))
}
