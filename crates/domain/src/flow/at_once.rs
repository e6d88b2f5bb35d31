//! What is allowed beforehand begins with the fact that says so, in the same commit as whatever made the incident so
//! severe.

use super::Command;
use crate::{
    action::{self, Origin, Spec},
    event::Stream,
    id::IncidentId,
    incident::{
        self,
        at_once::{Effect, Left},
    },
    state::State,
    strategy,
};

pub(super) fn after_incident(state: &State, id: IncidentId, event: &incident::Event) -> Vec<Command> {
    match event {
        incident::Event::Opened { .. }
        | incident::Event::Classified { .. }
        | incident::Event::Relapsed { .. } => look(state, id),
        incident::Event::AlertJoined { targets, severity, .. }
            if !targets.is_empty() || severity.is_some() =>
        {
            look(state, id)
        }
        incident::Event::AtOnce { severity, effects, left } => {
            let each = |effect: &Effect| {
                let name = effect.strategy.clone();
                effect.targets.iter().map(move |target| ask(state, id, &name, target)).collect::<Vec<_>>()
            };
            let told = (!left.is_empty()).then(|| {
                let about = Stream::Incident(id);
                let reason =
                    format!("at {severity} more is allowed beforehand than was done: {}", named(id, left));
                Command::Incident(incident::Command::RaiseAttention { id, about, reason })
            });
            effects.iter().flat_map(each).chain(told).collect()
        }
        incident::Event::AlertJoined { .. }
        | incident::Event::Acknowledged
        | incident::Event::Assigned { .. }
        | incident::Event::Noted { .. }
        | incident::Event::Linked { .. }
        | incident::Event::Contained { .. }
        | incident::Event::Analysis { .. }
        | incident::Event::Checked { .. }
        | incident::Event::People(_)
        | incident::Event::AttentionRaised { .. }
        | incident::Event::AttentionCleared { .. }
        | incident::Event::ResponseStopped { .. }
        | incident::Event::Resolved { .. }
        | incident::Event::WatchEnded
        | incident::Event::Recovery { .. }
        | incident::Event::SignedOff { .. }
        | incident::Event::Closed { .. }
        | incident::Event::Redacted { .. } => Vec::new(),
    }
}

fn look(state: &State, id: IncidentId) -> Vec<Command> {
    let severity = state.incidents.open.get(&id).map(|incident| incident.severity);
    let set = severity.and_then(|severity| state.content.strategies.at_once(severity));
    set.map(|_| Command::Incident(incident::Command::ActAtOnce { id })).into_iter().collect()
}

/// Whoever decided asked before whether it is refused; where it is all the same, a person hears of it.
fn ask(state: &State, id: IncidentId, name: &str, target: &str) -> Command {
    let known = state.content.strategies.get(name);
    let spec = known.map(|known| strategy::spec(state, id, known, target).map_err(|why| why.to_string()));
    match spec.unwrap_or_else(|| Err("it is no strategy of strategies.yaml any more".to_owned())) {
        Ok(spec) => {
            Command::Action(action::Command::Request(Box::new(Spec { origin: Origin::AtOnce, ..spec })))
        }
        Err(why) => {
            let about = Stream::Incident(id);
            let reason = format!("{name} is allowed beforehand and did not run on {target}: {why}");
            Command::Incident(incident::Command::RaiseAttention { id, about, reason })
        }
    }
}

fn named(id: IncidentId, left: &[Left]) -> String {
    let one = |left: &Left| {
        let (name, why) = (&left.strategy, &left.why);
        format!("{name} on {} more ({why}); see `containment apply {id} --strategy {name}`", left.targets)
    };
    left.iter().map(one).collect::<Vec<_>>().join(", ")
}
