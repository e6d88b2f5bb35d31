//! While platform time is in doubt nothing is chosen by default and nothing is lifted by itself: people hear of it,
//! and what waited goes on when they confirm the time.

use std::collections::BTreeSet;

use super::Command;
use crate::{
    event::Stream,
    id::IncidentId,
    incident::{self, Status},
    run::{self, Finished, Run},
    state::State,
};

/// Says that the time is in doubt.
pub(super) fn began(state: &State, reason: &str) -> Vec<Command> {
    let reason = format!(
        "the time is in doubt, so nothing is chosen by default or lifted by itself ({reason}); check the clock, \
         then `control confirm-clock`"
    );
    call(state, &reason)
}

/// Calls the people of each incident that a run works on; where there is none, those of the most severe.
pub(super) fn call(state: &State, reason: &str) -> Vec<Command> {
    let open = &state.incidents.open;
    let real = |id: &IncidentId| open.get(id).is_some_and(|incident| !incident.drill);
    let live = state.runs.iter().filter(|run| !run.is_ended());
    let mut ids: BTreeSet<IncidentId> = live.map(|run| run.incident).collect();
    if !ids.iter().any(real) {
        let waiting = open.values().filter(|incident| incident.status == Status::Open && !incident.drill);
        ids.extend(waiting.max_by_key(|incident| incident.severity).map(|incident| incident.id));
    }
    let raise = |id| {
        let (about, reason) = (Stream::Control, reason.to_owned());
        Command::Incident(incident::Command::RaiseAttention { id, about, reason })
    };
    ids.into_iter().map(raise).collect()
}

/// What nobody chose meanwhile is chosen now where its time has passed.
pub(super) fn ended(state: &State) -> Vec<Command> {
    let about = Stream::Control;
    let name = about.to_string();
    let told = state.incidents.open.values().filter(|incident| {
        // What left the limits alone asks by the same name, and for another reason.
        *incident.incident_type != *incident::GLASS && incident.attention.iter().any(|it| *it.about == *name)
    });
    let clear = |id| Command::Incident(incident::Command::ClearAttention { id, about });
    let waiting = state.runs.iter().filter(|run| {
        state.playbooks.get(&run.hash).is_some_and(|playbook| run::awaits_default(run, playbook))
    });
    let advance = |id| Command::Run(run::Command::Advance { id, widened: false });
    told.map(|incident| clear(incident.id)).chain(waiting.map(|run| advance(run.id))).collect()
}

/// Whether a person was called for one of these steps, which are over now.
pub(super) fn called_for(run: &Run, finished: &[Finished]) -> bool {
    finished.iter().any(|one| run.steps.get(one.step as usize).is_some_and(|step| step.overdue))
}
