//! What is allowed beforehand begins with the fact that says so, in the same commit as whatever made the incident so
//! severe.

use super::Command;
use crate::{
    action::{self, Origin, Spec},
    event::Stream,
    id::IncidentId,
    incident::{self, at_once::Left},
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
            let specs = effects.iter().flat_map(|effect| {
                effect.targets.iter().filter_map(|target| spec(state, id, &effect.strategy, target))
            });
            let ask = |spec| Command::Action(action::Command::Request(Box::new(spec)));
            let told = (!left.is_empty()).then(|| {
                let about = Stream::Incident(id);
                let reason =
                    format!("at {severity} more is allowed beforehand than was done: {}", named(id, left));
                Command::Incident(incident::Command::RaiseAttention { id, about, reason })
            });
            specs.map(ask).chain(told).collect()
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

fn spec(state: &State, id: IncidentId, name: &str, target: &str) -> Option<Spec> {
    let known = state.content.strategies.get(name)?;
    let spec = strategy::spec(state, id, known, target).ok()?;
    Some(Spec { origin: Origin::AtOnce, ..spec })
}

fn named(id: IncidentId, left: &[Left]) -> String {
    let one = |left: &Left| {
        let (name, why) = (&left.strategy, &left.why);
        format!("{name} on {} more ({why}); see `containment apply {id} --strategy {name}`", left.targets)
    };
    left.iter().map(one).collect::<Vec<_>>().join(", ")
}
