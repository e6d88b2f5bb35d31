//! What a run came to: how long, how each phase went, and what its calls left behind.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    action::Action,
    content::{ActionSpec, Counts, Purpose},
    playbook::{Kind, Playbook, Step},
    recovery::plan::{Plan, Stage},
    run::{Run, Status, StepState, StepStatus},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;

/// One stage of the playbook.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunPhase")]
pub(crate) struct Phase {
    pub(crate) stage: String,
    pub(crate) name: String,
    /// Whether it was passed and nothing in it failed; null while it goes on.
    pub(crate) success: Option<bool>,
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Not ended, or never begun because a branch did not need it.
    pub(crate) open: usize,
    /// From the first step that began to the last that ended, in seconds.
    pub(crate) took_s: Option<f64>,
}

/// The run as it is told afterwards; while it goes on, as far as it came.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunResult")]
pub(crate) struct Outcome {
    /// Whether it completed and every phase went well; null while it goes on.
    pub(crate) success: Option<bool>,
    pub(crate) total_s: f64,
    pub(crate) phases: Vec<Phase>,
    /// Systems that were cut off.
    pub(crate) systems_isolated: usize,
    /// Things that are refused from now on.
    pub(crate) rules_added: usize,
    /// Services and systems that are back, by this run or by the recovery of its incident.
    pub(crate) services_restored: usize,
    pub(crate) models_secured: usize,
    /// Data sets and pipelines.
    pub(crate) sources_secured: usize,
    /// Calls that looked or kept something and were answered.
    pub(crate) evidence: usize,
    /// Tasks and decisions of the legal team that are done.
    pub(crate) legal_actions: usize,
    /// Effects that were asked for, and calls that were made for them.
    pub(crate) effects: usize,
    pub(crate) attempts: u64,
}

impl Outcome {
    pub(crate) fn of(
        run: &Run,
        playbook: &Playbook,
        actions: &[Action],
        known: &BTreeMap<String, std::sync::Arc<ActionSpec>>,
        plan: Option<&Plan>,
        now: Timestamp,
    ) -> Outcome {
        let phases = phases(run, playbook);
        let mut counted: BTreeMap<Counts, BTreeSet<&str>> = BTreeMap::new();
        let held = actions.iter().filter(|action| took_hold(action));
        for action in held.clone() {
            if let Some(counts) = known.get(&*action.spec.verb).and_then(|spec| spec.counts) {
                counted.entry(counts).or_default().insert(&action.spec.target);
            }
        }
        let well = plan.into_iter().flat_map(|plan| &plan.services).filter(|one| one.stage == Stage::Well);
        counted.entry(Counts::Restored).or_default().extend(well.map(|service| &*service.name));
        let count = |of: Counts| counted.get(&of).map_or(0, BTreeSet::len);
        let ended = run.ended_at.is_some();
        let good = run.status == Status::Completed && phases.iter().all(|phase| phase.success != Some(false));
        Outcome {
            success: ended.then_some(good),
            total_s: seconds(run.started_at, run.ended_at.unwrap_or(now)),
            systems_isolated: count(Counts::Isolated),
            rules_added: count(Counts::Rule),
            services_restored: count(Counts::Restored),
            models_secured: count(Counts::Model),
            sources_secured: count(Counts::Source),
            evidence: held.filter(|action| action.spec.purpose == Purpose::Evidence).count(),
            legal_actions: legal(run, playbook),
            effects: actions.len(),
            attempts: actions.iter().map(|action| u64::from(action.attempt)).sum(),
            phases,
        }
    }
}

/// It was so, also where it was taken back since.
fn took_hold(action: &Action) -> bool {
    action.applied_at.is_some() && action.verified != Some(false)
}

fn phases(run: &Run, playbook: &Playbook) -> Vec<Phase> {
    let steps: Vec<(usize, &StepState)> =
        playbook.steps().zip(&run.steps).map(|((stage, _), state)| (stage, state)).collect();
    let phase = |(number, stage): (usize, &domain::playbook::Stage)| {
        let own: Vec<&StepState> =
            steps.iter().filter(|(stage, _)| *stage == number).map(|(_, state)| *state).collect();
        let count = |is: &[StepStatus]| own.iter().filter(|state| is.contains(&state.status)).count();
        let failed = count(&[StepStatus::Failed]);
        let open = count(&[StepStatus::Pending, StepStatus::Active]);
        let began = own.iter().filter_map(|state| state.began_at).min();
        let ended = own.iter().filter_map(|state| state.ended_at).max();
        let passed = usize::try_from(run.stage).is_ok_and(|at| at > number);
        let completed = run.status == Status::Completed;
        let over = passed || run.ended_at.is_some();
        Phase {
            stage: stage.id.clone(),
            name: stage.name.clone(),
            // What a branch did not need never began.
            success: over.then_some(failed == 0 && (passed || completed)),
            done: count(&[StepStatus::Done]),
            failed,
            skipped: count(&[StepStatus::Skipped]),
            open,
            took_s: began.zip(ended).map(|(began, ended)| seconds(began, ended)),
        }
    };
    playbook.stages.iter().enumerate().map(phase).collect()
}

fn legal(run: &Run, playbook: &Playbook) -> usize {
    let of_legal = |step: &Step| {
        let own = if let Kind::Manual(manual) = &step.kind { manual.role.as_deref() } else { None };
        own.into_iter().chain(step.roles.iter().map(String::as_str)).any(|role| role.contains("legal"))
    };
    let by_people = |state: &StepState| state.status == StepStatus::Done && state.by.is_some();
    let steps = playbook.steps().zip(&run.steps);
    steps.filter(|((_, step), state)| by_people(state) && of_legal(step)).count()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.since(from).0 as f64 / 1e6
}
