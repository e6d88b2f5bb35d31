//! Tiles of C2SP tlog-tiles: the tree cut into pieces of 256 hashes, their paths, and bundles of entries.
//!
//! A tile at level `l` holds the roots of 256 subtrees of 256^l leaves each; the bundle of entries with
//! the same index holds the leaf data of a tile at level 0.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::{Error, Hash};

/// Binary tree levels that a tile spans.
pub const HEIGHT: u8 = 8;
/// Hashes, or entries, of a full tile.
pub const WIDTH: u16 = 256;
/// Longest entry that a bundle can hold, in bytes.
pub const MAX_ENTRY: usize = u16::MAX as usize;
/// Highest tile level with a node in a tree of 64-bit size.
const MAX_LEVEL: u8 = 7;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hashes at a tile level; 0 holds leaf hashes.
    Hashes(u8),
    /// Entries with their lengths.
    Entries,
}

/// Name of a tile or of a bundle of entries. Displays as its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    pub kind: Kind,
    /// Index within its level.
    pub index: u64,
    /// 1 to 256; below 256 the tile is partial.
    pub width: u16,
}

impl Tile {
    /// The tile of hashes at `level` and `index` as it is in a tree of `size` leaves, if it exists there.
    #[must_use]
    pub fn hashes(level: u8, index: u64, size: u64) -> Option<Self> {
        if level > MAX_LEVEL {
            return None;
        }
        Self::at(Kind::Hashes(level), index, size >> (HEIGHT * level))
    }

    /// The bundle of entries at `index` as it is in a tree of `size` leaves, if it exists there.
    #[must_use]
    pub fn entries(index: u64, size: u64) -> Option<Self> {
        Self::at(Kind::Entries, index, size)
    }

    fn at(kind: Kind, index: u64, nodes: u64) -> Option<Self> {
        let first = index.checked_mul(u64::from(WIDTH))?;
        let width = nodes.checked_sub(first)?.min(u64::from(WIDTH));
        (width > 0).then_some(Self { kind, index, width: width as u16 })
    }

    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.width < WIDTH
    }

    /// Position of the first leaf under this tile; `None` when no tree of 64-bit size reaches it.
    #[must_use]
    pub fn first_position(&self) -> Option<u64> {
        self.index.checked_mul(self.leaves_per_hash()?)?.checked_mul(u64::from(WIDTH))
    }

    /// Position after the last leaf under this tile.
    #[must_use]
    pub fn end_position(&self) -> Option<u64> {
        let span = self.leaves_per_hash()?.checked_mul(u64::from(self.width))?;
        self.first_position()?.checked_add(span)
    }

    fn leaves_per_hash(&self) -> Option<u64> {
        match self.kind {
            Kind::Entries => Some(1),
            Kind::Hashes(level) => 1_u64.checked_shl(u32::from(level) * u32::from(HEIGHT)),
        }
    }

    /// Path below the log's prefix: `tile/0/x001/234.p/17`, `tile/entries/000`.
    #[must_use]
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Reads a path, and only the form that [`Tile::path`] writes.
    ///
    /// # Errors
    /// [`Error::Malformed`] for any other form: leading zeroes, a needless `x000`, a width of 0 or 256.
    pub fn parse(path: &str) -> Result<Self, Error> {
        parse(path).ok_or_else(|| Error::malformed("tile path", format!("`{path}` names no tile")))
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}")?,
            Kind::Entries => write!(f, "tile/entries")?,
        }
        let digits = self.index.to_string();
        let padded = format!("{digits:0>width$}", width = digits.len().next_multiple_of(3));
        let last = padded.len() - 3;
        for start in (0..=last).step_by(3) {
            let mark = if start == last { "" } else { "x" };
            write!(f, "/{mark}{}", &padded[start..start + 3])?;
        }
        if self.is_partial() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// As its path.
impl serde::Serialize for Tile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => Kind::Entries,
        level => Kind::Hashes(decimal(level).filter(|level| *level < 64)? as u8),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, decimal(width).filter(|w| (1..256).contains(w))? as u16),
        None => (rest, WIDTH),
    };
    let tile = Tile { kind, index: parse_index(index)?, width };
    // The one canonical form: a needless leading group does not come back.
    (tile.path() == path).then_some(tile)
}

