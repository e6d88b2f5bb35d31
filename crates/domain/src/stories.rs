//! Stories: one incident each from its first alert to its end, in virtual time, told by the facts.

mod brute_force;
mod models;
mod monitoring;
mod practice;
mod reports;
mod still_firing;
mod tale;
mod validator_compromise;

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    access,
    action::Outcome,
    approval,
    content::services::{self, Verifies},
    event::Actor,
    flow::Command,
    id::{IncidentId, PersonId},
    incident::{self, Disposition, restore},
    playbook::Kind,
    run,
    scene::Scene,
    time::Span,
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
        "session.scan" => Some(json!({ "attempts": 1, "privileged": true, "techniques": [] })),
        "session.analyze" => Some(json!({ "techniques": ["role_override"] })),
        _ => None,
    }
}

/// People do and decide what the playbook leaves to them, the first option each time, and allow what it asks for.
pub(crate) fn people_work(scene: &mut Scene, id: IncidentId) {
    let people = commanders(scene);
    // Far more rounds than a playbook has steps.
    for _ in 0..60 {
        everything_works(scene);
        if let Some((request, hash)) = asked(scene, id) {
            for person in &people {
                let approve = approval::Command::Approve { id: request, hash: hash.clone() };
                // One of two is enough where one is asked for.
                drop(scene.ask(Actor::Person(*person), Command::Approval(approve)));
            }
            continue;
        }
        let Some((step, update)) = next_of_people(scene, id) else { return };
        if step.ends_with("ordered") {
            bring_back(scene, id);
        }
        if step == "impact" {
            for ask in incident::analysis::noted("as the alerts say") {
                scene.must(Command::Incident(incident::Command::Analyze { id, ask }));
            }
        }
        scene.ask(Actor::Person(people[0]), update).unwrap();
    }
    panic!("tasks without end");
}

/// Two people who hold every role.
fn commanders(scene: &mut Scene) -> Vec<PersonId> {
    for name in ["marta", "jonas"] {
        if scene.state.people.len() < 2 {
            let (name, role) = (name.to_owned(), access::Role::Commander);
            scene.must(Command::Access(access::Command::AddPerson { name, role }));
        }
    }
    scene.state.people.keys().copied().take(2).collect()
}

fn asked(scene: &Scene, id: IncidentId) -> Option<(crate::id::ApprovalId, String)> {
    let mut open =
        scene.state.approvals.values().filter(|one| one.incident == Some(id) && !one.open.is_empty());
    open.next().map(|one| (one.id, one.hash.to_string()))
}

/// The next task to do or decision to make, with its first option, and its step.
fn next_of_people(scene: &Scene, id: IncidentId) -> Option<(String, Command)> {
    let run = scene.state.runs.of_incident(id)?;
    let state = scene.state.runs.get(run)?;
    let playbook = &scene.state.playbooks[&state.hash];
    playbook.steps().map(|(_, step)| step).zip(&state.steps).find_map(|(step, at)| {
        let (mut complete, mut decide) = (Vec::new(), BTreeMap::new());
        if at.status != run::StepStatus::Active {
            return None;
        }
        if let Kind::Manual(_) = &step.kind {
            complete.push(step.id.clone());
        } else if let Kind::Decision(decision) = &step.kind {
            decide.insert(step.id.clone(), decision.options.keys().next()?.clone());
        } else {
            return None;
        }
        let update = run::Command::Update { id: run, complete, decide, note: None };
        Some((step.id.clone(), Command::Run(update)))
    })
}

/// A person has the services brought back in their order, unless that is done.
fn bring_back(scene: &mut Scene, id: IncidentId) {
    let incident = &scene.state.incidents.open[&id];
    let hurt = services::affected(&scene.state.content.services, &incident.targets);
    let begun =
        incident.recovery.as_ref().is_some_and(|plan| plan.completed_at.is_none() && plan.is_started());
    let done = incident.recovery.as_ref().is_some_and(|plan| plan.completed_at.is_some());
    if !hurt.is_empty() && !begun && !done {
        scene.must(recovery(id, restore::Command::Begin));
        everything_works(scene);
    }
}

/// What was hurt is back, people look at its protection, and at its data where nothing else does; what belongs to no
/// service is released.
pub(crate) fn recover(scene: &mut Scene, id: IncidentId) {
    bring_back(scene, id);
    if let Some(plan) = scene.state.incidents.open[&id].recovery.clone() {
        let checked = plan
            .services
            .iter()
            .flat_map(|service| &service.calls)
            .any(|call| call.verifies == Verifies::Data);
        let looks = [(Verifies::Data, !checked), (Verifies::Posture, true)];
        for (of, _) in looks.into_iter().filter(|(_, by_person)| *by_person) {
            let note = "as it should be, and nothing foreign is left".to_owned();
            scene.must(recovery(id, restore::Command::Judge { of, service: None, passed: true, note }));
        }
    }
    release_all(scene, id);
}

fn recovery(id: IncidentId, command: restore::Command) -> Command {
    Command::Incident(incident::Command::Recovery { id, command })
}

/// Time passes while it is watched, and the systems outside answer the probes.
pub(crate) fn watched(scene: &mut Scene, span: Span) {
    let end = scene.now.plus(span);
    while scene.now < end {
        // Less than the deadline of a probe.
        scene.wait(Span::secs(5).min(end.since(scene.now)));
        everything_works(scene);
    }
    // The watch ends with the answers of its last probes.
    scene.wait(Span::secs(1));
    everything_works(scene);
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

/// The platform looks at its log and its backups, and both hold.
pub(crate) fn prove(scene: &mut Scene, id: IncidentId) {
    use incident::closing::{Found, Gate};
    let holds = |gate| Found { gate, passed: true, said: "as it should be".into() };
    let found = vec![holds(Gate::Log), holds(Gate::Backup)];
    scene.must(Command::Incident(incident::Command::Check { id, found }));
}

pub(crate) fn sign_off(id: IncidentId, note: &str) -> Command {
    Command::Incident(incident::Command::SignOff { id, note: note.to_owned() })
}

pub(crate) fn close(id: IncidentId) -> Command {
    Command::Incident(incident::Command::Close { id, disposition: Disposition::TruePositive })
}
