//! Stories: one incident each from its first alert to its end, in virtual time, told by the facts.

mod monitoring;
mod practice;
mod still_firing;
mod tale;
mod validator_compromise;

use crate::{
    flow::Command,
    id::IncidentId,
    incident::{self, Disposition},
    scene::Scene,
};

/// Every call that is open is answered with success, until none is left.
pub(crate) fn everything_works(scene: &mut Scene) {
    // Far more rounds than any playbook has steps.
    for _ in 0..100 {
        let open = scene.calling();
        if open.is_empty() {
            return;
        }
        for id in open {
            scene.applied(id);
        }
    }
    panic!("calls are opened without end");
}

/// What is in force for this incident is taken back, the last first.
pub(crate) fn release_all(scene: &mut Scene, id: IncidentId) {
    let mut held: Vec<_> =
        scene.state.actions.of_incident(id).filter(|a| !a.is_final()).map(|a| a.id).collect();
    held.sort_unstable();
    for id in held.into_iter().rev() {
        scene.must(Command::Action(crate::action::Command::Release { id }));
        everything_works(scene);
    }
}

pub(crate) fn resolve(id: IncidentId, summary: &str) -> Command {
    Command::Incident(incident::Command::Resolve { id, summary: summary.to_owned() })
}

pub(crate) fn sign_off(id: IncidentId, note: &str) -> Command {
    Command::Incident(incident::Command::SignOff { id, note: note.to_owned() })
}

pub(crate) fn close(id: IncidentId) -> Command {
    Command::Incident(incident::Command::Close { id, disposition: Disposition::TruePositive })
}
