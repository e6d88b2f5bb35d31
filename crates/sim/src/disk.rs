//! The disk: what is durable, apart from the batch that is on its way there.

use std::sync::Arc;

use store::{Batch, Memory, Store};

use crate::violation::Violation;

/// What becomes of a batch when it reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Written,
    /// Certainly not written; the process gives its memory up and goes on.
    NotWritten,
    /// The result is not known, so the process stops; the batch may be there or not.
    Unknown {
        written: bool,
    },
    /// The process ends before the batch is on the disk, or after, before it knows.
    Crash {
        written: bool,
    },
}

/// What a crash leaves.
pub(crate) struct Disk {
    durable: Memory,
    /// Before the last batch, for a disk that lies about its sync.
    before_last: Memory,
}

impl Disk {
    pub(crate) fn new() -> Disk {
        Disk { durable: Memory::new(), before_last: Memory::new() }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.durable.clone())
    }

    /// Makes the batch durable. A batch that does not fit means that two writers decided at once.
    pub(crate) fn write(&mut self, batch: &Batch, keep_before: bool) -> Result<(), Violation> {
        if keep_before {
            self.before_last = self.durable.snapshot();
        }
        let written = self.durable.append(batch);
        written.map(drop).map_err(|error| Violation::new("I9", format!("the store refused a batch: {error}")))
    }

    /// The planted lie: what the last sync acknowledged is gone.
    pub(crate) fn lose_last(&mut self) {
        self.durable = self.before_last.snapshot();
    }
}
