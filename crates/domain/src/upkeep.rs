//! Upkeep: what keeps the house ready between incidents. Which procedures may start runs, what came round when, and when
//! the controls were last looked at.
//!
//! The text of a playbook says how far it is; a person moves it on. What a person said holds for the text they saw:
//! a changed text is again what it says of itself, except that a retired procedure stays retired until somebody
//! activates it.

#[cfg(test)]
mod tests;

mod look;

pub use look::{Ended, Month};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    access,
    content::{calendar::Calendar, schedule::Routine},
    duty,
    event::{Context, Meta, Rejected},
    flow,
    id::PersonId,
    playbook::{Life, Playbook, TextHash},
    state::State,
    time::Timestamp,
};

const WHY_MAX: usize = 4_096;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A person moves a procedure on.
    Move { playbook: String, to: Life, why: String },
    /// A person puts on record that a contact took a course.
    Complete { course: String, contact: String },
    /// Something of the schedule has come round.
    Round,
    /// The controls were looked at, and what does not hold was taken as alerts; with the month that has ended, if one has.
    Looked { month: Option<Month> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Moved {
        playbook: Box<str>,
        from: Life,
        to: Life,
        /// Of its file, as the person saw it.
        file: TextHash,
        version: Box<str>,
        /// It is looked at anew after it was retired.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        was_retired: bool,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        why: Box<str>,
    },
    Came {
        routine: Box<str>,
    },
    Trained {
        course: Box<str>,
        contact: Box<str>,
        /// It counts until then.
        until: Timestamp,
    },
    Looked {
        /// Told of with this look, and never again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        month: Option<Month>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Moved { to: Life::Draft | Life::Review, .. } => "procedure.in_review",
            Event::Moved { to: Life::Active, .. } => "procedure.activated",
            Event::Moved { to: Life::Retired, .. } => "procedure.retired",
            Event::Came { .. } => "routine.came",
            Event::Trained { .. } => "training.completed",
            Event::Looked { .. } => "controls.looked_at",
        }
    }
}

/// What a person last said of a procedure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    pub to: Life,
    /// It is looked at anew after it was retired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_retired: bool,
    pub file: TextHash,
    pub by: Option<PersonId>,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub why: Box<str>,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Upkeep {
    pub seq: u64,
    pub procedures: BTreeMap<Box<str>, Moved>,
    /// When each routine last came round.
    pub came: BTreeMap<Box<str>, Timestamp>,
    /// By course and contact.
    pub trained: BTreeMap<Box<str>, BTreeMap<Box<str>, Trained>>,
    /// When the controls were last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked: Option<Timestamp>,
    /// The last month that was told of, such as `2027-01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Box<str>>,
}

/// Who took a course when, and until when that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    pub at: Timestamp,
    pub until: Timestamp,
    pub by: Option<PersonId>,
}

impl Upkeep {
    /// How far this procedure is.
    pub fn life(&self, playbook: &Playbook) -> Life {
        match self.moved(playbook) {
            // What was looked at was another text.
            Some(moved) if moved.file != playbook.file => Life::Retired,
            Some(moved) => moved.to,
            None => playbook.charter.status,
        }
    }

    /// When this routine comes round next. One that never did is counted from when the first person came.
    pub fn next(&self, routine: &Routine, began: Timestamp, calendar: Option<&Calendar>) -> Timestamp {
        let last = self.came.get(routine.id.as_str()).copied().unwrap_or(began);
        routine.beat.next(last, calendar)
    }

    /// What a person said that holds for this text.
    pub fn moved(&self, playbook: &Playbook) -> Option<&Moved> {
        let moved = self.procedures.get(playbook.id.as_str())?;
        let retired = moved.to == Life::Retired || moved.was_retired;
        (retired || moved.file == playbook.file).then_some(moved)
    }
}

pub fn decide(state: &State, command: Command, context: &Context) -> Result<Vec<Event>, Rejected> {
    match command {
        Command::Move { playbook, to, why } => shift(state, &playbook, to, why, context),
        Command::Complete { course, contact } => trained(state, &course, &contact, context),
        Command::Round => {
            let came = |routine: &&Routine| next(state, routine).is_some_and(|at| at <= context.now);
            let routines = state.content.schedule.values().filter(came);
            Ok(routines.map(|routine| Event::Came { routine: routine.id.as_str().into() }).collect())
        }
        Command::Looked { month } => {
            let month = month.filter(|month| !state.upkeep.is_told(&month.name));
            Ok(vec![Event::Looked { month }])
        }
    }
}

