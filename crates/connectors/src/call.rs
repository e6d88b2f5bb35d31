//! The face: what a connector is asked, and what it says came of it.

use std::{pin::Pin, sync::Arc, time::Duration};

use domain::{
    action::{self, Operation},
    content::ActionSpec,
    time::Span,
};
use serde_json::{Map, Value};

/// One call to a system outside, about one target.
#[derive(Debug, Clone)]
pub struct Call {
    /// Idempotency key: the same for every attempt of the same intent, and never used for another.
    pub key: String,
    /// The life of the process that sends it.
    pub epoch: u64,
    pub operation: Operation,
    /// The verb that was or is to be applied, also where the operation takes it back.
    pub verb: String,
    pub target_kind: String,
    pub target: String,
    pub args: Map<String, Value>,
    pub incident: String,
    /// Counted from 1.
    pub attempt: u32,
    /// For the whole call, waiting for a free connection and reading back included.
    pub timeout: Duration,
    /// What content says of `verb`.
    pub spec: Arc<ActionSpec>,
}

/// What came of a call. A change is applied, not applied or unknown; a read-back holds, does not hold or is unknown.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done.
    Applied {
        /// `Some(true)`: read back afterwards, and so it is. `None`: the verb cannot be read back, or reading failed.
        /// `Some(false)` does not occur: what does not hold is [`Outcome::NotApplied`].
        verified: Option<bool>,
        /// What the system answered besides, at most [`crate::ARTEFACT_BYTES_MAX`] bytes.
        artefact: Option<Value>,
        /// The system says that an earlier call with this key did it.
        duplicate: bool,
    },
    /// This call certainly changed nothing, or it was read back and is not as asked. Says nothing about earlier
    /// attempts.
    NotApplied {
        reason: String,
        /// Whether the same call may succeed later.
        retry: bool,
        /// The system asks not to be called again before this time has passed.
        retry_after: Option<Duration>,
    },
    /// It may or may not have been done, or may still happen; or it could not be read back.
    Unknown { reason: String },
    /// Read back: the verb holds on its target, whoever applied it.
    Holds,
    /// Read back: the verb does not hold.
    DoesNotHold {
        /// What the system answered instead.
        seen: String,
    },
}

impl Outcome {
    pub(crate) fn refused(reason: impl Into<String>) -> Outcome {
        Outcome::NotApplied { reason: reason.into(), retry: false, retry_after: None }
    }

    pub(crate) fn later(reason: impl Into<String>) -> Outcome {
        Outcome::NotApplied { reason: reason.into(), retry: true, retry_after: None }
    }

    pub(crate) fn unknown(reason: impl Into<String>) -> Outcome {
        Outcome::Unknown { reason: reason.into() }
    }
}

/// As the platform takes it in. A span that is too long to be written down is as good as for ever.
impl From<Outcome> for action::Outcome {
    fn from(outcome: Outcome) -> action::Outcome {
        let span = |wait: Duration| Span(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        match outcome {
            Outcome::Applied { verified, artefact, .. } => action::Outcome::Applied { verified, artefact },
            Outcome::NotApplied { reason, retry, retry_after } => {
                action::Outcome::NotApplied { reason, retry, retry_after: retry_after.map(span) }
            }
            Outcome::Unknown { reason } => action::Outcome::Unknown { reason },
            Outcome::Holds => action::Outcome::Holds,
            Outcome::DoesNotHold { .. } => action::Outcome::DoesNotHold,
        }
    }
}

/// A call under way.
pub type Performing<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Code that performs actions on one kind of system. Every implementation passes [`crate::conformance`].
pub trait Connector: Send + Sync {
    /// Performs the call once, without retries, and ends within its timeout. Where the spec asks for it, what was
    /// changed is read back before the call ends. Dropping the future leaves the outcome unknown.
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a>;
}

/// What was seen when the verb was read back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    Holds,
    /// With what was seen instead.
    DoesNotHold(String),
    Unreadable(String),
}

impl Reading {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Reading::Holds => Outcome::Holds,
            Reading::DoesNotHold(seen) => Outcome::DoesNotHold { seen },
            Reading::Unreadable(reason) => Outcome::unknown(format!("read-back: {reason}")),
        }
    }

    /// The outcome of a change after it was read back; `wanted` is whether the verb should hold now.
    pub(crate) fn confirm(self, change: Outcome, wanted: bool) -> Outcome {
        let Outcome::Applied { artefact, duplicate, .. } = change else { return change };
        match (self, wanted) {
            (Reading::Unreadable(_), _) => Outcome::Applied { verified: None, artefact, duplicate },
            (Reading::Holds, true) | (Reading::DoesNotHold(_), false) => {
                Outcome::Applied { verified: Some(true), artefact, duplicate }
            }
            (Reading::DoesNotHold(seen), true) => Outcome::later(format!(
                "the call succeeded, but read-back shows that it does not hold: {seen}"
            )),
            (Reading::Holds, false) => {
                Outcome::later("the call succeeded, but read-back shows that the verb still holds")
            }
        }
    }
}
