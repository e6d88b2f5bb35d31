//! Notices: one message to one recipient, over the first of its channels that takes it.
//!
//! At least once: a delivery of unknown outcome is sent again with the same id, then over the next channel. What was
//! sent to whom, when, and why not, is on record.

mod decide;
mod line;
mod message;
mod past;
#[cfg(test)]
mod tests;

pub use decide::decide;
pub(crate) use decide::{has_way, reaches};
pub use line::{Lines, SENDING_MAX};
pub(crate) use message::fill;
pub use message::{FIELDS, Message, outside, sample};

use serde::{Deserialize, Serialize};

use crate::{
    event::Meta,
    id::{ExerciseId, IncidentId, NoticeId, StatementId},
    severity::Severity,
    time::{Span, Timestamp},
};

/// An answer that has not come this long after its deadline does not come any more.
pub const GRACE: Span = Span::secs(5);

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An incident was opened, or became more severe.
    Opened,
    /// The run began, changed its stage, or ended.
    Run,
    /// Nobody acknowledged in time.
    Escalated,
    /// Somebody has taken it up.
    Acknowledged,
    /// Something waits for a person.
    Attention,
    /// An approval is asked for.
    Approval,
    /// A task is due or overdue.
    Task,
    /// The state of an open incident, by its cadence.
    Update,
    /// The incident was resolved.
    Resolved,
    /// Why it happened is known, after people heard that it was pending.
    Cause,
    /// A deadline of the review.
    Review,
    /// All open incidents of one severity together.
    Digest,
    /// Something came round, is due or overdue.
    Duty,
    /// Words to the outside that people agreed with.
    Statement,
    /// A call of an exercise.
    Exercise,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Tell each of these contacts, teams or roles, by a notice of its own.
    Send { incident: IncidentId, reason: Reason, to: Vec<Box<str>>, about: Box<str> },
    /// The same of no single incident; the first line is what it is about.
    Tell { reason: Reason, severity: Severity, to: Vec<Box<str>>, title: Box<str>, lines: Vec<Box<str>> },
    /// Exactly these words, agreed with before, to somebody outside.
    Say {
        statement: StatementId,
        incident: IncidentId,
        severity: Severity,
        drill: bool,
        to: Box<str>,
        subject: Box<str>,
        text: Box<str>,
    },
    /// A call of an exercise over this channel alone: whether it came.
    Probe { exercise: ExerciseId, channel: Box<str>, to: Box<str>, name: Box<str> },
    /// One notice over this channel alone, whatever the orders say: shows whether it works.
    Test { incident: IncidentId, channel: Box<str>, to: Box<str> },
    /// What the channel said of this attempt.
    Report { id: NoticeId, attempt: u32, outcome: Outcome },
    /// Its time has come: send again, or give the attempt up.
    Wake { id: NoticeId },
    /// A new epoch began while it was being sent.
    Recover { id: NoticeId },
    /// It is not needed any more.
    Cancel { id: NoticeId, reason: Box<str> },
}

/// What came of one sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The channel took it; with what it gave as a receipt.
    Delivered { receipt: String },
    /// The channel certainly did not take it.
    Refused { reason: String, retry: bool },
    /// It may have been taken.
    Unknown { reason: String },
}

/// One way to a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub channel: Box<str>,
    /// Empty where the channel itself is the address, such as a room.
    pub address: Box<str>,
    pub timeout: Span,
    /// Sendings over this route before the next one is taken.
    pub attempts: u32,
    /// Delivered by standing in the journal; nothing outside is called.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub here: bool,
}

/// A channel that is not used, and why.
pub type LeftOut = (Box<str>, Box<str>);

