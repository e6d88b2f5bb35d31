//! Steps that call nothing: decisions and tasks of people, and waits. What a person may say about them, and what
//! time alone makes of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Begun, Event, Finished, Flag, Flagged, Run, Status, StepState, StepStatus,
    decide::{find_step, step_word, word},
    gate,
    progress::Move,
    stage_steps,
};
use crate::{
    access::{self, Permission},
    event::{Actor, Context, Rejected},
    playbook::{Goto, Kind, Playbook, Step, Wait},
    state::State,
    time::{Span, Timestamp},
};

/// Longest note on a step, in bytes.
pub(super) const NOTE_MOST: usize = 4_096;

/// When a person is called because nobody chose, where the playbook names no time; and nobody did what is needed.
const CHOICE_DUE: Span = Span::secs(3_600);
const TASK_DUE: Span = Span::secs(86_400);

/// What a person says about several steps at once.
pub(super) struct Update {
    pub complete: Vec<String>,
    pub decide: BTreeMap<String, String>,
    pub note: Option<String>,
}

pub(super) fn update(
    state: &State,
    run: &Run,
    playbook: &Playbook,
    update: Update,
    context: &Context,
) -> Result<Event, Rejected> {
    match run.status {
        Status::Active | Status::Paused | Status::Blocked { .. } => {}
        Status::Undoing { .. }
        | Status::Completed
        | Status::Failed { .. }
        | Status::Canceled
        | Status::Quarantined { .. } => {
            let message = format!("{} is {}, so its steps stay as they are", run.id, word(&run.status));
            return Err(Rejected::Conflict(message));
        }
    }
    if update.complete.is_empty() && update.decide.is_empty() {
        return Err(Rejected::Invalid("name a step to complete or a decision to make".to_owned()));
    }
    if update.note.as_ref().is_some_and(|note| note.len() > NOTE_MOST) {
        return Err(Rejected::Invalid(format!("the note is longer than {NOTE_MOST} bytes; shorten it")));
    }
    let note: Option<Box<str>> = update.note.filter(|note| !note.trim().is_empty()).map(Into::into);
    let mut finished = Vec::new();
    for id in update.complete.iter().collect::<BTreeSet<_>>() {
        let (index, step) = open_step(state, run, playbook, id, context)?;
        if !matches!(step.kind, Kind::Manual(_)) {
            let kind = step.kind.name();
            return Err(Rejected::Conflict(format!(
                "step `{id}` is of kind {kind}; only a manual one is completed"
            )));
        }
        finished.push(Finished { step: index, status: StepStatus::Done, note: note.clone(), choice: None });
    }
    for (id, choice) in &update.decide {
        let (index, step) = open_step(state, run, playbook, id, context)?;
        let Kind::Decision(decision) = &step.kind else {
            return Err(Rejected::Conflict(format!(
                "step `{id}` is of kind {}, not a decision",
                step.kind.name()
            )));
        };
        if !decision.options.contains_key(choice) {
            let names: Vec<&str> = decision.options.keys().map(String::as_str).collect();
            let message = format!("`{id}` has no option `{choice}`; choose one of {}", names.join(", "));
            return Err(Rejected::Invalid(message));
        }
        finished.append(&mut chosen(playbook, index, &step.kind, choice, note.clone()));
    }
    Ok(Event::Updated { finished })
}

/// The step, if it is open and this person may say something about it.
fn open_step<'p>(
    state: &State,
    run: &Run,
    playbook: &'p Playbook,
    id: &str,
    context: &Context,
) -> Result<(u32, &'p Step), Rejected> {
    let (index, now) = find_step(state, run, id)?;
    let step = playbook.steps().nth(index as usize).map(|(_, step)| step);
    let step = step.ok_or_else(|| Rejected::NotFound(format!("{} has no step `{id}`", run.id)))?;
    if now.status != StepStatus::Active {
        return Err(Rejected::Conflict(format!("step `{id}` is {}, not open", step_word(now.status))));
    }
    may_answer(state, step, context)?;
    Ok((index, step))
}

/// Whether this actor may say something about a step: where it names roles, who holds one of them.
pub(super) fn may_answer(state: &State, step: &Step, context: &Context) -> Result<(), Rejected> {
    let own = step.kind.manual().and_then(|manual| manual.role.as_deref());
    let roles: Vec<&str> = step.roles.iter().map(String::as_str).chain(own).collect();
    let may = match &context.actor {
        Actor::Platform => true,
        Actor::Person(person) => {
            roles.is_empty()
                || roles.iter().any(|role| access::holds_role(state, *person, role, Permission::Respond))
        }
        Actor::Source(_) | Actor::Rule(_) => false,
    };
    if !may {
        let message = format!("step `{}` is for people with the role {}", step.id, roles.join(" or "));
        return Err(Rejected::Forbidden(message));
    }
    Ok(())
}