fn parse_index(text: &str) -> Option<u64> {
    let mut index = 0_u64;
    let mut groups = text.split('/').peekable();
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(index)
}

/// A decimal number without sign and without leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Every tile of hashes that exists in a tree of `size` leaves, level by level.
pub fn tiles(size: u64) -> impl Iterator<Item = Tile> {
    tiles_since(0, size)
}

/// The tiles of hashes of a tree of `size` leaves that a tree of `old` leaves does not have, level by
/// level: what a log publishes when it grows from `old` to `size`.
pub fn tiles_since(old: u64, size: u64) -> impl Iterator<Item = Tile> {
    (0..=MAX_LEVEL).flat_map(move |level| {
        let (before, now) = (old >> (HEIGHT * level), size >> (HEIGHT * level));
        changed(before, now).filter_map(move |index| Tile::at(Kind::Hashes(level), index, now))
    })
}

/// The bundles of entries of a tree of `size` leaves that a tree of `old` leaves does not have.
pub fn entry_bundles_since(old: u64, size: u64) -> impl Iterator<Item = Tile> {
    changed(old, size).filter_map(move |index| Tile::entries(index, size))
}

fn changed(before: u64, now: u64) -> std::ops::Range<u64> {
    let width = u64::from(WIDTH);
    if before >= now { 0..0 } else { before / width..now.div_ceil(width) }
}

/// Concatenates hashes to the bytes of a tile.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Splits the bytes of a tile into its hashes.
///
/// # Errors
/// [`Error::Malformed`] when there are not exactly `width` hashes.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, Error> {
    let expected = usize::from(width) * 32;
    if bytes.len() != expected {
        let detail = format!("{width} hashes are {expected} bytes, found {}", bytes.len());
        return Err(Error::malformed("tile", detail));
    }
    Ok(bytes.chunks_exact(32).filter_map(Hash::from_slice).collect())
}

/// Appends an entry to a bundle: its length in two bytes, big endian, then its bytes.
///
/// # Errors
/// [`Error::Unrepresentable`] when the entry is longer than [`MAX_ENTRY`].
pub fn encode_entry(entry: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let Ok(length) = u16::try_from(entry.len()) else {
        let detail = format!("an entry of {} bytes is longer than {MAX_ENTRY}", entry.len());
        return Err(Error::unrepresentable("entry bundle", detail));
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(entry);
    Ok(())
}

/// Splits a bundle into its entries.
///
/// # Errors
/// [`Error::Malformed`] when the bundle ends inside an entry or does not hold exactly `width` entries.
pub fn decode_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Error> {
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((entry, after)) = split_entry(rest) else {
            let detail = format!("it ends inside entry {}", entries.len());
            return Err(Error::malformed("entry bundle", detail));
        };
        entries.push(entry);
        rest = after;
    }
    if entries.len() != usize::from(width) {
        let detail = format!("{width} entries expected, found {}", entries.len());
        return Err(Error::malformed("entry bundle", detail));
    }
    Ok(entries)
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Reads a node of the binary tree of `size` leaves out of tiles, for the proof builders of
/// [`crate::tree`]. `fetch` gives the bytes of a tile; a tile that is missing or too short gives `None`.
pub fn read_node(level: u8, index: u64, size: u64, fetch: impl Fn(&Tile) -> Option<Vec<u8>>) -> Option<Hash> {
    let tile_level = level / HEIGHT;
    let height = level % HEIGHT;
    // The node covers 2^height hashes of one tile.
    let first = index.checked_shl(u32::from(height)).filter(|first| first >> height == index)?;
    let tile = Tile::hashes(tile_level, first / u64::from(WIDTH), size)?;
    let hashes = decode_hashes(&fetch(&tile)?, tile.width).ok()?;
    let offset = (first % u64::from(WIDTH)) as usize;
    let covered = hashes.get(offset..offset + (1 << height))?;
    Some(crate::tree::root_of(covered.iter().copied()))
}
