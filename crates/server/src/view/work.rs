//! Runs and actions as they are shown.

use domain::{
    action as actions,
    incident::Incident,
    playbook::{self, Kind, Playbook},
    run as runs,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Outcome, Target, name, optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Step {
    /// Its id in the playbook; its number where that version is not at hand.
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) stage: Option<String>,
    /// `action`, `decision`, `manual`, `wait`, `switch`, `while`, `parallel` or `call`.
    pub(crate) kind: Option<String>,
    pub(crate) status: String,
    /// The question or the instructions for people.
    pub(crate) ask: Option<String>,
    /// What may be chosen, where it is a decision.
    pub(crate) options: Vec<String>,
    pub(crate) choice: Option<String>,
    /// The person who completed or chose.
    pub(crate) by: Option<String>,
    /// Who may complete or choose; anybody who responds if empty.
    pub(crate) roles: Vec<String>,
    pub(crate) owner: Option<String>,
    /// It took longer than expected.
    pub(crate) late: bool,
    pub(crate) overdue: bool,
    /// How often it was begun anew.
    pub(crate) round: u32,
    pub(crate) targets: Vec<String>,
    pub(crate) began_at: Option<String>,
    pub(crate) ended_at: Option<String>,
    pub(crate) note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) incident: String,
    pub(crate) playbook: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// The hash of the playbook's text that the run is pinned to.
    pub(crate) hash: String,
    pub(crate) status: String,
    /// Why it is blocked, undoing, failed or quarantined.
    pub(crate) reason: Option<String>,
    /// The present stage: its id, or its number where the version is not at hand.
    pub(crate) stage: String,
    pub(crate) steps: Vec<Step>,
    /// Who has which role in its incident, and the roles that nobody has; of one run only.
    pub(crate) team: Vec<String>,
    pub(crate) unfilled: Vec<String>,
    /// What it came to so far; of one run only, and where its version is at hand.
    pub(crate) result: Option<Outcome>,
    pub(crate) started_at: String,
    pub(crate) updated_at: String,
    pub(crate) ended_at: Option<String>,
}

impl Run {
    /// The same with the people of its incident.
    pub(crate) fn with_team(self, incident: &Incident) -> Run {
        let standing = incident.standing();
        let team = standing.team.iter().map(|(role, contact)| format!("{role}: {contact}")).collect();
        Run { team, unfilled: standing.unfilled.iter().map(ToString::to_string).collect(), ..self }
    }

    /// `playbook` is the version the run is pinned to, if it is at hand.
    pub(crate) fn of(run: &runs::Run, playbook: Option<&Playbook>) -> Run {
        let known: Vec<_> = playbook.map(|playbook| playbook.steps().collect()).unwrap_or_default();
        let stage_id =
            |index: usize| playbook.and_then(|p| p.stages.get(index)).map(|stage| stage.id.clone());
        let step = |(index, state): (usize, &runs::StepState)| {
            let step = known.get(index);
            let asked = step.map(|(_, step)| asked(step)).unwrap_or_default();
            Step {
                kind: step.map(|(_, step)| step.kind.name().to_owned()),
                ask: asked.text,
                options: asked.options,
                roles: asked.roles,
                owner: asked.owner,
                choice: state.choice.as_deref().map(str::to_owned),
                by: optional(state.by),
                late: state.late,
                overdue: state.overdue,
                id: step.map_or_else(|| (index + 1).to_string(), |(_, step)| step.id.clone()),
                name: step.map(|(_, step)| step.name.clone()),
                stage: step.and_then(|(stage, _)| stage_id(*stage)),
                status: name(&state.status),
                round: state.round,
                targets: state.targets.iter().map(text).collect(),
                began_at: optional(state.began_at),
                ended_at: optional(state.ended_at),
                note: state.note.as_deref().map(str::to_owned),
            }
        };
        let (status, reason) = run_status(&run.status);
        let at = usize::try_from(run.stage).unwrap_or(usize::MAX);
        Run {
            id: text(run.id),
            incident: text(run.incident),
            playbook: run.playbook.to_string(),
            name: run.name.to_string(),
            version: run.version.to_string(),
            hash: run.hash.to_string(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            stage: stage_id(at).unwrap_or_else(|| (u64::from(run.stage) + 1).to_string()),
            steps: run.steps.iter().enumerate().map(step).collect(),
            team: Vec::new(),
            unfilled: Vec::new(),
            result: None,
            started_at: text(run.started_at),
            updated_at: text(run.updated_at),
            ended_at: optional(run.ended_at),
        }
    }
}

/// What an open run asks of people.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Task {
    pub(crate) run: String,
    pub(crate) incident: String,
    pub(crate) playbook: String,
    pub(crate) step: String,
    pub(crate) name: String,
    /// `decision` or `manual`.
    pub(crate) kind: String,
    /// The question or the instructions.
    pub(crate) ask: String,
    /// What may be chosen, where it is a decision.
    pub(crate) options: Vec<String>,
    /// Who may answer; anybody who responds if empty.
    pub(crate) roles: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) began_at: Option<String>,
    pub(crate) due_at: Option<String>,
    /// It took longer than expected.
    pub(crate) late: bool,
    pub(crate) overdue: bool,
    /// What waits for the answer, and what follows without one.
    pub(crate) why: String,
}

