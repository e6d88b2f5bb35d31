//! Whole logs that Tessera and Sunlight wrote.

use std::path::Path;

use tlog::tile::{Kind, Tile, decode_entries, decode_hashes, entry_bundles_since, read_node, tiles};
use tlog::tree::{self, Frontier};
use tlog::{Checkpoint, Error, Note, VerifierKey, leaf_hash};

use crate::corpus;

fn fetch(log: &Path, tile: &Tile) -> Vec<u8> {
    corpus::read(log.join(tile.path()))
}

#[test]
fn tessera_checkpoints_are_recomputed_from_entries_and_from_tiles() {
    let folder = corpus::folder("tlog/tessera");
    let log = folder.join("log");
    let key = VerifierKey::parse(corpus::text(folder.join("log-verifier-key.txt")).trim()).unwrap();
    let keys = [key];
    let mut roots = Vec::new();
    for size in 0..=15 {
        let note = corpus::text(log.join(format!("checkpoint.{size}")));
        let checkpoint = Checkpoint::open(&note, &keys).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/log/testdata", size));
        let mut frontier = Frontier::new();
        if let Some(bundle) = Tile::entries(0, size) {
            let bytes = fetch(&log, &bundle);
            for entry in decode_entries(&bytes, bundle.width).unwrap() {
                frontier.append(leaf_hash(entry));
            }
        }
        assert_eq!(frontier.root(), checkpoint.root, "entries of size {size}");
        let from_tiles =
            tree::root_at(size, |level, index| read_node(level, index, size, |tile| Some(fetch(&log, tile))));
        assert_eq!(from_tiles.unwrap(), checkpoint.root, "tiles of size {size}");
        roots.push((size, checkpoint.root));
    }
    let current = Checkpoint::open(&corpus::text(log.join("checkpoint")), &keys).unwrap();
    let read = |level, index| read_node(level, index, 15, |tile| Some(fetch(&log, tile)));
    for (size, root) in roots {
        let proof = tree::consistency_proof(size, 15, read).unwrap();
        tree::verify_consistency(size, 15, &root, &current.root, &proof).unwrap();
    }
}

/// The tiles of hashes of the mirror are real.
#[test]
fn sunlight_mirror_tiles_give_the_root_of_its_checkpoint() {
    let mirror = corpus::folder("tlog/sunlight/witness/mirror");
    let log = mirror.join("000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706");
    let note = Note::parse(&corpus::text(log.join("checkpoint"))).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    let mut frontier = Frontier::new();
    for tile in tiles(checkpoint.size) {
        let hashes = decode_hashes(&fetch(&log, &tile), tile.width).unwrap();
        if tile.kind == Kind::Hashes(0) {
            hashes.into_iter().for_each(|hash| frontier.append(hash));
        }
    }
    assert_eq!((frontier.len(), frontier.root()), (300, checkpoint.root));
    let read = |level, index| read_node(level, index, 300, |tile| Some(fetch(&log, tile)));
    assert_eq!(tree::root_at(300, read).unwrap(), checkpoint.root);
}

/// The other tiles are stand-ins: their paths are right, their bytes are words or compressed words.
#[test]
fn sunlight_stand_ins_for_tiles_are_refused() {
    let log = corpus::folder("tlog/sunlight/tree");
    let read = |level, index| read_node(level, index, 300, |tile| Some(fetch(&log, tile)));
    assert!(matches!(tree::root_at(300, read), Err(Error::MissingNode { .. })));
    let mirror = corpus::folder("tlog/sunlight/witness/mirror");
    let log = mirror.join("000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706");
    for tile in entry_bundles_since(0, 300) {
        assert!(decode_entries(&fetch(&log, &tile), tile.width).is_err());
    }
}

/// The checkpoint is signed with ECDSA (type 0x05), which counts as signed by an unknown key.
#[test]
fn signatures_of_other_types_are_read_and_ignored() {
    let log = corpus::folder("tlog/sunlight/tree");
    let note = Note::parse(&corpus::text(log.join("checkpoint"))).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("rome2026h1.example.org", 300));
    let key = tlog::SigningKey::from_seed("rome2026h1.example.org", &[1; 32]).unwrap();
    assert!(matches!(note.verify(&[key.verifier().clone()]), Err(Error::UnknownSigner { .. })));
}

/// Witness cosignatures (type 0x04) are read, kept and ignored.
#[test]
fn cosigned_checkpoints_are_read() {
    let witness = corpus::folder("tlog/sunlight/witness");
    let log = witness.join("000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706");
    let text = corpus::text(log.join("checkpoint"));
    let note = Note::parse(&text).unwrap();
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(note.render(), text);
    assert_eq!(Checkpoint::parse(note.text()).unwrap().size, 300);
    let decoy = corpus::text(witness.join("checkpoint"));
    assert!(Note::parse(&decoy).is_err());
}
