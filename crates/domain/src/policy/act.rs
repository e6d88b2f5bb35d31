//! What may be asked for, by name: one row for each thing that a person can have done. The schema of policies is made
//! from it, and so is the reference.

use crate::access::Permission::{self, Administer, Command, Read, Respond};

/// What an act is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Platform,
    Incident,
    Run,
    Approval,
    Effect,
    Silence,
    Notice,
    Review,
    Report,
    Account,
    Evidence,
}

impl Kind {
    pub const ALL: [Kind; 11] = [
        Kind::Platform,
        Kind::Incident,
        Kind::Run,
        Kind::Approval,
        Kind::Effect,
        Kind::Silence,
        Kind::Notice,
        Kind::Review,
        Kind::Report,
        Kind::Account,
        Kind::Evidence,
    ];

    /// The name of the entity type in policies.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Platform => "Platform",
            Kind::Incident => "Incident",
            Kind::Run => "Run",
            Kind::Approval => "Approval",
            Kind::Effect => "Effect",
            Kind::Silence => "Silence",
            Kind::Notice => "Notice",
            Kind::Review => "Review",
            Kind::Report => "Report",
            Kind::Account => "Account",
            Kind::Evidence => "Evidence",
        }
    }
}

/// One row: its name, the door that it lies behind, and what it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Act {
    pub name: &'static str,
    pub door: Permission,
    pub on: Kind,
}

impl Act {
    /// To pass the door of a route at all.
    pub fn enter(door: Permission) -> Act {
        Act { name: door.name(), door, on: Kind::Platform }
    }

    /// The group of acts by which a policy may name it: that of its door. Answers to requests stand alone, as who
    /// answers does not follow from rank.
    pub fn group(self) -> Option<Permission> {
        (self.on != Kind::Approval && self.name != self.door.name()).then_some(self.door)
    }
}

const fn act(name: &'static str, door: Permission, on: Kind) -> Act {
    Act { name, door, on }
}

pub const SILENCE_SET: Act = act("silence.set", Respond, Kind::Silence);
pub const SILENCE_EXPIRE: Act = act("silence.expire", Respond, Kind::Silence);
pub const INCIDENT_OPEN: Act = act("incident.open", Respond, Kind::Incident);
pub const INCIDENT_ACKNOWLEDGE: Act = act("incident.acknowledge", Respond, Kind::Incident);
pub const INCIDENT_ASSIGN: Act = act("incident.assign", Respond, Kind::Incident);
pub const INCIDENT_CLASSIFY: Act = act("incident.classify", Respond, Kind::Incident);
pub const INCIDENT_NOTE: Act = act("incident.note", Respond, Kind::Incident);
pub const INCIDENT_LINK: Act = act("incident.link", Respond, Kind::Incident);
pub const INCIDENT_ANALYZE: Act = act("incident.analyze", Respond, Kind::Incident);
pub const INCIDENT_UPDATE: Act = act("incident.update", Respond, Kind::Incident);
pub const INCIDENT_ESCALATE: Act = act("incident.escalate", Respond, Kind::Incident);
pub const INCIDENT_CLAIM: Act = act("incident.claim", Respond, Kind::Incident);
pub const INCIDENT_HAND_OVER: Act = act("incident.hand_over", Respond, Kind::Incident);
pub const INCIDENT_ACCEPT: Act = act("incident.accept", Respond, Kind::Incident);
pub const INCIDENT_ANSWER: Act = act("incident.answer", Respond, Kind::Incident);
pub const INCIDENT_RESOLVE: Act = act("incident.resolve", Respond, Kind::Incident);
pub const INCIDENT_SIGN_OFF: Act = act("incident.sign_off", Respond, Kind::Incident);
pub const INCIDENT_CLOSE: Act = act("incident.close", Respond, Kind::Incident);
pub const RECOVERY_BEGIN: Act = act("recovery.begin", Command, Kind::Incident);
pub const RECOVERY_JUDGE: Act = act("recovery.judge", Respond, Kind::Incident);
pub const RUN_START: Act = act("run.start", Respond, Kind::Incident);
pub const RUN_UPDATE: Act = act("run.update", Respond, Kind::Run);
pub const RUN_PAUSE: Act = act("run.pause", Respond, Kind::Run);
pub const RUN_RESUME: Act = act("run.resume", Respond, Kind::Run);
pub const RUN_SKIP: Act = act("run.skip", Respond, Kind::Run);
pub const RUN_RETRY: Act = act("run.retry", Respond, Kind::Run);
pub const RUN_CANCEL: Act = act("run.cancel", Respond, Kind::Run);
pub const RUN_UNDO: Act = act("run.undo", Command, Kind::Run);
pub const CONTAINMENT_APPLY: Act = act("containment.apply", Command, Kind::Effect);
pub const CONTAINMENT_RELEASE: Act = act("containment.release", Command, Kind::Effect);
pub const CONTAINMENT_EXTEND: Act = act("containment.extend", Command, Kind::Effect);
pub const CONTAINMENT_SETTLE: Act = act("containment.settle", Command, Kind::Effect);
pub const APPROVAL_APPROVE: Act = act("approval.approve", Respond, Kind::Approval);
pub const APPROVAL_DENY: Act = act("approval.deny", Respond, Kind::Approval);
pub const APPROVAL_RENEW: Act = act("approval.renew", Respond, Kind::Approval);
pub const NOTICE_SEND: Act = act("notice.send", Respond, Kind::Notice);
pub const STATEMENT_WRITE: Act = act("statement.write", Respond, Kind::Incident);
pub const STATEMENT_SEND: Act = act("statement.send", Respond, Kind::Notice);
pub const NOTICE_TEST: Act = act("notice.test", Respond, Kind::Notice);
pub const REVIEW_COMPLETE: Act = act("review.complete", Respond, Kind::Review);
pub const REVIEW_WRITE: Act = act("review.write", Respond, Kind::Review);
pub const REPORT_ACKNOWLEDGE: Act = act("report.acknowledge", Respond, Kind::Report);
pub const REPORT_CLOSE: Act = act("report.close", Respond, Kind::Report);
pub const SAFE_MODE: Act = act("control.safe_mode", Command, Kind::Platform);
pub const KILL_SWITCH: Act = act("control.kill_switch", Command, Kind::Platform);
pub const BREAKER: Act = act("control.breaker", Command, Kind::Platform);
pub const MEND_GLASS: Act = act("control.mend_glass", Command, Kind::Platform);
pub const CONFIRM_CLOCK: Act = act("control.confirm_clock", Command, Kind::Platform);
pub const RESTORE: Act = act("control.restore", Command, Kind::Platform);
pub const BREAK_GLASS: Act = act("control.break_glass", Administer, Kind::Platform);
pub const PERSON_ADD: Act = act("person.add", Administer, Kind::Account);
pub const PERSON_SET_ROLE: Act = act("person.set_role", Administer, Kind::Account);
pub const PERSON_DISABLE: Act = act("person.disable", Administer, Kind::Account);
pub const TOKEN_CREATE: Act = act("token.create", Administer, Kind::Account);
pub const TOKEN_REVOKE: Act = act("token.revoke", Administer, Kind::Account);
pub const CONTENT_LOAD: Act = act("content.load", Administer, Kind::Platform);
pub const REDACT: Act = act("journal.redact", Administer, Kind::Platform);
pub const EVIDENCE_COLLECT: Act = act("evidence.collect", Respond, Kind::Evidence);
pub const EVIDENCE_ACCESS: Act = act("evidence.access", Respond, Kind::Evidence);
pub const EVIDENCE_EXPORT: Act = act("evidence.export", Respond, Kind::Evidence);
pub const EVIDENCE_TRANSFER: Act = act("evidence.transfer", Respond, Kind::Evidence);
pub const EVIDENCE_VERIFY: Act = act("evidence.verify", Respond, Kind::Evidence);
pub const PROCEDURE_REVIEW: Act = act("procedure.review", Respond, Kind::Platform);
pub const PROCEDURE_ACTIVATE: Act = act("procedure.activate", Command, Kind::Platform);
pub const PROCEDURE_RETIRE: Act = act("procedure.retire", Command, Kind::Platform);
pub const EXERCISE_HOLD: Act = act("exercise.hold", Respond, Kind::Platform);
pub const TRAINING_COMPLETE: Act = act("training.complete", Respond, Kind::Platform);
pub const DUTY_COMPLETE: Act = act("duty.complete", Respond, Kind::Platform);
pub const LOG_IN: Act = act("page.log_in", Read, Kind::Account);
pub const LOG_OUT: Act = act("page.log_out", Read, Kind::Account);

