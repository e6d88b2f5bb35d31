//! What is asked of the estate and what it answers.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request to change one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Idempotency key. A call without one is carried out each time that it arrives.
    #[serde(default)]
    pub key: String,
    /// Name of a [`crate::Verb`], for example `node.isolate`.
    pub verb: String,
    /// Kind of the target, for example `node`; may be empty where the verb has only one kind of target.
    #[serde(default)]
    pub target_kind: String,
    pub target: String,
    #[serde(default)]
    pub args: Map<String, Value>,
    /// For which incident, where the caller says so.
    #[serde(default)]
    pub incident: String,
    /// Time of the call in microseconds. Over HTTP the server sets it from its own clock.
    #[serde(default)]
    pub time_us: u64,
}

impl Call {
    /// Equal for calls that ask the same of the same target, whatever their time and key.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.verb, &self.target_kind, &self.target).hash(&mut hasher);
        for (name, value) in &self.args {
            name.hash(&mut hasher);
            value.to_string().hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Whether the call was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Applied,
    Refused,
}

/// Why a call was refused, for programs; [`Reply::reason`] says it for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    UnknownVerb,
    UnknownTarget,
    BadArguments,
    /// The idempotency key was used before for another call.
    KeyReused,
    /// The call makes sense, but there is nothing that it could use, such as a clean checkpoint.
    Impossible,
}

/// The answer to a [`Call`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// This is the recorded answer to an earlier call with the same key; nothing was done now.
    pub duplicate: bool,
    /// The target after the call, null if there is no such target.
    pub state: Value,
    /// What the call produced besides the new state, for example the sessions that it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artefact: Option<Value>,
}

impl Reply {
    pub fn applied(&self) -> bool {
        self.status == Status::Applied
    }

    pub(crate) fn refused(refusal: Refusal, reason: String, state: Value) -> Reply {
        Reply {
            status: Status::Refused,
            refusal: Some(refusal),
            reason: Some(reason),
            duplicate: false,
            state,
            artefact: None,
        }
    }
}

/// The answer to a read: does what the verb and its arguments ask for hold on the target now?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub holds: bool,
    /// The target now, null if there is no such target.
    pub state: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Reading {
    pub(crate) fn refused(refusal: Refusal, reason: String, state: Value) -> Reading {
        Reading { holds: false, state, refusal: Some(refusal), reason: Some(reason) }
    }
}