impl Task {
    pub(crate) fn of(run: &runs::Run, task: &runs::Task<'_>) -> Task {
        let asked = asked(task.step);
        let waits = if task.gates {
            format!("{} of `{}` goes on when it is answered", run.id, run.playbook)
        } else {
            format!("{} of `{}` does not wait for it, and closes it with its stage", run.id, run.playbook)
        };
        let without = match (task.default, task.due) {
            (Some(choice), _) => format!("; `{choice}` is chosen if nobody answers in time"),
            (None, Some(_)) => "; a person is called if nobody answers in time".to_owned(),
            (None, None) => String::new(),
        };
        Task {
            run: text(run.id),
            incident: text(run.incident),
            playbook: run.playbook.to_string(),
            step: task.step.id.clone(),
            name: task.step.name.clone(),
            kind: task.step.kind.name().to_owned(),
            ask: asked.text.unwrap_or_default(),
            options: asked.options,
            roles: asked.roles,
            owner: asked.owner,
            began_at: optional(task.state.began_at),
            due_at: optional(task.due),
            late: task.state.late,
            overdue: task.state.overdue,
            why: format!("{waits}{without}"),
        }
    }
}

/// What a step asks of people.
#[derive(Default)]
struct Asked {
    text: Option<String>,
    options: Vec<String>,
    roles: Vec<String>,
    owner: Option<String>,
}

fn asked(step: &playbook::Step) -> Asked {
    let roles = step.roles.clone();
    match &step.kind {
        Kind::Action
        | Kind::Wait(_)
        | Kind::Switch(_)
        | Kind::While(_)
        | Kind::Parallel(_)
        | Kind::Call(_) => Asked { roles, ..Asked::default() },
        Kind::Decision(decision) => {
            let options = decision.options.keys().cloned().collect();
            Asked { text: Some(decision.question.clone()), options, roles, owner: None }
        }
        Kind::Manual(manual) => Asked {
            text: Some(manual.instructions.clone()),
            options: Vec::new(),
            roles: roles.into_iter().chain(manual.role.clone()).collect(),
            owner: manual.owner.clone(),
        },
    }
}

fn run_status(status: &runs::Status) -> (&'static str, Option<&str>) {
    match status {
        runs::Status::Active => ("active", None),
        runs::Status::Paused => ("paused", None),
        runs::Status::Blocked { reason } => ("blocked", Some(reason)),
        runs::Status::Undoing { reason } => ("undoing", Some(reason)),
        runs::Status::Completed => ("completed", None),
        runs::Status::Failed { reason } => ("failed", Some(reason)),
        runs::Status::Canceled => ("canceled", None),
        runs::Status::Quarantined { reason } => ("quarantined", Some(reason)),
    }
}

