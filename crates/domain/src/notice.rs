//! Notices: one message to one recipient, over the first of its channels that takes it.
//!
//! At least once: a delivery of unknown outcome is sent again with the same id, then over the next channel. What was
//! sent to whom, when, and why not, is on record.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Context, Meta, Rejected},
    id::{IncidentId, NoticeId},
    state::State,
    time::Timestamp,
};

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
    /// A deadline of the review.
    Review,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Tell this contact or team of `contacts.yaml` and `teams.yaml`.
    Send { incident: IncidentId, reason: Reason, to: Box<str>, about: Box<str> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Queued { incident: IncidentId, reason: Reason, to: Box<str>, about: Box<str> },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Queued { .. } => "notice.queued",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub id: NoticeId,
    pub seq: u64,
    pub incident: IncidentId,
    pub reason: Reason,
    pub to: Box<str>,
    pub about: Box<str>,
    pub queued_at: Timestamp,
}

pub fn decide(
    _state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(NoticeId, Event)>, Rejected> {
    match command {
        Command::Send { incident, reason, to, about } => {
            let queued = Event::Queued { incident, reason, to, about };
            Ok(vec![(NoticeId::from_number(context.next), queued)])
        }
    }
}

pub fn create(id: NoticeId, event: &Event, meta: &Meta) -> Option<Notice> {
    let Event::Queued { incident, reason, to, about } = event;
    Some(Notice {
        id,
        seq: 1,
        incident: *incident,
        reason: *reason,
        to: to.clone(),
        about: about.clone(),
        queued_at: meta.time,
    })
}

pub fn apply(notice: &mut Notice, event: &Event, _meta: &Meta) {
    notice.seq += 1;
    match event {
        Event::Queued { .. } => {}
    }
}

/// Nothing more will happen to it.
pub fn is_over(_notice: &Notice) -> bool {
    true
}

/// When something happens by itself, and why.
pub fn next_wakeup(_notice: &Notice) -> Option<(Timestamp, &'static str)> {
    None
}

pub fn due(_notice: &Notice, _now: Timestamp) -> Option<Command> {
    None
}
