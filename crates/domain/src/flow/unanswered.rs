//! What the platform finds nothing to do about: a person has to know.

use super::Command;
use crate::{
    action,
    event::Stream,
    id::{AlertId, IncidentId},
    incident, run,
    state::State,
};

/// An alert that names what the playbook would act on and nothing contains any more, because a person released it:
/// that person, or another, has to know.
pub(super) fn uncontained(state: &State, id: IncidentId, alert: AlertId) -> Vec<Command> {
    let Some((incident, alert)) = state.incidents.open.get(&id).zip(state.alerts.get(alert)) else {
        return Vec::new();
    };
    let playbook = state.playbook_for(&incident.incident_type, incident.severity);
    let acts_on = |kind: &str| {
        let known = |verb: &str| state.content.actions.get(verb).is_some_and(|known| known.target == kind);
        playbook.is_some_and(|playbook| playbook.steps().any(|(_, step)| known(&step.verb)))
    };
    let held = |name: &str| {
        let mut own = state.actions.of_incident(id).filter(|action| *action.spec.target == *name);
        own.any(|action| !action.is_final())
    };
    let bare = crate::correlate::targets(&alert.labels)
        .into_iter()
        .find(|(kind, name)| acts_on(kind) && !held(name));
    let Some((kind, name)) = bare else { return Vec::new() };
    let reason = format!("a new alert names {kind} {name}, which nothing contains now; see `run start`");
    vec![Command::Incident(incident::Command::RaiseAttention { id, about: Stream::Incident(id), reason })]
}

/// A run that came to its end without a call or a person has answered nothing, so a person has to.
pub(super) fn did_nothing(state: &State, run: &run::Run) -> Option<Command> {
    let acted = run.steps.iter().any(|step| !step.targets.is_empty() || step.by.is_some());
    let mut own = state.actions.of_incident(run.incident);
    if run.status != run::Status::Completed || acted || own.any(action::Action::may_be_in_force) {
        return None;
    }
    let (id, about) = (run.incident, Stream::Incident(run.incident));
    let reason = format!(
        "playbook {} found nothing to act on; name its targets, or act by hand with `containment apply {id}`",
        run.playbook
    );
    Some(Command::Incident(incident::Command::RaiseAttention { id, about, reason }))
}
