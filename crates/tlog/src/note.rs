//! C2SP signed-note: text with signatures of named keys. Ed25519 (signature type 0x01) is the one
//! algorithm; signatures of other types and of unknown keys are kept and ignored.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{SigningKey, VerifierKey};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

/// Longest note accepted, in bytes.
pub const MAX_NOTE: usize = 1 << 20;
/// Most signatures accepted on a note.
pub const MAX_SIGNATURES: usize = 64;

/// A parsed note. Its text means nothing until [`Note::verify`] succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// First four bytes of the key's hash.
    pub key_id: u32,
    /// What the algorithm gave; 64 bytes for Ed25519.
    pub bytes: Vec<u8>,
}

impl Note {
    /// A note that nobody has signed yet.
    ///
    /// # Errors
    /// [`Error::Unrepresentable`] when the text is empty, has control characters or does not end in a
    /// newline.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if !text.ends_with('\n') || text.bytes().any(is_forbidden) {
            let detail = "the text must end in a newline and have no other control character";
            return Err(Error::unrepresentable("note", detail));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a signed note.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no signed note; signatures are not checked here.
    pub fn parse(note: &str) -> Result<Self, Error> {
        let bad = |detail: &str| Error::malformed("note", detail);
        if note.len() > MAX_NOTE {
            return Err(bad("it is longer than a mebibyte"));
        }
        if note.bytes().any(is_forbidden) {
            return Err(bad("it has a control character other than newline"));
        }
        let Some(split) = note.rfind("\n\n") else {
            return Err(bad("no blank line stands between text and signatures"));
        };
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let Some(lines) = lines.strip_suffix('\n') else {
            return Err(bad("no signature line, or the last one does not end in a newline"));
        };
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(bad("it has too many signatures"));
        }
        let signatures = lines.split('\n').map(parse_signature).collect::<Option<Vec<_>>>();
        let signatures = signatures.ok_or_else(|| bad("a signature line is malformed"))?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed text, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds the signature of `key`.
    pub fn sign(&mut self, key: &SigningKey) {
        self.signatures.push(key.sign(&self.text));
    }

    /// Checks the signatures and returns the known keys that signed.
    ///
    /// # Errors
    /// [`Error::BadSignature`] when a signature of a known key does not fit, [`Error::UnknownSigner`]
    /// when no known key signed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, Error> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let known = keys.iter().find(|k| k.name() == signature.name && k.id() == signature.key_id);
            let Some(key) = known else { continue };
            if !key.verify(&self.text, &signature.bytes) {
                return Err(Error::BadSignature { key: key.name().to_owned() });
            }
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            let found: Vec<_> =
                self.signatures.iter().map(|s| format!("`{}+{:08x}`", s.name, s.key_id)).collect();
            let found = if found.is_empty() { "nobody".to_owned() } else { found.join(", ") };
            return Err(Error::UnknownSigner { found });
        }
        Ok(signers)
    }

    /// The note as it is stored and sent.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            let mut bytes = signature.key_id.to_be_bytes().to_vec();
            bytes.extend_from_slice(&signature.bytes);
            out.push_str(&format!("— {} {}\n", signature.name, STANDARD.encode(bytes)));
        }
        out
    }
}

fn is_forbidden(byte: u8) -> bool {
    byte < b' ' && byte != b'\n'
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (key_id, bytes) = bytes.split_first_chunk::<4>()?;
    if !keys::is_name(name) || bytes.is_empty() {
        return None;
    }
    Some(Signature { name: name.to_owned(), key_id: u32::from_be_bytes(*key_id), bytes: bytes.to_vec() })
}
