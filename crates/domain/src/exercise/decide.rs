//! What may be asked of an exercise, and how it ends.

use std::collections::BTreeMap;

use super::{Command, Event, Exercise, Kind, is_over};
use crate::{
    content::{
        channels::{Channel, ChannelKind},
        exercise::Part,
    },
    event::{Context, Rejected},
    id::ExerciseId,
    notice,
    state::State,
    time::{Span, Timestamp},
};

/// So long after its last inject an exercise at a table is ended, if nobody does.
const TABLE_OPEN: Span = Span::secs(86_400);
const TEXT_MAX: usize = 16 * 1024;
/// Most calls of one exercise.
const WAYS_MAX: usize = 1_000;
const MEASURED_MAX: usize = 64;

type Decided = Result<Vec<(ExerciseId, Event)>, Rejected>;

pub fn decide(state: &State, command: Command, context: &Context) -> Decided {
    match command {
        Command::Start { drill } => start(state, &drill, context),
        Command::Answer { id, inject, question, text } => answer(state, id, inject, question, text, context),
        Command::Acknowledge { id, contact } => acknowledge(state, id, &contact, context),
        Command::Reached { id, contact, channel, failed } => {
            // It may be over by now.
            let open = state.exercises.contains_key(&id);
            Ok(if open { vec![(id, Event::Reached { contact, channel, failed })] } else { Vec::new() })
        }
        Command::Elapse { id } => {
            let event = state.exercises.get(&id).and_then(|exercise| elapsed(exercise, context.now));
            Ok(event.map(|event| (id, event)).into_iter().collect())
        }
        Command::End { id, note } => {
            context.a_person("people end an exercise")?;
            let exercise = open(state, id)?;
            let note = text("note", note, true)?;
            Ok(vec![(id, Event::Ended { passed: exercise.passes(), note })])
        }
        Command::Record { drill, passed, measured, note } => {
            record(state, &drill, passed, measured, note, context)
        }
    }
}

fn open(state: &State, id: ExerciseId) -> Result<&Exercise, Rejected> {
    let missing = || Rejected::NotFound(format!("there is no exercise {id} under way"));
    state.exercises.get(&id).filter(|exercise| !is_over(exercise)).ok_or_else(missing)
}

fn text(what: &str, text: String, may_be_empty: bool) -> Result<Box<str>, Rejected> {
    if (text.trim().is_empty() && !may_be_empty) || text.len() > TEXT_MAX {
        return Err(Rejected::Invalid(format!("the {what} is empty or longer than {TEXT_MAX} bytes")));
    }
    Ok(text.into())
}

fn start(state: &State, drill: &str, context: &Context) -> Decided {
    context.a_person("people begin an exercise")?;
    let shown: String = drill.chars().take(64).collect();
    let Some(known) = state.content.exercises.get(drill) else {
        let text = match state.content.drills.contains_key(drill) {
            true => format!("`{shown}` is a technical drill; play it with `ringfence drill` and `--record`"),
            false => format!("there is no exercise `{shown}` in drills/"),
        };
        return Err(Rejected::NotFound(text));
    };
    if let Some(open) = state.exercises.values().find(|open| *open.drill == *drill) {
        return Err(Rejected::Conflict(format!("{} plays {shown} already", open.id)));
    }
    let id = ExerciseId::from_number(context.next);
    let (kind, injects, contacts, ways, until) = match &known.part {
        Part::Tabletop(injects) => {
            let last = injects.last().map(|inject| inject.at).unwrap_or_default();
            let until = context.now.plus(last).plus(TABLE_OPEN);
            (Kind::Tabletop, injects.clone(), Vec::new(), Vec::new(), until)
        }
        Part::Communication { reach, within } => {
            // Those outside are no part of our practice.
            let people = &state.content.people;
            let contacts = people.inside(people.expand(reach.iter().map(String::as_str)));
            if contacts.is_empty() {
                let text = format!(
                    "`{shown}` reaches nobody: those it names are outside, or nobody holds their role"
                );
                return Err(Rejected::Conflict(text));
            }
            let ways = ways(state, contacts.iter().copied());
            if ways.is_empty() {
                let text = format!(
                    "`{shown}` can call nobody: no channel of channels.yaml reaches any of the {} contacts; add one \
                     of kind `email` or `sms`, and their `mail` or `phone` to contacts.yaml",
                    contacts.len()
                );
                return Err(Rejected::Conflict(text));
            }
            let contacts = contacts.into_iter().map(Into::into).collect();
            (Kind::Communication, Vec::new(), contacts, ways, context.now.plus(*within))
        }
    };
    let (drill, name) = (drill.into(), known.name.as_str().into());
    let started = Event::Started { drill, name, kind, injects, contacts, ways, until };
    let first = due_inject(&started).map(|inject| (id, Event::Told { inject }));
    Ok(std::iter::once((id, started)).chain(first).collect())
}

