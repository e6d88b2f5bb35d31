//! Through the steps of a playbook to what can happen next. Steps stand in one list, each right before those inside
//! of it; a sequence is a range of that list.

use std::ops::Range;

use super::{Run, StepStatus, effect, progress::Move, task};
use crate::{
    event::Context,
    playbook::{Kind, OnFailure, Playbook, Step},
    state::State,
};

pub(super) struct Walk<'a> {
    pub state: &'a State,
    pub run: &'a Run,
    pub playbook: &'a Playbook,
    /// All of the playbook.
    pub steps: Vec<&'a Step>,
    pub context: &'a Context,
    /// Where the present stage begins.
    pub present: usize,
    /// Whether the incident may have gained targets.
    pub widened: bool,
}

impl Walk<'_> {
    /// The next move of these steps, one after the other; none when all have been passed.
    pub(super) fn sequence(&self, range: Range<usize>) -> Option<Move> {
        let mut index = range.start;
        while index < range.end {
            let next = self.step(index);
            if next.is_some() {
                return next;
            }
            index = if self.leads_on(index) { index + 1 } else { self.inside(index).end };
        }
        None
    }

    /// Once a choice is made, what it leads to is passed like the steps around it.
    fn leads_on(&self, index: usize) -> bool {
        self.steps[index].kind.chooses() && self.run.steps[index].status == StepStatus::Done
    }

    /// The steps inside of this one.
    pub(super) fn inside(&self, index: usize) -> Range<usize> {
        index + 1..index + 1 + self.steps[index].kind.inner()
    }

    fn step(&self, index: usize) -> Option<Move> {
        let step = self.steps[index];
        match self.run.steps[index].status {
            StepStatus::Pending => Some(self.begin(index)),
            StepStatus::Active => self.gained(index).or_else(|| self.active(index)),
            StepStatus::Done if self.leads_on(index) => None,
            StepStatus::Done | StepStatus::Skipped => self.gained(index).or_else(|| self.close(index)),
            // Passed over when its stage ended.
            StepStatus::Failed if index < self.present => self.close(index),
            StepStatus::Failed => match step.on_failure {
                OnFailure::Continue => self.close(index),
                OnFailure::Stop => {
                    Some(Move::Stop(format!("step `{}` failed: {}", step.id, self.note(index))))
                }
                OnFailure::Undo => Some(Move::Become(super::Status::Undoing {
                    reason: format!("step `{}`: {}", step.id, self.note(index)).into(),
                })),
            },
        }
    }

    pub(super) fn note(&self, index: usize) -> &str {
        self.run.steps[index].note.as_deref().unwrap_or("it failed")
    }

    fn begin(&self, index: usize) -> Move {
        match &self.steps[index].kind {
            Kind::Action => effect::begin(self.state, self.run, self.playbook, index, self.steps[index]),
            Kind::Decision(_) | Kind::Manual(_) | Kind::Wait(_) => {
                task::begin(self.state, self.run, self.playbook, index)
            }
            Kind::Switch(switch) => self.choose(index, switch),
            Kind::While(one) => self.round(index, one),
            Kind::Parallel(_) | Kind::Call(_) => self.open(index),
        }
    }

    /// What is under way; none for a task that holds up nothing, which is left open until what it is in ends.
    fn active(&self, index: usize) -> Option<Move> {
        let step = self.steps[index];
        match &step.kind {
            Kind::Action => Some(effect::watch(self.state, self.run, index, step)),
            Kind::Manual(_) if !step.priority.gates() => None,
            Kind::Decision(_) | Kind::Manual(_) | Kind::Wait(_) => {
                Some(task::watch(self.state, self.run, self.playbook, index, self.context))
            }
            Kind::Switch(switch) => Some(self.choose(index, switch)),
            Kind::While(one) => Some(self.within(index, || self.round(index, one))),
            Kind::Call(_) => Some(self.within(index, || self.done(index))),
            Kind::Parallel(parallel) => Some(self.side_by_side(index, parallel)),
        }
    }

    /// The first open step that is over by its time, or by its condition, wherever it stands.
    pub(super) fn timed(&self) -> Option<Move> {
        let open = |index: &usize| self.run.steps[*index].status == StepStatus::Active;
        let calls_nothing =
            |index: &usize| matches!(self.steps[*index].kind, Kind::Decision(_) | Kind::Wait(_));
        let open = (0..self.steps.len()).filter(open).filter(calls_nothing);
        let mut moves =
            open.map(|index| task::watch(self.state, self.run, self.playbook, index, self.context));
        moves.find(|one| urgency(one) == 0)
    }

    /// A step that is done, or still waits for others of its targets, begins with those that the incident gained.
    pub(super) fn gained(&self, index: usize) -> Option<Move> {
        let step = self.steps[index];
        let begun = matches!(self.run.steps[index].status, StepStatus::Done | StepStatus::Active);
        let looks = begun && matches!(step.kind, Kind::Action) && (self.widened || self.overtaken(index));
        if looks { effect::widen(self.state, self.run, self.playbook, index, step) } else { None }
    }

    /// Whether a step before this one ended after this one had begun, as one does that took up what the incident gained:
    /// it held up the walk, so this one has not looked yet.
    fn overtaken(&self, index: usize) -> bool {
        let since = self.run.steps[index].began_at.or(self.run.steps[index].ended_at);
        self.run.steps[..index].iter().any(|earlier| earlier.ended_at > since)
    }

    /// What keeps the stage from ending although its steps were passed: one that gates and failed.
    pub(super) fn failed_gate(&self, stage: Range<usize>) -> Option<usize> {
        let mut index = stage.start;
        while index < stage.end {
            let (step, status) = (self.steps[index], self.run.steps[index].status);
            if step.priority.gates() && status == StepStatus::Failed {
                return Some(index);
            }
            index = if self.counts_inside(index) { index + 1 } else { self.inside(index).end };
        }
        None
    }
}

/// A move that a person has to make possible, and one that waits, come after all others.
pub(super) fn urgency(one: &Move) -> u8 {
    match one {
        Move::Wait => 2,
        Move::Stop(_) | Move::Become(super::Status::Blocked { .. }) => 1,
        Move::Enter(_)
        | Move::Begin(_)
        | Move::Open(_)
        | Move::Finish(_)
        | Move::FinishAll(_)
        | Move::Release(_)
        | Move::Become(_) => 0,
    }
}

pub(super) fn stopped(why: &str) -> super::Status {
    super::Status::Blocked { reason: format!("{why}; retry or skip it, or cancel the run").into() }
}
