//! How far a run can go now, given how its actions stand. Pure: it moves a copy and says what moved.

use std::ops::Range;

use super::{
    Begun, Finished, Opened, Progress, Run, Status, StepStatus, gate, stage_steps, task,
    walk::{Walk, stopped, urgency},
};
use crate::{
    action::{self, Goal},
    event::{Context, Rejected},
    id::ActionId,
    playbook::{PASSES_MOST, Playbook, Stage},
    state::State,
    time::Timestamp,
};

/// One thing that can happen next.
pub(super) enum Move {
    Wait,
    Enter(u32),
    Begin(Begun),
    Open(Opened),
    Finish(Finished),
    /// Several steps at once, such as a choice and what it passes over.
    FinishAll(Vec<Finished>),
    Release(ActionId),
    Become(Status),
    /// A step failed, and what stands around it says what follows.
    Stop(String),
}

/// Moves the run as far as it goes without waiting for the outside: one piece of progress, and one more for each
/// time that steps inside of others begin.
pub(super) fn advance(
    state: &State,
    mut run: Run,
    playbook: Result<&Playbook, Rejected>,
    widened: bool,
    context: &Context,
) -> Vec<Progress> {
    let mut all = Vec::new();
    for _ in 0..=PASSES_MOST {
        let one = progress(state, &run, playbook.clone(), widened, context);
        if one.is_empty() {
            break;
        }
        super::apply_progress(&mut run, &one, context.now);
        let opened = one.opened.is_some();
        all.push(one);
        if !opened {
            break;
        }
    }
    all
}

/// Without its playbook a run goes only backward. With `widened`, steps that are done look for targets that the
/// incident gained since.
fn progress(
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
            Move::Stop(why) => one.status = Some(stopped(&why)),
            Move::Open(opened) => {
                all.opened = Some(opened);
                break;
            }
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
        all.flagged = task::flags(&run, playbook, state.control.clock_doubt.is_some(), context.now);
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
    let here = stage_steps(playbook, run.stage as usize);
    let steps = playbook.steps().map(|(_, step)| step).collect();
    let walk = Walk { state, run, playbook, steps, context, present: here.start, widened };
    let next = walk.sequence(0..here.end).unwrap_or_else(|| leave_stage(&walk, stage, here));
    // What holds up the run holds up neither what time alone decides nor the timers behind it.
    if urgency(&next) == 0 { next } else { walk.timed().unwrap_or(next) }
}

pub(super) fn blocked(reason: String) -> Move {
    Move::Become(Status::Blocked { reason: reason.into() })
}

pub(super) fn fail(index: usize, note: String) -> Move {
    let (step, note) = (index as u32, Some(note.into()));
    Move::Finish(Finished { step, status: StepStatus::Failed, note, choice: None })
}

/// Gating steps and the exit criteria decide whether the next stage may begin.
fn leave_stage(walk: &Walk<'_>, stage: &Stage, here: Range<usize>) -> Move {
    let (state, run, playbook) = (walk.state, walk.run, walk.playbook);
    if let Some(index) = walk.failed_gate(here) {
        let (id, note) = (&walk.steps[index].id, walk.note(index));
        return blocked(format!(
            "stage `{}` needs step `{id}`, which failed: {note}; retry or skip it",
            stage.id
        ));
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
        (action::Status::InForce, _) => match &last.kept {
            Some(why) => {
                let id = last.id;
                blocked(format!("{id} stays in force: {why}; see `containment release {id}`"))
            }
            None => Move::Release(last.id),
        },
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
