//! Reviews: opened when an incident is closed, with the deadlines of its three reports.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Context, Meta, Rejected},
    id::{IncidentId, ReviewId},
    state::State,
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// From an incident that was closed.
    Open { incident: IncidentId },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Opened { incident: IncidentId },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Opened { .. } => "review.opened",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub id: ReviewId,
    pub seq: u64,
    pub incident: IncidentId,
    pub opened_at: Timestamp,
}

pub fn decide(
    _state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(ReviewId, Event)>, Rejected> {
    match command {
        Command::Open { incident } => {
            Ok(vec![(ReviewId::from_number(context.next), Event::Opened { incident })])
        }
    }
}

pub fn create(id: ReviewId, event: &Event, meta: &Meta) -> Option<Review> {
    let Event::Opened { incident } = event;
    Some(Review { id, seq: 1, incident: *incident, opened_at: meta.time })
}

pub fn apply(review: &mut Review, event: &Event, _meta: &Meta) {
    review.seq += 1;
    match event {
        Event::Opened { .. } => {}
    }
}

/// Nothing more will happen to it.
pub fn is_over(_review: &Review) -> bool {
    false
}

/// When something happens by itself, and why.
pub fn next_wakeup(_review: &Review) -> Option<(Timestamp, &'static str)> {
    None
}

pub fn due(_review: &Review, _now: Timestamp) -> Option<Command> {
    None
}
