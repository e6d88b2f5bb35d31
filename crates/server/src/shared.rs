//! What all calls share: the way to the platform, and the bounds that hold for all of them together.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use domain::{content::Content, time::Timestamp};
use engine::{Handle, Reader, backup::Shelf};
use tlog::VerifierKey;
use tokio::sync::{Semaphore, watch};

use crate::{Error, Folder, error::Problem, kept::Kept, replay::Replays, source::Source};

#[cfg(test)]
mod tests;

/// Reads of the store at once; more wait.
const READS_MAX: usize = 16;
/// Bodies beyond `gate::SMALL` that may be in memory at once, in KiB.
pub(crate) const LARGE_BODIES_KIB: usize = 64 * 1024;
/// Streams of facts and exports at once.
const STREAMS_MAX: usize = 256;
/// Refusals journaled a second; the rest are counted.
const REFUSALS_MAX: u32 = 10;

/// What the server is built on.
pub struct Options {
    pub handle: Handle,
    /// The content in force; replaced when it is loaded anew.
    pub content: watch::Receiver<Arc<Content>>,
    /// The key that signs the log's checkpoints, under the log's name.
    pub log_key: VerifierKey,
    /// Serve checkpoint and tiles without a token.
    pub public_log: bool,
    /// Browsers reach it by https only, so a cookie may say so.
    pub secure: bool,
    /// Sources that prove themselves by a secret, by name.
    pub sources: BTreeMap<String, Source>,
    /// Turns true when the server is to end: streams are then ended, and `/readyz` says so.
    pub stopping: watch::Receiver<bool>,
    /// Tells who can write in the data directory from who cannot; without it nobody breaks the glass.
    pub owner: Option<Owner>,
    /// Where backups lie.
    pub backups: Option<Arc<Shelf>>,
    /// What a snapshot of evidence keeps beside the platform's own.
    pub folders: Vec<Folder>,
}

/// Whether this is what the owner of the data directory has just written there.
pub type Owner = Arc<dyn Fn(&str) -> bool + Send + Sync>;

pub(crate) struct Shared {
    pub(crate) handle: Handle,
    pub(crate) content: watch::Receiver<Arc<Content>>,
    pub(crate) log_key: VerifierKey,
    pub(crate) public_log: bool,
    pub(crate) secure: bool,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) owner: Option<Owner>,
    pub(crate) backups: Option<Arc<Shelf>>,
    pub(crate) folders: Vec<Folder>,
    /// Backups that are made or looked at.
    pub(crate) looks: Arc<Semaphore>,
    pub(crate) large_bodies: Semaphore,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) refusals: Refusals,
    pub(crate) kept: Kept,
    pub(crate) replays: Replays,
    pub(crate) answered: Answered,
    reads: Arc<Semaphore>,
    started: Instant,
    /// Of the platform, so that the name of a request is not met again after a restart.
    epoch: u64,
    requests: AtomicU64,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Shared {
        let epoch = options.handle.reader().control().map_or(0, |control| control.epoch);
        Shared {
            epoch,
            handle: options.handle,
            content: options.content,
            log_key: options.log_key,
            public_log: options.public_log,
            secure: options.secure,
            sources: options.sources,
            stopping: options.stopping,
            owner: options.owner,
            backups: options.backups,
            folders: options.folders,
            looks: Arc::new(Semaphore::new(1)),
            large_bodies: Semaphore::new(LARGE_BODIES_KIB),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            refusals: Refusals::default(),
            kept: Kept::default(),
            replays: Replays::default(),
            answered: Answered::default(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            started: Instant::now(),
            requests: AtomicU64::new(0),
        }
    }

    /// The name of the next call in the log and in what its caller is told.
    pub(crate) fn next_request(&self) -> RequestId {
        RequestId { epoch: self.epoch, number: self.requests.fetch_add(1, Ordering::Relaxed) }
    }

    /// Platform time, which stands still between decisions, brought forward by the wall clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.handle.now().max(Timestamp::from_jiff(jiff::Timestamp::now()))
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn content(&self) -> Arc<Content> {
        self.content.borrow().clone()
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.reads.clone().acquire_owned().await;
        let reader = self.handle.reader().clone();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read(&reader)
        });
        task.await.map_err(|error| Error::internal("reading the store", &error))?
    }
}

/// The name of a call; only errors need the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId {
    epoch: u64,
    number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urn:ringfence:request:{}-{}", self.epoch, self.number)
    }
}

/// How often a refusal may be journaled, so that nobody fills the log by being refused.
#[derive(Default)]
pub(crate) struct Refusals {
    window: Mutex<Option<(Instant, u32)>>,
    pub(crate) journaled: AtomicU64,
    pub(crate) dropped: AtomicU64,
    unreported: AtomicU64,
}

impl Refusals {
    /// Whether this one may be journaled; with it, how many before it were not.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = window
            .filter(|(began, _)| now.duration_since(*began) < Duration::from_secs(1))
            .unwrap_or((now, 0));
        if count >= REFUSALS_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            self.unreported.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *window = Some((began, count + 1));
        self.journaled.fetch_add(1, Ordering::Relaxed);
        Some(self.unreported.swap(0, Ordering::Relaxed))
    }
}

/// Answers by class of status, for metrics.
#[derive(Default)]
pub(crate) struct Answered([AtomicU64; 5]);

impl Answered {
    pub(crate) fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.0[class].fetch_add(1, Ordering::Relaxed);
    }

    /// `("2xx", count)` and so on.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        names.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

pub(crate) fn busy(what: &str) -> Error {
    Error::new(Problem::Busy, format!("{what}; try again in a moment")).retry_after(Duration::from_secs(1))
}
