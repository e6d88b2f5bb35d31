//! Tokens: `rf_` and 43 characters of unpadded base64url over 32 random bytes. The platform only ever learns
//! the SHA-256 of the text, and finds the holder by it: what is compared there is a hash, whose bytes nobody can choose.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::Error;

/// Longer texts are no tokens, whatever their hash.
const LENGTH_MAX: usize = 512;

/// A fresh token: its text, to be shown once, and the hash to keep.
pub fn create_token() -> Result<(String, Box<str>), getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let text = format!("rf_{}", URL_SAFE_NO_PAD.encode(secret));
    let hash = token_hash(&text);
    Ok((text, hash))
}

/// SHA-256 of a token's text in lower-case hex.
pub fn token_hash(text: &str) -> Box<str> {
    hex(&Sha256::digest(text.as_bytes())).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// The hash of the bearer token of a request (RFC 6750 section 2.1). Whatever is wrong, the error is the same.
pub(crate) fn bearer_hash(headers: &HeaderMap) -> Result<Box<str>, Error> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(Error::unauthenticated());
    };
    let text = value.to_str().map_err(|_| Error::unauthenticated())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(Error::unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") || !is_shaped(token) {
        return Err(Error::unauthenticated());
    }
    Ok(token_hash(token))
}

/// Whether a text could be a token at all.
pub(crate) fn is_shaped(text: &str) -> bool {
    !text.is_empty() && text.len() <= LENGTH_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}
