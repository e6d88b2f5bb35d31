//! Seals what is committed: appends leaf hashes to the tree, keeps complete tiles, signs checkpoints.
//!
//! It runs behind the commits and off their path. What a crash leaves unsealed is sealed at the next start, by
//! the same code.

use store::{Range, RowChange, Store};
use tlog::{
    Checkpoint, Hash, leaf_hash,
    note::SigningKey,
    tile::{self, Kind, Tile},
    tree::Frontier,
};

use crate::{
    Error,
    rows::{self, Table},
};

/// An earlier checkpoint is kept when this many leaves lie between it and the next one kept.
const KEEP_EVERY: u64 = 65_536;
const WIDTH: u64 = tile::WIDTH as u64;

/// The tree as far as it is sealed, and the hashes of tiles that are not complete.
pub struct Seal {
    key: SigningKey,
    tree: Frontier,
    /// By tile level: hashes of the tile that is filling.
    filling: Vec<Vec<Hash>>,
    /// Complete tiles that are not in the store yet.
    tiles: Vec<(u8, u64, Vec<u8>)>,
    /// The size of the newest checkpoint in the store.
    sealed: Option<u64>,
}

impl Seal {
    /// Goes on where the newest checkpoint in the store ends, and takes in the entries behind it.
    pub fn open(store: &dyn Store, key: SigningKey) -> Result<Seal, Error> {
        let newest = store.rows(Table::Checkpoint.of(), &Range::all().descending(), 1)?;
        let mut seal =
            Seal { key, tree: Frontier::new(), filling: vec![Vec::new()], tiles: Vec::new(), sealed: None };
        if let Some((_, note)) = newest.first() {
            let text = String::from_utf8_lossy(note);
            let keys = [seal.key.verifier().clone()];
            let checkpoint = Checkpoint::open(&text, &keys).map_err(|error| {
                Error::Key(format!(
                    "the newest checkpoint was not signed by it ({error}); restore `log.key` of this data directory"
                ))
            })?;
            seal.resume(store, checkpoint.size)?;
            if seal.tree.root() != checkpoint.root {
                let why = "the tree over its entries has another root; run `ringfence log verify`".to_owned();
                return Err(Error::Corrupt { what: format!("the log of size {}", checkpoint.size), why });
            }
            seal.sealed = Some(checkpoint.size);
        }
        loop {
            let entries = store.read(seal.tree.len(), 4_096)?;
            if entries.is_empty() {
                break;
            }
            entries.iter().for_each(|entry| seal.append(leaf_hash(&entry.envelope)));
        }
        Ok(seal)
    }

    /// How many leaves it has, sealed or not.
    pub(crate) fn size(&self) -> u64 {
        self.tree.len()
    }

    pub(crate) fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Rebuilds the tree of `size` leaves from its tiles.
    fn resume(&mut self, store: &dyn Store, size: u64) -> Result<(), Error> {
        let fetch = |tile: &Tile| read_tile(store, tile).ok().flatten();
        let missing =
            |what: String| Error::Corrupt { what, why: "it is missing or does not read".to_owned() };
        let mut peaks = Vec::new();
        for level in (0..64u8).rev().filter(|level| size >> level & 1 == 1) {
            let index = (size >> level) - 1;
            let node = tile::read_node(level, index, size, fetch);
            peaks.push(node.ok_or_else(|| missing(format!("tree node {index} at level {level}")))?);
        }
        self.tree = Frontier::from_hashes(size, peaks).map_err(|error| missing(error.to_string()))?;
        self.filling.clear();
        for level in 0..8u8 {
            let nodes = size >> (8 * u32::from(level));
            let mut hashes = Vec::new();
            if let Some(partial) = Tile::hashes(level, nodes / WIDTH, size) {
                let bytes = fetch(&partial).ok_or_else(|| missing(partial.path()))?;
                hashes = tile::decode_hashes(&bytes, partial.width).map_err(|e| missing(e.to_string()))?;
            }
            self.filling.push(hashes);
        }
        Ok(())
    }

    /// Appends one leaf.
    pub fn append(&mut self, leaf: Hash) {
        let Seal { tree, filling, tiles, .. } = self;
        tree.append_with(leaf, |level, index, hash| {
            if level % tile::HEIGHT != 0 {
                return;
            }
            let level = level / tile::HEIGHT;
            while filling.len() <= usize::from(level) {
                filling.push(Vec::new());
            }
            let hashes = &mut filling[usize::from(level)];
            hashes.push(hash);
            if hashes.len() as u64 == WIDTH {
                tiles.push((level, index / WIDTH, tile::encode_hashes(hashes)));
                hashes.clear();
            }
        });
    }

