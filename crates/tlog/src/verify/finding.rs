//! What a check can find, in words that say where, what, and what to do; and the report of a check.

use std::fmt;

use crate::tile::{Kind, Tile, WIDTH};
use crate::{Checkpoint, Hash};

/// Most findings listed in a report; the rest is counted.
pub const MAX_FINDINGS: usize = 1000;

/// Where a checkpoint came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Shown by the log or the bundle.
    Log,
    /// Kept by the auditor.
    Kept,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "the log's checkpoint",
            Self::Kept => "the kept checkpoint",
        })
    }
}

/// One thing that is wrong, and where. Displays as one line that says what to do; serialises with its
/// name under `finding`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// The bytes of an envelope are not canonical.
    #[error("entry {position}: the envelope was altered ({detail}); compare it with a backup")]
    EnvelopeAltered { position: u64, detail: String },
    /// An envelope states another position than the one it stands at.
    #[error("entry {position}: the envelope says position {stated}; entries were moved or replaced")]
    WrongPosition { position: u64, stated: u64 },
    /// Salt and body do not give the hash in the envelope.
    #[error(
        "entry {position}: body or salt was altered, they do not give the hash in the envelope; compare them with a backup"
    )]
    BodyAltered { position: u64 },
    /// Entries are missing.
    #[error(
        "entries {first} to {last} are missing; roots after them cannot be checked; look for them in a backup"
    )]
    Gap { first: u64, last: u64 },
    /// A position came twice, or out of order.
    #[error("entry {position} came twice or out of order; entries were copied or moved")]
    Duplicate { position: u64 },
    /// The numbers within a stream are not consecutive.
    #[error(
        "entry {position}: number {expected} of stream `{stream}` expected, found {found}; an entry of the stream was removed, repeated or altered"
    )]
    SeqGap { position: u64, stream: String, expected: u64, found: u64 },
    /// An entry has an earlier time than the one before it; microseconds.
    #[error(
        "entry {position}: its time {found} is before that of the entry before it, {previous}; entries were altered or moved"
    )]
    TimeBackward { position: u64, previous: i64, found: i64 },
    /// The bytes of a tile do not have its form.
    #[error("{tile}: the tile was altered ({detail}); rebuild it from the entries")]
    TileAltered { tile: Tile, detail: String },
    /// A hash of a tile is not what the entries give.
    #[error("{tile}: hash {offset} is not that of {}; the tile or the entries were altered: if the roots agree rebuild the tile, else compare the entries with a backup", covered(.tile, *.offset))]
    TileMismatch { tile: Tile, offset: u16 },
    /// A tile covers entries that the log does not have.
    #[error(
        "{tile}: the tile covers entries that are not there; entries were removed, look for them in a backup"
    )]
    TileBeyond { tile: Tile },
    /// A tile was offered after its entries and was not checked.
    #[error("{tile}: not checked, it came after its entries; offer tiles first")]
    TileLate { tile: Tile },
    /// A checkpoint is malformed, badly signed, or signed by a key that is not trusted.
    #[error("{from}: {reason}")]
    CheckpointRefused { from: Source, reason: String },
    /// A checkpoint belongs to another log.
    #[error(
        "{from} of size {size} belongs to the log `{found}`, not to `{expected}`; check that it is the right file"
    )]
    WrongOrigin { from: Source, size: u64, expected: String, found: String },
    /// A checkpoint was offered after the entries it speaks of and was not checked.
    #[error("{from} of size {size} was not checked, it came after its entries; offer checkpoints first")]
    CheckpointLate { from: Source, size: u64 },
    /// The entries do not give the root that the log signed.
    #[error("the log's checkpoint of size {size} states root {stated}, the entries give {computed}; an entry from {unaltered} to {} was altered, compare them with a backup", size.saturating_sub(1))]
    RootMismatch { size: u64, stated: Hash, computed: Hash, unaltered: u64 },
    /// The log signed for more entries than there are.
    #[error(
        "the log's checkpoint is of size {size} but there are {entries} entries; the end was cut off, look for it in a backup"
    )]
    Truncated { size: u64, entries: u64 },
    /// Nothing is signed.
    #[error("no checkpoint: nothing vouches for the {entries} entries; ask the log for its checkpoint")]
    NoCheckpoint { entries: u64 },
    /// The log now tells another history than the one that the auditor kept.
    #[error(
        "the log was rewritten: the kept checkpoint of size {size} has root {kept}, the entries now give {computed}; both are signed, keep them as evidence"
    )]
    Fork { size: u64, kept: Hash, computed: Hash },
    /// The log is now shorter than the auditor saw it.
    #[error(
        "the log was rolled back: the kept checkpoint is of size {kept}, the log's is of size {sealed} with {entries} entries; keep both as evidence"
    )]
    Rollback { kept: u64, sealed: u64, entries: u64 },
    /// A kept checkpoint cannot be compared with a selection of entries.
    #[error(
        "the kept checkpoint of size {size} cannot be compared with a selection of entries; ask for an export of the whole log"
    )]
    KeptNotCovered { size: u64 },
    /// An entry of a selection is not in the tree of the checkpoint.
    #[error("entry {position}: {detail}")]
    NotIncluded { position: u64, detail: String },
    /// An entry stands in a selection that it does not belong to.
    #[error("entry {position}: {detail}; the bundle was altered, ask for a new export")]
    OutOfScope { position: u64, detail: String },
    /// A line of a bundle does not have its form.
    #[error("line {line} of the bundle was altered ({detail}); ask for a new export")]
    BundleAltered { line: u64, detail: String },
    /// A bundle ends too early.
    #[error("the bundle was cut off after {entries} entries, its last line is missing; ask for a new export")]
    BundleTruncated { entries: u64 },
    /// The key inside a bundle is not the one that the auditor trusts.
    #[error(
        "the bundle names the key `{found}`, which is none of the trusted keys; check where the bundle comes from"
    )]
    BundleKey { found: String },
}