/// An action under way, and the containment that it may have become.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Action {
    pub(crate) id: String,
    pub(crate) incident: String,
    /// The run that asked for it; null when a person did.
    pub(crate) run: Option<String>,
    /// The strategy of `strategies.yaml` by which it was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub(crate) strategy: Option<String>,
    pub(crate) verb: String,
    pub(crate) target: Target,
    pub(crate) args: serde_json::Map<String, serde_json::Value>,
    pub(crate) connector: String,
    pub(crate) class: String,
    pub(crate) risk: String,
    pub(crate) containment: bool,
    /// The verb that takes it back.
    pub(crate) revert: Option<String>,
    /// `apply` or `release`.
    pub(crate) goal: String,
    pub(crate) status: String,
    /// Why it is held, waiting, failed or in doubt.
    pub(crate) reason: Option<String>,
    /// Calls made for the present goal.
    pub(crate) attempts: u32,
    /// The idempotency key of the open call.
    pub(crate) key: Option<String>,
    pub(crate) requested_at: String,
    pub(crate) updated_at: String,
    pub(crate) applied_at: Option<String>,
    /// What the read-back said; null where there was none.
    pub(crate) verified: Option<bool>,
    /// What the target gave back.
    pub(crate) artefact: Option<serde_json::Value>,
    /// What the signals in it came to, by the rules that were in force.
    pub(crate) scores: Vec<Score>,
    pub(crate) lease_until: Option<String>,
    pub(crate) lease_expired: bool,
}

impl From<&actions::Action> for Action {
    fn from(action: &actions::Action) -> Action {
        let spec = &action.spec;
        let (status, reason, key) = action_status(&action.status);
        Action {
            id: text(action.id),
            incident: text(spec.incident),
            run: optional(spec.origin.run()),
            strategy: spec.strategy.as_deref().map(str::to_owned),
            verb: spec.verb.to_string(),
            target: Target { kind: spec.target_kind.clone(), name: spec.target.clone() },
            args: spec.args.clone(),
            connector: spec.connector.to_string(),
            class: name(&spec.class),
            risk: spec.risk.name().to_owned(),
            containment: spec.containment,
            revert: spec.revert.as_deref().map(str::to_owned),
            goal: name(&action.goal),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            attempts: action.attempt,
            key: key.map(str::to_owned),
            requested_at: text(action.requested_at),
            updated_at: text(action.updated_at),
            applied_at: optional(action.applied_at),
            verified: action.verified,
            artefact: action.artefact.clone(),
            scores: action.scores.iter().map(scored).collect(),
            lease_until: optional(action.lease_until),
            lease_expired: action.lease_expired,
        }
    }
}

/// A score from 0 to 1 with the parts that made it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Score {
    pub(crate) score: String,
    pub(crate) value: f64,
    /// What added something.
    pub(crate) parts: Vec<ScorePart>,
    /// The same, as people read it.
    pub(crate) made: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ScorePart {
    pub(crate) signal: String,
    pub(crate) value: f64,
    pub(crate) adds: f64,
}

fn scored(one: &domain::score::Score) -> Score {
    let part = |part: &domain::score::Counted| ScorePart {
        signal: part.signal.to_string(),
        value: part.value,
        adds: part.adds(),
    };
    let parts = one.parts.iter().map(part).collect();
    Score { score: one.score.to_string(), value: one.value(), parts, made: one.line() }
}

fn action_status(status: &actions::Status) -> (&'static str, Option<&str>, Option<&str>) {
    match status {
        actions::Status::Held { reason } => ("held", Some(reason), None),
        actions::Status::Calling { intent } => ("calling", None, Some(&intent.key)),
        actions::Status::Waiting { reason, .. } => ("waiting", Some(reason), None),
        actions::Status::InForce => ("in_force", None, None),
        actions::Status::Done => ("done", None, None),
        actions::Status::Failed { reason } => ("failed", Some(reason), None),
        actions::Status::InDoubt { reason } => ("in_doubt", Some(reason), None),
        actions::Status::Released => ("released", None, None),
    }
}
