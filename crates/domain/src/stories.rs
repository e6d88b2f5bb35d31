//! Stories: one incident each from its first alert to its end, in virtual time, told by the facts.

mod brute_force;
mod monitoring;
mod practice;
mod reports;
mod still_firing;
mod tale;
mod validator_compromise;

use serde_json::json;

use crate::{
    action::Outcome,
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
            let artefact = scene.state.actions.get(id).and_then(|action| found(&action.spec.verb));
            scene.answer(id, Outcome::Applied { verified: Some(true), artefact });
        }
    }
    panic!("calls are opened without end");
}

/// What those who look find on an ordinary day.
fn found(verb: &str) -> Option<serde_json::Value> {
    match verb {
        "node.status" => Some(json!({ "active_validators": 6 })),
        "file.find_similar" => Some(json!({ "loose": 0 })),
        "session.scan" => Some(json!({ "user_risk": 0.4 })),
        "session.analyze" => Some(json!({ "sophistication": 0.3 })),
        _ => None,
    }
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