    /// Signs a checkpoint over all leaves and keeps it with the tiles that became complete. Does nothing when
    /// the newest checkpoint covers them.
    pub fn seal(&mut self, store: &dyn Store, epoch: u64) -> Result<Option<Checkpoint>, Error> {
        let size = self.tree.len();
        if self.sealed == Some(size) {
            return Ok(None);
        }
        let checkpoint = Checkpoint::new(self.key.name(), size, self.tree.root());
        let note = checkpoint.sign(&self.key).map_err(|error| Error::Key(error.to_string()))?;
        let mut changes: Vec<RowChange> = Vec::new();
        for (level, index, bytes) in &self.tiles {
            let key = tile_key(*level, *index);
            changes.push(RowChange { table: Table::Tile.of(), key, value: Some(bytes.clone()) });
        }
        if let Some(old) = self.sealed.filter(|old| old / KEEP_EVERY == size / KEEP_EVERY) {
            changes.push(RowChange { table: Table::Checkpoint.of(), key: rows::key(old), value: None });
        }
        let (key, value) = (rows::key(size), Some(note.into_bytes()));
        changes.push(RowChange { table: Table::Checkpoint.of(), key, value });
        store.put_rows(epoch, &changes)?;
        self.tiles.clear();
        self.sealed = Some(size);
        Ok(Some(checkpoint))
    }
}

fn tile_key(level: u8, index: u64) -> Vec<u8> {
    [&[level][..], &index.to_be_bytes()].concat()
}

/// The name of a stored tile row, for auditors of a data directory.
pub(crate) fn tile_of_key(key: &[u8]) -> Option<Tile> {
    let (level, index) = key.split_first()?;
    let index = u64::from_be_bytes(index.try_into().ok()?);
    Some(Tile { kind: Kind::Hashes(*level), index, width: tile::WIDTH })
}

/// The bytes of a tile: complete ones are kept, partial ones and bundles are made from what they cover.
pub(crate) fn read_tile(store: &dyn Store, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
    let first = tile.index * WIDTH;
    match tile.kind {
        Kind::Entries => {
            let mut bundle = Vec::new();
            for envelope in envelopes(store, first, u64::from(tile.width))? {
                tile::encode_entry(&envelope, &mut bundle)
                    .map_err(|error| crate::reader::corrupt(first, &error))?;
            }
            Ok((!bundle.is_empty()).then_some(bundle))
        }
        Kind::Hashes(level) => {
            if let Some(kept) = store.row(Table::Tile.of(), &tile_key(level, tile.index))? {
                return Ok(kept.get(..usize::from(tile.width) * 32).map(<[u8]>::to_vec));
            }
            let mut hashes = Vec::new();
            for index in first..first + u64::from(tile.width) {
                hashes.extend(child(store, level, index)?);
            }
            if level == 0 {
                let leaves = envelopes(store, first, u64::from(tile.width))?;
                hashes = leaves.iter().map(|envelope| leaf_hash(envelope)).collect();
            }
            let whole = hashes.len() == usize::from(tile.width);
            Ok(whole.then(|| tile::encode_hashes(&hashes)))
        }
    }
}

/// The root of a complete tile one level below, which is one hash of this level.
fn child(store: &dyn Store, level: u8, index: u64) -> Result<Option<Hash>, Error> {
    let Some(below) = level.checked_sub(1) else { return Ok(None) };
    let tile = Tile { kind: Kind::Hashes(below), index, width: tile::WIDTH };
    let bytes = read_tile(store, &tile)?;
    let hashes = bytes.and_then(|bytes| tile::decode_hashes(&bytes, tile::WIDTH).ok());
    Ok(hashes.map(tlog::tree::root_of))
}

fn envelopes(store: &dyn Store, first: u64, count: u64) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    while (found.len() as u64) < count {
        let at = first + found.len() as u64;
        let page = store.read(at, (count - found.len() as u64) as usize)?;
        if page.is_empty() {
            return Ok(Vec::new());
        }
        found.extend(page.into_iter().map(|entry| entry.envelope));
    }
    Ok(found)
}