/// What is told at once.
fn due_inject(started: &Event) -> Option<u32> {
    let Event::Started { injects, .. } = started else { return None };
    injects.first().filter(|inject| inject.at == Span::default()).map(|_| 1)
}

/// Each contact over each channel that has an address of theirs: a room of ours would take any call.
fn ways<'a>(state: &State, contacts: impl Iterator<Item = &'a str>) -> Vec<(Box<str>, Box<str>)> {
    let channels = &state.content.channels.channels;
    let outside = |channel: &&Channel| channel.kind != ChannelKind::Dashboard;
    let mut ways = Vec::new();
    for contact in contacts {
        let reaching = channels.iter().filter(outside);
        let reaching = reaching.filter(|channel| notice::reaches(state, channel, contact));
        ways.extend(reaching.map(|channel| (contact.into(), channel.name.as_str().into())));
    }
    ways.truncate(WAYS_MAX);
    ways
}

fn answer(
    state: &State,
    id: ExerciseId,
    inject: u32,
    question: u32,
    said: String,
    context: &Context,
) -> Decided {
    context.a_person("people answer what is asked")?;
    let exercise = open(state, id)?;
    let at = |number: u32| usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let Some(told) = at(inject).and_then(|index| exercise.injects.get(index)) else {
        let most = exercise.injects.len();
        return Err(Rejected::NotFound(format!("{id} has no inject {inject}; it has {most}")));
    };
    if told.at.is_none() {
        return Err(Rejected::Conflict(format!("inject {inject} of {id} is not told yet")));
    }
    if at(question).is_none_or(|index| index >= told.answers.len()) {
        let most = told.answers.len();
        return Err(Rejected::NotFound(format!("inject {inject} has no question {question}; it has {most}")));
    }
    Ok(vec![(id, Event::Answered { inject, question, text: text("answer", said, false)? })])
}

fn acknowledge(state: &State, id: ExerciseId, contact: &str, context: &Context) -> Decided {
    context.a_person("people say that a call came")?;
    let exercise = open(state, id)?;
    match exercise.contacts.get(contact) {
        Some(None) => Ok(vec![(id, Event::Acknowledged { contact: contact.into() })]),
        Some(Some((at, _))) => Err(Rejected::Conflict(format!("{contact} said so at {at} already"))),
        None => {
            let shown: String = contact.chars().take(64).collect();
            Err(Rejected::NotFound(format!("{id} does not call `{shown}`")))
        }
    }
}

fn elapsed(exercise: &Exercise, now: Timestamp) -> Option<Event> {
    let numbered = (1u32..).zip(&exercise.injects);
    let untold = numbered.clone().find(|(_, told)| told.at.is_none());
    match untold {
        Some((inject, told)) => {
            (exercise.started_at.plus(told.inject.at) <= now).then_some(Event::Told { inject })
        }
        None if exercise.kind == Kind::Communication && exercise.passes() => {
            Some(Event::Ended { passed: true, note: "everybody was reached".into() })
        }
        None if exercise.until <= now => {
            let note = "its time was over".into();
            Some(Event::Ended { passed: exercise.passes(), note })
        }
        None => None,
    }
}

fn record(
    state: &State,
    drill: &str,
    passed: bool,
    measured: BTreeMap<String, String>,
    note: String,
    context: &Context,
) -> Decided {
    context.a_person("people put on record what a drill came to")?;
    if !state.content.drills.contains_key(drill) {
        let shown: String = drill.chars().take(64).collect();
        return Err(Rejected::NotFound(format!("there is no technical drill `{shown}` in drills/")));
    }
    let long = |text: &str| text.is_empty() || text.len() > 200 || text.chars().any(char::is_control);
    if measured.len() > MEASURED_MAX || measured.iter().any(|(name, value)| long(name) || long(value)) {
        let text =
            format!("at most {MEASURED_MAX} figures are kept, each with name and value of one short line");
        return Err(Rejected::Invalid(text));
    }
    let measured = measured.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let note = text("note", note, true)?;
    let recorded = Event::Recorded { drill: drill.into(), name: drill.into(), passed, measured, note };
    Ok(vec![(ExerciseId::from_number(context.next), recorded)])
}