/// The entries under one hash of a tile.
fn covered(tile: &Tile, offset: u16) -> String {
    let width = u64::from(WIDTH);
    let index = tile.index.saturating_mul(width).saturating_add(u64::from(offset));
    match tile.kind {
        Kind::Entries | Kind::Hashes(0) => format!("entry {index}"),
        Kind::Hashes(level) => {
            let span = width.saturating_pow(u32::from(level));
            let first = index.saturating_mul(span);
            format!("entries {first} to {}", first.saturating_add(span - 1))
        }
    }
}

/// Findings, as many as are worth listing.
#[derive(Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    suppressed: u64,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(finding);
        } else {
            self.suppressed += 1;
        }
    }

    pub(crate) fn into_parts(self) -> (Vec<Finding>, u64) {
        (self.list, self.suppressed)
    }
}

/// What a check found. Displays as a summary, then one line for each finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Entries checked.
    pub entries: u64,
    /// Entries whose body was not there to be checked.
    pub redacted: u64,
    /// Entries after the last checkpoint, which nothing vouches for yet.
    pub unsealed: u64,
    /// The largest checkpoint with a good signature.
    pub checkpoint: Option<Checkpoint>,
    /// Root over all entries, unsealed ones too; `None` after a gap and for a selection.
    pub root: Option<Hash>,
    /// Kept checkpoints that the entries agree with.
    pub kept_agreed: u64,
    /// The key came out of the bundle itself: it shows that the bundle is whole, not whose it is.
    pub key_from_bundle: bool,
    pub findings: Vec<Finding>,
    /// Findings beyond [`MAX_FINDINGS`].
    pub suppressed: u64,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn add(&mut self, findings: Findings) {
        let (list, suppressed) = findings.into_parts();
        self.findings.extend(list);
        self.suppressed += suppressed;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} entries checked, {} redacted, {} unsealed",
            self.entries, self.redacted, self.unsealed
        )?;
        if let Some(checkpoint) = &self.checkpoint {
            write!(f, "\ncheckpoint of `{}`", checkpoint.origin)?;
            write!(f, ": size {}, root {}", checkpoint.size, checkpoint.root)?;
        }
        if self.kept_agreed > 0 {
            write!(f, "\n{} kept checkpoints agree", self.kept_agreed)?;
        }
        if self.key_from_bundle {
            write!(f, "\nthe key was taken from the bundle; compare it with the one the log published")?;
        }
        for finding in &self.findings {
            write!(f, "\n{finding}")?;
        }
        if self.suppressed > 0 {
            write!(f, "\nand {} more findings", self.suppressed)?;
        }
        Ok(())
    }
}
