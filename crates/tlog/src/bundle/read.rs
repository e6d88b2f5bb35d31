//! Reading a bundle.

use std::io::{BufRead, Read as _};

use sha2::{Digest as _, Sha256};

use super::lines::{CheckpointLine, End, EndLine, EntryLine, HeaderLine, hex};
use super::{Header, MAX_LINE, VERSION};
use crate::leaf::Body;
use crate::note::VerifierKey;
use crate::{Error, Hash};

/// Reads a bundle line by line.
pub struct Reader<R: BufRead> {
    lines: Lines<R>,
    header: Header,
    checkpoint: String,
    entries: u64,
}

/// An entry as it stands in the bundle. Nothing in it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub envelope: Vec<u8>,
    /// Salt and body; `None` when redacted.
    pub body: Option<(Vec<u8>, Vec<u8>)>,
    /// Inclusion proof, in a selection.
    pub proof: Option<Vec<Hash>>,
}

impl Entry {
    #[must_use]
    pub fn body(&self) -> Option<Body<'_>> {
        self.body.as_ref().map(|(salt, body)| Body { salt, body })
    }
}

/// What stands after the first two lines.
pub(super) enum Item {
    Entry(Entry),
    /// A line that is no entry: its number from 1 and why.
    Altered(u64, String),
    /// The last line, and what is wrong with it or after it.
    End(Result<(), String>),
    /// The input ended without a last line.
    CutOff,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header and the checkpoint.
    ///
    /// # Errors
    /// [`Error::Malformed`] when this is no bundle of a known version, [`Error::Io`] when `input` fails.
    pub fn new(input: R) -> Result<Self, Error> {
        let mut lines = Lines { input, sha: Sha256::new(), line: Vec::new(), number: 0 };
        lines.next()?;
        let header = read_header(&lines.line)?;
        lines.next()?;
        let checkpoint: CheckpointLine<'_> = serde_json::from_slice(&lines.line)
            .map_err(|error| Error::malformed("bundle", format!("line 2, the checkpoint: {error}")))?;
        let checkpoint = checkpoint.checkpoint.into_owned();
        Ok(Self { lines, header, checkpoint, entries: 0 })
    }

    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The signed checkpoint; its signature has not been checked.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The next entry; `None` after the last one, when the count and the digest are right.
    ///
    /// # Errors
    /// [`Error::Malformed`] names the line that is wrong or missing, [`Error::Io`] when the input fails.
    pub fn entry(&mut self) -> Result<Option<Entry>, Error> {
        match self.item()? {
            Item::Entry(entry) => Ok(Some(entry)),
            Item::End(Ok(())) => Ok(None),
            Item::End(Err(detail)) => Err(Error::malformed("bundle", detail)),
            Item::Altered(line, detail) => Err(Error::malformed("bundle", format!("line {line}: {detail}"))),
            Item::CutOff => {
                let detail = format!("it was cut off after {} entries", self.entries);
                Err(Error::malformed("bundle", detail))
            }
        }
    }

    pub(super) fn item(&mut self) -> Result<Item, Error> {
        if !self.lines.next()? {
            return Ok(Item::CutOff);
        }
        if self.lines.line.starts_with(b"{\"end\":") {
            return self.end();
        }
        match read_entry(&self.lines.line) {
            Ok(entry) => {
                self.entries += 1;
                Ok(Item::Entry(entry))
            }
            Err(detail) => Ok(Item::Altered(self.lines.number, detail)),
        }
    }

    fn end(&mut self) -> Result<Item, Error> {
        let sha256 = hex(&self.lines.sha.clone().finalize());
        let wanted = EndLine { end: End { entries: self.entries, sha256 } };
        let found = std::mem::take(&mut self.lines.line);
        if self.lines.next()? || !self.lines.line.is_empty() {
            return Ok(Item::End(Err("something follows the last line".into())));
        }
        Ok(Item::End(check_end(&found, &wanted)))
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn line_number(&self) -> u64 {
        self.lines.number
    }
}

fn check_end(found: &[u8], wanted: &EndLine) -> Result<(), String> {
    let parsed: EndLine = serde_json::from_slice(found).map_err(|error| error.to_string())?;
    if parsed.end.entries != wanted.end.entries {
        return Err(format!("it counts {} entries, {} are there", parsed.end.entries, wanted.end.entries));
    }
    if parsed.end.sha256 != wanted.end.sha256 {
        return Err("its digest is not that of the lines before it".into());
    }
    let canonical = serde_json::to_vec(wanted).map_err(|error| error.to_string())?;
    if found.strip_suffix(b"\n") != Some(&canonical) {
        return Err("the last line is not written in its one form".into());
    }
    Ok(())
}

fn read_header(line: &[u8]) -> Result<Header, Error> {
    let bad = |detail: String| Error::malformed("bundle", format!("line 1, the header: {detail}"));
    let header: HeaderLine<'_> = serde_json::from_slice(line).map_err(|error| bad(error.to_string()))?;
    if header.bundle != VERSION {
        return Err(bad(format!("version {} is not known, only {VERSION}", header.bundle)));
    }
    let key = VerifierKey::parse(&header.key)?;
    Ok(Header { origin: header.origin.into_owned(), key, scope: header.scope })
}

fn read_entry(line: &[u8]) -> Result<Entry, String> {
    let parsed: EntryLine<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let body =
        parsed.salted_body().ok_or("salt and body must be 32 hex digits and base 64, or both absent")?;
    let proof = parsed.hashes().ok_or("a hash of the proof is not base 64 of 32 bytes")?;
    Ok(Entry { envelope: parsed.envelope.get().as_bytes().to_vec(), body, proof })
}

/// Lines with their running digest.
struct Lines<R> {
    input: R,
    /// Over all lines before the present one.
    sha: Sha256,
    /// The present line with its newline; what is left of the input when that has none.
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads a line; false when the input ends, perhaps inside a line, or the line is too long.
    fn next(&mut self) -> Result<bool, Error> {
        self.sha.update(&self.line);
        self.line.clear();
        self.number += 1;
        let limit = MAX_LINE as u64;
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.line);
        read.map_err(|source| Error::Io { operation: "read", source })?;
        Ok(self.line.last() == Some(&b'\n'))
    }
}
