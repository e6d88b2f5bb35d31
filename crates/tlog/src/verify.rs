//! The check of a whole log: entries, tiles and checkpoints come in piece by piece, findings come out.
//! Memory stays small: the frontier of the tree, the tiles in work, and one number per stream.
//!
//! Order of the pieces: checkpoints first, then each tile before the last entry that it covers, then the
//! entries by position.

mod entries;
mod finding;
mod tiles;

use std::collections::BTreeMap;

pub use finding::{Finding, MAX_FINDINGS, Report, Source};

pub(crate) use entries::EntryCheck;
pub(crate) use finding::Findings;

use crate::leaf::Body;
use crate::note::VerifierKey;
use crate::tile::Tile;
use crate::tree::Frontier;
use crate::{Checkpoint, Hash, leaf_hash};
use tiles::TileCheck;

/// A check in progress.
pub struct Verifier {
    keys: Vec<VerifierKey>,
    origin: Option<String>,
    /// `None` after a gap: no later root can be computed.
    tree: Option<Frontier>,
    /// Position of the next entry.
    next: u64,
    /// Roots that checkpoints state for sizes not yet reached.
    expected: BTreeMap<u64, Vec<(Source, Hash)>>,
    /// The largest size at which a checkpoint was found to agree.
    agreed: u64,
    /// Sizes of the kept checkpoints, and how many of them agree.
    kept: Vec<u64>,
    kept_agreed: u64,
    latest: Option<Checkpoint>,
    any_checkpoint: bool,
    entries: EntryCheck,
    tiles: TileCheck,
    findings: Findings,
}

impl Verifier {
    /// A check against the keys that the auditor trusts. Without an origin, that of the first checkpoint
    /// is taken, and all must agree.
    #[must_use]
    pub fn new(origin: Option<&str>, keys: Vec<VerifierKey>) -> Self {
        Self {
            keys,
            origin: origin.map(str::to_owned),
            tree: Some(Frontier::new()),
            next: 0,
            expected: BTreeMap::new(),
            agreed: 0,
            kept: Vec::new(),
            kept_agreed: 0,
            latest: None,
            any_checkpoint: false,
            entries: EntryCheck::whole_log(),
            tiles: TileCheck::default(),
            findings: Findings::default(),
        }
    }

    /// A checkpoint that the log shows, current or earlier.
    pub fn push_checkpoint(&mut self, note: &str) {
        self.any_checkpoint = true;
        let Some(checkpoint) = self.open(Source::Log, note) else { return };
        if self.latest.as_ref().is_none_or(|latest| latest.size < checkpoint.size) {
            self.latest = Some(checkpoint);
        }
    }

    /// A checkpoint that the auditor kept from an earlier visit.
    pub fn push_kept(&mut self, note: &str) {
        if let Some(checkpoint) = self.open(Source::Kept, note) {
            self.kept.push(checkpoint.size);
        }
    }

    fn open(&mut self, source: Source, note: &str) -> Option<Checkpoint> {
        let checkpoint = open_checkpoint(source, note, &mut self.origin, &self.keys, &mut self.findings)?;
        if checkpoint.size < self.next {
            self.findings.push(Finding::CheckpointLate { from: source, size: checkpoint.size });
            return None;
        }
        self.expected.entry(checkpoint.size).or_default().push((source, checkpoint.root));
        self.compare_roots();
        Some(checkpoint)
    }

    /// A tile of hashes, or a bundle of entries that stands in for the tile of their hashes. Push it
    /// before the last entry that it covers.
    pub fn push_tile(&mut self, tile: &Tile, bytes: &[u8]) {
        self.tiles.push(tile, bytes, self.next, &mut self.findings);
    }

    /// The entry found at `position`: the bytes of its envelope and, unless redacted, its body.
    pub fn push_entry(&mut self, position: u64, envelope: &[u8], body: Option<Body<'_>>) {
        if position < self.next {
            self.findings.push(Finding::Duplicate { position });
            return;
        }
        if position > self.next {
            self.findings.push(Finding::Gap { first: self.next, last: position - 1 });
            self.tree = None;
        }
        self.entries.check(position, envelope, body, &mut self.findings);
        self.next = position.saturating_add(1);
        if let Some(tree) = &mut self.tree {
            let (tiles, findings) = (&mut self.tiles, &mut self.findings);
            tree.append_with(leaf_hash(envelope), |level, index, hash| {
                tiles.node(level, index, hash, findings);
            });
        }
        self.compare_roots();
    }

    /// Compares what checkpoints state for the present size, and forgets sizes that went by in a gap.
    fn compare_roots(&mut self) {
        while let Some(first) = self.expected.first_entry() {
            let size = *first.key();
            if size > self.next {
                return;
            }
            let stated = first.remove();
            let Some(tree) = self.tree.as_ref().filter(|_| size == self.next) else { continue };
            let computed = tree.root();
            for (source, root) in stated {
                self.compare_root(source, size, root, computed);
            }
        }
    }

    fn compare_root(&mut self, source: Source, size: u64, stated: Hash, computed: Hash) {
        let agrees = stated == computed;
        match source {
            Source::Log if agrees => self.agreed = size,
            Source::Kept if agrees => {
                self.agreed = size;
                self.kept_agreed += 1;
            }
            Source::Log => {
                let unaltered = self.agreed;
                self.findings.push(Finding::RootMismatch { size, stated, computed, unaltered });
            }
            Source::Kept => self.findings.push(Finding::Fork { size, kept: stated, computed }),
        }
    }

    /// Ends the check: says what the pieces that never came mean.
    #[must_use]
    pub fn finish(mut self) -> Report {
        if self.tree.is_some() {
            self.tiles.finish(&mut self.findings);
        }
        let entries = self.next;
        let sealed = self.latest.as_ref().map_or(0, |latest| latest.size);
        if sealed > entries {
            self.findings.push(Finding::Truncated { size: sealed, entries });
        }
        for kept in std::mem::take(&mut self.kept) {
            if kept > sealed.min(entries) {
                self.findings.push(Finding::Rollback { kept, sealed, entries });
            }
        }
        if !self.any_checkpoint {
            self.findings.push(Finding::NoCheckpoint { entries });
        }
        let (findings, suppressed) = self.findings.into_parts();
        Report {
            entries: self.entries.entries,
            redacted: self.entries.redacted,
            unsealed: entries.saturating_sub(sealed),
            checkpoint: self.latest,
            root: self.tree.map(|tree| tree.root()),
            kept_agreed: self.kept_agreed,
            key_from_bundle: false,
            findings,
            suppressed,
        }
    }
}

/// Opens a checkpoint or says as findings why it is not to be trusted.
pub(crate) fn open_checkpoint(
    source: Source,
    note: &str,
    origin: &mut Option<String>,
    keys: &[VerifierKey],
    findings: &mut Findings,
) -> Option<Checkpoint> {
    let checkpoint = match Checkpoint::open(note, keys) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            findings.push(Finding::CheckpointRefused { from: source, reason: error.to_string() });
            return None;
        }
    };
    let expected = origin.get_or_insert_with(|| checkpoint.origin.clone());
    if *expected != checkpoint.origin {
        let (expected, found, size) = (expected.clone(), checkpoint.origin, checkpoint.size);
        findings.push(Finding::WrongOrigin { from: source, size, expected, found });
        return None;
    }
    Some(checkpoint)
}
