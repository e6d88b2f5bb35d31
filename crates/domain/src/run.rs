//! Runs: one execution of one playbook version for one incident, stage by stage.
//!
//! A run never waits in silence: a gate that does not hold, a step that failed, or an action in doubt makes it
//! `Blocked` with the reason, and a person is called. It holds no calls of its own; each step's effects are
//! actions, and the run looks at how they stand.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    event::Meta,
    id::{ActionId, IncidentId, PersonId, RunId},
    playbook::{Playbook, TextHash},
    time::Timestamp,
};

mod block;
mod decide;
mod effect;
mod gate;
mod progress;
mod task;
mod walk;

pub use decide::{Command, decide};
pub(crate) use gate::terms;
pub use task::{Task, awaits_default, next_wakeup, overdue, tasks};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Status {
    Active,
    Paused,
    /// Cannot go on without a person, and why.
    Blocked {
        reason: Box<str>,
    },
    /// Taking back what it applied, last first.
    Undoing {
        reason: Box<str>,
    },
    Completed,
    Failed {
        reason: Box<str>,
    },
    Canceled,
    /// The platform failed twice while deciding it; nothing moves it but a person.
    Quarantined {
        reason: Box<str>,
    },
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    #[default]
    Pending,
    Active,
    Done,
    Failed,
    Skipped,
}

/// What is at its default is left out of the row: a run is written anew at every step.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepState {
    #[serde(skip_serializing_if = "is_default")]
    pub status: StepStatus,
    /// How often it was begun anew.
    #[serde(skip_serializing_if = "is_default")]
    pub round: u32,
    /// How often the steps inside of it have begun.
    #[serde(skip_serializing_if = "is_default")]
    pub rounds: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<str>>,
    /// What was chosen, where the step is a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Box<str>>,
    /// The person who completed or chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// It took longer than expected.
    #[serde(skip_serializing_if = "is_default")]
    pub late: bool,
    /// People were reminded of it.
    #[serde(skip_serializing_if = "is_default")]
    pub reminded: bool,
    /// Its due time has passed.
    #[serde(skip_serializing_if = "is_default")]
    pub overdue: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A step that starts, with the targets it acts on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    pub step: u32,
    pub targets: Vec<Box<str>>,
}

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub step: u32,
    pub status: StepStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Box<str>>,
}

/// A step that holds others begins, or its next round does: what is inside begins anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub step: u32,
    /// How many of the steps behind it are inside.
    pub inner: u32,
}

/// What time alone says about a step that is open; each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    Late,
    Reminder,
    Overdue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flagged {
    pub step: u32,
    pub flag: Flag,
}

/// Everything that moved in one decision.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finished: Vec<Finished>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<Begun>,
    /// After all else: what follows is a fact of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flagged: Vec<Flagged>,
    /// The stage whose entry criteria now hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    /// A containment to take back next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ActionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

impl Progress {
    pub fn is_empty(&self) -> bool {
        *self == Progress::default()
    }

    /// A step failed, or the run goes no further.
    pub fn went_wrong(&self) -> bool {
        let stopped = matches!(self.status, Some(Status::Blocked { .. } | Status::Failed { .. }));
        stopped || self.finished.iter().any(|finished| finished.status == StepStatus::Failed)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Started {
        incident: IncidentId,
        playbook: Box<str>,
        name: Box<str>,
        version: Box<str>,
        hash: TextHash,
        steps: u32,
        progress: Progress,
        /// Who started it by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
    Advanced {
        progress: Progress,
    },
    /// A person completed steps and decided, all in one.
    Updated {
        finished: Vec<Finished>,
    },
    Paused,
    Resumed,
    Canceled,
    StepSkipped {
        step: u32,
        why: Box<str>,
    },
    /// A failed step begins anew, with new actions under new keys.
    StepRetried {
        step: u32,
        /// The steps that hold it and had ended.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inside: Vec<u32>,
    },
    UndoStarted {
        reason: Box<str>,
    },
    Quarantined {
        reason: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Started { .. } => "run.started",
            Event::Advanced { .. } => "run.advanced",
            Event::Updated { .. } => "run.updated",
            Event::Paused => "run.paused",
            Event::Resumed => "run.resumed",
            Event::Canceled => "run.canceled",
            Event::StepSkipped { .. } => "run.step_skipped",
            Event::StepRetried { .. } => "run.step_retried",
            Event::UndoStarted { .. } => "run.undo_started",
            Event::Quarantined { .. } => "run.quarantined",
        }
    }

    /// What moved, where the event moves several things at once.
    pub fn progress(&self) -> Option<&Progress> {
        match self {
            Event::Started { progress, .. } | Event::Advanced { progress } => Some(progress),
            Event::Updated { .. }
            | Event::Paused
            | Event::Resumed
            | Event::Canceled
            | Event::StepSkipped { .. }
            | Event::StepRetried { .. }
            | Event::UndoStarted { .. }
            | Event::Quarantined { .. } => None,
        }
    }
}

/// Why a run takes back what it applied, and whether a person wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoing {
    pub reason: Box<str>,
    pub by_person: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub seq: u64,
    pub incident: IncidentId,
    pub playbook: Box<str>,
    pub name: Box<str>,
    pub version: Box<str>,
    /// The hash of the playbook's text: the version is pinned.
    pub hash: TextHash,
    pub status: Status,
    /// Set for good once it is being undone: it never goes forward again.
    #[serde(default)]
    pub undoing: Option<Undoing>,
    /// The present stage, and whether its entry criteria held.
    pub stage: u32,
    pub entered: bool,
    /// In the order of the document.
    pub steps: Vec<StepState>,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Who started or changed it by hand; none of them approves what it asks for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by: BTreeSet<PersonId>,
}

