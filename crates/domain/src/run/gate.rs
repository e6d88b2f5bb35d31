//! What expressions see of a run: the incident, the steps, the containments.

use std::collections::BTreeMap;

use super::{Run, StepStatus};
use crate::{
    action::{Action, Status},
    approval::Terms,
    content::{
        ActionSpec, ContainmentFacts, GateFacts, IncidentFacts, StepFacts, approval_bindings, gate_bindings,
    },
    expr::{Bindings, Expr, Value},
    incident::Incident,
    playbook::{Consent, Gate, Kind, Playbook},
    state::State,
};

/// `None` when the gate holds or there is none; else why it does not, in words for people.
pub(super) fn blocked_by(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    gate: Option<&Gate>,
) -> Option<String> {
    let gate = gate?;
    match holds(state, run, playbook, gate) {
        Ok(true) => None,
        Ok(false) => Some(format!("`{}` does not hold", gate.text)),
        Err(why) => Some(why),
    }
}

/// Whether it holds, or why that cannot be told.
pub(super) fn holds(state: &State, run: &Run, playbook: &Playbook, gate: &Gate) -> Result<bool, String> {
    let Some(incident) = state.incidents.open.get(&run.incident) else {
        return Err(format!("{} is not open any more", run.incident));
    };
    let in_force = containments(state, incident);
    let bindings = bindings(state, run, playbook, incident, &in_force);
    gate.expr.holds(&bindings).map_err(|error| format!("`{}` cannot be evaluated: {error}", gate.text))
}

/// Whose yes this step needs for its action, now that it begins. What cannot be told is asked.
pub(crate) fn terms(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    consent: &Consent,
    action: &ActionSpec,
) -> Option<Terms> {
    let wanted = consent.when.as_ref().is_none_or(|when| {
        let Some(incident) = state.incidents.open.get(&run.incident) else { return true };
        let in_force = containments(state, incident);
        let gates = bindings(state, run, playbook, incident, &in_force);
        when.expr.holds(&approval_bindings(gates, action)).unwrap_or(true)
    });
    let roles = consent.roles.iter().map(|role| role.as_str().into()).collect();
    wanted.then_some(Terms { quorum: consent.quorum, roles, expires: consent.expires })
}

/// The names that an expression lists.
pub(super) fn names(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    expr: &Expr,
) -> Result<Vec<Box<str>>, String> {
    let incident = state
        .incidents
        .open
        .get(&run.incident)
        .ok_or_else(|| format!("{} is not open any more", run.incident))?;
    let in_force = containments(state, incident);
    let bindings = bindings(state, run, playbook, incident, &in_force);
    let value = expr.evaluate(&bindings).map_err(|error| error.to_string())?;
    let Value::List(items) = &value else { return Err(format!("`{}` is not a list", expr.source())) };
    let name = |item: &Value| match item {
        Value::String(text) => Ok(Box::from(&**text)),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Duration(_)
        | Value::Timestamp(_)
        | Value::List(_)
        | Value::Map(_) => Err(format!("`{}` lists {}, not names", expr.source(), item.kind())),
    };
    items.iter().map(name).collect()
}

fn bindings<'a>(
    state: &State,
    run: &'a Run,
    playbook: &'a Playbook,
    incident: &'a Incident,
    in_force: &'a [&'a Action],
) -> Bindings<'a> {
    let steps = playbook.steps().enumerate();
    let decisions = playbook.steps().zip(&run.steps).filter_map(|((_, step), now)| match step.kind {
        Kind::Decision(_) | Kind::Switch(_) => Some((step.id.as_str(), now.choice.as_deref())),
        Kind::Action
        | Kind::Manual(_)
        | Kind::Wait(_)
        | Kind::While(_)
        | Kind::Parallel(_)
        | Kind::Call(_) => None,
    });
    let facts = GateFacts {
        incident: IncidentFacts {
            id: incident.id.to_string(),
            incident_type: &incident.incident_type,
            severity: incident.severity,
            title: &incident.title,
            targets: &incident.targets,
        },
        steps: steps.map(|(index, (_, step))| (step.id.as_str(), step_facts(state, run, index))).collect(),
        decisions: decisions.collect(),
        containments: in_force.iter().map(|action| containment_facts(action)).collect(),
        analysis: incident.analysis(),
    };
    gate_bindings(&facts)
}

fn containments<'a>(state: &'a State, incident: &Incident) -> Vec<&'a Action> {
    state.actions.of_incident(incident.id).filter(|action| action.may_be_in_force()).collect()
}

fn step_facts(state: &State, run: &Run, index: usize) -> StepFacts {
    let step = &run.steps[index];
    let actions: Vec<&Action> = state.actions.of_step(run.id, index as u32, step.round).collect();
    let applied = actions.iter().filter(|action| action.is_applied()).count();
    let verified = actions.iter().filter(|action| action.verified == Some(true)).count();
    let all = step.targets.len();
    let done = step.status == StepStatus::Done;
    StepFacts {
        done: done || matches!(step.status, StepStatus::Failed | StepStatus::Skipped),
        applied: done && applied == all,
        failed: step.status == StepStatus::Failed,
        skipped: step.status == StepStatus::Skipped,
        targets: all as u32,
        applied_count: applied as u32,
        verified: done && verified == all,
        rounds: step.rounds,
        figures: figures(state, &actions),
    }
}

/// At most so many numbers are read from what one call gave back.
const FIGURES_MOST: usize = 32;

/// By target, since each may have given back another. What goes by the name of a score is not what the call says, but what
/// its signals came to.
fn figures(state: &State, actions: &[&Action]) -> BTreeMap<Box<str>, BTreeMap<Box<str>, f64>> {
    let applied = actions.iter().filter(|action| action.is_applied());
    let scores = &state.content.scores;
    let of = |action: &&&Action| {
        let numbers = action.artefact.as_ref()?.as_object()?.iter();
        let numbers = numbers.filter(|(name, _)| !scores.is_score(name));
        let numbers = numbers.filter_map(|(name, value)| Some((name.as_str().into(), value.as_f64()?)));
        let made = action.scores.iter().map(|score| (score.score.clone(), score.value()));
        Some((action.spec.target.clone(), numbers.take(FIGURES_MOST).chain(made).collect()))
    };
    applied.filter_map(|action| of(&action)).collect()
}

fn containment_facts(action: &Action) -> ContainmentFacts<'_> {
    ContainmentFacts {
        verb: &action.spec.verb,
        target: &action.spec.target,
        verified: action.verified == Some(true),
        in_force: matches!(action.status, Status::InForce),
    }
}
