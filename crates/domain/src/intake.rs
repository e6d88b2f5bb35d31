//! What came in and could not be read: kept as it was sent, so that nobody has to ask the sender again.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Context, Meta, Rejected},
    id::RawId,
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A body of this source that its mapping could not read.
    Keep { source: String, reason: String, body: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Kept { source: Box<str>, reason: Box<str>, body: Box<str> },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Kept { .. } => "intake.kept",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    pub id: RawId,
    pub source: Box<str>,
    pub reason: Box<str>,
    pub body: Box<str>,
    pub received_at: Timestamp,
}

pub fn decide(command: Command, context: &Context) -> Result<Vec<(RawId, Event)>, Rejected> {
    match command {
        Command::Keep { source, reason, body } => {
            let kept = Event::Kept { source: source.into(), reason: reason.into(), body: body.into() };
            Ok(vec![(RawId::from_number(context.next), kept)])
        }
    }
}

pub fn create(id: RawId, event: &Event, meta: &Meta) -> Raw {
    let Event::Kept { source, reason, body } = event;
    Raw { id, source: source.clone(), reason: reason.clone(), body: body.clone(), received_at: meta.time }
}