fn shift(state: &State, id: &str, to: Life, why: String, context: &Context) -> Result<Vec<Event>, Rejected> {
    let person = context.a_person("people move procedures on")?;
    let Some(playbook) = state.content.playbooks.get(id) else {
        let shown: String = id.chars().take(64).collect();
        return Err(Rejected::NotFound(format!("there is no playbook `{shown}`")));
    };
    let from = state.upkeep.life(playbook);
    let may = match to {
        Life::Draft => false,
        Life::Review => matches!(from, Life::Draft | Life::Retired),
        Life::Active => from == Life::Review,
        Life::Retired => from != Life::Retired,
    };
    if !may {
        let next = match from {
            Life::Draft | Life::Retired => "`playbook review`",
            Life::Review => "`playbook activate` or `playbook retire`",
            Life::Active => "`playbook retire`",
        };
        let said = format!("playbook {id} is {}; what may follow is {next}", from.name());
        return Err(Rejected::Conflict(said));
    }
    if why.len() > WHY_MAX {
        return Err(Rejected::Invalid(format!("the reason is longer than {WHY_MAX} bytes")));
    }
    if to == Life::Active {
        by_a_reviewer(state, playbook, person)?;
        alone(state, playbook)?;
    }
    Ok(vec![Event::Moved {
        playbook: id.into(),
        from,
        to,
        file: playbook.file.clone(),
        version: playbook.version.as_str().into(),
        was_retired: from == Life::Retired && to == Life::Review,
        why: why.trim().into(),
    }])
}

fn trained(state: &State, course: &str, contact: &str, context: &Context) -> Result<Vec<Event>, Rejected> {
    context.a_person("people say who took a course")?;
    let shown = |text: &str| text.chars().take(64).collect::<String>();
    let Some(known) = state.content.training.get(course) else {
        return Err(Rejected::NotFound(format!("there is no course `{}` in training.yaml", shown(course))));
    };
    if !state.content.people.contacts.contains_key(contact) {
        return Err(Rejected::NotFound(format!("there is no contact `{}` in contacts.yaml", shown(contact))));
    }
    let until = context.now.plus(known.valid);
    Ok(vec![Event::Trained { course: course.into(), contact: contact.into(), until }])
}

/// One of the reviewers that it names activates it, where any of them has an account.
fn by_a_reviewer(state: &State, playbook: &Playbook, person: PersonId) -> Result<(), Rejected> {
    let people = &state.content.people;
    let reviewers = people.expand(playbook.charter.reviewers.iter().map(String::as_str));
    let is_one = access::identity(state, person).is_some_and(|contact| reviewers.contains(contact));
    if is_one || !people.have_accounts(reviewers.iter()) {
        return Ok(());
    }
    let named = playbook.charter.reviewers.join(", ");
    Err(Rejected::Forbidden(format!(
        "playbook {} is activated by one of its reviewers: {named}",
        playbook.id
    )))
}

/// Two active playbooks for the same type from the same severity on would be a tie.
fn alone(state: &State, playbook: &Playbook) -> Result<(), Rejected> {
    let same = |other: &&std::sync::Arc<Playbook>| {
        let types = (other.types.is_empty() && playbook.types.is_empty())
            || other.types.iter().any(|one| playbook.types.contains(one));
        other.id != playbook.id
            && other.min_severity == playbook.min_severity
            && types
            && state.upkeep.life(other) == Life::Active
    };
    match state.content.playbooks.values().find(same) {
        None => Ok(()),
        Some(other) => Err(Rejected::Conflict(format!(
            "playbook {} is active for the same incidents; retire it first with `playbook retire {}`",
            other.id, other.id
        ))),
    }
}

/// Nothing comes round where there is nobody.
fn next(state: &State, routine: &Routine) -> Option<Timestamp> {
    let began = state.people.values().next()?.added_at;
    Some(state.upkeep.next(routine, began, state.content.people.calendar.as_ref()))
}

pub fn apply(upkeep: &mut Upkeep, event: &Event, meta: &Meta) {
    upkeep.seq += 1;
    match event {
        Event::Moved { playbook, to, file, was_retired, why, .. } => {
            let (to, was_retired, file, by) = (*to, *was_retired, file.clone(), meta.actor.person());
            let moved = Moved { to, was_retired, file, by, at: meta.time, why: why.clone() };
            upkeep.procedures.insert(playbook.clone(), moved);
        }
        Event::Trained { course, contact, until } => {
            let trained = Trained { at: meta.time, until: *until, by: meta.actor.person() };
            upkeep.trained.entry(course.clone()).or_default().insert(contact.clone(), trained);
        }
        Event::Came { routine } => {
            upkeep.came.insert(routine.clone(), meta.time);
        }
        Event::Looked { month } => {
            upkeep.looked = Some(meta.time);
            upkeep.month = month.as_ref().map(|month| month.name.clone()).or(upkeep.month.take());
        }
    }
}

pub fn follows(event: &Event, now: Timestamp) -> Vec<flow::Command> {
    match event {
        Event::Came { routine } => {
            vec![flow::Command::Duty(duty::Command::Open { routine: routine.clone() })]
        }
        Event::Looked { month } => {
            let alert = month.as_ref().map(|month| flow::Command::Receive(Box::new(month.alert(now))));
            alert.into_iter().collect()
        }
        Event::Moved { .. } | Event::Trained { .. } => Vec::new(),
    }
}

/// When something comes round by itself.
pub fn next_wakeup(state: &State) -> Option<Timestamp> {
    state.content.schedule.values().filter_map(|routine| next(state, routine)).min()
}
