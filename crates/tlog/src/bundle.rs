//! An export that an auditor checks without a server: one file of JSON lines with a header, a signed
//! checkpoint, entries, and a last line that counts them. Described in `docs/log-format.md`.
//!
//! A bundle holds the whole log, or a selection whose entries each carry an inclusion proof. Writing,
//! reading and checking hold one entry in memory at a time.

mod check;
mod lines;
mod read;
mod write;

pub use check::verify;
pub use read::{Entry, Reader};
pub use write::Writer;

use crate::note::VerifierKey;

/// Value of `bundle` in the header: the version of this format.
pub const VERSION: u32 = 1;
/// Longest line that is read, in bytes. A line holds one body in base 64.
pub const MAX_LINE: usize = 64 << 20;

/// First line of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name of the log, as in its checkpoints.
    pub origin: String,
    /// The key that signed the checkpoint.
    pub key: VerifierKey,
    pub scope: Scope,
}

/// Which entries a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All of the log from position 0, without proofs: the entries themselves give the root.
    Log,
    /// The positions `from..to`, each with an inclusion proof.
    Range { from: u64, to: u64 },
    /// These streams from their first entry on, each entry with an inclusion proof.
    Streams(Vec<String>),
}
