//! C2SP tlog-proof: one text file that shows, with no server, that an entry is in the log: its index,
//! its inclusion proof and a signed checkpoint.

#[cfg(test)]
mod tests;

use crate::note::VerifierKey;
use crate::tile::decimal;
use crate::tree::verify_inclusion;
use crate::{Checkpoint, Error, Hash};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Proof that a leaf is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Position of the entry.
    pub index: u64,
    /// Audit path, the leaf's sibling first.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, as the log published it.
    pub checkpoint: String,
}

impl InclusionProof {
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = format!("{FIRST_LINE}\nindex {}\n", self.index);
        for hash in &self.hashes {
            out.push_str(&hash.to_base64());
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.checkpoint);
        out
    }

    /// Reads a proof. An `extra` line is accepted and dropped: nothing vouches for it.
    ///
    /// # Errors
    /// [`Error::Malformed`] names the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |detail: &str| Error::malformed("proof", detail);
        let rest = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix('\n'));
        let rest = rest.ok_or_else(|| bad("line 1 is not `c2sp.org/tlog-proof@v1`"))?;
        let (head, checkpoint) = rest.split_once("\n\n").ok_or_else(|| bad("no checkpoint follows"))?;
        let mut lines = head.split('\n').peekable();
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or_else(|| bad("no line `index NUMBER`"))?;
        let hashes = lines.take(64).map(Hash::from_base64).collect::<Result<_, _>>()?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks signature and path for the leaf with hash `leaf`, and gives the checkpoint. The caller
    /// compares its origin.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::UnknownSigner`], [`Error::Malformed`] or [`Error::Proof`].
    pub fn verify(&self, leaf: &Hash, keys: &[VerifierKey]) -> Result<Checkpoint, Error> {
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}
