//! The tree of RFC 6962 section 2.1 as a compact range: the roots of the perfect subtrees that cover
//! the leaves, one for each set bit of the size. Nothing else is needed to append and to state a root.
//! Proofs are built and verified in `proofs`.

mod proofs;
#[cfg(test)]
mod tests;

pub use proofs::{
    consistency_proof, inclusion_proof, root_at, subtree_consistency_proof, subtree_inclusion_proof,
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};

use crate::hash::{empty_root, node_hash};
use crate::{Error, Hash};

/// A growing tree, kept as at most 64 hashes. Appending costs one node hash on average and
/// log2(size) at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Restores what [`Frontier::hashes`] gave for a tree of `size` leaves.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the number of hashes is not the number of set bits of `size`.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, Error> {
        let expected = size.count_ones() as usize;
        if hashes.len() != expected {
            let detail = format!("size {size} needs {expected} hashes, found {}", hashes.len());
            return Err(Error::malformed("frontier", detail));
        }
        Ok(Self { size, peaks: hashes })
    }

    /// Roots of the perfect subtrees, the largest (leftmost) first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.peaks
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.size
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Appends the hash of a leaf ([`crate::leaf_hash`]).
    pub fn append(&mut self, leaf: Hash) {
        self.append_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf hash and names each node that is now complete, the leaf first, as
    /// `(level, index, hash)`; these are the nodes that the proof builders read.
    pub fn append_with(&mut self, leaf: Hash, mut complete: impl FnMut(u8, u64, Hash)) {
        let (mut node, mut level, mut index) = (leaf, 0, self.size);
        complete(level, index, node);
        while index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            level += 1;
            index >>= 1;
            complete(level, index, node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Root over all leaves appended so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Root of the tree over these leaf hashes.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(leaf);
    }
    frontier.root()
}
