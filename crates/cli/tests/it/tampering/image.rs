//! A store that anything can be done to: a copy of what a good one holds, in plain maps.

use std::collections::BTreeMap;

use engine::Audit;
use store::{Batch, BlobId, Direction, Error, Range, Row, RowChange, Store, Stored, Table};
use tlog::{
    Checkpoint, VerifierKey, leaf_hash,
    tile::{WIDTH, encode_hashes},
    tree::Frontier,
};

use super::history::signing_key;

#[derive(Clone, Default)]
pub(crate) struct Image {
    pub(crate) entries: Vec<Stored>,
    pub(crate) rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
}

impl Image {
    pub(crate) fn of(store: &dyn Store) -> Image {
        let mut image = Image::default();
        loop {
            let page = store.read(image.entries.len() as u64, 1_000).unwrap();
            if page.is_empty() {
                break;
            }
            image.entries.extend(page);
        }
        for table in 0..=u8::MAX {
            let mut range = Range::all();
            loop {
                let page = store.rows(Table(table), &range, 1_000).unwrap();
                let Some((last, _)) = page.last() else { break };
                range = Range::all().after(last.clone());
                image.rows.extend(page.into_iter().map(|(key, value)| ((table, key), value)));
            }
        }
        image
    }

    /// What is wrong, one line each.
    pub(crate) fn findings(&self, kept: &[String]) -> Vec<String> {
        match self.audit(kept) {
            Ok(audit) => {
                let found: Vec<String> = audit.findings().collect();
                assert_eq!(found.is_empty(), audit.is_clean());
                found
            }
            Err(error) => vec![error.to_string()],
        }
    }

    fn audit(&self, kept: &[String]) -> Result<Audit, engine::Error> {
        engine::audit(self, vec![key()], kept)
    }

    /// The checkpoint that the log had at this size.
    pub(crate) fn checkpoint(&self, size: usize) -> String {
        let mut tree = Frontier::new();
        self.entries[..size].iter().for_each(|entry| tree.append(leaf_hash(&entry.envelope)));
        Checkpoint::new(signing_key().name(), size as u64, tree.root()).sign(&signing_key()).unwrap()
    }

    /// Makes tiles and checkpoint anew, as somebody with the signing key would.
    pub(crate) fn sign_anew(&mut self) {
        let (tiles, checkpoints) = (engine::Table::Tile as u8, engine::Table::Checkpoint as u8);
        self.rows.retain(|(table, _), _| *table != tiles && *table != checkpoints);
        let leaves: Vec<_> = self.entries.iter().map(|entry| leaf_hash(&entry.envelope)).collect();
        for (index, hashes) in leaves.chunks_exact(usize::from(WIDTH)).enumerate() {
            let key = [&[0][..], &(index as u64).to_be_bytes()].concat();
            self.rows.insert((tiles, key), encode_hashes(hashes));
        }
        let size = self.entries.len();
        let note = self.checkpoint(size).into_bytes();
        self.rows.insert((checkpoints, (size as u64).to_be_bytes().to_vec()), note);
    }
}

pub(crate) fn key() -> VerifierKey {
    signing_key().verifier().clone()
}

fn refused() -> Error {
    Error::Fenced { epoch: 0, newest: 0 }
}

/// Reads as a store does; nothing can be changed through it.
impl Store for Image {
    fn append(&self, _: &Batch) -> Result<u64, Error> {
        Err(refused())
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Stored>, Error> {
        Ok(self.entries.iter().filter(|entry| entry.position >= from).take(limit).cloned().collect())
    }

    fn length(&self) -> Result<u64, Error> {
        Ok(self.entries.last().map_or(0, |entry| entry.position + 1))
    }

    fn lease(&self, _: &str, _: &str) -> Result<u64, Error> {
        Err(refused())
    }

    fn row(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.rows.get(&(table.0, key.to_vec())).cloned())
    }

    fn rows(&self, table: Table, range: &Range, limit: usize) -> Result<Vec<Row>, Error> {
        assert_eq!(range.direction, Direction::Ascending);
        let within = |key: &[u8]| {
            key.starts_with(&range.prefix)
                && range.from.as_ref().is_none_or(|from| key >= from.as_slice())
                && range.below.as_ref().is_none_or(|below| key < below.as_slice())
                && range.after.as_ref().is_none_or(|after| key > after.as_slice())
        };
        let rows = self.rows.iter().filter(|((of, key), _)| *of == table.0 && within(key));
        Ok(rows.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn put_rows(&self, _: u64, _: &[RowChange]) -> Result<(), Error> {
        Err(refused())
    }

    fn put_blob(&self, _: &[u8]) -> Result<BlobId, Error> {
        Err(refused())
    }

    fn put_blob_from(&self, _: &mut dyn std::io::Read, _: u64) -> Result<(BlobId, u64), Error> {
        Err(refused())
    }

    fn open_blob(&self, _: &BlobId) -> Result<Option<Box<dyn std::io::Read + Send>>, Error> {
        Ok(None)
    }

    fn blob(&self, _: &BlobId) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
}
