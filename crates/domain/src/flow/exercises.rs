//! What follows from an exercise: the calls of one of communication, what came of each, its end once all is done, and
//! that a duty is done that asked for it.

use super::Command;
use crate::{
    duty,
    exercise::{self, Event, Kind},
    id::{ExerciseId, NoticeId},
    notice,
    state::State,
};

pub(super) fn after(state: &State, id: ExerciseId, event: &Event) -> Vec<Command> {
    let Some(exercise) = state.exercises.get(&id) else { return Vec::new() };
    match event {
        Event::Started { ways, name, .. } => {
            let probe = |(to, channel): &(Box<str>, Box<str>)| {
                let (to, channel, name) = (to.clone(), channel.clone(), name.clone());
                Command::Notice(notice::Command::Probe { exercise: id, channel, to, name })
            };
            ways.iter().map(probe).collect()
        }
        Event::Answered { .. } | Event::Reached { .. } | Event::Acknowledged { .. } => {
            let over = exercise.kind == Kind::Communication && exercise.passes();
            let ends = over.then_some(Command::Exercise(exercise::Command::Elapse { id }));
            ends.into_iter().collect()
        }
        // What came of one that did not pass is for a person to say.
        Event::Ended { passed, .. } | Event::Recorded { passed, .. } => {
            let held = || duty::Command::Held { drill: exercise.drill.clone(), exercise: id };
            passed.then(held).map(Command::Duty).into_iter().collect()
        }
        Event::Told { .. } => Vec::new(),
    }
}

/// What a call of an exercise came to.
pub(super) fn after_notice(state: &State, id: NoticeId, event: &notice::Event) -> Vec<Command> {
    let Some(notice) = state.notices.get(&id) else { return Vec::new() };
    let Some(exercise) = notice.exercise else { return Vec::new() };
    let failed = match event {
        notice::Event::Delivered { .. } => None,
        notice::Event::Undeliverable { reason } | notice::Event::Cancelled { reason } => Some(reason.clone()),
        notice::Event::Queued { .. } | notice::Event::Sending { .. } | notice::Event::NotDelivered { .. } => {
            return Vec::new();
        }
    };
    let channels = match notice.routes.first() {
        Some(route) => vec![route.channel.clone()],
        None => gone(state, exercise, &notice.to),
    };
    let reached = |channel| {
        let (contact, failed) = (notice.to.clone(), failed.clone());
        Command::Exercise(exercise::Command::Reached { id: exercise, contact, channel, failed })
    };
    channels.into_iter().map(reached).collect()
}

/// The open ways of a contact that are none any more; a call without a way was for one of them.
fn gone(state: &State, id: ExerciseId, contact: &str) -> Vec<Box<str>> {
    let ways = state.exercises.get(&id).into_iter().flat_map(|exercise| &exercise.ways);
    let open = |way: &&exercise::Way| *way.contact == *contact && way.reached_at.is_none();
    let is_way = |channel: &str| {
        let known = state.content.channels.named(channel);
        known.is_some_and(|known| notice::reaches(state, known, contact))
    };
    let gone = ways.filter(open).filter(|way| way.failed.is_none() && !is_way(&way.channel));
    gone.map(|way| way.channel.clone()).collect()
}