/// A choice, and the steps that it passes over.
pub(super) fn chosen(
    playbook: &Playbook,
    index: u32,
    kind: &Kind,
    choice: &str,
    note: Option<Box<str>>,
) -> Vec<Finished> {
    let mut all = vec![Finished { step: index, status: StepStatus::Done, note, choice: Some(choice.into()) }];
    let note: Option<Box<str>> = Some(format!("passed over by the choice `{choice}`").into());
    let passed = playbook.passed_over(index, kind, choice).into_iter();
    all.extend(passed.map(|step| Finished {
        step,
        status: StepStatus::Skipped,
        note: note.clone(),
        choice: None,
    }));
    all
}

/// Whether the step asks something of a connector.
pub(super) fn acts(playbook: &Playbook, index: u32) -> bool {
    playbook.steps().nth(index as usize).is_some_and(|(_, step)| matches!(step.kind, Kind::Action))
}

/// The stages that a choice passes over whole: their gates are not asked.
pub(super) fn passed_over(run: &Run, playbook: &Playbook) -> BTreeSet<u32> {
    let mut passed = BTreeSet::new();
    for ((stage, step), now) in playbook.steps().zip(&run.steps) {
        if let (Kind::Decision(decision), Some(choice)) = (&step.kind, &now.choice)
            && let Some(Goto::Stage(to)) = decision.options.get(&**choice).and_then(|option| option.goto)
        {
            passed.extend(stage as u32 + 1..to);
        }
    }
    passed
}

/// Tasks that hold up nothing and are still open when their stage ends.
pub(super) fn left_open(run: &Run, playbook: &Playbook) -> Vec<Finished> {
    let steps = stage_steps(playbook, run.stage as usize);
    let open = steps.filter(|index| run.steps[*index].status == StepStatus::Active);
    let note = || Some("left open when its stage ended".into());
    open.map(|index| Finished { step: index as u32, status: StepStatus::Skipped, note: note(), choice: None })
        .collect()
}

pub(super) fn begin(state: &State, run: &Run, playbook: &Playbook, index: usize) -> Move {
    let Some((_, step)) = playbook.steps().nth(index) else { return Move::Wait };
    if let Kind::Wait(Wait::Until { gate, .. }) = &step.kind
        && gate::blocked_by(state, run, playbook, Some(gate)).is_none()
    {
        return done(index);
    }
    Move::Begin(Begun { step: index as u32, targets: Vec::new() })
}

/// An open step that calls nothing: over by its time, or by its condition.
pub(super) fn watch(state: &State, run: &Run, playbook: &Playbook, index: usize, context: &Context) -> Move {
    let Some((_, known)) = playbook.steps().nth(index) else { return Move::Wait };
    let over = |span| run.steps[index].began_at.is_some_and(|at| at.plus(span) <= context.now);
    match &known.kind {
        Kind::Action
        | Kind::Manual(_)
        | Kind::Switch(_)
        | Kind::While(_)
        | Kind::Parallel(_)
        | Kind::Call(_) => Move::Wait,
        Kind::Decision(decision) => match &decision.default {
            Some(default) if over(default.after) && state.control.clock_doubt.is_none() => {
                let note = format!("nobody chose within {}", default.after);
                let step = index as u32;
                Move::FinishAll(chosen(playbook, step, &known.kind, &default.choose, Some(note.into())))
            }
            Some(_) | None => Move::Wait,
        },
        Kind::Wait(Wait::For(span)) if over(*span) => done(index),
        Kind::Wait(Wait::For(_)) => Move::Wait,
        Kind::Wait(Wait::Until { gate, timeout }) => {
            match gate::blocked_by(state, run, playbook, Some(gate)) {
                None => done(index),
                Some(why) if over(*timeout) => Move::Finish(Finished {
                    step: index as u32,
                    status: StepStatus::Failed,
                    note: Some(format!("{why} after {timeout}").into()),
                    choice: None,
                }),
                Some(_) => Move::Wait,
            }
        }
    }
}

fn done(index: usize) -> Move {
    Move::Finish(Finished { step: index as u32, status: StepStatus::Done, note: None, choice: None })
}

/// What time says about the open steps and was not said yet; `doubt`: platform time is in doubt.
pub(super) fn flags(run: &Run, playbook: &Playbook, doubt: bool, now: Timestamp) -> Vec<Flagged> {
    let open = flaggable(run, playbook, doubt);
    open.filter(|(_, _, at)| *at <= now).map(|(step, flag, _)| Flagged { step, flag }).collect()
}

fn flaggable<'a>(
    run: &'a Run,
    playbook: &'a Playbook,
    doubt: bool,
) -> impl Iterator<Item = (u32, Flag, Timestamp)> + 'a {
    // The calls of an action have deadlines of their own.
    let open = open_steps(run, playbook).filter(|(_, step, _)| !matches!(step.kind, Kind::Action));
    open.flat_map(move |(index, step, began)| {
        let now = &run.steps[index];
        let reminder = step.kind.manual().and_then(|manual| manual.reminder);
        let all = [
            (Flag::Late, step.expected_duration, now.late),
            (Flag::Reminder, reminder, now.reminded),
            (Flag::Overdue, due(step).or_else(|| unmade(step, doubt)), now.overdue),
        ];
        all.into_iter()
            .filter(|(_, _, said)| !said)
            .filter_map(move |(flag, span, _)| span.map(|span| (index as u32, flag, began.plus(span))))
    })
}

