//! Actions: one outside effect each, from the durable intent to its end, and the containment it may become.
//!
//! Every call is preceded by an `Intended` fact with the same key. What follows an unknown outcome depends
//! on the declared class alone: re-send, read back, or stop in doubt and ask. An applied action that can be
//! reverted is a containment in force, under a lease, until it is released.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    approval::{Pass, Terms},
    content::{Class, Purpose},
    id::{IncidentId, RunId},
    limits::Asked,
    playbook::{Backoff, Lease, Retry},
    score::Score,
    severity::Risk,
    time::{Span, Timestamp},
};

mod decide;

pub(crate) use decide::by_person;
pub use decide::{Command, cap, checked_args, decide, due, next_wakeup};

/// So many processes in a row may end while the same action's call is open before a person is asked.
pub const RECOVERIES_MAX: u32 = 100;
/// An answer that is this late is no answer.
pub const GRACE: Span = Span::secs(2);

/// What is asked, fixed when the action is first decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub incident: IncidentId,
    pub origin: Origin,
    pub verb: Box<str>,
    pub target_kind: Box<str>,
    pub target: Box<str>,
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub args: serde_json::Map<String, Value>,
    pub connector: Box<str>,
    pub class: Class,
    pub risk: Risk,
    pub containment: bool,
    /// What it is for: limits tell purposes apart.
    #[serde(default, skip_serializing_if = "Purpose::is_other")]
    pub purpose: Purpose,
    /// What it brings is evidence of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<crate::evidence::Kind>,
    /// The verb that takes it back; with one, the applied action stays in force until released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<Box<str>>,
    /// It counts only once it was read back.
    #[serde(default)]
    pub verify: bool,
    pub timeout: Span,
    pub retry: Retry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Whose yes it needs before its first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Terms>,
    /// The strategy of strategies.yaml by which it was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Box<str>>,
}

/// Who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A step of a run, by its index in the playbook; `round` counts retries that a person asked for.
    Run { run: RunId, step: u32, round: u32 },
    /// A person, outside any run.
    Person,
    /// A set that strategies.yaml allows beforehand, when the incident became so severe.
    AtOnce,
    /// A call of the recovery of its incident: the service and the call by their numbers in its plan. One that
    /// `looks` only ever reads the state back.
    Recovery { service: u32, call: u32, round: u32, looks: bool },
}

impl Origin {
    pub fn run(&self) -> Option<RunId> {
        match self {
            Origin::Run { run, .. } => Some(*run),
            Origin::Person | Origin::AtOnce | Origin::Recovery { .. } => None,
        }
    }

    /// It changes nothing out there, so no limit holds it back and nothing of it is ever in doubt.
    pub fn looks(&self) -> bool {
        match self {
            Origin::Recovery { looks, .. } => *looks,
            Origin::Run { .. } | Origin::Person | Origin::AtOnce => false,
        }
    }
}

/// Apply it, or take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    Apply,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Apply,
    ReadBack,
    Revert,
}

/// The durable decision to make one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub operation: Operation,
    /// The idempotency key: the same for every attempt at the same goal.
    pub key: Box<str>,
    pub attempt: u32,
    /// Only the process of this epoch may send it, and only once.
    pub epoch: u64,
    pub deadline: Timestamp,
    /// Whose wish it is: limits tell people and automatic response apart.
    #[serde(default)]
    pub asked: Asked,
    /// The approval that it uses, where it needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
}

/// What a connector found, as it comes back into the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done; `verified` is the read-back, `None` where there is none or it failed.
    Applied { verified: Option<bool>, artefact: Option<Value> },
    /// Certainly not done.
    NotApplied { reason: String, retry: bool, retry_after: Option<Span> },
    /// Perhaps done.
    Unknown { reason: String },
    /// The read-back says that it holds.
    Holds,
    /// The read-back says that it does not hold.
    DoesNotHold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    Call {
        operation: Operation,
        at: Timestamp,
    },
    /// Stop and ask a person.
    InDoubt,
}