/// One sending under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Which of the routes, from 0.
    pub route: u32,
    /// Counted over all routes, from 1.
    pub attempt: u32,
    pub epoch: u64,
    pub deadline: Timestamp,
    /// The same for every attempt of this notice, so that a receiver can tell a repeat.
    pub dedup_id: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Queued {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        reason: Reason,
        to: Box<str>,
        about: Box<str>,
        #[serde(default)]
        message: Message,
        #[serde(default)]
        routes: Vec<Route>,
        /// Channels that are left out, each with the reason.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<LeftOut>,
        /// The exercise that it is a call of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exercise: Option<ExerciseId>,
        /// The statement whose words it carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        statement: Option<StatementId>,
    },
    Sending {
        intent: Intent,
    },
    Delivered {
        route: u32,
        receipt: Box<str>,
    },
    /// With `retry_at`, the same route once more; otherwise the next route, if there is one.
    NotDelivered {
        route: u32,
        reason: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// No channel took it: a person has to be told otherwise.
    Undeliverable {
        reason: Box<str>,
    },
    Cancelled {
        reason: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Queued { .. } => "notice.queued",
            Event::Sending { .. } => "notice.sending",
            Event::Delivered { .. } => "notice.delivered",
            Event::NotDelivered { .. } => "notice.not_delivered",
            Event::Undeliverable { .. } => "notice.undeliverable",
            Event::Cancelled { .. } => "notice.cancelled",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    /// Between two sendings; `at` is when the next is due.
    Waiting {
        at: Timestamp,
    },
    Sending {
        intent: Intent,
    },
    Delivered {
        channel: Box<str>,
        at: Timestamp,
        receipt: Box<str>,
    },
    Undeliverable {
        reason: Box<str>,
    },
    Cancelled {
        reason: Box<str>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub id: NoticeId,
    pub seq: u64,
    /// Absent for what is about no single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    pub reason: Reason,
    pub to: Box<str>,
    pub about: Box<str>,
    pub queued_at: Timestamp,
    pub message: Message,
    pub routes: Vec<Route>,
    pub status: Status,
    /// The route in use, from 0.
    pub route: u32,
    /// Sendings over all routes, and over the route in use.
    pub attempt: u32,
    pub route_attempts: u32,
    /// What did not go, in the words of the last refusal.
    pub last_failure: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<ExerciseId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementId>,
}

impl Notice {
    /// The channel of the route in use.
    pub fn channel(&self) -> Option<&str> {
        self.routes.get(self.route as usize).map(|route| &*route.channel)
    }
}

pub fn create(id: NoticeId, event: &Event, meta: &Meta) -> Option<Notice> {
    let Event::Queued { incident, reason, to, about, message, routes, exercise, statement, .. } = event
    else {
        return None;
    };
    Some(Notice {
        id,
        seq: 1,
        incident: *incident,
        reason: *reason,
        to: to.clone(),
        about: about.clone(),
        queued_at: meta.time,
        message: message.clone(),
        routes: routes.clone(),
        status: Status::Waiting { at: meta.time },
        route: 0,
        attempt: 0,
        route_attempts: 0,
        last_failure: None,
        exercise: *exercise,
        statement: *statement,
    })
}

pub fn apply(notice: &mut Notice, event: &Event, meta: &Meta) {
    notice.seq += 1;
    match event {
        Event::Queued { .. } => {}
        Event::Sending { intent } => {
            notice.attempt = intent.attempt;
            notice.route_attempts += 1;
            notice.status = Status::Sending { intent: intent.clone() };
        }
        Event::Delivered { route, receipt } => {
            let route = notice.routes.get(*route as usize);
            let channel = route.map_or_else(Box::default, |route| route.channel.clone());
            notice.status = Status::Delivered { channel, at: meta.time, receipt: receipt.clone() };
        }
        Event::NotDelivered { route, reason, retry_at } => {
            notice.last_failure = Some(reason.clone());
            if retry_at.is_none() {
                notice.route = route.saturating_add(1);
                notice.route_attempts = 0;
            }
            notice.status = Status::Waiting { at: retry_at.unwrap_or(meta.time) };
        }
        Event::Undeliverable { reason } => {
            notice.status = Status::Undeliverable { reason: reason.clone() };
        }
        Event::Cancelled { reason } => notice.status = Status::Cancelled { reason: reason.clone() },
    }
}

/// Nothing more will happen to it.
pub fn is_over(notice: &Notice) -> bool {
    match notice.status {
        Status::Waiting { .. } | Status::Sending { .. } => false,
        Status::Delivered { .. } | Status::Undeliverable { .. } | Status::Cancelled { .. } => true,
    }
}

/// When something happens by itself, and why.
pub fn next_wakeup(notice: &Notice) -> Option<(Timestamp, &'static str)> {
    match &notice.status {
        Status::Waiting { at } => Some((*at, "it is sent again")),
        Status::Sending { intent } => Some((intent.deadline.plus(GRACE), "no answer has come")),
        Status::Delivered { .. } | Status::Undeliverable { .. } | Status::Cancelled { .. } => None,
    }
}

pub fn due(notice: &Notice, now: Timestamp) -> Option<Command> {
    let (at, _) = next_wakeup(notice)?;
    (at <= now).then_some(Command::Wake { id: notice.id })
}
