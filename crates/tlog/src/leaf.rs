//! The stored envelope of an entry, format 1: canonical JSON (RFC 8785) with fixed keys, whose bytes are
//! the data of a leaf. The envelope holds no free text; the body is bound to it by a salted hash, so the
//! body can be redacted while every proof stays valid. Described in `docs/log-format.md`.

mod scan;
#[cfg(test)]
mod tests;

use sha2::{Digest as _, Sha256};

use crate::hash::hex_encode;
use crate::{Error, Hash};

/// Version of the envelope, its last field.
pub const VERSION: u8 = 1;
/// Longest `actor`, `kind` or `stream`, in bytes.
pub const MAX_FIELD: usize = 255;
/// Largest magnitude of a number: integers above it are not exact in every JSON reader (RFC 7493).
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// What is publicly known of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who caused it: `person/12`, `platform`.
    pub actor: String,
    /// [`body_hash`] of salt and body.
    pub body: Hash,
    /// What happened: `incident.opened`.
    pub kind: String,
    /// Position in the log, from 0: the leaf index.
    pub position: u64,
    /// Number of the entry within its stream, from 1.
    pub seq: u64,
    /// The stream: `incident/1042`.
    pub stream: String,
    /// Platform time in microseconds since 1970-01-01 UTC.
    pub time_us: i64,
}

impl Envelope {
    /// Appends the canonical bytes to `out`.
    ///
    /// # Errors
    /// [`Error::Unrepresentable`] when `actor`, `kind` or `stream` is empty, longer than [`MAX_FIELD`]
    /// or has a character outside `[a-z0-9._/-]`, or a number is beyond [`MAX_NUMBER`]. `out` is then
    /// unchanged.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.borrowed().encode(out)
    }

    /// Reads canonical bytes; whatever is accepted encodes to the same bytes again.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the byte where the bytes depart from the format.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        EnvelopeRef::decode(bytes).map(|envelope| envelope.to_envelope())
    }

    fn borrowed(&self) -> EnvelopeRef<'_> {
        EnvelopeRef {
            actor: &self.actor,
            body: self.body,
            kind: &self.kind,
            position: self.position,
            seq: self.seq,
            stream: &self.stream,
            time_us: self.time_us,
        }
    }
}

/// An [`Envelope`] that borrows its text, for readers and writers of many entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeRef<'a> {
    pub actor: &'a str,
    pub body: Hash,
    pub kind: &'a str,
    pub position: u64,
    pub seq: u64,
    pub stream: &'a str,
    pub time_us: i64,
}

impl<'a> EnvelopeRef<'a> {
    /// As [`Envelope::encode`].
    ///
    /// # Errors
    /// As [`Envelope::encode`].
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.check()?;
        let mut hex = [0; 64];
        hex_encode(&self.body.0, &mut hex);
        out.reserve(224 + self.actor.len() + self.kind.len() + self.stream.len());
        out.extend_from_slice(b"{\"actor\":\"");
        out.extend_from_slice(self.actor.as_bytes());
        out.extend_from_slice(b"\",\"body\":\"");
        out.extend_from_slice(&hex);
        out.extend_from_slice(b"\",\"kind\":\"");
        out.extend_from_slice(self.kind.as_bytes());
        out.extend_from_slice(b"\",\"pos\":");
        push_number(self.position, out);
        out.extend_from_slice(b",\"seq\":");
        push_number(self.seq, out);
        out.extend_from_slice(b",\"stream\":\"");
        out.extend_from_slice(self.stream.as_bytes());
        out.extend_from_slice(b"\",\"time\":");
        if self.time_us < 0 {
            out.push(b'-');
        }
        push_number(self.time_us.unsigned_abs(), out);
        out.extend_from_slice(b",\"v\":1}");
        Ok(())
    }

    /// As [`Envelope::decode`], without copying.
    ///
    /// # Errors
    /// As [`Envelope::decode`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut scan = scan::Scan::new(bytes);
        scan.literal(b"{\"actor\":\"")?;
        let actor = scan.text()?;
        scan.literal(b"\",\"body\":\"")?;
        let body = scan.hash()?;
        scan.literal(b"\",\"kind\":\"")?;
        let kind = scan.text()?;
        scan.literal(b"\",\"pos\":")?;
        let position = scan.number()?;
        scan.literal(b",\"seq\":")?;
        let seq = scan.number()?;
        scan.literal(b",\"stream\":\"")?;
        let stream = scan.text()?;
        scan.literal(b"\",\"time\":")?;
        let time_us = scan.signed()?;
        scan.literal(b",\"v\":1}")?;
        scan.end()?;
        Ok(Self { actor, body, kind, position, seq, stream, time_us })
    }

    #[must_use]
    pub fn to_envelope(&self) -> Envelope {
        Envelope {
            actor: self.actor.to_owned(),
            body: self.body,
            kind: self.kind.to_owned(),
            position: self.position,
            seq: self.seq,
            stream: self.stream.to_owned(),
            time_us: self.time_us,
        }
    }

    fn check(&self) -> Result<(), Error> {
        for (name, text) in [("actor", self.actor), ("kind", self.kind), ("stream", self.stream)] {
            if text.is_empty() || text.len() > MAX_FIELD || !text.bytes().all(is_field_byte) {
                let detail = format!("`{name}` must be 1 to {MAX_FIELD} characters of [a-z0-9._/-]");
                return Err(Error::unrepresentable("envelope", detail));
            }
        }
        let numbers = [("pos", self.position), ("seq", self.seq), ("time", self.time_us.unsigned_abs())];
        for (name, number) in numbers {
            if number > MAX_NUMBER {
                let detail = format!("`{name}` is {number}, above {MAX_NUMBER}");
                return Err(Error::unrepresentable("envelope", detail));
            }
        }
        Ok(())
    }
}

/// What lies beside an envelope until it is redacted. Lengths are not promised: the bytes may come from
/// a damaged store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// 16 random bytes.
    pub salt: &'a [u8],
    pub body: &'a [u8],
}

impl Body<'_> {
    /// Whether this is the salt and body that an envelope speaks of.
    #[must_use]
    pub fn fits(&self, hash: &Hash) -> bool {
        <&[u8; 16]>::try_from(self.salt).is_ok_and(|salt| body_hash(salt, self.body) == *hash)
    }
}

/// What the envelope says of the body: SHA-256(salt ‖ body). The salt keeps a guessable body secret
/// after it was redacted.
#[must_use]
pub fn body_hash(salt: &[u8; 16], body: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update(salt);
    sha.update(body);
    Hash(sha.finalize().into())
}

/// Whether a byte may stand in `actor`, `kind` and `stream`.
#[must_use]
pub fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'/' | b'-')
}

fn push_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}