/// What a person decides of an action in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Applied,
    NotApplied,
    Retry,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Intended {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spec: Option<Box<Spec>>,
        goal: Goal,
        intent: Intent,
    },
    /// Limits forbid it now; it waits for them.
    Held {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spec: Option<Box<Spec>>,
        goal: Goal,
        reason: Box<str>,
        #[serde(default)]
        asked: Asked,
        /// It waits for people to allow it, on these terms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        needs: Option<Terms>,
    },
    /// The intent was refused just before sending; nothing was called.
    Withdrawn {
        attempt: u32,
        reason: Box<str>,
    },
    Applied {
        attempt: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verified: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artefact: Option<Value>,
        /// What its signals came to by the rules that were in force.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scores: Vec<Score>,
    },
    Released {
        attempt: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verified: Option<bool>,
    },
    /// Certainly not done; tried again at the given time, or given up.
    NotApplied {
        attempt: u32,
        reason: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    Unknown {
        attempt: u32,
        reason: Box<str>,
        next: Next,
    },
    LeaseExtended {
        until: Timestamp,
    },
    /// The lease ended; it stays in force and a person is asked.
    LeaseExpired,
    /// Released while another incident holds the same: nothing was called, and that one goes on.
    Yielded {
        to: crate::id::ActionId,
    },
    /// Its run was canceled or is being undone before it was called again; nothing of it is out there.
    Abandoned {
        reason: Box<str>,
    },
    Settled {
        verdict: Verdict,
        why: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Intended { .. } => "action.intended",
            Event::Held { .. } => "action.held",
            Event::Withdrawn { .. } => "action.withdrawn",
            Event::Applied { .. } => "action.applied",
            Event::Released { .. } => "action.released",
            Event::NotApplied { .. } => "action.not_applied",
            Event::Unknown { .. } => "action.unknown",
            Event::LeaseExtended { .. } => "action.lease_extended",
            Event::LeaseExpired => "action.lease_expired",
            Event::Yielded { .. } => "action.yielded",
            Event::Abandoned { .. } => "action.abandoned",
            Event::Settled { .. } => "action.settled",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Status {
    /// Waits for limits to allow it.
    Held {
        reason: Box<str>,
    },
    /// A call is open.
    Calling {
        intent: Intent,
    },
    /// Waits for its time.
    Waiting {
        operation: Operation,
        until: Timestamp,
        reason: Box<str>,
    },
    /// A containment in force.
    InForce,
    /// Applied, and nothing to take back.
    Done,
    Failed {
        reason: Box<str>,
    },
    /// Perhaps done; a person must say.
    InDoubt {
        reason: Box<str>,
    },
    Released,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub id: crate::id::ActionId,
    pub seq: u64,
    pub spec: Spec,
    pub goal: Goal,
    pub status: Status,
    /// Calls made in all. A number names one call, so that an answer that comes late is not taken for another's.
    pub attempt: u32,
    /// Calls made before the present goal, or before a person had it tried anew: those no longer count.
    #[serde(default)]
    pub attempts_before: u32,
    /// Calls for the present goal that were open when a process ended.
    #[serde(default)]
    pub recoveries: u32,
    /// Whose wish the present goal is.
    #[serde(default)]
    pub asked: Asked,
    /// The approval that the present goal has used; retries under the same key are covered by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    /// Held for people to allow it, on these terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Terms>,
    /// Why people did not allow that it is taken back, when it was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<str>>,
    /// Who asked for the present goal by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<crate::id::PersonId>,
    /// How often the goal changed: part of the key.
    pub round: u32,
    /// An earlier call for the present goal may have had its effect.
    #[serde(default)]
    pub unsure: bool,
    pub requested_at: Timestamp,
    pub updated_at: Timestamp,
    pub applied_at: Option<Timestamp>,
    pub verified: Option<bool>,
    pub artefact: Option<Value>,
    /// What the signals in it came to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
    pub lease_until: Option<Timestamp>,
    pub lease_expired: bool,
}

impl Action {
    /// Its lease has no time: it ends with the incident.
    pub fn ends_with_incident(&self) -> bool {
        let timeless = self.spec.lease.is_some_and(|lease| lease.span.is_none());
        timeless
            && self.lease_until.is_none()
            && !self.lease_expired
            && matches!(self.status, Status::InForce)
    }

    /// Nothing more will happen to it by itself or by release.
    pub fn is_final(&self) -> bool {
        match self.status {
            Status::Done | Status::Failed { .. } | Status::Released => true,
            Status::Held { .. }
            | Status::Calling { .. }
            | Status::Waiting { .. }
            | Status::InForce
            | Status::InDoubt { .. } => false,
        }
    }

    /// A containment that holds, or may hold, out there.
    pub fn may_be_in_force(&self) -> bool {
        let releasing = self.goal == Goal::Release && !self.is_final();
        let in_doubt = matches!(self.status, Status::InDoubt { .. });
        matches!(self.status, Status::InForce) || releasing || in_doubt
    }

    /// The class alone says what is safe next: where an earlier call may have had its effect, the state is read first
    /// if it can be.
    fn next_operation(&self) -> Operation {
        match (self.goal, self.spec.class) {
            _ if self.spec.origin.looks() => Operation::ReadBack,
            (_, Class::ReadBack) if self.unsure => Operation::ReadBack,
            (Goal::Apply, _) => Operation::Apply,
            (Goal::Release, _) => Operation::Revert,
        }
    }

    /// For the run: is the asked-for effect there, as far as can be known?
    pub fn is_applied(&self) -> bool {
        matches!(self.status, Status::InForce | Status::Done)
    }
}

/// The delay before the attempt after `attempt`, with jitter from a hash so that it replays the same.
pub fn retry_delay(retry: &Retry, key: &str, attempt: u32) -> Span {
    const DELAY_MAX: u64 = 60_000_000;
    let doubled = match retry.backoff {
        Backoff::Constant => retry.delay.0,
        Backoff::Exponential => retry.delay.0.saturating_mul(1u64 << attempt.saturating_sub(1).min(20)),
    };
    let base = doubled.min(DELAY_MAX);
    let digest = crate::labels::Digest16::of("jitter:1", [key, &attempt.to_string()]);
    let share = u64::from(digest.0[0]);
    Span(base - base / 4 + base / 2 * share / 255)
}

pub fn create(id: crate::id::ActionId, event: &Event, meta: &crate::event::Meta) -> Option<Action> {
    let (spec, status, attempt, asked, needs) = match event {
        Event::Intended { spec: Some(spec), intent, .. } => {
            (spec, Status::Calling { intent: intent.clone() }, intent.attempt, intent.asked, None)
        }
        Event::Held { spec: Some(spec), reason, asked, needs, .. } => {
            (spec, Status::Held { reason: reason.clone() }, 0, *asked, needs.clone())
        }
        Event::Intended { .. }
        | Event::Held { .. }
        | Event::Withdrawn { .. }
        | Event::Applied { .. }
        | Event::Released { .. }
        | Event::NotApplied { .. }
        | Event::Unknown { .. }
        | Event::LeaseExtended { .. }
        | Event::LeaseExpired
        | Event::Yielded { .. }
        | Event::Abandoned { .. }
        | Event::Settled { .. } => return None,
    };
    Some(Action {
        id,
        seq: 1,
        spec: (**spec).clone(),
        goal: Goal::Apply,
        status,
        attempt,
        attempts_before: 0,
        recoveries: 0,
        asked,
        pass: None,
        needs,
        kept: None,
        by: by_hand(asked, meta),
        round: 0,
        unsure: false,
        requested_at: meta.time,
        updated_at: meta.time,
        applied_at: None,
        verified: None,
        artefact: None,
        scores: Vec::new(),
        lease_until: None,
        lease_expired: false,
    })
}

pub fn apply(action: &mut Action, event: &Event, meta: &crate::event::Meta) {
    action.seq += 1;
    action.updated_at = meta.time;
    match event {
        Event::Intended { goal, intent, .. } => {
            set_goal(action, *goal, intent.asked, meta);
            action.needs = None;
            action.pass = intent.pass.or(action.pass);
            action.attempt = intent.attempt;
            action.status = Status::Calling { intent: intent.clone() };
        }
        Event::Held { goal, reason, asked, needs, .. } => {
            set_goal(action, *goal, *asked, meta);
            action.needs = needs.clone();
            action.status = Status::Held { reason: reason.clone() };
        }
        Event::Withdrawn { reason, .. } => {
            action.attempt = action.attempt.saturating_sub(1);
            action.status = Status::Held { reason: reason.clone() };
        }
        Event::Applied { verified, artefact, scores, .. } => {
            applied(action, *verified, artefact.clone(), meta.time);
            action.scores.clone_from(scores);
        }
        Event::Released { verified, .. } => {
            action.verified = *verified;
            action.status = Status::Released;
        }
        Event::NotApplied { reason, retry_at, .. } => not_applied(action, reason, *retry_at),
        Event::Unknown { reason, next, .. } => {
            action.unsure = true;
            action.needs = None;
            action.status = match *next {
                Next::Call { operation, at } => {
                    Status::Waiting { operation, until: at, reason: reason.clone() }
                }
                Next::InDoubt => Status::InDoubt { reason: reason.clone() },
            }
        }
        Event::LeaseExtended { until } => {
            action.lease_until = Some(*until);
            action.lease_expired = false;
        }
        Event::LeaseExpired => action.lease_expired = true,
        Event::Yielded { .. } => action.status = Status::Released,
        Event::Abandoned { reason } => {
            action.needs = None;
            action.status = match action.goal {
                Goal::Apply => Status::Failed { reason: reason.clone() },
                // What was not taken back stays in force.
                Goal::Release => {
                    action.kept = Some(reason.clone());
                    Status::InForce
                }
            };
            action.goal = Goal::Apply;
        }
        Event::Settled { verdict, why } => settled(action, *verdict, why, meta.time),
    }
}

fn by_hand(asked: Asked, meta: &crate::event::Meta) -> Option<crate::id::PersonId> {
    meta.actor.person().filter(|_| asked == Asked::ByPerson)
}

fn set_goal(action: &mut Action, goal: Goal, asked: Asked, meta: &crate::event::Meta) {
    action.asked = asked;
    if action.goal != goal {
        // An approval covers what it names, not taking it back.
        action.pass = None;
        action.kept = None;
        action.by = by_hand(asked, meta);
        action.goal = goal;
        action.round += 1;
        action.unsure = false;
        action.attempts_before = action.attempt;
        action.recoveries = 0;
        return;
    }
    match action.status {
        // The call that was open belonged to a process that ended: nobody knows what became of it.
        // The end of a process is not the system's failure, so it costs none of the attempts.
        Status::Calling { .. } => {
            action.unsure = true;
            action.attempts_before += 1;
            action.recoveries += 1;
        }
        // Somebody asks once more.
        Status::InDoubt { .. } => action.attempts_before = action.attempt,
        Status::Held { .. }
        | Status::Waiting { .. }
        | Status::InForce
        | Status::Done
        | Status::Failed { .. }
        | Status::Released => {}
    }
}

fn applied(action: &mut Action, verified: Option<bool>, artefact: Option<Value>, now: Timestamp) {
    action.applied_at = Some(now);
    action.unsure = false;
    action.verified = verified;
    action.artefact = artefact;
    action.scores = Vec::new();
    action.lease_until = action.spec.lease.and_then(|lease| lease.span).map(|span| now.plus(span));
    action.status = if action.spec.revert.is_some() { Status::InForce } else { Status::Done };
}

fn not_applied(action: &mut Action, reason: &str, retry_at: Option<Timestamp>) {
    action.status = match (retry_at, action.goal) {
        (Some(until), Goal::Apply) => {
            let looks = action.spec.origin.looks();
            let operation = if looks { Operation::ReadBack } else { Operation::Apply };
            Status::Waiting { operation, until, reason: reason.into() }
        }
        (Some(until), Goal::Release) => {
            Status::Waiting { operation: Operation::Revert, until, reason: reason.into() }
        }
        (None, Goal::Apply) => Status::Failed { reason: reason.into() },
        // A release that failed for good leaves the containment in force, in doubt until a person looks.
        (None, Goal::Release) => Status::InDoubt { reason: format!("release failed: {reason}").into() },
    };
}

fn settled(action: &mut Action, verdict: Verdict, why: &str, now: Timestamp) {
    match (verdict, action.goal) {
        // The person looked: that is the read-back.
        (Verdict::Applied, Goal::Apply) => applied(action, Some(true), None, now),
        (Verdict::Applied, Goal::Release) => action.status = Status::Released,
        (Verdict::NotApplied, Goal::Apply) => action.status = Status::Failed { reason: why.into() },
        (Verdict::NotApplied, Goal::Release) => {
            action.goal = Goal::Apply;
            action.status = Status::InForce;
            // Where its lease has ended, people are asked once more.
            action.lease_expired = false;
        }
        (Verdict::Retry, _) => {
            action.attempts_before = action.attempt;
            action.status = Status::Held { reason: "tried again by a person".into() };
        }
    }
}
