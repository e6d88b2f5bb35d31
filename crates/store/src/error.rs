//! The errors of the store. Each variant says whether something was written and what the caller may do.

use std::{path::PathBuf, sync::Arc};

/// The cause below an [`Error`], shared so that an error can be cloned and recorded.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was written. Read the new entries, decide again.
    #[error("append expected a log of {expected} entries and found {found}")]
    Conflict { expected: u64, found: u64 },

    /// Nothing was written, and this writer may write no more: another took the lease. Step down.
    #[error("epoch {epoch} is fenced off: the newest epoch is {newest}; another writer took the lease")]
    Fenced { epoch: u64, newest: u64 },

    /// Nothing was written and no retry will help: the input is refused.
    #[error("{what}: {found} is over the limit of {limit}")]
    Limit { what: &'static str, found: u64, limit: u64 },

    /// Certainly not written: no space is left. Refuse new work, release the reserve, finish what runs.
    #[error("write to the store: no space left; free some space, nothing was written")]
    Full(#[source] Source),

    /// Certainly not written. May be tried again.
    #[error("write to the store failed; nothing was written")]
    NotWritten(#[source] Source),

    /// It is not known whether this was written. Stop, open the store again and recover from what it holds.
    #[error("sync of the store failed, so the last write may be lost; stop and open the store again")]
    Unknown(#[source] Source),

    /// A read failed; nothing is known to be wrong with the data. May be tried again.
    #[error("read from the store failed")]
    Read(#[source] Source),

    /// Another process has the data directory.
    #[error("data directory `{}` is in use{}; stop that process, or choose another data directory", path.display(),
        pid.map(|pid| format!(" by process {pid} (from its lock file)")).unwrap_or_default())]
    InUse { path: PathBuf, pid: Option<u32> },

    /// The data directory was written by a newer program.
    #[error(
        "data directory has schema {found}, written by version {writer}; this program supports up to \
        {supported}: run version {writer} or newer"
    )]
    Schema { found: u32, supported: u32, writer: String },

    /// The store could not be opened. A person has to act as the message says.
    #[error("open data directory `{}`: {reason}", path.display())]
    Open {
        path: PathBuf,
        reason: String,
        #[source]
        source: Option<Source>,
    },

    /// Stored bytes are not what was written. Do not go on; restore or verify.
    #[error("stored data is corrupt: {what} at {place}; stop, verify, and restore from a backup")]
    Corrupt { what: String, place: String },
}
