//! Tiles compared with the tree that the entries make.

use std::collections::BTreeMap;

use super::{Finding, Findings};
use crate::tile::{HEIGHT, Kind, Tile, WIDTH, decode_entries, decode_hashes};
use crate::{Hash, leaf_hash};

/// A tile that was pushed, with the hashes that it states.
struct Waiting {
    tile: Tile,
    found: Vec<Hash>,
}

/// Tiles that wait for their entries, and the hashes of the tiles that the entries are filling.
#[derive(Default)]
pub(super) struct TileCheck {
    /// By level and index; a partial and a full tile may wait for the same entries.
    waiting: BTreeMap<(u8, u64), Vec<Waiting>>,
    filling: [Vec<Hash>; 8],
    /// Index of the tile that is being filled, by level.
    index: [u64; 8],
}

impl TileCheck {
    /// Takes a tile; `next` is the position of the next entry.
    pub(super) fn push(&mut self, tile: &Tile, bytes: &[u8], next: u64, findings: &mut Findings) {
        let hashes = match tile.kind {
            Kind::Hashes(_) => decode_hashes(bytes, tile.width),
            Kind::Entries => {
                decode_entries(bytes, tile.width).map(|entries| entries.into_iter().map(leaf_hash).collect())
            }
        };
        let hashes = match hashes {
            Ok(hashes) => hashes,
            Err(error) => {
                findings.push(Finding::TileAltered { tile: *tile, detail: error.to_string() });
                return;
            }
        };
        let level = match tile.kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        let full_at = Tile { width: WIDTH, ..*tile }.end_position();
        if full_at.is_some_and(|end| end <= next) {
            findings.push(Finding::TileLate { tile: *tile });
            return;
        }
        self.waiting.entry((level, tile.index)).or_default().push(Waiting { tile: *tile, found: hashes });
    }

    /// Takes a node of the tree that an entry completed.
    pub(super) fn node(&mut self, level: u8, index: u64, hash: Hash, findings: &mut Findings) {
        if !level.is_multiple_of(HEIGHT) {
            return;
        }
        let level = level / HEIGHT;
        let slot = usize::from(level);
        self.filling[slot].push(hash);
        self.index[slot] = index / u64::from(WIDTH);
        if self.filling[slot].len() == usize::from(WIDTH) {
            for Waiting { tile, found } in self.waiting.remove(&(level, self.index[slot])).unwrap_or_default()
            {
                compare(&tile, &found, &self.filling[slot], findings);
            }
            self.filling[slot].clear();
        }
    }

    /// Compares the tiles that are partial at the end.
    pub(super) fn finish(&mut self, findings: &mut Findings) {
        for ((level, index), tiles) in std::mem::take(&mut self.waiting) {
            let slot = usize::from(level);
            let filling = self.filling.get(slot).filter(|_| self.index[slot] == index);
            for Waiting { tile, found } in tiles {
                match filling {
                    Some(filling) if filling.len() >= found.len() => {
                        compare(&tile, &found, filling, findings);
                    }
                    Some(_) | None => findings.push(Finding::TileBeyond { tile }),
                }
            }
        }
    }
}

/// Names the first hash of a tile that is not what the entries give.
fn compare(tile: &Tile, found: &[Hash], computed: &[Hash], findings: &mut Findings) {
    let differs = found.iter().zip(computed).position(|(found, computed)| found != computed);
    if let Some(offset) = differs {
        findings.push(Finding::TileMismatch { tile: *tile, offset: offset as u16 });
    }
}
