//! Paths, widths and contents of tiles.

use std::collections::BTreeMap;

use super::*;
use crate::tree::{Frontier, inclusion_proof, verify_inclusion};
use crate::{leaf_hash, tree};

fn check_path(kind: Kind, index: u64, width: u16, path: &str) {
    let tile = Tile { kind, index, width };
    assert_eq!(tile.path(), path);
    assert_eq!(Tile::parse(path).unwrap(), tile);
}

#[test]
fn paths_are_those_of_the_specification() {
    check_path(Kind::Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067");
    check_path(Kind::Hashes(0), 1234, 17, "tile/0/x001/234.p/17");
    check_path(Kind::Hashes(63), 0, 256, "tile/63/000");
    check_path(Kind::Entries, 999, 255, "tile/entries/999.p/255");
    check_path(Kind::Entries, 1000, 1, "tile/entries/x001/000.p/1");
    check_path(Kind::Hashes(7), u64::MAX, 256, "tile/7/x018/x446/x744/x073/x709/x551/615");
}

#[test]
fn other_forms_of_a_path_are_refused() {
    let wrong = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/00a",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/x/000",
        "tile/data/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/000/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/+1",
        "tile/entries",
        "tile/entries/1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/../000",
        "tile/0/٠٠٠",
    ];
    for path in wrong {
        assert!(Tile::parse(path).is_err(), "`{path}` was accepted");
    }
}

#[test]
fn a_tree_of_70000_has_the_tiles_the_specification_counts() {
    let all: Vec<Tile> = tiles(70_000).collect();
    assert_eq!(all.len(), 273 + 1 + 1 + 1 + 1);
    let partial: Vec<String> = all.iter().filter(|t| t.is_partial()).map(Tile::path).collect();
    assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    let all: Vec<String> = tiles(256).map(|tile| tile.path()).collect();
    assert_eq!(all, ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(tiles(0).count(), 0);
}

#[test]
fn growth_publishes_only_what_changed() {
    let new: Vec<String> = tiles_since(255, 258).map(|tile| tile.path()).collect();
    assert_eq!(new, ["tile/0/000", "tile/0/001.p/2", "tile/1/000.p/1"]);
    assert_eq!(tiles_since(300, 300).count(), 0);
    let new: Vec<String> = entry_bundles_since(256, 258).map(|tile| tile.path()).collect();
    assert_eq!(new, ["tile/entries/001.p/2"]);
}

#[test]
fn a_tile_knows_its_positions() {
    let tile = Tile::hashes(1, 0, 70_000).unwrap();
    assert_eq!((tile.first_position(), tile.end_position()), (Some(0), Some(65_536)));
    let tile = Tile::hashes(1, 1, 70_000).unwrap();
    assert_eq!((tile.width, tile.end_position()), (17, Some(69_888)));
    assert_eq!(Tile::hashes(1, 2, 70_000), None);
    assert_eq!(Tile::hashes(8, 0, u64::MAX), None);
    assert_eq!(Tile { kind: Kind::Hashes(9), index: 0, width: 1 }.end_position(), None);
}

#[test]
fn entry_bundles_come_back_and_broken_ones_do_not() {
    let longest = vec![7; MAX_ENTRY];
    let mut bytes = Vec::new();
    for entry in [b"one".as_slice(), b"", &longest] {
        encode_entry(entry, &mut bytes).unwrap();
    }
    assert_eq!(decode_entries(&bytes, 3).unwrap(), [b"one".as_slice(), b"", &longest]);
    assert!(decode_entries(&bytes, 2).is_err());
    assert!(decode_entries(&bytes, 4).is_err());
    assert!(decode_entries(&bytes[..bytes.len() - 1], 3).is_err());
    assert!(decode_entries(&bytes[..6], 2).is_err());
    assert!(encode_entry(&vec![0; MAX_ENTRY + 1], &mut bytes).is_err());
    assert!(decode_hashes(&[0; 63], 2).is_err());
}

#[test]
fn proofs_can_be_built_from_tiles() {
    let leaves: Vec<Hash> = (0..700_u64).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    let mut levels: BTreeMap<u8, Vec<Hash>> = BTreeMap::new();
    let mut frontier = Frontier::new();
    for leaf in &leaves {
        frontier.append_with(*leaf, |level, _, hash| levels.entry(level).or_default().push(hash));
    }
    let fetch = |tile: &Tile| {
        let Kind::Hashes(level) = tile.kind else { return None };
        let first = tile.index as usize * 256;
        Some(encode_hashes(&levels[&(level * HEIGHT)][first..first + usize::from(tile.width)]))
    };
    for size in [1, 2, 255, 256, 257, 511, 512, 513, 700] {
        let read = |level, index| read_node(level, index, size, fetch);
        let root = tree::root_of(leaves[..size as usize].iter().copied());
        assert_eq!(tree::root_at(size, read).unwrap(), root);
        for index in [0, size / 2, size - 1] {
            let proof = inclusion_proof(index, size, read).unwrap();
            verify_inclusion(&leaves[index as usize], index, size, &proof, &root).unwrap();
        }
    }
}