/// How long people may take, before one is called or a default is chosen.
fn due(step: &Step) -> Option<Span> {
    match &step.kind {
        Kind::Manual(manual) => manual.due.or_else(|| step.priority.gates().then_some(TASK_DUE)),
        Kind::Decision(decision) if decision.default.is_none() => Some(CHOICE_DUE),
        Kind::Action
        | Kind::Decision(_)
        | Kind::Wait(_)
        | Kind::Switch(_)
        | Kind::While(_)
        | Kind::Parallel(_)
        | Kind::Call(_) => None,
    }
}

/// While the time is in doubt no default is chosen, so a person is called instead.
fn unmade(step: &Step, doubt: bool) -> Option<Span> {
    match &step.kind {
        Kind::Decision(decision) if doubt => decision.default.as_ref().map(|default| default.after),
        Kind::Decision(_)
        | Kind::Action
        | Kind::Manual(_)
        | Kind::Wait(_)
        | Kind::Switch(_)
        | Kind::While(_)
        | Kind::Parallel(_)
        | Kind::Call(_) => None,
    }
}

/// An open step that asks something of people.
pub struct Task<'a> {
    pub step: &'a Step,
    pub state: &'a StepState,
    /// When a person is called, or the default is chosen.
    pub due: Option<Timestamp>,
    pub default: Option<&'a str>,
    /// Whether the run needs it to go on.
    pub gates: bool,
}

/// What the run asks of people now.
pub fn tasks<'a>(run: &'a Run, playbook: &'a Playbook) -> Vec<Task<'a>> {
    match run.status {
        Status::Active | Status::Paused | Status::Blocked { .. } => {}
        Status::Undoing { .. }
        | Status::Completed
        | Status::Failed { .. }
        | Status::Canceled
        | Status::Quarantined { .. } => return Vec::new(),
    }
    let open = open_steps(run, playbook).filter_map(|(index, step, began)| {
        let (default, gates) = match &step.kind {
            Kind::Decision(decision) => (decision.default.as_ref(), true),
            Kind::Manual(_) => (None, step.priority.gates()),
            Kind::Action
            | Kind::Wait(_)
            | Kind::Switch(_)
            | Kind::While(_)
            | Kind::Parallel(_)
            | Kind::Call(_) => return None,
        };
        let span = default.map(|default| default.after).or_else(|| due(step));
        let (state, due) = (&run.steps[index], span.map(|span| began.plus(span)));
        Some(Task { step, state, due, default: default.map(|default| default.choose.as_str()), gates })
    });
    open.collect()
}

/// The first open task whose due time has passed.
pub fn overdue<'a>(run: &'a Run, playbook: &'a Playbook) -> Option<&'a Step> {
    open_steps(run, playbook).find(|(index, _, _)| run.steps[*index].overdue).map(|(_, step, _)| step)
}

/// The open steps of the stages reached so far, and since when.
fn open_steps<'a>(
    run: &'a Run,
    playbook: &'a Playbook,
) -> impl Iterator<Item = (usize, &'a Step, Timestamp)> + 'a {
    let steps = playbook.steps().zip(&run.steps).enumerate();
    steps.filter_map(|(index, ((_, step), now))| {
        let began = now.began_at.filter(|_| now.status == StepStatus::Active)?;
        Some((index, step, began))
    })
}

/// When an open step next needs a look, unless a person has to move the run first. A default that is not chosen while
/// the time is in doubt is left out once a person was called: it would hide what comes later.
pub fn next_wakeup(run: &Run, playbook: &Playbook, doubt: bool) -> Option<Timestamp> {
    match run.status {
        Status::Active | Status::Blocked { .. } => {}
        Status::Paused
        | Status::Undoing { .. }
        | Status::Completed
        | Status::Failed { .. }
        | Status::Canceled
        | Status::Quarantined { .. } => return None,
    }
    let ends = open_steps(run, playbook).filter_map(|(_, step, began)| {
        let span = match &step.kind {
            Kind::Action
            | Kind::Manual(_)
            | Kind::Switch(_)
            | Kind::While(_)
            | Kind::Parallel(_)
            | Kind::Call(_) => None,
            Kind::Decision(_) if doubt => None,
            Kind::Decision(decision) => decision.default.as_ref().map(|default| default.after),
            Kind::Wait(Wait::For(span) | Wait::Until { timeout: span, .. }) => Some(*span),
        };
        span.map(|span| began.plus(span))
    });
    ends.chain(flaggable(run, playbook, doubt).map(|(_, _, at)| at)).min()
}

/// Whether a decision is open that time alone may make.
pub fn awaits_default(run: &Run, playbook: &Playbook) -> bool {
    open_steps(run, playbook)
        .any(|(_, step, _)| matches!(&step.kind, Kind::Decision(decision) if decision.default.is_some()))
}
