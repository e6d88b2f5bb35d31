//! C2SP tlog-checkpoint: the signed statement of a log that it has so many entries under this root.

#[cfg(test)]
mod tests;

use crate::note::{Note, SigningKey, VerifierKey};
use crate::tile::decimal;
use crate::{Error, Hash};

/// Head of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Checkpoint {
    /// Name of the log, one non-empty line.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines, each non-empty; Ringfence writes none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    #[must_use]
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// The text that is signed.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64());
        for line in &self.extensions {
            out.push_str(line);
            out.push('\n');
        }
        out
    }

    /// Reads the text of a checkpoint, without signatures.
    ///
    /// # Errors
    /// [`Error::Malformed`] names the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |detail: &str| Error::malformed("checkpoint", detail);
        let text = text.strip_suffix('\n').ok_or_else(|| bad("it does not end in a newline"))?;
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty());
        let origin = origin.ok_or_else(|| bad("line 1, the origin, is empty"))?;
        let size = lines.next().and_then(decimal);
        let size = size.ok_or_else(|| bad("line 2, the size, is not a decimal number"))?;
        let root = lines.next().and_then(|line| Hash::from_base64(line).ok());
        let root = root.ok_or_else(|| bad("line 3, the root, is not base 64 of 32 bytes"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(bad("an extension line is empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Signs the checkpoint and renders the note.
    ///
    /// # Errors
    /// [`Error::Unrepresentable`] when the origin or an extension is empty or has a line break.
    pub fn sign(&self, key: &SigningKey) -> Result<String, Error> {
        let text = self.render();
        if !Self::parse(&text).is_ok_and(|parsed| parsed == *self) {
            let detail = "origin and extensions must each be one line that is not empty";
            return Err(Error::unrepresentable("checkpoint", detail));
        }
        let mut note = Note::new(text)?;
        note.sign(key);
        Ok(note.render())
    }

    /// Reads a signed checkpoint and checks that a known key signed it. The origin is for the caller to
    /// compare.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::BadSignature`] or [`Error::UnknownSigner`].
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Self, Error> {
        let note = Note::parse(note)?;
        note.verify(keys)?;
        Self::parse(note.text())
    }
}
