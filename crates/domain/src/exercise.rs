//! Exercises: drills at a table, of communication, and what technical ones came to. Nothing outside is changed by one.
//!
//! At a table, each inject is told at its time and people write down what they would do. In one of communication everybody
//! is called over every channel that could reach them, and says that it came. The result of each stays.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::decide;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    content::exercise::Inject,
    event::Meta,
    id::{ExerciseId, PersonId},
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A person begins one of the content.
    Start { drill: String },
    /// What people would do; inject and question are counted from 1.
    Answer { id: ExerciseId, inject: u32, question: u32, text: String },
    /// Somebody says that the call came to this contact.
    Acknowledge { id: ExerciseId, contact: String },
    /// What came of one call.
    Reached { id: ExerciseId, contact: Box<str>, channel: Box<str>, failed: Option<Box<str>> },
    /// One of its times has come.
    Elapse { id: ExerciseId },
    /// A person ends it.
    End { id: ExerciseId, note: String },
    /// What a technical drill came to.
    Record { drill: String, passed: bool, measured: BTreeMap<String, String>, note: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Technical,
    Tabletop,
    Communication,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Started {
        drill: Box<str>,
        name: Box<str>,
        kind: Kind,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        injects: Vec<Inject>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        contacts: Vec<Box<str>>,
        /// Contact and channel of each call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ways: Vec<(Box<str>, Box<str>)>,
        /// It ends by itself then.
        until: Timestamp,
    },
    /// This inject is told, counted from 1.
    Told {
        inject: u32,
    },
    Answered {
        inject: u32,
        question: u32,
        text: Box<str>,
    },
    Reached {
        contact: Box<str>,
        channel: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<Box<str>>,
    },
    Acknowledged {
        contact: Box<str>,
    },
    Ended {
        passed: bool,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        note: Box<str>,
    },
    /// A technical drill, played elsewhere and over already.
    Recorded {
        drill: Box<str>,
        name: Box<str>,
        passed: bool,
        measured: BTreeMap<Box<str>, Box<str>>,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        note: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Started { .. } => "exercise.started",
            Event::Told { .. } => "exercise.told",
            Event::Answered { .. } => "exercise.answered",
            Event::Reached { .. } => "exercise.reached",
            Event::Acknowledged { .. } => "exercise.acknowledged",
            Event::Ended { .. } => "exercise.ended",
            Event::Recorded { .. } => "exercise.recorded",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub text: Box<str>,
    pub by: Option<PersonId>,
    pub at: Timestamp,
}

/// An inject, when it was told, and what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub inject: Inject,
    pub at: Option<Timestamp>,
    /// One for each question.
    pub answers: Vec<Option<Answer>>,
}

/// One call of one contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    pub contact: Box<str>,
    pub channel: Box<str>,
    pub reached_at: Option<Timestamp>,
    pub failed: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    pub at: Timestamp,
    pub passed: bool,
    pub note: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exercise {
    pub id: ExerciseId,
    pub seq: u64,
    pub drill: Box<str>,
    pub name: Box<str>,
    pub kind: Kind,
    pub by: Option<PersonId>,
    pub started_at: Timestamp,
    pub until: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub injects: Vec<Told>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
    /// When each contact said that it came, and who put that on record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contacts: BTreeMap<Box<str>, Option<(Timestamp, Option<PersonId>)>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measured: BTreeMap<Box<str>, Box<str>>,
    pub ended: Option<Ended>,
}

impl Exercise {
    /// Whether all that it asks for was done.
    pub fn passes(&self) -> bool {
        let answered = |told: &Told| told.at.is_some() && told.answers.iter().all(Option::is_some);
        match self.kind {
            Kind::Technical => self.ended.as_ref().is_some_and(|ended| ended.passed),
            Kind::Tabletop => self.injects.iter().all(answered),
            Kind::Communication => {
                let called = |contact: &str| self.ways.iter().any(|way| *way.contact == *contact);
                let came = self.ways.iter().all(|way| way.reached_at.is_some());
                let said = self.contacts.iter().all(|(contact, said)| said.is_some() && called(contact));
                !self.contacts.is_empty() && came && said
            }
        }
    }

