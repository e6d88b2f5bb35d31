//! The crisis team: who is called when the last level is engaged, and who has answered. Each member answers alone; who has
//! not is shown and reminded, and in the end a person is called for them.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{Incident, people::Event};
use crate::{
    access,
    content::people::People,
    event::{Context, Rejected},
    state::State,
    time::{Span, Timestamp},
};

/// The last level has this time where its own is none.
const ANSWER_DEFAULT: Span = Span::secs(3_600);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crisis {
    pub since: Timestamp,
    pub members: Vec<Member>,
    /// By when all of them should have answered.
    pub answer_by: Timestamp,
    pub remind_at: Option<Timestamp>,
    pub reminded: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub contact: Box<str>,
    pub answered_at: Option<Timestamp>,
}

impl Crisis {
    /// Who has not answered.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter(|member| member.answered_at.is_none()).map(|member| &*member.contact)
    }
}

/// The team of the last level, called once.
pub(super) fn call(people: &People, incident: &Incident, level: u8, now: Timestamp) -> Option<Event> {
    let members: Vec<Box<str>> = people.of_level(level).into_iter().map(Box::from).collect();
    let first = level == people.last_level() && incident.standing().crisis.is_none();
    let own = people.levels.last().map(|level| level.acknowledge).filter(|span| *span > Span::default());
    let answer_by = now.plus(own.unwrap_or(ANSWER_DEFAULT));
    let remind_at = halfway(now, answer_by);
    (first && !members.is_empty()).then_some(Event::CrisisCalled { members, answer_by, remind_at })
}

fn halfway(now: Timestamp, end: Timestamp) -> Timestamp {
    now.plus(Span(end.since(now).0 / 2))
}

/// One member has it: whoever says so themselves, or for whom somebody else says it.
pub(super) fn answer(
    state: &State,
    incident: &Incident,
    contact: Option<String>,
    context: &Context,
) -> Result<Vec<Event>, Rejected> {
    let person = context.a_person("people answer for the crisis team")?;
    let Some(crisis) = &incident.standing().crisis else {
        let id = incident.id;
        return Err(Rejected::Conflict(format!("the crisis team of {id} is not called")));
    };
    let own = || access::identity(state, person).map(str::to_owned);
    let names = || crisis.members.iter().map(|member| &*member.contact).collect::<Vec<_>>().join(", ");
    let Some(contact) = contact.or_else(own) else {
        let message = format!("{person} is no contact of contacts.yaml; say for whom: {}", names());
        return Err(Rejected::Invalid(message));
    };
    match crisis.members.iter().find(|member| *member.contact == *contact) {
        None => Err(Rejected::Invalid(format!("`{contact}` is not in the crisis team: {}", names()))),
        Some(Member { answered_at: Some(at), .. }) => {
            Err(Rejected::Conflict(format!("`{contact}` has answered at {at} already")))
        }
        Some(_) => Ok(vec![Event::CrisisAnswered { contact: contact.into() }]),
    }
}

/// The reminder whose time has come.
pub(super) fn elapsed(incident: &Incident, now: Timestamp) -> Option<Event> {
    let crisis = incident.standing().crisis.as_ref()?;
    crisis.remind_at.filter(|at| *at <= now)?;
    // Halfway and at the end of their time; then a person is called, and the updates of the last level go on.
    let next = Some(crisis.answer_by).filter(|at| *at > now);
    Some(Event::CrisisReminded { next })
}

pub(super) fn apply(crisis: &mut Option<Box<Crisis>>, event: &Event, now: Timestamp) {
    match event {
        Event::CrisisCalled { members, answer_by, remind_at } => {
            let fresh = members.iter().cloned().map(|contact| Member { contact, answered_at: None });
            *crisis = Some(Box::new(Crisis {
                since: now,
                members: fresh.collect(),
                answer_by: *answer_by,
                remind_at: Some(*remind_at),
                reminded: 0,
            }));
        }
        Event::CrisisAnswered { contact } => {
            let Some(crisis) = crisis else { return };
            for member in crisis.members.iter_mut().filter(|member| member.contact == *contact) {
                member.answered_at = Some(now);
            }
            if crisis.open().next().is_none() {
                crisis.remind_at = None;
            }
        }
        Event::CrisisReminded { next } => {
            let Some(crisis) = crisis else { return };
            crisis.remind_at = *next;
            crisis.reminded += 1;
        }
        Event::ClockSet { .. }
        | Event::Escalated { .. }
        | Event::Weighed { .. }
        | Event::UpdateDue { .. }
        | Event::Claimed
        | Event::HandOverOffered { .. }
        | Event::HandOverAccepted
        | Event::Assembled { .. } => {}
    }
}
