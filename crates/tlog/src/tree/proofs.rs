//! Inclusion and consistency proofs: building (RFC 6962 sections 2.1.1 and 2.1.2) and verification
//! (RFC 9162 sections 2.1.3.2 and 2.1.4.2), each also for a subtree `[start, end)` of the tree.
//! A whole tree is the subtree that starts at 0.

use crate::hash::{empty_root, node_hash};
use crate::{Error, Hash};

/// Reads a node of the tree: `(level, index)`, level 0 being the leaf hashes. Only nodes over complete
/// subtrees inside the tree are asked for.
type Read<'a> = &'a dyn Fn(u8, u64) -> Option<Hash>;

/// Root of the tree at an earlier `size`.
///
/// # Errors
/// [`Error::MissingNode`] when `read` does not know a node.
pub fn root_at(size: u64, read: impl Fn(u8, u64) -> Option<Hash>) -> Result<Hash, Error> {
    root_of_range(0, size, &read)
}

/// Audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling upward.
///
/// # Errors
/// [`Error::OutOfRange`] when `index >= size`, [`Error::MissingNode`] when `read` does not know a node.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    read: impl Fn(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, Error> {
    subtree_inclusion_proof(index, 0, size, read)
}

/// Audit path of leaf `index` in the subtree `[start, end)`.
///
/// # Errors
/// As [`inclusion_proof`]; also [`Error::OutOfRange`] when `[start, end)` is not a subtree.
pub fn subtree_inclusion_proof(
    index: u64,
    start: u64,
    end: u64,
    read: impl Fn(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, Error> {
    if !is_subtree(start, end) || index < start || index >= end {
        return Err(Error::OutOfRange(format!("no leaf {index} in the tree over {start}..{end}")));
    }
    let (mut low, mut high) = (start, end);
    let mut proof = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(root_of_range(middle, high, &read)?);
            high = middle;
        } else {
            proof.push(root_of_range(low, middle, &read)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the tree of `old` leaves is a prefix of the tree of `new` leaves. Empty when they are
/// equal or `old` is 0.
///
/// # Errors
/// [`Error::OutOfRange`] when `old > new`, [`Error::MissingNode`] when `read` does not know a node.
pub fn consistency_proof(
    old: u64,
    new: u64,
    read: impl Fn(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, Error> {
    subtree_consistency_proof(0, old, new, read)
}

/// Proof that the subtree `[start, end)` lies in the tree of `size` leaves.
///
/// # Errors
/// As [`consistency_proof`]; also [`Error::OutOfRange`] when `[start, end)` is not a subtree.
pub fn subtree_consistency_proof(
    start: u64,
    end: u64,
    size: u64,
    read: impl Fn(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, Error> {
    if start == end && end <= size {
        return Ok(Vec::new());
    }
    if !is_subtree(start, end) || end > size {
        return Err(Error::OutOfRange(format!("{start}..{end} is no subtree of a tree of {size} leaves")));
    }
    let (mut low, mut high, mut start) = (0, size, start);
    let mut proof = Vec::new();
    let mut known = true;
    while (low, high) != (start, end) {
        let middle = low + split(high - low);
        if end <= middle {
            proof.push(root_of_range(middle, high, &read)?);
            high = middle;
        } else {
            proof.push(root_of_range(low, middle, &read)?);
            if start < middle {
                // The subtree straddles the split: its left part is the node just pushed.
                start = middle;
                known = false;
            }
            low = middle;
        }
    }
    if !known {
        proof.push(root_of_range(low, high, &read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that the leaf with hash `leaf` is at `index` in the tree of `size` leaves with `root`.
///
/// # Errors
/// [`Error::Proof`] says why not.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    verify_subtree_inclusion(leaf, index, 0, size, proof, root)
}

/// Checks that the leaf with hash `leaf` is at `index` in the subtree `[start, end)` with `root`.
///
/// # Errors
/// [`Error::Proof`] says why not.
pub fn verify_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    start: u64,
    end: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if !is_subtree(start, end) || index < start || index >= end {
        return refuse(format!("there is no leaf {index} in the tree over {start}..{end}"));
    }
    let (mut position, mut last) = (index - start, end - start - 1);
    let mut node = *leaf;
    for sibling in proof {
        if last == 0 {
            return refuse(format!("the inclusion proof of leaf {index} is too long"));
        }
        if position & 1 == 1 || position == last {
            node = node_hash(sibling, &node);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return refuse(format!("the inclusion proof of leaf {index} is too short"));
    }
    if node != *root {
        return refuse(format!("leaf {index} is not in the tree over {start}..{end} with root {root}"));
    }
    Ok(())
}

/// Checks that the tree of `old` leaves with `old_root` is a prefix of the tree of `new` leaves with
/// `new_root`. The empty tree is a prefix of every tree.
///
/// # Errors
/// [`Error::Proof`] says why not.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    if new == 0 && *new_root != empty_root() {
        return refuse("the root of the empty tree is not the empty root".into());
    }
    verify_subtree_consistency(0, old, new, old_root, new_root, proof)
}

/// Checks that the subtree `[start, end)` with `subtree_root` lies in the tree of `size` leaves with
/// `root`. An empty subtree has the empty root and an empty proof; nothing else is said by it.
///
/// # Errors
/// [`Error::Proof`] says why not.
pub fn verify_subtree_consistency(
    start: u64,
    end: u64,
    size: u64,
    subtree_root: &Hash,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    if end > size {
        return refuse(format!("a tree of {size} leaves has no part {start}..{end}"));
    }
    if start == end {
        let empty = proof.is_empty() && *subtree_root == empty_root();
        return if empty { Ok(()) } else { refuse("an empty tree needs the empty root, no proof".into()) };
    }
    if !is_subtree(start, end) {
        return refuse(format!("{start}..{end} is not a subtree"));
    }
    let (from_subtree, from_tree) = fold_consistency(start, end, size, subtree_root, proof)?;
    if from_subtree != *subtree_root {
        return refuse(format!("the tree over {start}..{end} does not have root {subtree_root}"));
    }
    if from_tree != *root {
        return refuse(format!("the tree over {start}..{end} is no part of the tree of {size} leaves"));
    }
    Ok(())
}

/// Both roots as the proof implies them (RFC 9162 section 2.1.4.2, with a left edge for subtrees).
fn fold_consistency(
    start: u64,
    end: u64,
    size: u64,
    subtree_root: &Hash,
    proof: &[Hash],
) -> Result<(Hash, Hash), Error> {
    let (mut first, mut last, mut tree_last) = (start, end - 1, size - 1);
    while first != last && (last == tree_last || last & 1 == 1) {
        first >>= 1;
        last >>= 1;
        tree_last >>= 1;
    }
    let mut proof = proof.iter();
    let seed = if first == last { Some(subtree_root) } else { proof.next() };
    let Some(seed) = seed else {
        return Err(Error::Proof("the consistency proof is empty".into()));
    };
    let (mut from_subtree, mut from_tree) = (*seed, *seed);
    for node in proof {
        if tree_last == 0 {
            return Err(Error::Proof("the consistency proof is too long".into()));
        }
        if last & 1 == 1 || last == tree_last {
            if first < last {
                from_subtree = node_hash(node, &from_subtree);
            }
            from_tree = node_hash(node, &from_tree);
            while last & 1 == 0 && last != 0 {
                first >>= 1;
                last >>= 1;
                tree_last >>= 1;
            }
        } else {
            from_tree = node_hash(&from_tree, node);
        }
        first >>= 1;
        last >>= 1;
        tree_last >>= 1;
    }
    if tree_last != 0 {
        return Err(Error::Proof("the consistency proof is too short".into()));
    }
    Ok((from_subtree, from_tree))
}

fn refuse(why: String) -> Result<(), Error> {
    Err(Error::Proof(why))
}

/// Whether `[start, end)` is a node of some tree of at least `end` leaves: not empty, and starting at a
/// multiple of the smallest power of two that holds it.
fn is_subtree(start: u64, end: u64) -> bool {
    match end.checked_sub(start).and_then(u64::checked_next_power_of_two) {
        Some(width) => start < end && start.is_multiple_of(width),
        None => start == 0 && end > 0,
    }
}

/// The largest power of two below `width`, for `width` of at least 2.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// Root over the leaves `[low, high)`, where `low` is a multiple of the power of two that holds them.
fn root_of_range(low: u64, high: u64, read: Read<'_>) -> Result<Hash, Error> {
    let (mut low, mut peaks) = (low, Vec::new());
    while low < high {
        // The largest perfect subtree that starts here and still fits.
        let level = (high - low).ilog2();
        let index = low >> level;
        let level = level as u8; // below 64
        peaks.push(read(level, index).ok_or(Error::MissingNode { level, index })?);
        low += 1 << level;
    }
    let mut peaks = peaks.iter().rev();
    let Some(last) = peaks.next() else { return Ok(empty_root()) };
    Ok(peaks.fold(*last, |right, left| node_hash(left, &right)))
}
