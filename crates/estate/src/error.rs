//! What can go wrong outside of a call; a call that is refused is a [`crate::Reply`], not an error.

use std::io;
use std::path::PathBuf;

/// Errors of the estate itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The description of the estate names something that it does not define; nothing was built.
    #[error("estate specification: {0}")]
    Spec(String),
    /// A description of faults that makes no sense; the faults before stay in force.
    #[error("faults: {0}")]
    Faults(String),
    /// The ledger file cannot be opened, written or read.
    #[error("ledger `{}`: cannot {doing} it", path.display())]
    LedgerFile {
        path: PathBuf,
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    /// A line before the last one is not a ledger line: the file was altered by someone else.
    #[error("ledger `{}`: line {line} is not a ledger line; restore the file from a copy", path.display())]
    LedgerLine {
        path: PathBuf,
        line: u64,
        #[source]
        source: serde_json::Error,
    },
    /// The listener cannot take connections any more.
    #[error("estate server: cannot accept a connection")]
    Accept(#[source] io::Error),
}
