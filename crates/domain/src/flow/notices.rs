//! What follows from a notice: whose turn is next, and that nobody could be told.

use super::{Command, exercises};
use crate::{event::Stream, id::NoticeId, incident, notice, state::State, statement, time::Timestamp};

/// A notice that reached nobody is never silent, and one that has gone makes room for the next.
pub(super) fn after(state: &State, id: NoticeId, event: &notice::Event, now: Timestamp) -> Vec<Command> {
    let mut commands = undeliverable(state, id, event);
    let freed = match event {
        notice::Event::Delivered { route, .. } | notice::Event::NotDelivered { route, .. } => Some(*route),
        notice::Event::Cancelled { .. } => state.notices.get(&id).map(|notice| notice.route),
        notice::Event::Queued { .. }
        | notice::Event::Sending { .. }
        | notice::Event::Undeliverable { .. } => None,
    };
    let of = |route: u32| state.notices.get(&id)?.routes.get(route as usize);
    let next = freed.and_then(of).and_then(|route| state.lines.next(&route.channel, now));
    commands.extend(next.map(|id| Command::Notice(notice::Command::Wake { id })));
    commands.extend(exercises::after_notice(state, id, event));
    commands.extend(after_words(state, id, event));
    commands
}

fn undeliverable(state: &State, id: NoticeId, event: &notice::Event) -> Vec<Command> {
    let Some(notice) = state.notices.get(&id) else { return Vec::new() };
    match event {
        notice::Event::Undeliverable { reason } => {
            // One stands for all, so that dead channels leave room for what else waits for a person.
            // What is about no incident stands among the notices, and what it reminds of is reminded of again.
            // A statement says so itself.
            let Some(incident) = notice.incident.filter(|_| notice.statement.is_none()) else {
                return Vec::new();
            };
            let waiting = state.incidents.open.get(&incident).map(|incident| &incident.attention);
            if waiting.is_some_and(|all| all.iter().any(|waits| waits.about.starts_with("notice/"))) {
                return Vec::new();
            }
            let reason = format!("nobody could be told ({}): {reason}", notice.to);
            let about = Stream::Notice(id);
            vec![Command::Incident(incident::Command::RaiseAttention { id: incident, about, reason })]
        }
        notice::Event::Queued { .. }
        | notice::Event::Sending { .. }
        | notice::Event::Delivered { .. }
        | notice::Event::NotDelivered { .. }
        | notice::Event::Cancelled { .. } => Vec::new(),
    }
}

/// Whether words to the outside came.
fn after_words(state: &State, id: NoticeId, event: &notice::Event) -> Option<Command> {
    let notice = state.notices.get(&id)?;
    let came = match event {
        notice::Event::Delivered { .. } => Ok(notice.channel().unwrap_or_default().into()),
        notice::Event::Undeliverable { reason } | notice::Event::Cancelled { reason } => Err(reason.clone()),
        notice::Event::Queued { .. } | notice::Event::Sending { .. } | notice::Event::NotDelivered { .. } => {
            return None;
        }
    };
    Some(Command::Statement(statement::Command::Report { id: notice.statement?, came }))
}
