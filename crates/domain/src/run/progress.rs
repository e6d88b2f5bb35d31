//! How far a run can go now, given how its actions stand. Pure: it moves a copy and says what moved.

use super::{Begun, Finished, Progress, Run, Status, StepStatus, gate, stage_steps, task};
use crate::{
    action::{self, Goal},
    event::{Context, Rejected},
    id::ActionId,
    playbook::{Kind, OnFailure, Playbook, Step, Targets},
    state::State,
    time::Timestamp,
};

/// One thing that can happen next.
pub(super) enum Move {
    Wait,
    Enter(u32),
    Begin(Begun),
    Finish(Finished),
    /// Several steps at once, such as a choice and what it passes over.
    FinishAll(Vec<Finished>),
    Release(ActionId),
    Become(Status),
}

/// Moves the run as far as it goes without waiting for the outside; without its playbook only backward. With `widened`, steps that are done look
/// for targets that the incident gained since.
pub(super) fn progress(
    state: &State,
    run: &Run,
    playbook: Result<&Playbook, Rejected>,
    widened: bool,
    context: &Context,
) -> Progress {
    let mut run = run.clone();
    let before = run.status.clone();
    if matches!(run.status, Status::Blocked { .. }) {
        run.status = run.underway();
    }
    let mut all = Progress::default();
    // Each step begins and finishes at most once here, each stage is entered once.
    let stages = playbook.as_ref().map_or(0, |playbook| playbook.stages.len());
    for _ in 0..2 * run.steps.len() + stages + 4 {
        let mut one = Progress::default();
        match next_move(state, &run, playbook.as_ref(), widened, context) {
            Move::Wait => break,
            Move::Enter(stage) => one.stage = Some(stage),
            Move::Begin(begun) => one.begun.push(begun),
            Move::Finish(finished) => one.finished.push(finished),
            Move::FinishAll(finished) => one.finished = finished,
            Move::Release(action) => {
                all.release = Some(action);
                break;
            }
            Move::Become(status) => one.status = Some(status),
        }
        super::apply_progress(&mut run, &one, context.now);
        let stop = matches!(run.status, Status::Blocked { .. }) || run.is_ended();
        all.stage = one.stage.or(all.stage);
        all.begun.append(&mut one.begun);
        // What ended at once was never open.
        all.begun.retain(|begun| one.finished.iter().all(|finished| finished.step != begun.step));
        all.finished.append(&mut one.finished);
        if stop {
            break;
        }
    }
    if let Ok(playbook) = playbook {
        all.flagged = task::flags(&run, playbook, context.now);
    }
    all.status = (run.status != before).then_some(run.status);
    all
}

fn next_move(
    state: &State,
    run: &Run,
    playbook: Result<&&Playbook, &Rejected>,
    widened: bool,
    context: &Context,
) -> Move {
    match run.status {
        Status::Active => {}
        Status::Undoing { ref reason } => return undo(state, run, reason),
        Status::Paused
        | Status::Blocked { .. }
        | Status::Completed
        | Status::Failed { .. }
        | Status::Canceled
        | Status::Quarantined { .. } => return Move::Wait,
    }
    let playbook = match playbook {
        Ok(playbook) => *playbook,
        Err(why) => return blocked(format!("{why}; cancel the run, with undo or without")),
    };
    let Some(stage) = playbook.stages.get(run.stage as usize) else {
        return Move::Become(Status::Completed);
    };
    if !run.entered {
        return match gate::blocked_by(state, run, playbook, stage.entry.as_ref()) {
            Some(why) => blocked(format!("stage `{}` cannot begin: {why}", stage.id)),
            None => Move::Enter(run.stage),
        };
    }
    let reached = stage_steps(playbook, run.stage as usize);
    for (index, (_, step)) in playbook.steps().enumerate().take(reached.end) {
        match run.steps[index].status {
            StepStatus::Done if widened && matches!(step.kind, Kind::Action) => {
                if let Ok(targets) = open_targets(state, run, playbook, index, step)
                    && !targets.is_empty()
                {
                    return begin_on(state, index, step, targets);
                }
            }
            StepStatus::Done | StepStatus::Skipped => {}
            // Passed over when its stage ended.
            StepStatus::Failed if index < reached.start => {}
            StepStatus::Failed if step.on_failure == OnFailure::Continue => {}
            StepStatus::Failed => return failed(run, index, step),
            StepStatus::Active => match step.kind {
                Kind::Action => return watch(state, run, index, step),
                // Nothing waits for it; it is left open until its stage ends.
                Kind::Manual(_) if !step.priority.gates() => {}
                Kind::Decision(_) | Kind::Manual(_) | Kind::Wait(_) => {
                    return task::watch(state, run, playbook, index, context);
                }
            },
            StepStatus::Pending => match step.kind {
                Kind::Action => return begin(state, run, playbook, index, step),
                Kind::Decision(_) | Kind::Manual(_) | Kind::Wait(_) => {
                    return task::begin(state, run, playbook, index);
                }
            },
        }
    }
    leave_stage(state, run, playbook)
}

