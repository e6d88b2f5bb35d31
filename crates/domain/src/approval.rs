//! Approvals: people allow one exact set of effects before its intent is written.
//!
//! A request names the canonical expansion (verb, arguments, sorted targets) and is bound to it by SHA-256. An
//! approval is used once, by the intents it allows; retries under the same keys are covered, taking back is not.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    event::{Context, Meta, Rejected},
    id::{ActionId, ApprovalId, IncidentId, PersonId},
    state::State,
    time::{Span, Timestamp},
};

/// Who has to say yes, how many of them, and for how long one request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub quorum: u32,
    /// Empty: anybody who may command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Box<str>>,
    pub expires: Span,
}

/// What is to be allowed, in its one canonical form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub verb: Box<str>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// Sorted, each once.
    pub targets: Vec<Box<str>>,
}

impl Subject {
    pub fn new(verb: Box<str>, args: Map<String, Value>, mut targets: Vec<Box<str>>) -> Subject {
        targets.sort_unstable();
        targets.dedup();
        Subject { verb, args, targets }
    }

    /// SHA-256 in lower-case hex over the JSON of verb, arguments by name, and sorted targets.
    pub fn hash(&self) -> Box<str> {
        // INVARIANT: maps of JSON are ordered by name here, so equal subjects have equal text.
        let text = serde_json::json!({ "args": self.args, "targets": self.targets, "verb": self.verb });
        let digest = Sha256::digest(text.to_string().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// From an action that may not begin without approval.
    Request { incident: IncidentId, actions: Vec<ActionId>, subject: Subject, terms: Terms },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Requested {
        incident: IncidentId,
        /// The held effects that wait for it.
        actions: Vec<ActionId>,
        subject: Subject,
        hash: Box<str>,
        terms: Terms,
        /// Who started or changed the run by hand, or asked directly; may not approve.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requester: Option<PersonId>,
        expires_at: Timestamp,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Requested { .. } => "approval.requested",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub seq: u64,
    pub incident: IncidentId,
    pub actions: Vec<ActionId>,
    pub subject: Subject,
    pub hash: Box<str>,
    pub terms: Terms,
    pub requester: Option<PersonId>,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
}

pub fn decide(
    _state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    match command {
        Command::Request { incident, actions, subject, terms } => {
            let hash = subject.hash();
            let expires_at = context.now.plus(terms.expires);
            let requester = context.actor.person();
            let requested =
                Event::Requested { incident, actions, subject, hash, terms, requester, expires_at };
            Ok(vec![(ApprovalId::from_number(context.next), requested)])
        }
    }
}

pub fn create(id: ApprovalId, event: &Event, meta: &Meta) -> Option<Approval> {
    let Event::Requested { incident, actions, subject, hash, terms, requester, expires_at } = event;
    Some(Approval {
        id,
        seq: 1,
        incident: *incident,
        actions: actions.clone(),
        subject: subject.clone(),
        hash: hash.clone(),
        terms: terms.clone(),
        requester: *requester,
        requested_at: meta.time,
        expires_at: *expires_at,
    })
}

pub fn apply(approval: &mut Approval, event: &Event, _meta: &Meta) {
    approval.seq += 1;
    match event {
        Event::Requested { .. } => {}
    }
}

/// Nothing more will happen to it.
pub fn is_over(_approval: &Approval) -> bool {
    false
}

/// When something happens by itself, and why.
pub fn next_wakeup(_approval: &Approval) -> Option<(Timestamp, &'static str)> {
    None
}

pub fn due(_approval: &Approval, _now: Timestamp) -> Option<Command> {
    None
}