    fn inject_mut(&mut self, number: u32) -> Option<&mut Told> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.injects.get_mut(index)
    }
}

pub fn create(id: ExerciseId, event: &Event, meta: &Meta) -> Option<Exercise> {
    let fresh = |drill: &str, name: &str, kind, until| Exercise {
        id,
        seq: 1,
        drill: drill.into(),
        name: name.into(),
        kind,
        by: meta.actor.person(),
        started_at: meta.time,
        until,
        injects: Vec::new(),
        ways: Vec::new(),
        contacts: BTreeMap::new(),
        measured: BTreeMap::new(),
        ended: None,
    };
    match event {
        Event::Started { drill, name, kind, injects, contacts, ways, until } => {
            let told = |inject: &Inject| Told {
                inject: inject.clone(),
                at: None,
                answers: vec![None; inject.asks.len()],
            };
            let way = |(contact, channel): &(Box<str>, Box<str>)| Way {
                contact: contact.clone(),
                channel: channel.clone(),
                reached_at: None,
                failed: None,
            };
            Some(Exercise {
                injects: injects.iter().map(told).collect(),
                ways: ways.iter().map(way).collect(),
                contacts: contacts.iter().map(|contact| (contact.clone(), None)).collect(),
                ..fresh(drill, name, *kind, *until)
            })
        }
        Event::Recorded { drill, name, passed, measured, note } => Some(Exercise {
            measured: measured.clone(),
            ended: Some(Ended { at: meta.time, passed: *passed, note: note.clone() }),
            ..fresh(drill, name, Kind::Technical, meta.time)
        }),
        Event::Told { .. }
        | Event::Answered { .. }
        | Event::Reached { .. }
        | Event::Acknowledged { .. }
        | Event::Ended { .. } => None,
    }
}

pub fn apply(exercise: &mut Exercise, event: &Event, meta: &Meta) {
    exercise.seq += 1;
    match event {
        Event::Started { .. } | Event::Recorded { .. } => {}
        Event::Told { inject } => {
            exercise.inject_mut(*inject).into_iter().for_each(|told| told.at = Some(meta.time));
        }
        Event::Answered { inject, question, text } => {
            let answer = Answer { text: text.clone(), by: meta.actor.person(), at: meta.time };
            let index = usize::try_from(*question).ok().and_then(|number| number.checked_sub(1));
            let told = exercise.inject_mut(*inject);
            if let Some((told, index)) = told.zip(index)
                && let Some(slot) = told.answers.get_mut(index)
            {
                *slot = Some(answer);
            }
        }
        Event::Reached { contact, channel, failed } => {
            let same = |way: &&mut Way| way.contact == *contact && way.channel == *channel;
            if let Some(way) = exercise.ways.iter_mut().find(same) {
                way.reached_at = failed.is_none().then_some(meta.time);
                way.failed = failed.clone();
            }
        }
        Event::Acknowledged { contact } => {
            exercise.contacts.insert(contact.clone(), Some((meta.time, meta.actor.person())));
        }
        Event::Ended { passed, note } => {
            exercise.ended = Some(Ended { at: meta.time, passed: *passed, note: note.clone() });
        }
    }
}

/// Nothing more will happen to it.
pub fn is_over(exercise: &Exercise) -> bool {
    exercise.ended.is_some()
}

/// When something happens by itself, and why.
pub fn next_wakeup(exercise: &Exercise) -> Option<(Timestamp, &'static str)> {
    if is_over(exercise) {
        return None;
    }
    let untold = exercise.injects.iter().find(|told| told.at.is_none());
    let told = untold.map(|told| (exercise.started_at.plus(told.inject.at), "an inject is told"));
    told.or(Some((exercise.until, "the exercise ends")))
}

pub fn due(exercise: &Exercise, now: Timestamp) -> Option<Command> {
    next_wakeup(exercise).filter(|(at, _)| *at <= now).map(|_| Command::Elapse { id: exercise.id })
}
