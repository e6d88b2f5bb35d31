//! Proofs, envelopes and readers under random input.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tlog::leaf::{Envelope, MAX_NUMBER};
use tlog::tile::Tile;
use tlog::tree::{self, Frontier};
use tlog::{Checkpoint, Hash, Note, VerifierKey, leaf_hash};

type Nodes = BTreeMap<(u8, u64), Hash>;

fn grow(size: u64) -> (Vec<Hash>, Nodes) {
    let (mut roots, mut nodes, mut frontier) = (Vec::new(), Nodes::new(), Frontier::new());
    roots.push(frontier.root());
    for index in 0..size {
        frontier.append_with(leaf_hash(&index.to_be_bytes()), |level, index, hash| {
            nodes.insert((level, index), hash);
        });
        roots.push(frontier.root());
    }
    (roots, nodes)
}

/// Flips bit `bit` of the hashes taken as one string of bits.
fn flip(hashes: &mut [Hash], bit: prop::sample::Index) {
    let bit = bit.index(hashes.len() * 256);
    hashes[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_inclusion_proof_verifies_and_no_bit_of_it_can_be_altered(
        size in 1..600_u64, at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let (roots, nodes) = grow(size);
        let index = at.index(size as usize) as u64;
        let read = |level, index| nodes.get(&(level, index)).copied();
        let proof = tree::inclusion_proof(index, size, read).unwrap();
        let (leaf, root) = (leaf_hash(&index.to_be_bytes()), roots[size as usize]);
        prop_assert!(tree::verify_inclusion(&leaf, index, size, &proof, &root).is_ok());

        let other = other.index(size as usize) as u64;
        let moved = tree::verify_inclusion(&leaf, other, size, &proof, &root);
        prop_assert_eq!(moved.is_ok(), other == index);
        let mut parts = proof;
        parts.extend([leaf, root]);
        flip(&mut parts, bit);
        let (proof, ends) = parts.split_at(parts.len() - 2);
        prop_assert!(tree::verify_inclusion(&ends[0], index, size, proof, &ends[1]).is_err());
        prop_assert!(tree::verify_inclusion(&leaf, index, size, &parts, &root).is_err());
    }

    #[test]
    fn a_consistency_proof_verifies_and_no_bit_of_it_can_be_altered(
        size in 1..600_u64, at in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(),
    ) {
        let (roots, nodes) = grow(size);
        let old = at.index(size as usize) as u64 + 1;
        let read = |level, index| nodes.get(&(level, index)).copied();
        let proof = tree::consistency_proof(old, size, read).unwrap();
        let (old_root, root) = (roots[old as usize], roots[size as usize]);
        prop_assert!(tree::verify_consistency(old, size, &old_root, &root, &proof).is_ok());

        let mut parts = proof;
        parts.extend([old_root, root]);
        flip(&mut parts, bit);
        let (proof, ends) = parts.split_at(parts.len() - 2);
        prop_assert!(tree::verify_consistency(old, size, &ends[0], &ends[1], proof).is_err());
    }

    #[test]
    fn envelopes_come_back(
        actor in "[a-z0-9._/-]{1,255}", kind in "[a-z0-9._/-]{1,40}", stream in "[a-z0-9._/-]{1,40}",
        body in any::<[u8; 32]>(), position in 0..=MAX_NUMBER, seq in 0..=MAX_NUMBER,
        time in -(MAX_NUMBER as i64)..=MAX_NUMBER as i64,
    ) {
        let envelope = Envelope { actor, body: Hash(body), kind, position, seq, stream, time_us: time };
        let mut bytes = Vec::new();
        envelope.encode(&mut bytes).unwrap();
        prop_assert_eq!(Envelope::decode(&bytes).unwrap(), envelope);
    }

    #[test]
    fn an_envelope_has_one_form_only(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let envelope = Envelope {
            actor: "person/12".into(), body: Hash([7; 32]), kind: "incident.opened".into(), position: 10,
            seq: 1, stream: "incident/10".into(), time_us: 1_763_717_493_123_456,
        };
        let mut bytes = Vec::new();
        envelope.encode(&mut bytes).unwrap();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(read) = Envelope::decode(&bytes) {
            let mut again = Vec::new();
            read.encode(&mut again).unwrap();
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn readers_survive_any_text(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let _ = (Note::parse(&text), Checkpoint::parse(&text), VerifierKey::parse(&text), Tile::parse(&text));
        let _ = (Envelope::decode(&bytes), tlog::tile::decode_entries(&bytes, 3));
        let report = tlog::bundle::verify(&bytes[..], None, &[], &[]).unwrap();
        prop_assert!(!report.is_clean());
    }

    #[test]
    fn tile_paths_come_back(index in any::<u64>(), level in 0..64_u8, width in 1..=256_u16) {
        let tile = Tile { kind: tlog::tile::Kind::Hashes(level), index, width };
        prop_assert_eq!(Tile::parse(&tile.path()).unwrap(), tile);
    }
}
