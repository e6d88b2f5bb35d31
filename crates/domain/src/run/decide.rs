//! What people and other machines may ask of a run.

use std::collections::BTreeMap;

use super::{Event, Progress, Run, Status, StepState, StepStatus, block, progress::advance, task};
use crate::{
    event::{Context, Rejected},
    id::{IncidentId, RunId},
    incident,
    playbook::{Life, Playbook},
    state::State,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start the playbook for this incident, or the named one.
    Start {
        incident: IncidentId,
        playbook: Option<String>,
    },
    /// Something it waits for has changed; `widened` when the incident may have gained targets.
    Advance {
        id: RunId,
        widened: bool,
    },
    /// A person completes steps and decides; all of it or nothing.
    Update {
        id: RunId,
        complete: Vec<String>,
        decide: BTreeMap<String, String>,
        note: Option<String>,
    },
    Pause {
        id: RunId,
    },
    Resume {
        id: RunId,
    },
    /// Containments stay in force; with `undo` they are taken back first.
    Cancel {
        id: RunId,
        undo: bool,
    },
    Skip {
        id: RunId,
        step: String,
        why: String,
    },
    Retry {
        id: RunId,
        step: String,
    },
    /// The platform failed twice while deciding it.
    Quarantine {
        id: RunId,
        reason: String,
    },
}

pub fn decide(state: &State, command: Command, context: &Context) -> Result<Vec<(RunId, Event)>, Rejected> {
    let id = match command {
        Command::Start { incident, playbook } => return start(state, incident, playbook, context),
        Command::Advance { id, widened } => {
            let Some(run) = state.runs.get(id) else { return Ok(Vec::new()) };
            let moved = advance(state, run.clone(), playbook_of(state, run), widened, context);
            return Ok(moved.into_iter().map(|progress| (id, Event::Advanced { progress })).collect());
        }
        Command::Quarantine { id, reason } => {
            let quarantined = Event::Quarantined { reason: reason.into() };
            return Ok(if state.runs.get(id).is_some() { vec![(id, quarantined)] } else { Vec::new() });
        }
        Command::Update { id, complete, decide, note } => {
            let run = state.runs.get(id);
            let run = run.ok_or_else(|| Rejected::NotFound(format!("there is no run {id} under way")))?;
            let playbook = playbook_of(state, run)?;
            let update = task::Update { complete, decide, note };
            return task::update(state, run, playbook, update, context).map(|event| vec![(id, event)]);
        }
        Command::Pause { id }
        | Command::Resume { id }
        | Command::Cancel { id, .. }
        | Command::Skip { id, .. }
        | Command::Retry { id, .. } => id,
    };
    let run =
        state.runs.get(id).ok_or_else(|| Rejected::NotFound(format!("there is no run {id} under way")))?;
    by_person(state, run, command, context).map(|event| vec![(id, event)])
}

fn by_person(state: &State, run: &Run, command: Command, context: &Context) -> Result<Event, Rejected> {
    let id = run.id;
    match command {
        Command::Pause { .. } => match run.status {
            Status::Active | Status::Blocked { .. } => Ok(Event::Paused),
            Status::Paused
            | Status::Undoing { .. }
            | Status::Completed
            | Status::Failed { .. }
            | Status::Canceled
            | Status::Quarantined { .. } => {
                Err(Rejected::Conflict(format!("{id} is {}, so it cannot be paused", word(&run.status))))
            }
        },
        Command::Resume { .. } => match run.status {
            Status::Paused | Status::Blocked { .. } | Status::Quarantined { .. } => Ok(Event::Resumed),
            Status::Active
            | Status::Undoing { .. }
            | Status::Completed
            | Status::Failed { .. }
            | Status::Canceled => Err(Rejected::Conflict(format!(
                "{id} is {}, so there is nothing to resume",
                word(&run.status)
            ))),
        },
        Command::Cancel { undo: true, .. } => {
            if matches!(run.status, Status::Undoing { .. }) {
                return Err(Rejected::Conflict(format!("{id} is being undone already")));
            }
            Ok(Event::UndoStarted { reason: "canceled by a person".into() })
        }
        Command::Cancel { undo: false, .. } => Ok(Event::Canceled),
        Command::Skip { step, why, .. } => skip(state, run, &step, why, context),
        Command::Retry { step, .. } => {
            let (index, now) = find_step(state, run, &step)?;
            if now.status != StepStatus::Failed {
                return Err(Rejected::Conflict(format!("step `{step}` has not failed")));
            }
            let playbook = playbook_of(state, run)?;
            Ok(Event::StepRetried { step: index, inside: block::ended_around(run, playbook, index) })
        }
        Command::Start { .. }
        | Command::Advance { .. }
        | Command::Update { .. }
        | Command::Quarantine { .. } => Err(Rejected::Invalid("not a command to an existing run".to_owned())),
    }
}

