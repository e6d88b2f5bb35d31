//! Sources that prove themselves by a shared secret instead of a token of ours: Standard Webhooks, an HMAC in a
//! header, or the secret itself in a header. Whatever is wrong, the refusal is the same, and what is
//! secret can be compared only in constant time, because its type knows no other way.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, request::Parts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::time::{Span, Timestamp};
use engine::Principal;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{
    Error,
    route::{Auth, Route},
    secret::Secret,
    shared::Shared,
    token::hex,
};

#[cfg(test)]
mod tests;

/// Longest body that is read before it is known who sends it, in bytes.
pub(crate) const SIGNED_MAX: usize = 1024 * 1024;
/// How far the time of a delivery may be from ours.
const WINDOW: Span = Span::secs(300);
/// Signatures that are looked at in one delivery, for secrets that are being changed.
const SIGNATURES_MAX: usize = 8;
/// Shortest secret, in bytes.
const SECRET_MIN: usize = 16;
/// Longest id of a delivery, in bytes.
const ID_MAX: usize = 255;
const ID: &str = "webhook-id";

/// How a source proves itself, as it is written in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// <https://www.standardwebhooks.com>: id, time and body signed by HMAC-SHA256.
    StandardWebhooks,
    /// HMAC-SHA256 of the body in this header, as hex, with or without `sha256=`.
    HmacHeader(Box<str>),
    /// The secret itself in this header.
    TokenHeader(Box<str>),
}

impl std::str::FromStr for Signature {
    type Err = String;

    fn from_str(text: &str) -> Result<Signature, String> {
        let wrong = || {
            "`signature` must be `standard-webhooks`, `hmac-sha256-header: NAME`, `token-header: NAME` or `token`"
                .to_owned()
        };
        let (kind, name) = text.split_once(':').map_or((text, ""), |(kind, name)| (kind, name.trim()));
        let header = || {
            let name: Result<axum::http::HeaderName, _> = name.parse();
            name.map(|name| Box::from(name.as_str())).map_err(|_| wrong())
        };
        match (kind.trim(), name.is_empty()) {
            ("standard-webhooks", true) => Ok(Signature::StandardWebhooks),
            ("token", true) => Ok(Signature::TokenHeader("authorization".into())),
            ("hmac-sha256-header", false) => header().map(Signature::HmacHeader),
            ("token-header", false) => header().map(Signature::TokenHeader),
            (_, _) => Err(wrong()),
        }
    }
}

/// A source that is enabled. Its secret is never shown.
#[derive(Clone)]
pub struct Source {
    pub(crate) mapping: Box<str>,
    signature: Signature,
    key: Secret,
    /// The platform knows the source as the holder of this token, which nobody has; revoking it stops the source.
    holder: Box<str>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {:?}, ***)", self.mapping, self.signature)
    }
}

impl Source {
    /// `holder` is the hash of the token that stands for the source.
    ///
    /// # Errors
    /// Why the secret is none, without saying it.
    pub fn new(mapping: &str, signature: Signature, secret: &str, holder: &str) -> Result<Source, String> {
        let key = match signature {
            Signature::StandardWebhooks => {
                let text = secret.strip_prefix("whsec_").unwrap_or(secret);
                STANDARD
                    .decode(text)
                    .map_err(|_| "the secret is not base64, as Standard Webhooks wants it")?
            }
            Signature::HmacHeader(_) | Signature::TokenHeader(_) => secret.as_bytes().to_vec(),
        };
        if key.len() < SECRET_MIN {
            return Err(format!("the secret is shorter than {SECRET_MIN} bytes"));
        }
        Ok(Source { mapping: mapping.into(), signature, key: Secret::new(key), holder: holder.into() })
    }

    /// Who sends this, if the proof holds.
    pub(crate) fn verify(
        &self,
        shared: &Shared,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Principal, Error> {
        let now = shared.now();
        let proved = self.holds(headers, body, now).unwrap_or(false);
        let principal = shared.handle.principal(&self.holder, now).filter(|_| proved);
        principal.ok_or_else(Error::unauthenticated)
    }

    /// `None` where a part of the proof is missing or given twice.
    fn holds(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<bool> {
        match &self.signature {
            Signature::StandardWebhooks => self.standard(headers, body, now),
            Signature::HmacHeader(name) => {
                let sent = one(headers, name)?;
                let sent = sent.strip_prefix("sha256=").unwrap_or(sent).to_ascii_lowercase();
                let own = Secret::new(hex(self.mac(&[body])?.expose()).into_bytes());
                Some(own.is(sent.as_bytes()))
            }
            Signature::TokenHeader(name) => {
                let sent = one(headers, name)?;
                let sent = if **name == *"authorization" { sent.strip_prefix("Bearer ")? } else { sent };
                Some(self.key.is(sent.as_bytes()))
            }
        }
    }

    fn standard(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<bool> {
        let (id, sent_at) = (one(headers, ID)?, one(headers, "webhook-timestamp")?);
        let seconds = sent_at.parse::<i64>().ok()?;
        let at = Timestamp(seconds.checked_mul(1_000_000)?);
        let fresh = now.since(at) <= WINDOW && at.since(now) <= WINDOW;
        if id.is_empty() || id.len() > ID_MAX || id.contains('.') || !fresh {
            return None;
        }
        let own = self.mac(&[id.as_bytes(), b".", sent_at.as_bytes(), b".", body])?;
        let sent = one(headers, "webhook-signature")?.split(' ').take(SIGNATURES_MAX);
        let holds = |signature: &str| {
            let decoded = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            decoded.is_some_and(|decoded| own.is(&decoded))
        };
        // All are looked at, so that the time does not tell which of them holds.
        Some(sent.fold(false, |found, signature| holds(signature) | found))
    }

    fn mac(&self, parts: &[&[u8]]) -> Option<Secret> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).ok()?;
        parts.iter().for_each(|part| mac.update(part));
        Some(Secret::new(mac.finalize().into_bytes().to_vec()))
    }

    /// What a repeat of the same delivery is known by.
    pub(crate) fn delivery<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        match self.signature {
            Signature::StandardWebhooks => headers.get(ID),
            Signature::HmacHeader(_) | Signature::TokenHeader(_) => None,
        }
    }
}

/// The source whose proof is looked for in this call: the one that the path names, unless a token of ours is shown.
pub(crate) fn signing<'a>(shared: &'a Shared, route: &Route, parts: &Parts) -> Option<&'a Source> {
    if route.auth != Auth::Source {
        return None;
    }
    let source = shared.sources.get(parts.uri.path().rsplit('/').next()?)?;
    let proof = match &source.signature {
        Signature::StandardWebhooks => "webhook-signature",
        Signature::HmacHeader(name) => name,
        Signature::TokenHeader(name) => {
            let bearer = **name == *"authorization";
            let ours = one(&parts.headers, name).is_some_and(|text| text.starts_with("Bearer rf_"));
            return (parts.headers.contains_key(&**name) && !(bearer && ours)).then_some(source);
        }
    };
    parts.headers.contains_key(proof).then_some(source)
}

/// A header that is given once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}
