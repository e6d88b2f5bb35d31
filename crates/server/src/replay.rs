//! `Idempotency-Key`: a repeat of a POST under the same key, by the same token, with the same body gets the same
//! answer without being carried out again. Kept in memory, for a bounded time and number; a restart forgets.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::{Error, error::Problem};

#[cfg(test)]
mod tests;

/// How long an answer is kept.
const WINDOW: Duration = Duration::from_secs(600);
/// At most this many answers; over it the oldest goes.
const COUNT_MAX: usize = 4096;
/// Longer answers are not kept.
pub(crate) const ANSWER_MAX: usize = 4096;
/// Longest key, in bytes.
const KEY_MAX: usize = 255;

/// What a call is known by: token, route and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// Refuses a key that is empty, longer than 255 bytes or not printable ASCII.
    pub(crate) fn of(header: &HeaderValue, token: u64, path: &str) -> Result<Key, Error> {
        let text = header.to_str().unwrap_or_default();
        if text.trim().is_empty() || text.len() > KEY_MAX {
            let detail = format!("the header Idempotency-Key takes 1 to {KEY_MAX} characters of ASCII");
            return Err(Error::new(Problem::Malformed, detail));
        }
        let mut hash = Sha256::new();
        hash.update(token.to_le_bytes());
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path.as_bytes());
        hash.update(text.as_bytes());
        Ok(Key(hash.finalize().into()))
    }
}

#[derive(Clone)]
enum Known {
    UnderWay,
    Answered(StatusCode, Option<HeaderValue>, Bytes),
    /// Carried out, with an answer that is too long or too secret to keep.
    NotKept,
}

struct Entry {
    body: [u8; 32],
    began: Instant,
    known: Known,
}

#[derive(Default)]
struct Window {
    entries: BTreeMap<Key, Entry>,
    order: VecDeque<(Instant, Key)>,
}

#[derive(Clone, Default)]
pub(crate) struct Replays(Arc<Mutex<Window>>);

/// What a call with a key comes to.
pub(crate) enum Begun {
    /// The first one: carry it out and tell the claim what came of it.
    Fresh(Claim),
    /// Here is the earlier answer.
    Again(Response),
}

/// Until it is settled the key is under way; dropped unsettled, the key is free again.
pub(crate) struct Claim {
    replays: Replays,
    key: Key,
    settled: bool,
}

impl Replays {
    pub(crate) fn begin(&self, key: Key, body: &[u8], now: Instant) -> Result<Begun, Error> {
        let body: [u8; 32] = Sha256::digest(body).into();
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.forget(now);
        if let Some(entry) = window.entries.get(&key) {
            return entry.again(body).map(Begun::Again);
        }
        window.entries.insert(key, Entry { body, began: now, known: Known::UnderWay });
        window.order.push_back((now, key));
        Ok(Begun::Fresh(Claim { replays: self.clone(), key, settled: false }))
    }

    fn settle(&self, key: Key, known: Option<Known>) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(known) => {
                if let Some(entry) = window.entries.get_mut(&key) {
                    entry.known = known;
                }
            }
            None => {
                window.entries.remove(&key);
            }
        }
    }
}

impl Window {
    fn forget(&mut self, now: Instant) {
        while let Some((began, key)) = self.order.front().copied() {
            let old = now.duration_since(began) > WINDOW;
            if !old && self.order.len() < COUNT_MAX {
                return;
            }
            self.order.pop_front();
            // A key that was freed and taken again has a later place in the order.
            if self.entries.get(&key).is_some_and(|entry| entry.began == began) {
                self.entries.remove(&key);
            }
        }
    }
}

impl Entry {
    fn again(&self, body: [u8; 32]) -> Result<Response, Error> {
        if self.body != body {
            let detail =
                "this Idempotency-Key was used with another body; use a fresh key for another request";
            return Err(Error::new(Problem::Invalid, detail));
        }
        match &self.known {
            Known::UnderWay => {
                Err(Error::new(Problem::Conflict, "a request with this Idempotency-Key is still under way"))
            }
            Known::NotKept => {
                let detail = "the request with this Idempotency-Key was carried out; its answer is not kept";
                Err(Error::new(Problem::Conflict, detail))
            }
            Known::Answered(status, content_type, bytes) => {
                let mut response = (*status, bytes.clone()).into_response();
                let headers = response.headers_mut();
                headers.remove(header::CONTENT_TYPE);
                headers.extend(content_type.clone().map(|value| (header::CONTENT_TYPE, value)));
                headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
                Ok(response)
            }
        }
    }
}

impl Claim {
    /// Keeps what will be the same next time: success and refusals by the state or the request itself.
    pub(crate) async fn settle(mut self, response: Response) -> Response {
        let status = response.status();
        let passing = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        if passing {
            return response;
        }
        self.settled = true;
        let (parts, body) = response.into_parts();
        let secret = parts.headers.contains_key(header::CACHE_CONTROL);
        let size = axum::body::HttpBody::size_hint(&body).upper();
        if secret || size.is_none_or(|size| size > ANSWER_MAX as u64) {
            self.replays.settle(self.key, Some(Known::NotKept));
            return Response::from_parts(parts, body);
        }
        let bytes = axum::body::to_bytes(body, ANSWER_MAX).await.unwrap_or_default();
        let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
        self.replays.settle(self.key, Some(Known::Answered(status, content_type, bytes.clone())));
        Response::from_parts(parts, bytes.into())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.settled {
            self.replays.settle(self.key, None);
        }
    }
}