fn skip(state: &State, run: &Run, step: &str, why: String, context: &Context) -> Result<Event, Rejected> {
    let (index, now) = find_step(state, run, step)?;
    let playbook = playbook_of(state, run)?;
    if let Some((_, step)) = playbook.steps().nth(index as usize) {
        task::may_answer(state, step, context)?;
    }
    match now.status {
        StepStatus::Pending | StepStatus::Failed => {}
        // Nothing outside is under way for a step that calls nothing.
        StepStatus::Active if !task::acts(playbook, index) => {}
        StepStatus::Active | StepStatus::Done | StepStatus::Skipped => {
            return Err(Rejected::Conflict(format!(
                "step `{step}` is {}; only a pending or failed one can be skipped",
                step_word(now.status)
            )));
        }
    }
    if why.len() > task::NOTE_MOST {
        let most = task::NOTE_MOST;
        return Err(Rejected::Invalid(format!("the reason is longer than {most} bytes; shorten it")));
    }
    let why = if why.trim().is_empty() { "skipped by a person".to_owned() } else { why };
    Ok(Event::StepSkipped { step: index, why: why.into() })
}

pub(super) fn step_word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "pending",
        StepStatus::Active => "active",
        StepStatus::Done => "done",
        StepStatus::Failed => "failed",
        StepStatus::Skipped => "skipped",
    }
}

pub(super) fn word(status: &Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Paused => "paused",
        Status::Blocked { .. } => "blocked",
        Status::Undoing { .. } => "being undone",
        Status::Completed => "completed",
        Status::Failed { .. } => "failed",
        Status::Canceled => "canceled",
        Status::Quarantined { .. } => "quarantined",
    }
}

fn playbook_of<'a>(state: &'a State, run: &Run) -> Result<&'a Playbook, Rejected> {
    let missing = || Rejected::Conflict(format!("the playbook version {} is missing", run.hash));
    state.playbooks.get(&run.hash).map(|playbook| &**playbook).ok_or_else(missing)
}

pub(super) fn find_step<'a>(state: &State, run: &'a Run, id: &str) -> Result<(u32, &'a StepState), Rejected> {
    let playbook = playbook_of(state, run)?;
    let index = playbook.step_index(id).ok_or_else(|| {
        let ids: Vec<&str> = playbook.steps().map(|(_, step)| step.id.as_str()).collect();
        Rejected::NotFound(format!("{} has no step `{id}`; it has {}", run.id, ids.join(", ")))
    })?;
    Ok((index as u32, &run.steps[index]))
}

fn start(
    state: &State,
    incident: IncidentId,
    named: Option<String>,
    context: &Context,
) -> Result<Vec<(RunId, Event)>, Rejected> {
    let found = incident::open(state, incident)?;
    if let Some(run) = state.runs.of_incident(incident) {
        return Err(Rejected::Conflict(format!("{run} is under way for {incident} already")));
    }
    let playbook = match &named {
        Some(id) => state.content.playbooks.get(id),
        None => state.playbook_for(&found.incident_type, found.severity),
    };
    let playbook = playbook.ok_or_else(|| {
        let what =
            named.unwrap_or_else(|| format!("type {} and severity {}", found.incident_type, found.severity));
        Rejected::NotFound(format!("there is no playbook for {what}"))
    })?;
    let life = state.upkeep.life(playbook);
    if life != Life::Active {
        let (id, life) = (&playbook.id, life.name());
        let said = format!("playbook {id} is {life}, and only an active one starts; see `playbook review`");
        return Err(Rejected::Conflict(said));
    }
    let id = RunId::from_number(context.next);
    let started = |progress: Progress| Event::Started {
        incident,
        playbook: playbook.id.as_str().into(),
        name: playbook.name.as_str().into(),
        version: playbook.version.as_str().into(),
        hash: playbook.hash.clone(),
        steps: playbook.steps().count() as u32,
        progress,
        by: None,
    };
    let meta = crate::event::Meta { position: context.next, time: context.now, actor: context.actor.clone() };
    let fresh = super::create(id, &started(Progress::default()), &meta)
        .ok_or_else(|| Rejected::Conflict("a run could not be made from its first fact".to_owned()))?;
    let mut moved = advance(state, fresh, Ok(playbook), false, context).into_iter();
    let first = started(moved.next().unwrap_or_default());
    let further = moved.map(|progress| (id, Event::Advanced { progress }));
    Ok(std::iter::once((id, first)).chain(further).collect())
}
