//! Steps that hold others: `switch` chooses a branch, `while` repeats its steps, `parallel` runs branches side by
//! side, `call` has the steps of a piece. What ends closes what is inside of it: nothing new begins there, and calls under way come to their end.

use super::{
    Finished, Opened, Run, Status, StepStatus, effect, gate,
    progress::{Move, fail},
    task,
    walk::{Walk, urgency},
};
use crate::playbook::{Join, Kind, OnFailure, Parallel, Playbook, Switch, While};

impl Walk<'_> {
    /// What is inside begins, or begins anew.
    pub(super) fn open(&self, index: usize) -> Move {
        Move::Open(Opened { step: index as u32, inner: self.inside(index).len() as u32 })
    }

    /// The steps inside, one after the other; `end` says what follows when they have come through.
    pub(super) fn within(&self, index: usize, end: impl FnOnce() -> Move) -> Move {
        match self.sequence(self.inside(index)) {
            Some(inner) => self.held_up(index, inner),
            None => self.close(index).unwrap_or_else(end),
        }
    }

    pub(super) fn done(&self, index: usize) -> Move {
        Move::Finish(Finished { step: index as u32, status: StepStatus::Done, note: None, choice: None })
    }

    pub(super) fn choose(&self, index: usize, switch: &Switch) -> Move {
        for case in &switch.cases {
            match case
                .when
                .as_ref()
                .map_or(Ok(true), |when| gate::holds(self.state, self.run, self.playbook, when))
            {
                Ok(true) => {
                    let note = case.when.as_ref().map(|when| format!("`{}` holds", when.text).into());
                    let kind = &self.steps[index].kind;
                    return Move::FinishAll(task::chosen(
                        self.playbook,
                        index as u32,
                        kind,
                        &case.name,
                        note,
                    ));
                }
                Ok(false) => {}
                Err(why) => return fail(index, why),
            }
        }
        fail(index, "no case holds".to_owned())
    }

    /// Before each round of a `while`.
    pub(super) fn round(&self, index: usize, one: &While) -> Move {
        match gate::holds(self.state, self.run, self.playbook, &one.gate) {
            Err(why) => fail(index, why),
            Ok(true) if self.run.steps[index].rounds < one.rounds => self.open(index),
            Ok(true) => fail(index, format!("`{}` still holds after {} rounds", one.gate.text, one.rounds)),
            Ok(false) => self.done(index),
        }
    }

    /// The branches of a `parallel`: what can move does; then it is told what stopped; then all wait.
    pub(super) fn side_by_side(&self, index: usize, parallel: &Parallel) -> Move {
        let branch = |steps: &std::ops::Range<u32>| self.sequence(steps.start as usize..steps.end as usize);
        let branches: Vec<Option<Move>> = parallel.branches.values().map(branch).collect();
        let all = branches.len();
        let mut moves: Vec<Move> = branches.into_iter().flatten().collect();
        let through = all - moves.len();
        if through == all || (parallel.join == Join::Any && through > 0) {
            return self.close(index).unwrap_or_else(|| self.done(index));
        }
        moves.sort_by_key(urgency);
        let stopped = moves.iter().filter(|one| matches!(one, Move::Stop(_))).count();
        let another_may = parallel.join == Join::Any && through + stopped < all;
        let stops = |one: &Move| matches!(one, Move::Stop(_));
        match self.steps[index].on_failure {
            _ if another_may => moves.retain(|one| !stops(one)),
            OnFailure::Stop => {}
            OnFailure::Continue if stopped < moves.len() => moves.retain(|one| !stops(one)),
            OnFailure::Continue => {}
            OnFailure::Undo if stopped > 0 => moves.retain(stops),
            OnFailure::Undo => {}
        }
        let first = moves.into_iter().next();
        first.map_or(Move::Wait, |one| self.held_up(index, one))
    }

    /// A move from inside. Where a step there stopped, `on_failure` of this one says what follows.
    pub(super) fn held_up(&self, index: usize, inner: Move) -> Move {
        let Move::Stop(why) = inner else { return inner };
        match self.steps[index].on_failure {
            OnFailure::Stop => Move::Stop(why),
            OnFailure::Undo => Move::Become(Status::Undoing { reason: why.into() }),
            OnFailure::Continue => self.close(index).unwrap_or_else(|| fail(index, why)),
        }
    }

    /// Ends what is still open inside, but for calls under way; none when all has ended.
    pub(super) fn close(&self, index: usize) -> Option<Move> {
        let inside = self.inside(index);
        let status = |step: &usize| self.run.steps[*step].status;
        let acts = |step: &usize| matches!(self.steps[*step].kind, Kind::Action);
        let open = |step: &usize| match status(step) {
            StepStatus::Pending => true,
            StepStatus::Active => !acts(step),
            StepStatus::Done | StepStatus::Failed | StepStatus::Skipped => false,
        };
        let note = format!("not needed any more when `{}` ended", self.steps[index].id);
        let skipped = |step: usize| Finished {
            step: step as u32,
            status: StepStatus::Skipped,
            note: Some(note.as_str().into()),
            choice: None,
        };
        let left: Vec<Finished> = inside.clone().filter(open).map(skipped).collect();
        if !left.is_empty() {
            return Some(Move::FinishAll(left));
        }
        let calls = inside.clone().filter(|step| status(step) == StepStatus::Active);
        let calls = calls.map(|step| effect::watch(self.state, self.run, step, self.steps[step]));
        calls.min_by_key(urgency).or_else(|| inside.clone().find_map(|step| self.gained(step)))
    }

    /// Whether a failure inside of this step still counts, now that it was passed.
    pub(super) fn counts_inside(&self, index: usize) -> bool {
        let done = self.run.steps[index].status == StepStatus::Done;
        match &self.steps[index].kind {
            Kind::Parallel(parallel) => done && parallel.join == Join::All,
            Kind::While(_) | Kind::Call(_) | Kind::Switch(_) | Kind::Decision(_) => done,
            Kind::Action | Kind::Manual(_) | Kind::Wait(_) => true,
        }
    }
}

/// The steps around this one that have ended, other than by a choice: they go on when it is retried.
pub(super) fn ended_around(run: &Run, playbook: &Playbook, index: u32) -> Vec<u32> {
    let around = |(step, kind): (u32, &Kind)| {
        let ended = match run.steps[step as usize].status {
            StepStatus::Done | StepStatus::Failed | StepStatus::Skipped => true,
            StepStatus::Pending | StepStatus::Active => false,
        };
        let holds = (step + 1..=step + kind.inner() as u32).contains(&index);
        (holds && ended && !kind.chooses()).then_some(step)
    };
    (0u32..).zip(playbook.steps().map(|(_, step)| &step.kind)).filter_map(around).collect()
}
