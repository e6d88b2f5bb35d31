//! A durable intent for the platform's own limits: performed where it is decided, without any call.
//!
//! The change of the limits and the outcome of the action are facts of one commit, so neither stands alone after
//! a crash, and what was open then is simply performed.

use crate::{
    action::{self, Operation},
    control::own,
    event::{Context, Event, Rejected},
    id::ActionId,
    limits,
    state::State,
};

pub(super) fn decide(
    state: &State,
    id: ActionId,
    attempt: u32,
    context: &Context,
) -> Result<Vec<Event>, Rejected> {
    let open = state.actions.get(id).and_then(|action| match &action.status {
        action::Status::Calling { intent } if intent.attempt == attempt => Some((action, intent)),
        action::Status::Calling { .. }
        | action::Status::Held { .. }
        | action::Status::Waiting { .. }
        | action::Status::InForce
        | action::Status::Done
        | action::Status::Failed { .. }
        | action::Status::InDoubt { .. }
        | action::Status::Released => None,
    });
    let Some((action, intent)) = open.filter(|(action, _)| own::is_own(&action.spec)) else {
        return Ok(Vec::new());
    };
    let told = |command| Ok(super::wrap(action::decide(state, command, context)?, Event::Action));
    let permit = limits::permits(&state.control, &action.spec, action.goal, intent.asked, context.now);
    if intent.operation != Operation::ReadBack
        && let Err(reason) = permit.with(intent.pass)
    {
        return told(action::Command::Withdraw { id, attempt, reason });
    }
    let (changes, outcome) = own::perform(&state.control, action, intent, context);
    let told = told(action::Command::Report { id, attempt, outcome })?;
    Ok(changes.into_iter().map(Event::Control).chain(told).collect())
}
