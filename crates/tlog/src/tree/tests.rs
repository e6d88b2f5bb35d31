//! The tree against its definition, and proofs of it.

use std::collections::BTreeMap;

use super::*;
use crate::leaf_hash;

type Nodes = BTreeMap<(u8, u64), Hash>;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

/// The definition of RFC 6962 section 2.1, word for word.
fn definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node_hash(&definition(&leaves[..split]), &definition(&leaves[split..]))
        }
    }
}

fn grow(leaves: &[Hash]) -> (Frontier, Nodes) {
    let (mut frontier, mut nodes) = (Frontier::new(), Nodes::new());
    for leaf in leaves {
        frontier.append_with(*leaf, |level, index, hash| {
            nodes.insert((level, index), hash);
        });
    }
    (frontier, nodes)
}

#[test]
fn roots_follow_the_definition_at_every_size() {
    let leaves = leaves(70);
    for size in 0..=leaves.len() {
        let (frontier, nodes) = grow(&leaves[..size]);
        let expected = definition(&leaves[..size]);
        assert_eq!(frontier.root(), expected, "size {size}");
        assert_eq!(root_of(leaves[..size].iter().copied()), expected);
        let read = |level, index| nodes.get(&(level, index)).copied();
        assert_eq!(root_at(size as u64, read).unwrap(), expected);
    }
}

#[test]
fn a_frontier_comes_back_from_its_hashes() {
    let leaves = leaves(45);
    let (frontier, _) = grow(&leaves[..37]);
    let mut restored = Frontier::from_hashes(37, frontier.hashes().to_vec()).unwrap();
    leaves[37..].iter().for_each(|leaf| restored.append(*leaf));
    assert_eq!(restored.root(), definition(&leaves));
    assert!(Frontier::from_hashes(36, frontier.hashes().to_vec()).is_err());
}

#[test]
fn every_inclusion_and_consistency_proof_of_small_trees_verifies() {
    let leaves = leaves(33);
    let (_, nodes) = grow(&leaves);
    let read = |level, index| nodes.get(&(level, index)).copied();
    for size in 0..=33 {
        let root = definition(&leaves[..size]);
        for (index, leaf) in (0..).zip(&leaves[..size]) {
            let proof = inclusion_proof(index, size as u64, read).unwrap();
            verify_inclusion(leaf, index, size as u64, &proof, &root).unwrap();
        }
        for old in 0..=size {
            let proof = consistency_proof(old as u64, size as u64, read).unwrap();
            let old_root = definition(&leaves[..old]);
            verify_consistency(old as u64, size as u64, &old_root, &root, &proof).unwrap();
        }
    }
}

#[test]
fn every_subtree_proof_of_a_small_tree_verifies() {
    let leaves = leaves(27);
    let (_, nodes) = grow(&leaves);
    let read = |level, index| nodes.get(&(level, index)).copied();
    let root = definition(&leaves);
    let mut subtrees = 0;
    for start in 0..27_u64 {
        for end in start + 1..=27 {
            let Ok(proof) = subtree_consistency_proof(start, end, 27, read) else { continue };
            subtrees += 1;
            let subtree = definition(&leaves[start as usize..end as usize]);
            verify_subtree_consistency(start, end, 27, &subtree, &root, &proof).unwrap();
            for index in start..end {
                let proof = subtree_inclusion_proof(index, start, end, read).unwrap();
                let leaf = leaves[index as usize];
                verify_subtree_inclusion(&leaf, index, start, end, &proof, &subtree).unwrap();
            }
        }
    }
    assert_eq!(subtrees, 87);
}

#[test]
fn proofs_outside_the_tree_are_refused() {
    let none = |_, _| None;
    assert!(matches!(inclusion_proof(3, 3, none), Err(Error::OutOfRange(_))));
    assert!(matches!(inclusion_proof(0, 0, none), Err(Error::OutOfRange(_))));
    assert!(matches!(consistency_proof(4, 3, none), Err(Error::OutOfRange(_))));
    assert!(matches!(inclusion_proof(0, 2, none), Err(Error::MissingNode { level: 0, index: 1 })));
    let huge = verify_inclusion(&empty_root(), u64::MAX - 1, u64::MAX, &[], &empty_root());
    assert!(matches!(huge, Err(Error::Proof(_))));
}
