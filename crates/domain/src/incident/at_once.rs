//! What runs by itself when an incident is so severe: the strategies that `at_once` of strategies.yaml names, on its
//! targets, as far as its playbook does not do the same.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Event, Incident, Status};
use crate::{
    content::strategies::{AtOnce, Strategy},
    event::Rejected,
    id::IncidentId,
    run::StepStatus,
    severity::Severity,
    state::State,
    strategy,
};

/// One strategy on these targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub strategy: Box<str>,
    pub verb: Box<str>,
    pub targets: Vec<Box<str>>,
}

/// What a cap left out, or what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub strategy: Box<str>,
    pub targets: u32,
    pub why: Box<str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl Left {
    /// By what people know it: each refusal for itself, a cap whatever is free under it.
    fn key(&self) -> Box<str> {
        match self.refused {
            true => format!("{}: {}", self.strategy, self.why).into(),
            false => self.strategy.clone(),
        }
    }
}

/// What ran so far, so that it runs once.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ran {
    /// Verb and target.
    pub effects: BTreeSet<(Box<str>, Box<str>)>,
    /// Of what people were told that it was left out: strategies by a cap, and each refusal.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<Box<str>>,
}

/// The set for its severity as far as it did not run yet; nothing where people have the first word.
pub(super) fn decide(state: &State, id: IncidentId) -> Vec<(IncidentId, Event)> {
    let Some(incident) = state.incidents.open.get(&id) else { return Vec::new() };
    let alone = incident.status == Status::Open && incident.acts_alone(state.content.confidence.act_from);
    let Some(set) = state.content.strategies.at_once(incident.severity).filter(|_| alone) else {
        return Vec::new();
    };
    let (effects, left) = due(state, incident, set);
    if effects.is_empty() && left.is_empty() {
        return Vec::new();
    }
    vec![(id, Event::AtOnce { severity: set.severity, effects, left })]
}

fn due(state: &State, incident: &Incident, set: &AtOnce) -> (Vec<Effect>, Vec<Left>) {
    let nothing = Ran::default();
    let ran = incident.at_once.as_deref().unwrap_or(&nothing);
    let mut free = (set.targets_max as usize).saturating_sub(ran.effects.len());
    let (mut effects, mut left): (Vec<Effect>, Vec<Left>) = (Vec::new(), Vec::new());
    let named = set.strategies.iter().filter_map(|id| state.content.strategies.get(id));
    for strategy in named.filter(|one| one.is_for(&incident.incident_type) && one.fits(incident.severity)) {
        let mut targets = open_targets(state, incident, strategy, ran);
        // Another strategy of this set may do the same.
        let same = |effect: &&Effect| *effect.verb == *strategy.verb;
        let chosen: BTreeSet<&str> =
            effects.iter().filter(same).flat_map(|effect| &effect.targets).map(|target| &**target).collect();
        targets.retain(|target| !chosen.contains(&**target));
        if targets.is_empty() || does_itself(state, incident.id, &strategy.verb) {
            continue;
        }
        let most = strategy::most(state, strategy).saturating_sub(chosen.len());
        // What would be refused did not run, so it does not count as if it had.
        let refused = refused(state, incident.id, strategy, &mut targets);
        left.extend(refused.into_iter().filter(|one| !ran.left.contains(&one.key())));
        let reach = targets.len().min(free).min(most);
        let over = targets.split_off(reach);
        if !over.is_empty() && !ran.left.contains(strategy.id.as_str()) {
            let why = match most <= free {
                true => format!("`{}` may reach {most} more now", strategy.verb),
                false => format!("at_once reaches {} targets of one incident", set.targets_max),
            };
            let targets = u32::try_from(over.len()).unwrap_or(u32::MAX);
            left.push(Left {
                strategy: strategy.id.as_str().into(),
                targets,
                why: why.into(),
                refused: false,
            });
        }
        free -= reach;
        if !targets.is_empty() {
            let (strategy, verb) = (strategy.id.as_str().into(), strategy.verb.as_str().into());
            effects.push(Effect { strategy, verb, targets });
        }
    }
    (effects, left)
}

/// The targets on which it did not run, and which nothing of this incident holds in the same way.
fn open_targets(state: &State, incident: &Incident, strategy: &Strategy, ran: &Ran) -> Vec<Box<str>> {
    let verb: Box<str> = strategy.verb.as_str().into();
    let mut targets: Vec<Box<str>> = incident.targets_of(&strategy.target).map(Box::from).collect();
    targets.retain(|target| {
        !ran.effects.contains(&(verb.clone(), target.clone()))
            && strategy::held(state, incident.id, &verb, target).is_none()
    });
    targets
}

/// Takes out the targets on which it is refused, and says for each reason how many they are.
fn refused(state: &State, id: IncidentId, strategy: &Strategy, targets: &mut Vec<Box<str>>) -> Vec<Left> {
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    targets.retain(|target| match strategy::spec(state, id, strategy, target) {
        Ok(_) => true,
        // Its cap is counted for all of them together.
        Err(Rejected::Limited(_)) => true,
        Err(rejected) => {
            *refused.entry(rejected.to_string()).or_default() += 1;
            false
        }
    });
    let left = |(why, targets): (String, u32)| Left {
        strategy: strategy.id.as_str().into(),
        targets,
        why: why.into(),
        refused: true,
    };
    refused.into_iter().map(left).collect()
}

/// Whether its run does the same, did it, or asks people for it; what a run has passed over it does not do.
fn does_itself(state: &State, id: IncidentId, verb: &str) -> bool {
    let run = state.runs.of_incident(id).and_then(|id| state.runs.get(id));
    let Some((run, playbook)) = run.and_then(|run| Some((run, state.playbooks.get(&run.hash)?))) else {
        return false;
    };
    let mut steps = playbook.steps().zip(&run.steps);
    steps.any(|((_, step), state)| step.verb == verb && state.status != StepStatus::Skipped)
}

/// The text of a timeline.
pub fn said(severity: Severity, effects: &[Effect], left: &[Left]) -> String {
    let ran = effects.iter().map(|effect| format!("{} on {}", effect.strategy, effect.targets.join(", ")));
    let out = left.iter().map(|left| format!("{} not on {} more: {}", left.strategy, left.targets, left.why));
    format!("allowed beforehand at {severity}: {}", ran.chain(out).collect::<Vec<_>>().join("; "))
}

pub(super) fn apply(ran: &mut Option<Box<Ran>>, effects: &[Effect], left: &[Left]) {
    let ran = ran.get_or_insert_default();
    for effect in effects {
        ran.effects.extend(effect.targets.iter().map(|target| (effect.verb.clone(), target.clone())));
    }
    ran.left.extend(left.iter().map(Left::key));
}
