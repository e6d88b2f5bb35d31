//! The first reply to each idempotency key. Bounded: the oldest keys are forgotten first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::call::{Refusal, Reply, Status};

/// States are kept as text: it takes a third of the memory of a tree of values.
#[derive(Clone, Debug)]
struct Recorded {
    digest: u64,
    status: Status,
    refusal: Option<Refusal>,
    reason: Option<Box<str>>,
    state: Box<str>,
    artefact: Option<Box<str>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Replies {
    by_key: BTreeMap<Arc<str>, Recorded>,
    oldest_first: VecDeque<Arc<str>>,
    limit: usize,
}

/// What is known of a key.
pub(crate) enum Seen {
    Never,
    /// The same call: here is its first reply, marked as a duplicate.
    Same(Reply),
    /// The key belongs to another call.
    Other,
}

impl Replies {
    pub(crate) fn new(limit: usize) -> Replies {
        Replies { by_key: BTreeMap::new(), oldest_first: VecDeque::new(), limit: limit.max(1) }
    }

    pub(crate) fn look_up(&self, key: &str, digest: u64) -> Seen {
        match self.by_key.get(key) {
            None => Seen::Never,
            Some(recorded) if recorded.digest == digest => Seen::Same(recorded.reply()),
            Some(_) => Seen::Other,
        }
    }

    pub(crate) fn record(&mut self, key: &str, digest: u64, reply: &Reply) {
        if self.oldest_first.len() >= self.limit
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        let key: Arc<str> = key.into();
        self.oldest_first.push_back(Arc::clone(&key));
        self.by_key.insert(key, Recorded::new(digest, reply));
    }
}

impl Recorded {
    fn new(digest: u64, reply: &Reply) -> Recorded {
        Recorded {
            digest,
            status: reply.status,
            refusal: reply.refusal,
            reason: reply.reason.as_deref().map(Box::from),
            state: reply.state.to_string().into(),
            artefact: reply.artefact.as_ref().map(|artefact| artefact.to_string().into()),
        }
    }

    fn reply(&self) -> Reply {
        Reply {
            status: self.status,
            refusal: self.refusal,
            reason: self.reason.as_deref().map(str::to_owned),
            duplicate: true,
            state: parsed(&self.state),
            artefact: self.artefact.as_deref().map(parsed),
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
