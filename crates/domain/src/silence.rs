//! Silences: alerts that match one are recorded but open nothing until it ends.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Context, Meta, Rejected},
    id::SilenceId,
    labels::Labels,
    matcher::Matcher,
    state::State,
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub created_by: String,
    pub comment: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A new silence, or other terms for an existing one.
    Set {
        id: Option<SilenceId>,
        terms: Terms,
    },
    Expire {
        id: SilenceId,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Set { terms: Terms },
    Expired { at: Timestamp, early: bool },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Set { .. } => "silence.set",
            Event::Expired { .. } => "silence.expired",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    pub id: SilenceId,
    pub seq: u64,
    pub terms: Terms,
    pub updated_at: Timestamp,
    pub expired: bool,
}

impl Silence {
    pub fn is_active(&self, now: Timestamp) -> bool {
        !self.expired && self.terms.starts_at <= now && now < self.terms.ends_at
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.terms.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(SilenceId, Event)>, Rejected> {
    match command {
        Command::Set { id, terms } => set(state, id, terms, context),
        Command::Expire { id } => {
            let silence = find(state, id)?;
            if silence.expired || silence.terms.ends_at <= context.now {
                return Err(Rejected::Conflict(format!("silence {id} has already expired")));
            }
            Ok(vec![(id, Event::Expired { at: context.now, early: true })])
        }
    }
}

fn set(
    state: &State,
    id: Option<SilenceId>,
    mut terms: Terms,
    context: &Context,
) -> Result<Vec<(SilenceId, Event)>, Rejected> {
    check(&terms, context.now)?;
    let fresh = SilenceId::from_number(context.next);
    let Some(id) = id else {
        terms.starts_at = terms.starts_at.max(context.now);
        return Ok(vec![(fresh, Event::Set { terms })]);
    };
    let old = find(state, id)?;
    let ended = old.expired || old.terms.ends_at <= context.now;
    // As in Alertmanager: other matchers, or new life for an ended silence, make a new one.
    let begun = old.terms.starts_at <= context.now;
    let same = old.terms.matchers == terms.matchers && (!begun || old.terms.starts_at == terms.starts_at);
    if !ended && same {
        return Ok(vec![(id, Event::Set { terms })]);
    }
    terms.starts_at = terms.starts_at.max(context.now);
    if ended {
        return Ok(vec![(fresh, Event::Set { terms })]);
    }
    let expired = Event::Expired { at: context.now, early: true };
    Ok(vec![(id, expired), (SilenceId::from_number(context.next + 1), Event::Set { terms })])
}

fn find(state: &State, id: SilenceId) -> Result<&Silence, Rejected> {
    state.silences.get(&id).ok_or_else(|| Rejected::NotFound(format!("silence {id} does not exist")))
}

fn check(terms: &Terms, now: Timestamp) -> Result<(), Rejected> {
    let invalid = |text: &str| Err(Rejected::Invalid(text.to_owned()));
    if terms.matchers.is_empty() {
        return invalid("a silence needs at least one matcher");
    }
    if terms.matchers.iter().all(|matcher| matcher.matches_value("")) {
        return invalid("at least one matcher must not match the empty text, or all alerts are muted");
    }
    if terms.ends_at <= terms.starts_at {
        return invalid("the silence ends before it starts");
    }
    if terms.ends_at <= now {
        return invalid("the silence ends in the past");
    }
    if terms.comment.len() > 4096 || terms.created_by.len() > 256 {
        return invalid("the comment is longer than 4096 bytes or the author longer than 256");
    }
    Ok(())
}

/// When the silence next changes anything by itself, and why.
pub fn next_wakeup(silence: &Silence) -> Option<(Timestamp, &'static str)> {
    (!silence.expired).then_some((silence.terms.ends_at, "silence ends"))
}

pub fn due(silence: &Silence, now: Timestamp) -> Option<Event> {
    (!silence.expired && silence.terms.ends_at <= now)
        .then_some(Event::Expired { at: silence.terms.ends_at, early: false })
}

pub fn create(id: SilenceId, event: &Event, meta: &Meta) -> Option<Silence> {
    let Event::Set { terms } = event else { return None };
    Some(Silence { id, seq: 1, terms: terms.clone(), updated_at: meta.time, expired: false })
}

pub fn apply(silence: &mut Silence, event: &Event, meta: &Meta) {
    silence.seq += 1;
    silence.updated_at = meta.time;
    match event {
        Event::Set { terms } => silence.terms = terms.clone(),
        Event::Expired { at, .. } => {
            silence.terms.ends_at = *at;
            silence.expired = true;
        }
    }
}
