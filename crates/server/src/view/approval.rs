//! Requests for approval as they are shown.

use domain::{approval as approvals, id::PersonId, time::Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Grant {
    pub(crate) person: String,
    pub(crate) at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Denial {
    pub(crate) person: String,
    pub(crate) why: String,
    pub(crate) at: String,
}

/// One exact set of effects that people allow or deny.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Approval {
    pub(crate) id: String,
    /// Absent where it is about the limits themselves.
    pub(crate) incident: Option<String>,
    /// `open`, `lapsed` (nobody answered; it can be asked again), `denied` or `over`.
    pub(crate) status: String,
    pub(crate) verb: String,
    pub(crate) args: serde_json::Map<String, serde_json::Value>,
    /// Every target, sorted.
    pub(crate) targets: Vec<String>,
    /// SHA-256 of verb, arguments and targets; whoever approves sends it back.
    pub(crate) hash: String,
    /// How many people have to approve.
    pub(crate) quorum: u32,
    /// One of these; who may command if empty.
    pub(crate) roles: Vec<String>,
    /// Who asked, and may not approve.
    pub(crate) requesters: Vec<String>,
    /// Who approved since it was last asked.
    pub(crate) grants: Vec<Grant>,
    pub(crate) denied: Option<Denial>,
    /// The actions that it would let begin.
    pub(crate) actions: Vec<String>,
    /// Those of them that still wait.
    pub(crate) open: Vec<String>,
    /// How often nobody answered in time since a person last had it asked.
    pub(crate) expired: u32,
    pub(crate) requested_at: String,
    pub(crate) expires_at: Option<String>,
}

impl From<&approvals::Approval> for Approval {
    fn from(approval: &approvals::Approval) -> Approval {
        let subject = &approval.subject;
        let status = match (&approval.denied, approvals::is_over(approval)) {
            (Some(_), _) => "denied",
            (None, true) => "over",
            (None, false) if approval.lapsed => "lapsed",
            (None, false) => "open",
        };
        let asked = !approvals::is_over(approval) && !approval.lapsed;
        let denial = |denied: &approvals::Denial| Denial {
            person: text(denied.person),
            why: denied.why.to_string(),
            at: text(denied.at),
        };
        let grant = |(person, at): (&PersonId, &Timestamp)| Grant { person: text(person), at: text(at) };
        Approval {
            id: text(approval.id),
            incident: approval.incident.map(text),
            status: status.to_owned(),
            verb: subject.verb.to_string(),
            args: subject.args.clone(),
            targets: subject.targets.iter().map(text).collect(),
            hash: approval.hash.to_string(),
            quorum: approval.terms.quorum,
            roles: approval.terms.roles.iter().map(text).collect(),
            requesters: approval.requesters.iter().map(text).collect(),
            grants: approval.grants.iter().map(grant).collect(),
            denied: approval.denied.as_ref().map(denial),
            actions: approval.actions.iter().map(text).collect(),
            open: approval.open.iter().map(text).collect(),
            expired: approval.expired,
            requested_at: text(approval.requested_at),
            expires_at: optional(asked.then_some(approval.expires_at)),
        }
    }
}
