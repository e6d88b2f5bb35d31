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
pub(super) fn after_notice(state: &State, id: NoticeId, event: &notice::Event) -> Option<Command> {
    let notice = state.notices.get(&id)?;
    let exercise = notice.exercise?;
    let failed = match event {
        notice::Event::Delivered { .. } => None,
        notice::Event::Undeliverable { reason } | notice::Event::Cancelled { reason } => Some(reason.clone()),
        notice::Event::Queued { .. } | notice::Event::Sending { .. } | notice::Event::NotDelivered { .. } => {
            return None;
        }
    };
    let channel = notice.routes.first().map(|route| route.channel.clone()).unwrap_or_default();
    let contact = notice.to.clone();
    Some(Command::Exercise(exercise::Command::Reached { id: exercise, contact, channel, failed }))
}
