//! Checkpoints, tiles and entries through the verifier, in the order that it asks for: checkpoints, then each tile
//! before the entries that it covers.

use store::{Range, Store};
use tlog::{
    Report, Verifier, VerifierKey,
    leaf::Body,
    tile::{Kind, Tile, WIDTH},
};

use super::Problems;
use crate::{Error, rows::Table, seal};

const PAGE: usize = 1_000;
/// Tiles of one level that are read at once; 8 KiB each.
const TILES: usize = 64;
/// Levels that a tree of 64-bit size has tiles of.
const LEVELS: u8 = 8;

pub(super) fn check(
    store: &dyn Store,
    keys: Vec<VerifierKey>,
    kept: &[String],
    problems: &mut Problems,
) -> Result<Report, Error> {
    let mut verifier = Verifier::new(None, keys);
    checkpoints(store, &mut verifier, problems)?;
    kept.iter().for_each(|note| verifier.push_kept(note));
    let mut levels: Vec<Level> = (0..LEVELS).map(Level::new).collect();
    let mut from = 0;
    loop {
        let page = store.read(from, PAGE)?;
        let Some(last) = page.last() else { break };
        let until = last.position + 1;
        for level in &mut levels {
            level.push_until(store, until, &mut verifier, problems)?;
        }
        for entry in &page {
            let body = entry.content.as_ref().map(|(salt, body)| Body { salt, body });
            verifier.push_entry(entry.position, &entry.envelope, body);
        }
        from = until;
    }
    for level in &mut levels {
        level.push_until(store, u64::MAX, &mut verifier, problems)?;
    }
    misnamed_tiles(store, problems)?;
    let report = verifier.finish();
    let sealed = report.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    levels.iter().for_each(|level| level.missing(sealed.min(from), problems));
    Ok(report)
}

fn checkpoints(store: &dyn Store, verifier: &mut Verifier, problems: &mut Problems) -> Result<(), Error> {
    let mut range = Range::all();
    loop {
        let page = store.rows(Table::Checkpoint.of(), &range, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        range = Range::all().after(last.clone());
        for (key, note) in &page {
            let note = String::from_utf8_lossy(note);
            verifier.push_checkpoint(&note);
            let stated = note.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
            let named = <[u8; 8]>::try_from(key.as_slice()).ok().map(u64::from_be_bytes);
            if stated != named {
                let named = named.map_or("none".to_owned(), |size| size.to_string());
                problems.add(format!(
                    "the checkpoint kept under size {named} speaks of another size; it was moved"
                ));
            }
        }
    }
}

/// The stored tiles of one level, in order.
struct Level {
    level: u8,
    range: Range,
    page: std::vec::IntoIter<store::Row>,
    next: Option<(Tile, Vec<u8>)>,
    done: bool,
    /// Tiles seen without a gap from the first on.
    whole: u64,
    /// The first index at which another tile was seen.
    gap: Option<u64>,
}

impl Level {
    fn new(level: u8) -> Level {
        let range = Range::prefix(vec![level]);
        Level { level, range, page: Vec::new().into_iter(), next: None, done: false, whole: 0, gap: None }
    }

    /// Pushes the tiles that cover an entry before `until`, before those entries are pushed.
    fn push_until(
        &mut self,
        store: &dyn Store,
        until: u64,
        verifier: &mut Verifier,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        while let Some((tile, bytes)) = self.take(store, problems)? {
            if until < u64::MAX && tile.first_position().is_none_or(|first| first >= until) {
                self.next = Some((tile, bytes));
                return Ok(());
            }
            if tile.index == self.whole {
                self.whole += 1;
            } else {
                self.gap.get_or_insert(self.whole);
            }
            verifier.push_tile(&tile, &bytes);
        }
        Ok(())
    }

    fn take(&mut self, store: &dyn Store, problems: &mut Problems) -> Result<Option<(Tile, Vec<u8>)>, Error> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        loop {
            let Some((key, bytes)) = self.page.next() else {
                if self.done {
                    return Ok(None);
                }
                let page = store.rows(Table::Tile.of(), &self.range, TILES)?;
                match page.last() {
                    Some((last, _)) => self.range = Range::prefix(vec![self.level]).after(last.clone()),
                    None => self.done = true,
                }
                self.page = page.into_iter();
                continue;
            };
            match seal::tile_of_key(&key) {
                Some(Tile { kind: Kind::Hashes(_), index, .. }) => {
                    let tile = Tile { kind: Kind::Hashes(self.level), index, width: WIDTH };
                    return Ok(Some((tile, bytes)));
                }
                Some(_) | None => problems.add(misnamed(&key)),
            }
        }
    }

    /// Every tile that the sealed entries fill is kept.
    fn missing(&self, sealed: u64, problems: &mut Problems) {
        let expected = sealed.checked_shr(8 * (u32::from(self.level) + 1)).unwrap_or(0);
        if self.whole < expected {
            let tile = Tile { kind: Kind::Hashes(self.level), index: self.whole, width: WIDTH };
            problems.add(format!("{}: the tile is missing; rebuild it from the entries", tile.path()));
        }
    }
}

/// Rows of tiles that no level looks at.
fn misnamed_tiles(store: &dyn Store, problems: &mut Problems) -> Result<(), Error> {
    let table = Table::Tile.of();
    let mut strays = store.rows(table, &Range::all(), 1)?;
    strays.retain(|(key, _)| key.is_empty());
    strays.extend(store.rows(table, &Range::all().from(vec![LEVELS]), 1)?);
    strays.iter().for_each(|(key, _)| problems.add(misnamed(key)));
    Ok(())
}

fn misnamed(key: &[u8]) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("the tile with the key `{hex}` has a name that is none; remove it")
}