/// Every act there is.
pub const ALL: &[Act] = &[
    SILENCE_SET,
    SILENCE_EXPIRE,
    INCIDENT_OPEN,
    INCIDENT_ACKNOWLEDGE,
    INCIDENT_ASSIGN,
    INCIDENT_CLASSIFY,
    INCIDENT_NOTE,
    INCIDENT_LINK,
    INCIDENT_ANALYZE,
    INCIDENT_UPDATE,
    INCIDENT_ESCALATE,
    INCIDENT_CLAIM,
    INCIDENT_HAND_OVER,
    INCIDENT_ACCEPT,
    INCIDENT_ANSWER,
    INCIDENT_RESOLVE,
    INCIDENT_SIGN_OFF,
    INCIDENT_CLOSE,
    RECOVERY_BEGIN,
    RECOVERY_JUDGE,
    RUN_START,
    RUN_UPDATE,
    RUN_PAUSE,
    RUN_RESUME,
    RUN_SKIP,
    RUN_RETRY,
    RUN_CANCEL,
    RUN_UNDO,
    CONTAINMENT_APPLY,
    CONTAINMENT_RELEASE,
    CONTAINMENT_EXTEND,
    CONTAINMENT_SETTLE,
    APPROVAL_APPROVE,
    APPROVAL_DENY,
    APPROVAL_RENEW,
    NOTICE_SEND,
    NOTICE_TEST,
    STATEMENT_WRITE,
    STATEMENT_SEND,
    REVIEW_COMPLETE,
    REVIEW_WRITE,
    REPORT_ACKNOWLEDGE,
    REPORT_CLOSE,
    SAFE_MODE,
    KILL_SWITCH,
    BREAKER,
    MEND_GLASS,
    CONFIRM_CLOCK,
    RESTORE,
    BREAK_GLASS,
    PERSON_ADD,
    PERSON_SET_ROLE,
    PERSON_DISABLE,
    TOKEN_CREATE,
    TOKEN_REVOKE,
    CONTENT_LOAD,
    REDACT,
    EVIDENCE_COLLECT,
    EVIDENCE_ACCESS,
    EVIDENCE_EXPORT,
    EVIDENCE_TRANSFER,
    EVIDENCE_VERIFY,
    PROCEDURE_REVIEW,
    PROCEDURE_ACTIVATE,
    PROCEDURE_RETIRE,
    EXERCISE_HOLD,
    TRAINING_COMPLETE,
    DUTY_COMPLETE,
    LOG_IN,
    LOG_OUT,
];