fn blocked(reason: String) -> Move {
    Move::Become(Status::Blocked { reason: reason.into() })
}

fn failed(run: &Run, index: usize, step: &Step) -> Move {
    let note = run.steps[index].note.as_deref().unwrap_or("it failed");
    match step.on_failure {
        OnFailure::Undo => {
            Move::Become(Status::Undoing { reason: format!("step `{}`: {note}", step.id).into() })
        }
        OnFailure::Stop | OnFailure::Continue => {
            blocked(format!("step `{}` failed: {note}; retry or skip it, or cancel the run", step.id))
        }
    }
}

/// A step whose effects are under way: done when every one of them has come to something.
fn watch(state: &State, run: &Run, index: usize, step: &Step) -> Move {
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

fn fail(index: usize, note: String) -> Move {
    let (step, note) = (index as u32, Some(note.into()));
    Move::Finish(Finished { step, status: StepStatus::Failed, note, choice: None })
}

fn begin(state: &State, run: &Run, playbook: &Playbook, index: usize, step: &Step) -> Move {
    match open_targets(state, run, playbook, index, step) {
        Ok(targets) => begin_on(state, index, step, targets),
        Err(why) => fail(index, format!("its targets cannot be told: {why}")),
    }
}

fn begin_on(state: &State, index: usize, step: &Step, targets: Vec<Box<str>>) -> Move {
    let Some(known) = state.content.actions.get(&step.verb) else {
        return fail(index, format!("`{}` is no longer in actions.yaml", step.verb));
    };
    if let Err(why) = action::cap(state, known, targets.len()) {
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
        same.any(|action| matches!(action.status, action::Status::InForce))
    };
    targets.retain(|target| !run.steps[index].targets.contains(target) && !held(target));
    Ok(targets)
}

/// Gating steps and the exit criteria decide whether the next stage may begin.
fn leave_stage(state: &State, run: &Run, playbook: &Playbook) -> Move {
    let stage = &playbook.stages[run.stage as usize];
    let steps = stage_steps(playbook, run.stage as usize).zip(&stage.steps);
    for (index, step) in steps {
        if step.priority.gates() && run.steps[index].status == StepStatus::Failed {
            let note = run.steps[index].note.as_deref().unwrap_or("it failed");
            return blocked(format!(
                "stage `{}` needs step `{}`, which failed: {note}; retry or skip it",
                stage.id, step.id
            ));
        }
    }
    let passed = task::passed_over(run, playbook);
    let open = !passed.contains(&run.stage);
    if open && let Some(why) = gate::blocked_by(state, run, playbook, stage.exit.as_ref()) {
        return blocked(format!("stage `{}` cannot end: {why}", stage.id));
    }
    let left = task::left_open(run, playbook);
    if !left.is_empty() {
        return Move::FinishAll(left);
    }
    let next = run.stage + 1;
    if passed.contains(&next) {
        return Move::Enter(next);
    }
    match playbook.stages.get(next as usize) {
        None => Move::Become(Status::Completed),
        Some(stage) => match gate::blocked_by(state, run, playbook, stage.entry.as_ref()) {
            Some(why) => blocked(format!("stage `{}` cannot begin: {why}", stage.id)),
            None => Move::Enter(next),
        },
    }
}

/// Takes back one containment at a time, the last applied first; what is in doubt was asked for last.
fn undo(state: &State, run: &Run, reason: &str) -> Move {
    let mut actions: Vec<_> = state.actions.of_run(run.id).filter(|a| !a.is_final()).collect();
    actions.sort_by_key(|action| (action.applied_at.unwrap_or(Timestamp::MAX), action.id));
    let Some(last) = actions.last() else {
        return Move::Become(Status::Failed { reason: reason.into() });
    };
    match (&last.status, last.goal) {
        (action::Status::InDoubt { reason }, Goal::Release) => {
            blocked(format!("{} could not be taken back: {reason}", last.id))
        }
        (action::Status::InForce, _) => Move::Release(last.id),
        (action::Status::InDoubt { .. }, Goal::Apply) if last.spec.revert.is_some() => Move::Release(last.id),
        (action::Status::InDoubt { reason }, Goal::Apply) => {
            blocked(format!("{} is in doubt and cannot be taken back: {reason}", last.id))
        }
        (
            action::Status::Held { .. }
            | action::Status::Calling { .. }
            | action::Status::Waiting { .. }
            | action::Status::Done
            | action::Status::Failed { .. }
            | action::Status::Released,
            _,
        ) => Move::Wait,
    }
}
