//! The thread that copies the WAL into the database, so that no append has to.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::Error;

use super::{
    Checkpoints, WAL,
    files::{self, open_error},
    writer::Writer,
};

pub(super) use rusqlite::wal::CheckpointMode as Mode;

/// How soon a cut of the WAL that a reader prevented is tried again.
const SCRUB_AGAIN: Duration = Duration::from_millis(50);

/// So little is copied in about a millisecond, with the writer held up.
const SHORT: u64 = 512 << 10;
/// How often the copy tries to get so close behind the writer.
const CATCH_UP: u32 = 4;

pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    writer: Arc<Writer>,
    when: Checkpoints,
    wal: PathBuf,
    /// Bytes of the present WAL that the database already holds.
    copied: AtomicU64,
    signal: Mutex<Signal>,
    wake: Condvar,
}

#[derive(Default)]
struct Signal {
    stop: bool,
    due: bool,
}

impl Checkpointer {
    pub(super) fn start(
        writer: Arc<Writer>,
        when: Checkpoints,
        directory: &Path,
    ) -> Result<Checkpointer, Error> {
        let shared = Arc::new(Shared {
            writer,
            when,
            wal: directory.join(WAL),
            copied: AtomicU64::new(0),
            signal: Mutex::new(Signal::default()),
            wake: Condvar::new(),
        });
        let work = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || work.run())
            .map_err(|error| open_error(directory, "start the checkpoint thread", error))?;
        Ok(Checkpointer { shared, thread: Some(thread) })
    }

    /// To be called after each commit; cheap unless the WAL has grown by much.
    pub(super) fn written(&self) {
        if self.shared.grown() || self.shared.writer.wants_scrub() {
            self.shared.signal(|signal| signal.due = true);
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.signal(|signal| signal.stop = true);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been reported by the panic hook; the WAL is copied at the next open.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut seen = self.writer.commits();
        // Commits at the last tidying; at the start, a WAL may be there from before.
        let mut tidied = None;
        while let Some(due) = self.wait() {
            // Failures are retried at the next turn; one that poisons the store stops the writer, too.
            if self.writer.wants_scrub() {
                drop(self.writer.truncate_wal());
            }
            let commits = self.writer.commits();
            if due {
                drop(self.copy());
            } else if commits == seen && tidied != Some(commits) && self.tidy().is_ok() {
                tidied = Some(commits);
            }
            seen = commits;
        }
    }

    /// Waits for the next turn: `Some(true)` when the WAL has grown, `Some(false)` when time has passed,
    /// `None` at the end.
    fn wait(&self) -> Option<bool> {
        let pause = if self.writer.wants_scrub() { SCRUB_AGAIN } else { self.when.idle };
        let signal = self.signal.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.wake.wait_timeout_while(signal, pause, |signal| !signal.stop && !signal.due);
        let mut signal = waiting.unwrap_or_else(PoisonError::into_inner).0;
        let due = std::mem::take(&mut signal.due);
        (!signal.stop).then_some(due)
    }

    fn copy(&self) -> Result<(), Error> {
        self.copy_beside()?;
        if self.writer.wal_bytes() < self.when.restart_bytes {
            return Ok(());
        }
        // The less is left, the shorter the writer is held up. One that is always faster than the copy still
        // must not make the WAL grow for ever.
        for _ in 0..CATCH_UP {
            if self.left() <= SHORT {
                break;
            }
            self.copy_beside()?;
        }
        self.writer.restart_wal()?;
        self.copied.store(0, Ordering::Release);
        Ok(())
    }

    fn copy_beside(&self) -> Result<(), Error> {
        self.copied.store(self.writer.copy_wal()?, Ordering::Release);
        Ok(())
    }

    /// What is left to do when nobody writes. A WAL that began anew keeps the size it once had as a file.
    fn tidy(&self) -> Result<(), Error> {
        if files::size(&self.wal).is_some_and(|bytes| bytes >= self.when.restart_bytes) {
            self.writer.truncate_wal()?;
            self.copied.store(0, Ordering::Release);
        } else {
            self.copy_beside()?;
        }
        self.writer.shrink()
    }

    fn grown(&self) -> bool {
        self.left() >= self.when.passive_bytes
    }

    /// Bytes in the WAL that the database does not hold yet. A WAL smaller than what was copied has begun
    /// anew.
    fn left(&self) -> u64 {
        let bytes = self.writer.wal_bytes();
        let copied = self.copied.load(Ordering::Acquire);
        if bytes < copied { bytes } else { bytes - copied }
    }

    fn signal(&self, change: impl FnOnce(&mut Signal)) {
        change(&mut self.signal.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }
}
