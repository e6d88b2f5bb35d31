//! Writing a bundle.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::lines::{CheckpointLine, End, EndLine, EntryLine, HeaderLine, hex};
use super::{Header, MAX_LINE, Scope, VERSION};
use crate::leaf::{Body, EnvelopeRef};
use crate::{Error, Hash};

/// Writes a bundle line by line. Without [`Writer::finish`] the bundle reads as cut off.
pub struct Writer<W: io::Write> {
    out: W,
    sha: Sha256,
    entries: u64,
    needs_proofs: bool,
    line: Vec<u8>,
}

impl<W: io::Write> Writer<W> {
    /// Begins a bundle with the signed checkpoint that its entries are checked against.
    ///
    /// # Errors
    /// [`Error::Io`] when `out` fails.
    pub fn new(out: W, header: &Header, checkpoint: &str) -> Result<Self, Error> {
        let needs_proofs = header.scope != Scope::Log;
        let mut writer = Self { out, sha: Sha256::new(), entries: 0, needs_proofs, line: Vec::new() };
        writer.line(&HeaderLine {
            bundle: VERSION,
            origin: header.origin.as_str().into(),
            key: header.key.to_string().into(),
            scope: header.scope.clone(),
        })?;
        writer.line(&CheckpointLine { checkpoint: checkpoint.into() })?;
        Ok(writer)
    }

    /// Adds an entry: its envelope, its salt and body unless redacted, and, for a selection, its
    /// inclusion proof. Entries come in the order of their positions.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the envelope is not canonical, [`Error::Unrepresentable`] when a proof
    /// is missing or superfluous, the salt is not 16 bytes or the body too long, [`Error::Io`] when the
    /// output fails.
    pub fn entry(
        &mut self,
        envelope: &[u8],
        body: Option<Body<'_>>,
        proof: Option<&[Hash]>,
    ) -> Result<(), Error> {
        EnvelopeRef::decode(envelope)?;
        if proof.is_some() != self.needs_proofs {
            let detail = "a selection needs a proof for each entry, a whole log has none";
            return Err(Error::unrepresentable("bundle", detail));
        }
        if body.is_some_and(|body| body.salt.len() != 16 || body.body.len() > MAX_LINE / 2) {
            let detail = "a salt must have 16 bytes, a body at most 32 mebibytes";
            return Err(Error::unrepresentable("bundle", detail));
        }
        let envelope = std::str::from_utf8(envelope).map(|text| RawValue::from_string(text.to_owned()));
        let Ok(Ok(envelope)) = envelope else {
            return Err(Error::malformed("envelope", "it is no JSON text"));
        };
        self.line(&EntryLine {
            envelope: &envelope,
            salt: body.map(|body| hex(body.salt).into()),
            body: body.map(|body| STANDARD.encode(body.body).into()),
            proof: proof.map(|hashes| hashes.iter().map(Hash::to_base64).collect()),
        })?;
        self.entries += 1;
        Ok(())
    }

    /// Writes the last line, flushes, and gives the output back.
    ///
    /// # Errors
    /// [`Error::Io`] when the output fails.
    pub fn finish(mut self) -> Result<W, Error> {
        let sha256 = hex(&self.sha.clone().finalize());
        self.line(&EndLine { end: End { entries: self.entries, sha256 } })?;
        self.out.flush().map_err(io_error)?;
        Ok(self.out)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(|error| io_error(error.into()))?;
        self.line.push(b'\n');
        self.sha.update(&self.line);
        self.out.write_all(&self.line).map_err(io_error)
    }
}

fn io_error(source: io::Error) -> Error {
    Error::Io { operation: "write", source }
}
