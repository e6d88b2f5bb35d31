//! The JSON forms of the lines of a bundle, for writing and for reading.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Scope;
use crate::Hash;
use crate::hash::{hex_decode, hex_encode};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderLine<'a> {
    pub(super) bundle: u32,
    #[serde(borrow)]
    pub(super) origin: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) key: Cow<'a, str>,
    pub(super) scope: Scope,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine<'a> {
    #[serde(borrow)]
    pub(super) checkpoint: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryLine<'a> {
    /// The bytes of the envelope, unchanged.
    #[serde(borrow)]
    pub(super) envelope: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) salt: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proof: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndLine {
    pub(super) end: End,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) entries: u64,
    /// SHA-256 of every byte before this line, in hex.
    pub(super) sha256: String,
}

impl EntryLine<'_> {
    /// Salt and body as bytes; the outer `None` says that their text is malformed.
    pub(super) fn salted_body(&self) -> Option<Option<(Vec<u8>, Vec<u8>)>> {
        match (&self.salt, &self.body) {
            (None, None) => Some(None),
            (Some(salt), Some(body)) => {
                let mut bytes = vec![0; 16];
                let read = hex_decode(salt.as_bytes(), &mut bytes);
                let body = STANDARD.decode(body.as_bytes()).ok()?;
                read.then_some(Some((bytes, body)))
            }
            (Some(_), None) | (None, Some(_)) => None,
        }
    }

    pub(super) fn hashes(&self) -> Option<Option<Vec<Hash>>> {
        let Some(proof) = &self.proof else { return Some(None) };
        let hashes: Option<Vec<_>> = proof.iter().map(|hash| Hash::from_base64(hash).ok()).collect();
        hashes.map(Some)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = vec![0; bytes.len() * 2];
    hex_encode(bytes, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
