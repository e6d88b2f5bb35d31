//! Steps that act on something outside: whom they act on, and what their actions came to.

use std::collections::BTreeSet;

use super::{
    Begun, Finished, Run, StepStatus, gate,
    progress::{Move, blocked, fail},
};
use crate::{
    action::{self, Goal},
    control::own,
    playbook::{Playbook, Step, Targets},
    state::State,
};

/// A step whose effects are under way: done when every one of them has come to something.
pub(super) fn watch(state: &State, run: &Run, index: usize, step: &Step) -> Move {
    let mut failures = Vec::new();
    let mut settled = 0;
    for action in state.actions.of_step(run.id, index as u32, run.steps[index].round) {
        match &action.status {
            action::Status::InForce | action::Status::Done | action::Status::Released => settled += 1,
            action::Status::Failed { reason } => {
                settled += 1;
                failures.push(format!("{}: {reason}", action.spec.target));
            }
            action::Status::InDoubt { reason } if action.goal == Goal::Apply => {
                let id = action.id;
                return blocked(format!("{id} of step `{}` is in doubt: {reason}", step.id));
            }
            action::Status::InDoubt { .. }
            | action::Status::Held { .. }
            | action::Status::Calling { .. }
            | action::Status::Waiting { .. } => {
                settled += usize::from(action.goal == Goal::Release);
            }
        }
    }
    let all = run.steps[index].targets.len();
    if settled < all {
        return Move::Wait;
    }
    let step = index as u32;
    Move::Finish(match failures.first() {
        None => Finished { step, status: StepStatus::Done, note: None, choice: None },
        Some(first) => {
            let note = format!("{} of {all} targets failed, first {first}", failures.len());
            Finished { step, status: StepStatus::Failed, note: Some(note.into()), choice: None }
        }
    })
}

pub(super) fn begin(state: &State, run: &Run, playbook: &Playbook, index: usize, step: &Step) -> Move {
    match open_targets(state, run, playbook, index, step) {
        Ok(targets) => begin_on(state, run, playbook, index, step, targets),
        Err(why) => fail(index, format!("its targets cannot be told: {why}")),
    }
}

/// A step that is done begins again with the targets that the incident gained since.
pub(super) fn widen(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    index: usize,
    step: &Step,
) -> Option<Move> {
    let targets = open_targets(state, run, playbook, index, step).ok()?;
    (!targets.is_empty()).then(|| begin_on(state, run, playbook, index, step, targets))
}

fn begin_on(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    index: usize,
    step: &Step,
    targets: Vec<Box<str>>,
) -> Move {
    let Some(known) = state.content.actions.get(&step.verb) else {
        return fail(index, format!("`{}` is no longer in actions.yaml", step.verb));
    };
    let others = state.beginning.iter().filter(|id| **id != run.id).collect::<BTreeSet<_>>();
    let others = others.into_iter().filter_map(|id| state.runs.get(*id));
    let others = others.filter_map(|other| Some((other, &**state.playbooks.get(&other.hash)?)));
    let promised = std::iter::once((run, playbook)).chain(others);
    let promised = promised.map(|(run, playbook)| self::promised(state, run, playbook, &step.verb)).sum();
    if let Err(why) = action::cap(state, known, targets.len(), promised) {
        return fail(index, why);
    }
    let given = step.with.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Err(why) = action::checked_args(known, given) {
        return fail(index, format!("`{}` is asked otherwise now: {why}", step.verb));
    }
    let index = index as u32;
    if targets.is_empty() {
        let note = Some("nothing to act on".into());
        return Move::Finish(Finished { step: index, status: StepStatus::Done, note, choice: None });
    }
    Move::Begin(Begun { step: index, targets })
}

/// How many of this verb the run has begun that are no actions yet: steps that begin side by side do so in one move,
/// and one reaction may begin several runs.
fn promised(state: &State, run: &Run, playbook: &Playbook, verb: &str) -> usize {
    let open = |(index, (_, step)): (usize, (usize, &Step))| {
        let progress = &run.steps[index];
        if *step.verb != *verb || progress.status != StepStatus::Active {
            return 0;
        }
        let begun = state.actions.of_step(run.id, index as u32, progress.round).count();
        progress.targets.len().saturating_sub(begun)
    };
    playbook.steps().enumerate().map(open).sum()
}

/// The targets that the step does not cover yet: neither by this run nor by a containment of the incident
/// that holds already.
fn open_targets(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    index: usize,
    step: &Step,
) -> Result<Vec<Box<str>>, String> {
    let mut targets: Vec<Box<str>> = match &step.targets {
        Targets::Named(name) => vec![name.as_str().into()],
        Targets::ForEach(expr) => gate::names(state, run, playbook, expr)?,
    };
    targets.sort_unstable();
    targets.dedup();
    let held = |target: &str| {
        let mut same = state
            .actions
            .of_incident(run.incident)
            .filter(|action| *action.spec.verb == *step.verb && *action.spec.target == *target);
        same.any(|action| {
            matches!(action.status, action::Status::InForce) && own::stands(&state.control, &action.spec)
        })
    };
    targets.retain(|target| !run.steps[index].targets.contains(target) && !held(target));
    Ok(targets)
}
