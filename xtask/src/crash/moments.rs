//! When to kill: a random time after something that can be seen from outside.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{programs::Server, random::Random, senders::Shared};

/// What the time is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The process began: the kill falls into start or recovery.
    Begun,
    /// It answers: calls of the life before are being sent again.
    Ready,
    /// A sender has its 2xx.
    Acknowledged,
    /// The estate has a call in its ledger, whose answer may not be back.
    Called,
    /// The WAL has grown: a commit is under way.
    Written,
}

impl Anchor {
    pub(super) const ALL: [Anchor; 5] =
        [Anchor::Begun, Anchor::Ready, Anchor::Acknowledged, Anchor::Called, Anchor::Written];

    pub(super) fn name(self) -> &'static str {
        match self {
            Anchor::Begun => "during the start",
            Anchor::Ready => "after it was ready",
            Anchor::Acknowledged => "after an acknowledgement",
            Anchor::Called => "after a call",
            Anchor::Written => "after a write to the WAL",
        }
    }

    /// Up to how long after it the kill comes.
    fn spread(self) -> Duration {
        match self {
            Anchor::Begun => Duration::from_millis(600),
            Anchor::Ready => Duration::from_millis(40),
            Anchor::Acknowledged | Anchor::Called => Duration::from_micros(4_000),
            Anchor::Written => Duration::from_micros(1_500),
        }
    }
}

/// Where the things that can be seen are.
pub(super) struct Sight {
    pub(super) shared: Arc<Shared>,
    pub(super) ledger: PathBuf,
    pub(super) wal: PathBuf,
}

/// How often it is looked; the kill is that exact.
const LOOK: Duration = Duration::from_micros(50);
/// A kill comes at the latest so long after the start, whatever was to be seen.
const LATEST: Duration = Duration::from_secs(4);

/// Waits for the moment.
pub(super) fn wait(anchor: Anchor, sight: &Sight, server: &Server, random: &mut Random) {
    let begun = Instant::now();
    // Not always the first: the later ones meet a platform under load.
    let times = 1 + random.below(6);
    match anchor {
        Anchor::Begun => {}
        Anchor::Ready => until(begun, || server.is_ready(Duration::from_millis(200))),
        Anchor::Acknowledged => {
            changes(begun, times, || sight.shared.acknowledged.load(Ordering::Relaxed));
        }
        Anchor::Called => changes(begun, times, || fs::metadata(&sight.ledger).map_or(0, |file| file.len())),
        Anchor::Written => {
            until(begun, || server.is_ready(Duration::from_millis(200)));
            changes(begun, times, || fs::metadata(&sight.wal).map_or(0, |file| written(&file)));
        }
    }
    let spread = u64::try_from(anchor.spread().as_micros()).unwrap_or(u64::MAX);
    std::thread::sleep(Duration::from_micros(random.below(spread)));
}

/// The WAL is written over from its beginning, so its length alone does not tell.
fn written(file: &fs::Metadata) -> u64 {
    file.len()
        ^ u64::try_from(file.mtime_nsec()).unwrap_or(0) << 32
        ^ u64::try_from(file.mtime()).unwrap_or(0)
}

fn until(begun: Instant, mut seen: impl FnMut() -> bool) {
    while !seen() && begun.elapsed() < LATEST {
        std::thread::sleep(LOOK);
    }
}

/// Until the number has changed so many times.
fn changes(begun: Instant, times: u64, mut number: impl FnMut() -> u64) {
    let (mut last, mut left) = (number(), times);
    until(begun, || {
        let now = number();
        left -= u64::from(now != last);
        last = now;
        left == 0
    });
}