impl Run {
    /// The status of a run that nothing stops: forward, or back once it is being undone.
    fn underway(&self) -> Status {
        let back = self.undoing.as_ref().map(|undoing| Status::Undoing { reason: undoing.reason.clone() });
        back.unwrap_or(Status::Active)
    }

    pub fn is_ended(&self) -> bool {
        match self.status {
            Status::Completed | Status::Failed { .. } | Status::Canceled => true,
            Status::Active
            | Status::Paused
            | Status::Blocked { .. }
            | Status::Undoing { .. }
            | Status::Quarantined { .. } => false,
        }
    }
}

pub fn create(id: RunId, event: &Event, meta: &Meta) -> Option<Run> {
    let Event::Started { incident, playbook, name, version, hash, steps, progress, by } = event else {
        return None;
    };
    let mut run = Run {
        id,
        seq: 1,
        incident: *incident,
        playbook: playbook.clone(),
        name: name.clone(),
        version: version.clone(),
        hash: hash.clone(),
        status: Status::Active,
        undoing: None,
        stage: 0,
        entered: false,
        steps: vec![StepState::default(); *steps as usize],
        started_at: meta.time,
        updated_at: meta.time,
        ended_at: None,
        by: by.iter().copied().collect(),
    };
    apply_progress(&mut run, progress, meta.time);
    Some(run)
}

pub fn apply(run: &mut Run, event: &Event, meta: &Meta) {
    run.seq += 1;
    run.updated_at = meta.time;
    if event.progress().is_none() {
        run.by.extend(meta.actor.person());
    }
    match event {
        Event::Started { .. } => {}
        Event::Advanced { progress } => apply_progress(run, progress, meta.time),
        Event::Updated { finished } => {
            for one in finished {
                finish(run, one, meta.time);
                if let (StepStatus::Done, Some(state)) = (one.status, run.steps.get_mut(one.step as usize)) {
                    state.by = meta.actor.person();
                }
            }
        }
        Event::Paused => run.status = Status::Paused,
        Event::Resumed => run.status = run.underway(),
        Event::Canceled => {
            run.status = Status::Canceled;
            run.ended_at = Some(meta.time);
        }
        Event::StepSkipped { step, why } => {
            let skipped =
                Finished { step: *step, status: StepStatus::Skipped, note: Some(why.clone()), choice: None };
            finish(run, &skipped, meta.time);
        }
        Event::StepRetried { step, inside } => {
            run.steps.get_mut(*step as usize).into_iter().for_each(begin_anew);
            for holder in inside {
                if let Some(state) = run.steps.get_mut(*holder as usize) {
                    (state.status, state.ended_at, state.note) = (StepStatus::Active, None, None);
                }
            }
        }
        Event::UndoStarted { reason } => {
            run.undoing = Some(Undoing { reason: reason.clone(), by_person: true });
            run.status = run.underway();
        }
        Event::Quarantined { reason } => run.status = Status::Quarantined { reason: reason.clone() },
    }
}

fn apply_progress(run: &mut Run, progress: &Progress, now: Timestamp) {
    progress.finished.iter().for_each(|finished| finish(run, finished, now));
    if let Some(stage) = progress.stage {
        run.stage = stage;
        run.entered = true;
    }
    for begun in &progress.begun {
        if let Some(state) = run.steps.get_mut(begun.step as usize) {
            state.status = StepStatus::Active;
            // A step that gained targets begins again with those alone.
            state.targets.extend(begun.targets.iter().cloned());
            state.began_at = state.began_at.or(Some(now));
        }
    }
    for flagged in &progress.flagged {
        if let Some(state) = run.steps.get_mut(flagged.step as usize) {
            match flagged.flag {
                Flag::Late => state.late = true,
                Flag::Reminder => state.reminded = true,
                Flag::Overdue => state.overdue = true,
            }
        }
    }
    progress.opened.iter().for_each(|opened| open(run, opened, now));
    if let Some(status) = &progress.status {
        run.status = status.clone();
        if let (Status::Undoing { reason }, None) = (status, &run.undoing) {
            run.undoing = Some(Undoing { reason: reason.clone(), by_person: false });
        }
        run.ended_at = run.is_ended().then_some(now);
    }
}

fn begin_anew(state: &mut StepState) {
    if *state != StepState::default() {
        *state = StepState { round: state.round + 1, ..StepState::default() };
    }
}

fn open(run: &mut Run, opened: &Opened, now: Timestamp) {
    let step = opened.step as usize;
    run.steps.iter_mut().skip(step + 1).take(opened.inner as usize).for_each(begin_anew);
    if let Some(state) = run.steps.get_mut(step) {
        state.status = StepStatus::Active;
        state.began_at = state.began_at.or(Some(now));
        state.rounds += 1;
    }
}

fn finish(run: &mut Run, finished: &Finished, now: Timestamp) {
    if let Some(state) = run.steps.get_mut(finished.step as usize) {
        state.status = finished.status;
        state.ended_at = Some(now);
        state.note = finished.note.clone();
        state.choice = finished.choice.clone();
    }
}

/// The range of step indexes that a stage spans.
pub fn stage_steps(playbook: &Playbook, stage: usize) -> std::ops::Range<usize> {
    let before: usize = playbook.stages.iter().take(stage).map(|s| s.steps.len()).sum();
    before..before + playbook.stages.get(stage).map_or(0, |s| s.steps.len())
}
