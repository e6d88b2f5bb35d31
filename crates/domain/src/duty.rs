//! Duties: what somebody has to do because its time came round, with an owner and a deadline.
//!
//! Its owner hears of it when it comes, before it is due, and when it is overdue; of an overdue one the first level
//! hears as well, and again each time its routine comes round. It is over when a person says what came of it, or when
//! the drill that it asks for has passed.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    content::schedule::Work,
    event::{Context, Meta, Rejected},
    id::{DutyId, ExerciseId, PersonId},
    state::State,
    time::{Span, Timestamp},
};

const NOTE_MAX: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Its routine came round.
    Open { routine: Box<str> },
    /// A person did it, and says what came of it.
    Complete { id: DutyId, note: String },
    /// This drill was held and has passed.
    Held { drill: Box<str>, exercise: ExerciseId },
    /// From its timer.
    Remind { id: DutyId },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Opened {
        routine: Box<str>,
        name: Box<str>,
        work: Work,
        /// A contact, team or role.
        owner: Box<str>,
        asks: Box<str>,
        remind_at: Timestamp,
        due: Timestamp,
    },
    /// Its deadline is near.
    Reminded,
    /// Its deadline has passed.
    Overdue,
    Completed {
        note: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Opened { .. } => "duty.opened",
            Event::Reminded => "duty.reminded",
            Event::Overdue => "duty.overdue",
            Event::Completed { .. } => "duty.completed",
        }
    }
}

/// How far its owner was told of the deadline.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    #[default]
    Nothing,
    Reminded,
    Overdue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duty {
    pub id: DutyId,
    pub seq: u64,
    pub routine: Box<str>,
    pub name: Box<str>,
    pub work: Work,
    pub owner: Box<str>,
    pub asks: Box<str>,
    pub opened_at: Timestamp,
    pub remind_at: Timestamp,
    pub due: Timestamp,
    pub told: Told,
    /// By whom and when; by nobody where a drill passed by itself.
    pub done: Option<(Option<PersonId>, Timestamp)>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub note: Box<str>,
}

pub fn decide(state: &State, command: Command, context: &Context) -> Result<Vec<(DutyId, Event)>, Rejected> {
    match command {
        Command::Open { routine } => Ok(open(state, &routine, context).into_iter().collect()),
        Command::Complete { id, note } => {
            context.a_person("people do what is due")?;
            if !state.duties.contains_key(&id) {
                return Err(Rejected::NotFound(format!("there is no open duty {id}")));
            }
            if note.trim().is_empty() || note.len() > NOTE_MAX {
                return Err(Rejected::Invalid(format!("say what came of it, in 1 to {NOTE_MAX} bytes")));
            }
            Ok(vec![(id, Event::Completed { note: note.into() })])
        }
        Command::Held { drill, exercise } => {
            let asks = |duty: &&Duty| matches!(&duty.work, Work::Drill(asked) if *asked == drill);
            let done =
                |duty: &Duty| (duty.id, Event::Completed { note: format!("{exercise} passed").into() });
            Ok(state.duties.values().filter(asks).map(done).collect())
        }
        Command::Remind { id } => {
            let event = state.duties.get(&id).and_then(|duty| tell(duty, context.now));
            Ok(event.map(|event| (id, event)).into_iter().collect())
        }
    }
}

/// One at a time: while the last one is open, its owner hears again that it is overdue, if it is; what is not due yet has
/// its reminder and its deadline still before it.
fn open(state: &State, routine: &str, context: &Context) -> Option<(DutyId, Event)> {
    let known = state.content.schedule.get(routine)?;
    if let Some(open) = state.duties.values().find(|duty| *duty.routine == *routine) {
        return (open.due < context.now).then_some((open.id, Event::Overdue));
    }
    let due = known.due.after(context.now, state.content.people.calendar.as_ref());
    let remind_at = Timestamp(due.0.saturating_sub_unsigned(known.remind.0)).max(context.now);
    let opened = Event::Opened {
        routine: routine.into(),
        name: known.name.as_str().into(),
        work: known.work.clone(),
        owner: known.owner.as_str().into(),
        asks: known.asks.as_str().into(),
        remind_at: if known.remind == Span::default() { due } else { remind_at },
        due,
    };
    Some((DutyId::from_number(context.next), opened))
}

fn tell(duty: &Duty, now: Timestamp) -> Option<Event> {
    if duty.due <= now && duty.told < Told::Overdue {
        return Some(Event::Overdue);
    }
    (duty.remind_at <= now && duty.told < Told::Reminded).then_some(Event::Reminded)
}

pub fn create(id: DutyId, event: &Event, meta: &Meta) -> Option<Duty> {
    let Event::Opened { routine, name, work, owner, asks, remind_at, due } = event else { return None };
    Some(Duty {
        id,
        seq: 1,
        routine: routine.clone(),
        name: name.clone(),
        work: work.clone(),
        owner: owner.clone(),
        asks: asks.clone(),
        opened_at: meta.time,
        remind_at: *remind_at,
        due: *due,
        told: Told::Nothing,
        done: None,
        note: "".into(),
    })
}

pub fn apply(duty: &mut Duty, event: &Event, meta: &Meta) {
    duty.seq += 1;
    match event {
        Event::Opened { .. } => {}
        Event::Reminded => duty.told = Told::Reminded,
        Event::Overdue => duty.told = Told::Overdue,
        Event::Completed { note } => {
            duty.done = Some((meta.actor.person(), meta.time));
            duty.note = note.clone();
        }
    }
}

/// Nothing more will happen to it.
pub fn is_over(duty: &Duty) -> bool {
    duty.done.is_some()
}

/// When something happens by itself, and why.
pub fn next_wakeup(duty: &Duty) -> Option<(Timestamp, &'static str)> {
    match duty.told {
        _ if is_over(duty) => None,
        Told::Nothing => Some((duty.remind_at, "reminder of a duty")),
        Told::Reminded => Some((duty.due, "deadline of a duty")),
        Told::Overdue => None,
    }
}

pub fn due(duty: &Duty, now: Timestamp) -> Option<Command> {
    next_wakeup(duty).filter(|(at, _)| *at <= now).map(|_| Command::Remind { id: duty.id })
}
