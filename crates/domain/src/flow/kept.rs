//! Evidence and what surrounds it: calls that bring it, and people who hear when it is not what it was.

use crate::{
    action, alert,
    event::Stream,
    evidence::{self, Event},
    flow::Command,
    id::{ActionId, EvidenceId},
    incident,
    labels::Labels,
    state::State,
};

/// What a call brought is evidence of its incident from the same commit on.
pub(super) fn after_action(state: &State, id: ActionId, event: &action::Event) -> Vec<Command> {
    let action::Event::Applied { artefact: Some(artefact), .. } = event else { return Vec::new() };
    let collect = state.actions.get(id).and_then(|action| evidence::from_action(action, artefact));
    collect.map(Command::Evidence).into_iter().collect()
}

/// Bytes that are not what they were call for a person, by an incident of their own where theirs is closed.
pub(super) fn after(state: &State, id: EvidenceId, event: &Event) -> Vec<Command> {
    let Event::Verified { found } = event else { return Vec::new() };
    let Some(evidence) = state.evidence.get(&id) else { return Vec::new() };
    let (incident, about) = (evidence.item.incident, Stream::Evidence(id));
    let open = state.incidents.open.get(&incident);
    match (evidence::fault(evidence, found), open) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![Command::Incident(incident::Command::ClearAttention { id: incident, about })],
        (Some(reason), Some(_)) => {
            vec![Command::Incident(incident::Command::RaiseAttention { id: incident, about, reason })]
        }
        (Some(reason), None) => vec![Command::Receive(Box::new(alarm(id, reason)))],
    }
}

fn alarm(id: EvidenceId, reason: String) -> alert::Received {
    let id = id.to_string();
    let labels = [
        ("alertname", "EvidenceAltered"),
        ("evidence", &id),
        ("incident_type", "security_breach"),
        ("severity", "high"),
        ("source", "evidence"),
    ];
    // INVARIANT: two short names and texts are below every bound of labels.
    alert::Received {
        labels: Labels::from(labels),
        annotations: Labels::from_pairs(vec![("description".to_owned(), reason)]).unwrap_or_default(),
        ..alert::Received::default()
    }
}
